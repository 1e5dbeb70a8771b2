"""``collect.toml``: the settings of a collection, checked."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from votewise.collect.assignment import AssignmentRule
from votewise.errors import BadInputError

FILE = "collect.toml"
MODES = ("ingest",)
ROLES = ("a", "b", "probe")
ASSIGNMENTS = ("adaptive", "fixed")
KEYS: dict[str, tuple[str, ...]] = {
    "": ("mode", "consent", "store", "model", "probes", "limits", "campaign"),
    "store": ("database", "database_env"),
    "model": ("name", "role", "price_in", "price_out"),
    "probes": ("share",),
    "limits": ("batch", "characters", "requests_per_minute", "lease_seconds"),
    "campaign": (
        "assignment",
        "want",
        "sure",
        "most_share",
        "retire_below",
        "audits",
        "lease_seconds",
        "question",
        "reasons",
    ),
}
"""What each table of the file may say."""


@dataclass(frozen=True)
class CollectModel:
    """A model that answers.

    Attributes:
        name: what comparisons call it.
        role: ``a``, ``b`` or ``probe``.
        price_in: of a million tokens that it reads; None where unknown.
        price_out: of a million tokens that it writes.
    """

    name: str
    role: str
    price_in: float | None = None
    price_out: float | None = None


@dataclass(frozen=True)
class CampaignSettings:
    """How annotators judge pairs.

    Attributes:
        rule: which pair comes next, and when a pair is finished.
        lease_seconds: how long an annotator may keep a pair.
        question: what annotators are asked.
        reasons: what they may give as reasons.
    """

    rule: AssignmentRule = field(default_factory=AssignmentRule)
    lease_seconds: int = 1800
    question: str = "Which answer is better?"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class CollectSettings:
    """The settings of a collection; ``starting.toml`` says what each of them means.

    Attributes:
        text: the file as it is written.
        models: one of role ``a``, one of role ``b``, and probes.
        database: the name of the SQLite file in the folder.
        database_env: the environment variable with PostgreSQL's URL, which then takes the file's place.
        campaign: how annotators judge pairs; a file without the table has the defaults.
    """

    text: str
    mode: str
    consent: str
    models: tuple[CollectModel, ...]
    probe_share: float
    batch: int
    characters: int
    requests_per_minute: int
    lease_seconds: int
    database: str
    database_env: str | None
    campaign: CampaignSettings = field(default_factory=CampaignSettings)

    def model_of(self, role: str) -> CollectModel | None:
        """The first model of a role, None where there is none."""
        return next((model for model in self.models if model.role == role), None)


def read_settings(folder: Path) -> CollectSettings:
    """Read and check the settings of a folder.

    Raises:
        BadInputError: the file is missing or is not TOML, or says something that cannot be used; with the key's name.
    """
    file = folder / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInputError(
            f"has no {FILE}", source=str(folder), expected=f"a folder made by votewise collect init {folder}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot be read: {error}", source=str(file)) from None
    return parse_settings(text, str(file))


def parse_settings(text: str, source: str = FILE) -> CollectSettings:
    """Check the text of a ``collect.toml``; ``source`` is what errors call it. Raises as ``read_settings`` does."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"is not TOML: {error}", source=source, expected='lines such as mode = "ingest"') from None
    return _Checked(source).settings(found, text)


def _written(campaign: CampaignSettings) -> dict[str, Any]:
    """Settings of a campaign as a file would say them."""
    rule = campaign.rule
    return {
        "assignment": "fixed" if rule.fixed else "adaptive",
        **{name: getattr(rule, name) for name in ("want", "sure", "most_share", "retire_below", "audits")},
        "lease_seconds": campaign.lease_seconds,
        "question": campaign.question,
        "reasons": list(campaign.reasons),
    }


@dataclass(frozen=True)
class _Checked:
    """Takes values out of tables of the file, each one checked. ``source`` is the file's name in errors."""

    source: str

    def settings(self, found: Mapping[str, Any], text: str) -> CollectSettings:
        self._known(found, "", "")
        store, probes, limits = (self._table(found, name) for name in ("store", "probes", "limits"))
        mode, consent = self._text(found, "", "mode"), self._text(found, "", "consent")
        if mode not in MODES:
            raise self._error("mode", "there is no such mode", mode, ", ".join(MODES))
        database_env = self._text(store, "store.", "database_env") if "database_env" in store else None
        if database_env is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database_env):
            # What stands here by mistake is often the secret itself, so it is not repeated.
            raise self._error(
                "store.database_env", "is no name of an environment variable", None, "a name, not the URL"
            )
        database = self._text(store, "store.", "database") if "database" in store or not database_env else "collect.db"
        if Path(database).name != database or "://" in database or "?" in database or database in (FILE, ".", ".."):
            raise self._error("store.database", "is no name of a file in this folder", None, "a name like collect.db")
        return CollectSettings(
            text=text,
            mode=mode,
            consent=consent.strip(),
            models=self._models(found),
            probe_share=self._number(probes, "probes.share", 0.0, 0.5),
            batch=self._whole(limits, "limits.batch", 10_000),
            characters=self._whole(limits, "limits.characters", 10_000_000),
            requests_per_minute=self._whole(limits, "limits.requests_per_minute", 10**9),
            lease_seconds=self._whole(limits, "limits.lease_seconds", 10**9),
            database=database,
            database_env=database_env,
            campaign=self._campaign(self._table(found, "campaign")),
        )

    def _campaign(self, found: Mapping[str, Any]) -> CampaignSettings:
        usual = CampaignSettings()
        given = {**_written(usual), **found}
        if given["assignment"] not in ASSIGNMENTS:
            name = "campaign.assignment"
            raise self._error(name, "there is no such assignment", given["assignment"], " or ".join(ASSIGNMENTS))
        fixed = given["assignment"] == "fixed"
        retire_below = self._number(given, "campaign.retire_below", 0.0, 0.99)
        rule = AssignmentRule(
            want=self._whole(given, "campaign.want", 1000),
            sure=self._number(given, "campaign.sure", 0.51, 0.9999),
            fixed=fixed,
            weighted=not fixed,
            most_share=self._number(given, "campaign.most_share", 1.0, 1000.0),
            retire_below=0.0 if fixed else retire_below,
            audits=self._number(given, "campaign.audits", 0.0, 0.49),
        )
        reasons = given["reasons"]
        if not isinstance(reasons, list) or len(reasons) > 20 or not all(isinstance(one, str) for one in reasons):
            raise self._error("campaign.reasons", "is not a list of at most 20 texts", reasons, '["clearer", "safer"]')
        for reason in reasons:
            if not 0 < len(reason.strip()) <= 200 or "\0" in reason:
                raise self._error("campaign.reasons", "is no reason", reason, "1 to 200 characters")
        return CampaignSettings(
            rule=rule,
            lease_seconds=self._whole(given, "campaign.lease_seconds", 10**9),
            question=self._text(given, "campaign.", "question").strip(),
            reasons=tuple(reasons),
        )

    def _models(self, found: Mapping[str, Any]) -> tuple[CollectModel, ...]:
        tables = found.get("model", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error("model", "is not a list of tables", None, "[[model]] above each model")
        models: list[CollectModel] = []
        for number, table in enumerate(tables, 1):
            place = f"[[model]] {number}, "
            self._known(table, "model", place)
            name, role = self._text(table, place, "name"), self._text(table, place, "role")
            if role not in ROLES:
                raise self._error(f"{place}role", "there is no such role", role, ", ".join(ROLES))
            if any(model.name == name for model in models):
                raise self._error(f"{place}name", "is the name of two models", name, "a name of its own for each")
            prices = [
                self._number(table, f"{place}{key}", 0.0, math.inf) if key in table else None
                for key in ("price_in", "price_out")
            ]
            models.append(CollectModel(name, role, *prices))
        for role in ("a", "b"):
            if (several := sum(model.role == role for model in models)) != 1:
                raise self._error("model", f"{several} models have role {role!r}", None, "exactly one")
        return tuple(models)

    def _known(self, table: Mapping[str, Any], name: str, place: str) -> None:
        for key in table:
            if key not in KEYS[name]:
                raise self._error(f"{place}{key}", "there is no such key", None, f"one of {', '.join(KEYS[name])}")

    def _table(self, found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        table = found.get(name, {})
        if not isinstance(table, dict):
            raise self._error(name, "is not a table", table, f"[{name}] above its keys")
        self._known(table, name, f"{name}.")
        return table

    def _text(self, table: Mapping[str, Any], place: str, key: str) -> str:
        value = self._value(table, f"{place}{key}")
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self._error(f"{place}{key}", "is not a text", value, "some words in quotes")
        return value

    def _number(self, table: Mapping[str, Any], name: str, low: float, high: float) -> float:
        value = self._value(table, name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
            or value == math.inf
        ):
            to = "" if high == math.inf else f" to {high:g}"
            raise self._error(name, "out of range", value, f"a number, {low:g}{to or ' or more'}")
        return float(value)

    def _whole(self, table: Mapping[str, Any], name: str, high: int) -> int:
        value = self._value(table, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
            raise self._error(name, "out of range", value, f"a whole number, 1 to {high}")
        return value

    def _value(self, table: Mapping[str, Any], name: str) -> Any:
        key = re.split(r"[., ]+", name)[-1]
        if key not in table:
            raise self._error(name, "is missing", None, f"a line {key} = ...")
        return table[key]

    def _error(self, key: str, problem: str, value: object, expected: str) -> BadInputError:
        return BadInputError(problem, source=f"{self.source}, {key}", value=value, expected=expected)
