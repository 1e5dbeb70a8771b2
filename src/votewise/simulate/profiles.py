"""Profiles: which annotators there are and how much they vote, from a file, from options or from Python."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.simulate.distributions import read_prior

KINDS = ("ordinary", "spammer", "adversary", "position-biased", "tired")
ORDINARY, SPAMMER, ADVERSARY, BIASED, TIRED = range(len(KINDS))

SHARES = ("spammers", "adversaries", "position_biased", "tired")
"""Settings with the share of each kind except the first, in the order of ``KINDS``."""


@dataclass(frozen=True)
class Profile:
    """Annotators, and how much they vote.

    Attributes:
        reliability: of annotators before their faults: a number, a prior as ``read_prior`` takes it, or a list with one
            number for each annotator.
        spammers: share of annotators who toss a coin.
        adversaries: share who flip their answers: reliability 1 - eta with eta from ``reliability``.
        position_biased: share who mostly choose what is shown first.
        position_bias: how often they do so; otherwise they answer by their reliability.
        tired: share who get tired: their reliability falls from ``tired_from`` on, in a straight line to 1/2 at their
            last vote.
        tired_from: share of their own votes after which it begins to fall.
        noise: probability with which every vote is flipped in the end, 0 to 0.5.
        annotators: how many; None for as many as the pairs need.
        votes_per_annotator: fewest and most votes per annotator; numbers in between are spread evenly in logarithms. None
            for equal numbers where ``annotators`` is given, else 20 to 200.
        votes_per_pair: votes on each pair, by different annotators.
    """

    reliability: Any = "beta:5,2"
    spammers: float = 0.0
    adversaries: float = 0.0
    position_biased: float = 0.0
    position_bias: float = 0.9
    tired: float = 0.0
    tired_from: float = 0.5
    noise: float = 0.0
    annotators: int | None = None
    votes_per_annotator: tuple[int, int] | None = None
    votes_per_pair: int = 3

    def __post_init__(self) -> None:
        for name in (*SHARES, "position_bias", "tired_from"):
            _check(name, getattr(self, name), 0, 1)
        _check("noise", self.noise, 0, 0.5)
        if sum(self.shares) > 1 + 1e-9:
            raise BadInputError(f"the shares of {', '.join(SHARES)} sum to {sum(self.shares):g}", expected="at most 1")
        if self.votes_per_annotator is not None:
            object.__setattr__(self, "votes_per_annotator", _range(self.votes_per_annotator))
        for name in ("annotators", "votes_per_pair"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise BadInputError("out of range", parameter=name, value=value, expected="a whole number, at least 1")
        given = self.given
        if given is not None:
            if sum(self.shares):
                raise BadInputError(
                    "a list of reliabilities and shares of kinds",
                    expected="one or the other; a spammer has 0.5",
                )
            if self.annotators not in (None, len(given)):
                raise BadInputError(
                    f"{len(given)} reliabilities for {self.annotators} annotators", expected="one for each"
                )
            object.__setattr__(self, "annotators", len(given))
        else:
            read_prior(self.reliability)
        if self.annotators is not None and self.annotators < self.votes_per_pair:
            raise BadInputError(
                f"{self.votes_per_pair} votes per pair by {self.annotators} annotators",
                expected="as many annotators, or more",
            )

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of spammers, adversaries, position-biased and tired annotators."""
        return tuple(getattr(self, name) for name in SHARES)

    @property
    def given(self) -> Floats | None:
        """(K,) reliabilities that are given one by one; None where they are drawn."""
        if not isinstance(self.reliability, list | tuple | np.ndarray):
            return None
        try:
            found = np.asarray(self.reliability, np.float64)
        except (ValueError, TypeError):
            found = np.full(1, np.nan)
        if found.ndim != 1 or len(found) == 0 or not ((found >= 0) & (found <= 1)).all():
            raise BadInputError(
                "out of range",
                parameter="reliability",
                value=self.reliability,
                expected="numbers from 0 to 1, one for each annotator",
            )
        return found


@dataclass(frozen=True, eq=False)
class DrawnAnnotators:
    """K annotators: ``kind`` (K,) indices into ``KINDS``, ``reliability`` (K,) at the start of their votes."""

    kind: npt.NDArray[np.int8]
    reliability: Floats


def draw_annotators(profile: Profile, size: int, seed: int) -> DrawnAnnotators:
    """``size`` annotators. Shares of kinds are as exact as whole annotators allow; who is of which kind is random."""
    rng = np.random.default_rng([seed, 2])
    if profile.given is not None:
        return DrawnAnnotators(np.zeros(size, np.int8), profile.given)
    eta = read_prior(profile.reliability).draw(size, rng)
    edges = np.rint(np.cumsum(profile.shares) * size).astype(int)
    kind = np.searchsorted(edges, np.arange(size), side="right") + 1
    kind = np.where(kind > len(SHARES), ORDINARY, kind)
    rng.shuffle(kind)
    eta = np.where(kind == SPAMMER, 0.5, np.where(kind == ADVERSARY, 1 - eta, eta))
    return DrawnAnnotators(kind.astype(np.int8), eta)


def read_profile(given: str | os.PathLike[str] | Profile | None, **settings: Any) -> Profile:
    """A profile from a YAML or JSON file, with those ``settings`` that are not None instead of the file's.

    Args:
        given: the file; a profile that was made already; or None for the default one.
        settings: of ``Profile``.

    Raises:
        BadInputError: a file that cannot be read, an unknown setting, a value out of range.
    """
    changed = {name: value for name, value in settings.items() if value is not None}
    if isinstance(given, Profile):
        return replace(given, **changed)
    found: dict[str, Any] = {} if given is None else _load(Path(given))
    known = [field.name for field in fields(Profile)]
    for name in found:
        if name not in known:
            raise BadInputError(f"unknown setting '{name}'", source=str(given), expected=f"one of {', '.join(known)}")
    return replace(Profile(), **found | changed)


def parse_reliability(given: Any) -> Any:
    """``"0.95,0.7,0.2"`` -> one number for each annotator; anything else is a prior and stays as it is."""
    if not isinstance(given, str) or "," not in given or ":" in given:
        return given
    try:
        return [float(number) for number in given.split(",")]
    except ValueError:
        raise BadInputError("not numbers", parameter="reliability", value=given, expected="say, 0.95,0.7,0.2") from None


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", source=str(path)) from error
    try:
        loaded = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except ValueError as error:
        raise BadInputError(f"not a profile: {error}", source=str(path), expected="YAML or JSON") from error
    if not isinstance(loaded, Mapping):
        raise BadInputError("holds no settings", source=str(path), expected="lines such as spammers: 0.1")
    return {str(name): value for name, value in loaded.items()}


def _yaml(text: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise BadInputError(
            "a profile in YAML needs PyYAML", expected="pip install pyyaml, or the profile as .json"
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _check(name: str, value: Any, low: float, high: float) -> None:
    if not isinstance(value, int | float) or not low <= value <= high:
        raise BadInputError("out of range", parameter=name, value=value, expected=f"a number from {low:g} to {high:g}")


def _range(given: Any) -> tuple[int, int]:
    pair = tuple(given) if isinstance(given, list | tuple) else (given, given)
    if len(pair) != 2 or not all(isinstance(value, int) for value in pair) or not 1 <= pair[0] <= pair[1]:
        raise BadInputError(
            "not a range",
            parameter="votes_per_annotator",
            value=given,
            expected="fewest and most, at least 1, in ascending order",
        )
    return pair[0], pair[1]
