"""The judges: language models, each with its name, server, group and prices; from options or from a TOML file."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.judge.model_groups import group_of_model
from votewise.language_models.endpoint import Endpoint

BACKENDS = ("endpoint", "transformers")
KEYS = ("name", "model", "base_url", "group", "price_in", "price_out", "api_key_env", "backend")
"""What an entry of a file of judges may say."""


@dataclass(frozen=True)
class JudgeModel:
    """A language model that votes.

    Attributes:
        name: what its votes are signed with; the annotator's name.
        model: its name at the server, its folder, or its name on the Hub.
        base_url: of its server; None for the run's server.
        group: the models that it shares mistakes with.
        price_in: of a million tokens that it reads, in any currency; None where unknown.
        price_out: of a million tokens that it writes.
        api_key_env: the environment variable with the server's key; None for OPENAI_API_KEY.
        backend: ``endpoint`` for a server, ``transformers`` for a model on this machine.
    """

    name: str
    model: str
    base_url: str | None = field(default=None, repr=False)
    group: str = ""
    price_in: float | None = None
    price_out: float | None = None
    api_key_env: str | None = None
    backend: str = "endpoint"

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.model.strip():
            raise BadInputError("has no name", parameter="judge", expected="MODEL or NAME=MODEL@URL")
        if self.backend not in BACKENDS:
            raise BadInputError(
                "there is no such backend", parameter="backend", value=self.backend, expected=", ".join(BACKENDS)
            )
        if self.backend == "transformers" and self.base_url is not None:
            raise BadInputError(f"judge '{self.name}' has a server and runs on this machine", expected="one of the two")
        for price in (self.price_in, self.price_out):
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise BadInputError(f"judge '{self.name}' has no price like this", value=price, expected="0 or more")
        if not self.group:
            object.__setattr__(self, "group", group_of_model(self.model))

    @property
    def priced(self) -> bool:
        """Whether it is known what it costs. A model on this machine costs nothing."""
        return self.backend == "transformers" or (self.price_in is not None and self.price_out is not None)

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """What so many tokens cost; 0 where no price is known."""
        return (tokens_in * (self.price_in or 0.0) + tokens_out * (self.price_out or 0.0)) / 1e6

    def key(self) -> str | None:
        """The server's key from the environment; None for what the endpoint takes by default.

        Raises:
            BadInputError: the variable that the judge names is not set.
        """
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env)
        if not key:
            raise BadInputError(f"judge '{self.name}': the environment variable {self.api_key_env} is not set")
        return key

    @property
    def where(self) -> str | None:
        """Its server's address without secrets; None for a model on this machine."""
        return None if self.backend == "transformers" else Endpoint(self.model, self.base_url).where

    def facts(self) -> dict[str, Any]:
        """What replies depend on, and what to show; never a key."""
        return {
            "name": self.name,
            "model": self.model,
            "server": self.where,
            "group": self.group,
            "backend": self.backend,
        }


def choose_judges(
    judge: Sequence[str | JudgeModel],
    judges: str | os.PathLike[str] | None = None,
    *,
    base_url: str | None = None,
    group: Mapping[str, str] | None = None,
    backend: str = "endpoint",
) -> list[JudgeModel]:
    """The judges of a run.

    Args:
        judge: ``MODEL``, ``NAME=MODEL``, ``NAME=MODEL@URL``, or objects.
        judges: a TOML file with one table ``[[judge]]`` per judge.
        base_url: the server of the judges that name none.
        group: group -> pattern of the names of its judges or models, ``{"openai": "gpt-*"}``.
        backend: what runs the judges given by ``judge`` without a server.

    Raises:
        BadInputError: no judge, two of one name, a pattern that fits none, or a file that cannot be read.
    """
    found = [one if isinstance(one, JudgeModel) else parse_judge(one, backend) for one in judge]
    if judges is not None:
        found += read_judges(Path(judges))
    if not found:
        raise BadInputError("there is no judge", parameter="judge", expected="a model, or a file of judges")
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInputError(
            "two judges have one name", parameter="judge", value=twice, expected="NAME=MODEL with different names"
        )
    found = [replace(one, base_url=base_url) if _needs_server(one) else one for one in found]
    return _grouped(found, dict(group or {}))


def _needs_server(judge: JudgeModel) -> bool:
    return judge.backend == "endpoint" and judge.base_url is None


def _grouped(judges: list[JudgeModel], group: Mapping[str, str]) -> list[JudgeModel]:
    """The judges with the groups whose pattern fits their name or their model's."""
    for name, pattern in group.items():
        if not any(_fits(judge, pattern) for judge in judges):
            known = ", ".join(judge.name for judge in judges)
            raise BadInputError(
                f"no judge of the group '{name}'",
                parameter="group",
                value=pattern,
                expected=f"a pattern that fits one of {known}",
            )
    result = []
    for judge in judges:
        fits = [name for name, pattern in group.items() if _fits(judge, pattern)]
        if len(fits) > 1:
            raise BadInputError(
                f"judge '{judge.name}' is in two groups", parameter="group", value=" and ".join(fits), expected="one"
            )
        result.append(replace(judge, group=fits[0]) if fits else judge)
    return result


def _fits(judge: JudgeModel, pattern: str) -> bool:
    return fnmatchcase(judge.name.lower(), pattern.lower()) or fnmatchcase(judge.model.lower(), pattern.lower())


def parse_judge(text: str, backend: str = "endpoint") -> JudgeModel:
    """``MODEL``, ``NAME=MODEL`` or ``NAME=MODEL@URL`` as a judge.

    >>> parse_judge("strict=org/m@http://localhost:8000/v1").base_url
    'http://localhost:8000/v1'
    """
    name, equals, model = text.partition("=")
    if not equals or "://" in name:
        name, model = "", text
    for scheme in ("@http://", "@https://"):
        if scheme in model:
            model, _, rest = model.partition(scheme)
            return JudgeModel(name or model, model, scheme[1:] + rest)
    if "://" in model:
        raise BadInputError("is no judge", parameter="judge", value=text, expected="NAME=MODEL@URL")
    return JudgeModel(name or model, model, backend=backend)


def read_judges(path: Path) -> list[JudgeModel]:
    """The judges of a TOML file, one table ``[[judge]]`` each, with the names of ``KEYS``.

    Raises:
        BadInputError: it cannot be read, or says something else.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}", source=str(path)) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise BadInputError(f"is not TOML: {error}", source=str(path)) from error
    entries = content.get("judge")
    if (
        not isinstance(entries, list)
        or not all(isinstance(entry, dict) for entry in entries)
        or set(content) > {"judge"}
    ):
        raise BadInputError("has no list of judges", source=str(path), expected="tables [[judge]] with name and model")
    return [_entry(entry, number, path) for number, entry in enumerate(entries, 1)]


def _entry(entry: Mapping[str, Any], number: int, path: Path) -> JudgeModel:
    where = f"{path}, judge {number:,}"
    for name, value in entry.items():
        if name not in KEYS:
            hint = "api_key_env, the name of an environment variable" if "key" in name else f"one of {', '.join(KEYS)}"
            raise BadInputError(f"says '{name}', which means nothing", source=where, expected=hint)
        numbers = name.startswith("price_")
        right = isinstance(value, int | float) and not isinstance(value, bool) if numbers else isinstance(value, str)
        if not right:
            kind = "a number" if numbers else "a text"
            raise BadInputError(f"{name} is not {kind}", source=where, value=value, expected=kind)
    if "model" not in entry:
        raise BadInputError("has no model", source=where, expected='model = "..."')
    return JudgeModel(**{"name": entry["model"], **entry})
