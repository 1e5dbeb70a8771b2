"""Families of priors over the attentiveness of users, each with the M-step that fits it to expected users."""

from __future__ import annotations

from collections.abc import Callable

from votewise.errors import BadInputError
from votewise.users.families.beta_mixture import BetaMixture
from votewise.users.families.family import Family
from votewise.users.families.logistic_normal_mixture import LogisticNormalMixture
from votewise.users.families.nonparametric import Nonparametric
from votewise.users.families.two_point import TwoPoint

__all__ = ["BetaMixture", "Family", "LogisticNormalMixture", "Nonparametric", "TwoPoint", "family_of"]


def family_of(name: str) -> Family:
    """The family of this name: ``two-point``, ``beta``, ``beta-mixture:K``, ``logistic-normal:K``, ``nonparametric``."""
    kind, _, number = name.partition(":")
    if number and not (number.isdecimal() and 1 <= int(number) <= 9):
        raise BadInputError("number of components", parameter="prior", value=number, expected="1 to 9")
    single: dict[str, Family] = {"two-point": TwoPoint(), "beta": BetaMixture(), "nonparametric": Nonparametric()}
    mixtures: dict[str, Callable[[int], Family]] = {
        "beta-mixture": BetaMixture,
        "logistic-normal": LogisticNormalMixture,
    }
    if kind in mixtures:
        return mixtures[kind](int(number or 2))
    if kind in single and not number:
        return single[kind]
    raise BadInputError(
        "unknown prior",
        parameter="prior",
        value=name,
        expected="two-point, beta, beta-mixture:K, logistic-normal:K or nonparametric",
    )
