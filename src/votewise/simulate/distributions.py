"""Priors to draw from: how reliability or attentiveness is spread over annotators or users.

``votewise.users.families`` fits families of priors to data; here are members of those families, with given parameters. A
fitted prior, as ``AttentivenessResult.prior`` describes it, can be read back with ``read_prior``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.inference.priors import Beta

KNOWN = "a number, two-point:q,low,high, beta:c,d, logistic-normal:mean,deviation, or a mixture 0.6*beta:4,16 + 0.4*0.9"


class Prior(Protocol):
    """A distribution over [0, 1]."""

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size,) independent draws."""


@dataclass(frozen=True)
class Points:
    """A few values and the share at each. One value alone is a constant.

    Raises BadInputError for values outside [0, 1], and for shares that are negative or do not sum to 1.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not self.values or any(not 0 <= value <= 1 for value in self.values):
            raise BadInputError("a prior's points", value=self.values, expected="numbers from 0 to 1")
        check_shares(self.shares, len(self.values))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size,) independent draws."""
        return np.asarray(np.asarray(self.values)[draw_codes(self.shares, size, rng)])


@dataclass(frozen=True)
class BetaPrior:
    """A ``votewise.inference.priors.Beta``; its outliers are drawn uniformly."""

    beta: Beta

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size,) independent draws."""
        found = rng.beta(self.beta.c, self.beta.d, size)
        if self.beta.outliers == 0:
            return found
        return np.where(rng.random(size) < self.beta.outliers, rng.random(size), found)


@dataclass(frozen=True)
class LogisticNormal:
    """logit(x) is normal with this mean and standard deviation [UAA app. D.2]."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.deviation) and self.deviation >= 0):
            raise BadInputError(
                f"prior logistic-normal:{self.mean},{self.deviation}", expected="finite numbers, deviation at least 0"
            )

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size,) independent draws."""
        return np.asarray(expit(rng.normal(self.mean, self.deviation, size)))


@dataclass(frozen=True)
class Mixture:
    """A share of the draws from each of several priors; the shares sum to 1."""

    parts: tuple[Prior, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        check_shares(self.shares, len(self.parts))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size,) independent draws."""
        part, found = draw_codes(self.shares, size, rng), np.empty(size)
        for i, prior in enumerate(self.parts):
            of = np.flatnonzero(part == i)
            found[of] = prior.draw(len(of), rng)
        return found


def read_prior(given: Any) -> Prior:
    """A prior, however it is given.

    Args:
        given: a prior; a ``Beta``; a number (the same for all); a text such as ``beta:6,2``, ``two-point:0.2,0.2,0.98``
            (a share 0.2 at 0.2, the others at 0.98), ``logistic-normal:-0.6,0.8`` or a mixture
            ``0.6*beta:4,16 + 0.4*beta:16,4``; or a mapping as ``AttentivenessResult.prior`` gives it.

    Raises:
        BadInputError: for anything else.
    """
    if isinstance(given, Beta):
        return BetaPrior(given)
    if isinstance(given, Mapping):
        return _from_fit(dict(given))
    if isinstance(given, str):
        return _from_text(given)
    if isinstance(given, int | float | np.floating) and not isinstance(given, bool):
        return Points((float(given),))
    if hasattr(given, "draw"):
        prior: Prior = given
        return prior
    raise BadInputError("not a prior", value=given, expected=KNOWN)


def check_shares(shares: tuple[float, ...], size: int) -> None:
    """Raise BadInputError unless these are ``size`` shares that sum to 1."""
    if len(shares) != size or any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise BadInputError("a prior's shares", value=shares, expected=f"{size} numbers from 0 to 1 that sum to 1")


def draw_codes(shares: tuple[float, ...], size: int, rng: np.random.Generator) -> Any:
    """(size,) which share each draw falls into."""
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, rng.random(size), side="right")


def _from_text(text: str) -> Prior:
    parts = [part.strip() for part in text.split(" + ")]
    if len(parts) == 1 and "*" not in text:
        return _single(text.strip(), text)
    split = [part.partition("*") for part in parts]
    if any(not star for _, star, _ in split):
        raise BadInputError("not a prior", value=text, expected="share*prior + share*prior, the shares summing to 1")
    shares = tuple(_numbers(share, 1, text)[0] for share, _, _ in split)
    return Mixture(tuple(_single(name.strip(), text) for _, _, name in split), shares)


def _single(name: str, text: str) -> Prior:
    kind, colon, numbers = name.partition(":")
    if not colon:
        return Points((_numbers(kind, 1, text)[0],))
    if kind == "two-point":
        q, low, high = _numbers(numbers, 3, text)
        return Points((low, high), (q, 1 - q))
    if kind == "beta":
        c, d = _numbers(numbers, 2, text)
        return BetaPrior(Beta(c, d))
    if kind == "logistic-normal":
        return LogisticNormal(*_numbers(numbers, 2, text))
    raise BadInputError("unknown prior", value=text, expected=KNOWN)


def _numbers(text: str, size: int, whole: str) -> list[float]:
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError:
        found = []
    if len(found) != size or not np.isfinite(found).all():
        raise BadInputError("not a prior", value=whole, expected=KNOWN)
    return found


def _from_fit(fitted: dict[str, Any]) -> Prior:
    """The prior that ``AttentivenessResult.prior`` describes: its family, and its parameters by name."""
    kind, _, number = str(fitted.get("family", "")).partition(":")
    try:
        if kind == "two-point":
            q = float(fitted["q"])
            return Points((float(fitted["low"]), float(fitted["high"])), (q, 1 - q))
        if kind in ("beta", "beta-mixture"):
            return _parts(fitted, int(number or 1), ("c", "d"), lambda c, d: BetaPrior(Beta(c, d)))
        if kind == "logistic-normal":
            return _parts(fitted, int(number or 1), ("mean", "deviation"), LogisticNormal)
    except (KeyError, ValueError) as error:
        raise BadInputError(f"a fitted prior without {error}", value=fitted) from error
    raise BadInputError("not a prior to draw from", value=fitted, expected="a parametric family, as estimated")


def _parts(fitted: dict[str, Any], number: int, names: tuple[str, str], make: Any) -> Prior:
    if number == 1:
        prior: Prior = make(*(float(fitted[name]) for name in names))
        return prior
    parts = tuple(make(*(float(fitted[f"{name}_{i}"]) for name in names)) for i in range(1, number + 1))
    weights = np.array([float(fitted[f"weight_{i}"]) for i in range(1, number + 1)])
    return Mixture(parts, tuple((weights / weights.sum()).tolist()))
