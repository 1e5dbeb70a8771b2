"""What is known of the win rate mu = P(A's answer is truly better), per domain: a number, a gold sample, a prior, bounds.

Clicks alone never determine it: mu = 0.6 with everybody fully attentive and mu = 1 with everybody at attentiveness 0.2 give
the same data. And at mu = 1/2 attentive and inattentive users click alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from votewise.arrays import Floats
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.priors import Beta

LEAST_EDGE = 1e-3
"""A win rate closer to 1/2 than this carries no information in any amount of data that exists."""

SUPPLY = (
    "Supply the win rate of model A: a number from a trusted judge, a gold sample such as GoldSample(wins=160, n=200), a "
    "prior such as Beta(8, 2), or bounds."
)


@dataclass(frozen=True)
class GoldSample:
    """Comparisons judged by experts: model A won ``wins`` of ``n``. A smaller ``n`` says less."""

    wins: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.wins <= self.n or self.n < 1:
            raise BadInputError(
                f"gold sample with {self.wins} wins of {self.n}",
                parameter="win_rate",
                expected="0 <= wins <= n and n >= 1",
            )


@dataclass(frozen=True)
class Bounds:
    """The win rate lies between ``low`` and ``high``, both on the same side of 1/2; nothing else is known."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise BadInputError(
                f"bounds {self.low} to {self.high}", parameter="win_rate", expected="0 <= low < high <= 1"
            )
        if self.low < 0.5 < self.high:
            raise NotIdentifiableError(
                f"Bounds {self.low} to {self.high} contain 1/2, so they do not say which model is better. "
                "Supply bounds on one side of 1/2."
            )


WinRate = float | GoldSample | Beta | Bounds

GivenWinRate = WinRate | str
"""A win rate, or the text of one: ``0.8``, ``160/200``, ``beta:8,2``, ``0.55..0.7``."""

GivenWinRates = GivenWinRate | Sequence[str] | Mapping[str, GivenWinRate]
"""One win rate, or one per domain: a mapping, or texts such as ``code=0.7``."""


def parse_win_rates(given: GivenWinRates) -> WinRate | dict[str, WinRate]:
    """Win rates from texts: ``["0.8"]`` -> 0.8; ``["code=0.7", "prose=160/200"]`` -> one per domain.

    Raises:
        BadInputError: a text that is not a win rate, or a domain given twice.
    """
    if isinstance(given, Mapping):
        return {domain: _parsed(rate) for domain, rate in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) == 1 and "=" not in given[0]:
            return _parsed(given[0])
        return _of_domains(given)
    return _of_domains([given]) if isinstance(given, str) and "=" in given else _parsed(given)


def _of_domains(texts: Sequence[str]) -> dict[str, WinRate]:
    rates: dict[str, WinRate] = {}
    for text in texts:
        domain, equals, rate = text.rpartition("=")
        if not equals:
            raise BadInputError(
                "given twice", parameter="win_rate", value=text, expected="one, or DOMAIN=RATE for each domain"
            )
        if domain in rates:
            raise BadInputError("a domain given twice", parameter="win_rate", value=domain, expected="each domain once")
        rates[domain] = _parsed(rate)
    return rates


def _parsed(rate: GivenWinRate) -> WinRate:
    """A text as what it means; anything else as it is, for ``WinRates`` to judge."""
    if not isinstance(rate, str):
        return rate
    kind, colon, numbers = rate.partition(":")
    try:
        if colon and kind == "beta":
            return Beta(*_numbers(numbers, ","))
        if ".." in rate:
            return Bounds(*_numbers(rate, ".."))
        if "/" in rate:
            wins, n = rate.split("/")
            return GoldSample(int(wins), int(n))
        return float(rate)
    except BadInputError:
        raise
    except ValueError:
        raise BadInputError(
            "not a win rate",
            parameter="win_rate",
            value=rate,
            expected="say, 0.8, 160/200, beta:8,2 or 0.55..0.7",
        ) from None


def _numbers(text: str, between: str) -> tuple[float, float]:
    first, second = (float(number) for number in text.split(between))
    return first, second


@dataclass(frozen=True, eq=False)
class WinRates:
    """One entry per domain: ``value`` (D,), whether it is ``fitted`` (D,), its range, and the powers of its prior.

    Attributes:
        value: (D,) win rates to start from, or the given ones.
        fitted: (D,) whether the data may move it.
        low, high: (D,) range it is kept in.
        a, b: (D,) its prior has density mu^a (1 - mu)^b.
    """

    value: Floats
    fitted: np.ndarray
    low: Floats
    high: Floats
    a: Floats
    b: Floats

    @classmethod
    def of(cls, win_rate: WinRate | Mapping[str, WinRate] | None, domains: Sequence[str]) -> WinRates:
        """What the argument ``win_rate`` of ``estimate_attentiveness`` says about each domain.

        Raises:
            BadInputError: a value out of range, or a domain without a value.
            NotIdentifiableError: nothing supplied, or a win rate at 1/2.
        """
        if win_rate is None:
            raise NotIdentifiableError(
                "Clicks do not determine both the win rate and the scale of attentiveness: a win rate of 0.6 with everybody "
                f"attentive looks like 1.0 with everybody at 0.2. {SUPPLY}"
            )
        if isinstance(win_rate, Mapping):
            unknown, missing = set(win_rate) - set(domains), set(domains) - set(win_rate)
            if unknown or missing:
                raise BadInputError(
                    f"win rates for {', '.join(sorted(map(repr, win_rate)))}",
                    parameter="win_rate",
                    expected=f"one for each domain: {', '.join(sorted(map(repr, domains)))}",
                )
            each = [_interpret(win_rate[domain], domain) for domain in domains]
            if not each:
                return cls(*(np.zeros(0, bool if i == 1 else float) for i in range(6)))
        else:
            each = [_interpret(win_rate, "")] * len(domains)
        value, fitted, low, high, a, b = (np.array(column) for column in zip(*each, strict=True))
        return cls(value, fitted, low, high, a, b)


def _interpret(rate: WinRate, domain: str) -> tuple[float, bool, float, float, float, float]:
    where = f" of domain '{domain}'" if domain else ""
    if isinstance(rate, GoldSample):
        return _with_prior(Beta(rate.wins + 1, rate.n - rate.wins + 1))
    if isinstance(rate, Beta):
        return _with_prior(rate)
    if isinstance(rate, Bounds):
        return (rate.low + rate.high) / 2, True, rate.low, rate.high, 0.0, 0.0
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise BadInputError(
            f"not a win rate{where}",
            parameter="win_rate",
            value=rate,
            expected="a number from 0 to 1, GoldSample, Beta or Bounds",
        )
    if abs(rate - 0.5) < LEAST_EDGE:
        raise NotIdentifiableError(
            f"The win rate{where} is {rate:g}: attentive and inattentive users click alike when neither model is better. "
            "Compare two models of different strength."
        )
    return float(rate), False, float(rate), float(rate), 0.0, 0.0


def _with_prior(prior: Beta) -> tuple[float, bool, float, float, float, float]:
    """Kept on the side of 1/2 on which the prior has its mean; which model is better must be known."""
    if abs(prior.mean - 0.5) < LEAST_EDGE:
        raise NotIdentifiableError(
            f"The prior Beta({prior.c:g}, {prior.d:g}) of the win rate does not say which model is better. {SUPPLY}"
        )
    low, high = (0.5 + LEAST_EDGE, 1 - 1e-6) if prior.mean > 0.5 else (1e-6, 0.5 - LEAST_EDGE)
    return float(np.clip(prior.mean, low, high)), True, low, high, prior.c - 1, prior.d - 1
