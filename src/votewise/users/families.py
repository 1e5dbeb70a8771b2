"""Families of priors over the attentiveness of users, each with the M-step that fits it to expected counts.

A prior is a distribution over nodes in [0, 1]: the grid's, or two of its own. The E-step of ``attentiveness`` turns users
into three sums per node (``Expected``): users, comparisons and wins expected there. An M-step needs nothing else, and
maximises the expected log-likelihood exactly on the grid, so that EM never falls. [UAA alg. 1, app. C]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import expit, logit, softmax

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.inference.priors import LARGEST, SMALLEST, Beta, Grid, fit_exponential

EDGE = 1e-6
LEAST_MASS = 1e-12
"""Mass of a node that nobody is expected at; a free prior's logarithms stay where extrapolation is sane."""

NARROWEST, WIDEST, FURTHEST = 0.1, 10.0, 12.0
"""Range of the standard deviation of logit(attentiveness) in a component (finer than the grid says 'a point'), and of its
mean."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What an M-step sees of the users.

    Attributes:
        users: (S,) expected number of users at each node.
        score: derivative of the expected log-likelihood of node s's users at an attentiveness: (s, rho) -> float. It falls
            with rho, and where it is 0 the node's users are explained best.
    """

    users: Floats
    score: Callable[[int, float], float]


class Family(Protocol):
    """A family of priors. ``x`` is a vector of parameters, what EM and its acceleration work on."""

    name: str

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Vectors to start EM from, given rough moments of attentiveness."""

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """(S,) attentiveness at the nodes."""

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """(S,) log of the prior mass at the nodes."""

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The M-step, from the current ``x``."""

    def project(self, x: Floats) -> Floats:
        """An extrapolated vector, brought back into the family."""

    def parameters(self, x: Floats) -> dict[str, float]:
        """Parameters by name, in the units of the papers."""

    def n_parameters(self, x: Floats) -> int:
        """How many parameters the data chose, for the BIC."""


@dataclass(frozen=True)
class TwoPoint:
    """A share q of users at ``low``, the others at ``high``; the atoms move in closed form [UAA app. C.1]."""

    name: str = "two-point"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Around the mean, at the extremes, and with few users in either atom."""
        sd = max(np.sqrt(variance), 0.05)
        guesses = [
            (0.5, mean - sd, mean + sd),
            (0.5, 0.2, 0.95),
            (0.8, mean - sd / 2, 0.99),
            (0.2, 0.05, mean + sd / 2),
        ]
        return [self._pack(q, low, high) for q, low, high in guesses]

    def _pack(self, q: float, low: float, high: float) -> Floats:
        # The atoms as they are: they may lie at 0 or 1, where a logit would hide how uncertain they are.
        return np.array([logit(np.clip(q, EDGE, 1 - EDGE)), *np.clip([low, high], 0.0, 1.0)])

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The two atoms."""
        return x[1:]

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The logs of q and 1 - q."""
        return np.array([-np.logaddexp(0, -x[0]), -np.logaddexp(0, x[0])])

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The share q = users expected at the first atom; each atom goes where its users are explained best.

        With one win rate that is sum of gamma (2 w - n) over (2 mu - 1) sum of gamma n, clipped to [0, 1].
        """

        def place(s: int) -> float:
            return root(lambda rho: expected.score(s, rho), 0.0, 1.0)

        return self._pack(float(expected.users[0] / expected.users.sum()), place(0), place(1))

    def project(self, x: Floats) -> Floats:
        """Atoms inside [0, 1]."""
        return np.append(x[:1], np.clip(x[1:], 0.0, 1.0))

    def parameters(self, x: Floats) -> dict[str, float]:
        """q, low and high; the atoms are named by their order, not by where they started."""
        q, one, other = float(expit(x[0])), float(x[1]), float(x[2])
        return {"q": q, "low": one, "high": other} if one <= other else {"q": 1 - q, "low": other, "high": one}

    def n_parameters(self, x: Floats) -> int:
        """q, low, high."""
        return 3


@dataclass(frozen=True)
class BetaMixture:
    """A mixture of K Betas; K = 1 is a Beta [UAA app. C.2]. x = log weights, log c's, log d's."""

    components: int = 1

    @property
    def name(self) -> str:
        """``beta`` or ``beta-mixture:K``."""
        return "beta" if self.components == 1 else f"beta-mixture:{self.components}"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """One Beta of the moments and a flat one; for mixtures, components spread over the range and over the moments."""
        overall = Beta.from_moments(mean, variance)
        k = self.components
        if k == 1:
            return [_pack_mixture([(1.0, overall.c, overall.d)]), _pack_mixture([(1.0, 1.0, 1.0)])]
        sd = np.sqrt(overall.variance)
        spread = np.linspace(-1, 1, k)
        near = [Beta.from_moments(float(np.clip(mean + sd * z, 0.05, 0.95)), overall.variance / 4) for z in spread]
        far = [Beta.from_moments(m, 0.01) for m in np.linspace(0.15, 0.9, k)]
        return [_pack_mixture([(1 / k, b.c, b.d) for b in start]) for start in (near, far)]

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The grid's."""
        return grid.x

    def log_components(self, x: Floats, grid: Grid) -> Floats:
        """(K, G) log of weight times mass of each component."""
        weights, c, d = _unpack_mixture(x, self.components)
        return np.stack([np.log(w) + grid.log_mass(Beta(*cd)) for w, *cd in zip(weights, c, d, strict=True)])

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The sum over components."""
        return np.asarray(np.logaddexp.reduce(self.log_components(x, grid), axis=0))

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """Each component to its share of the users expected at the nodes."""
        _, c, d = _unpack_mixture(x, self.components)
        fitted = []
        for k, users in enumerate(_shares(self.log_components(x, grid), expected.users)):
            total = users.sum()
            beta = Beta(c[k], d[k])
            if total > 1e-9:
                logs = np.stack([np.log(grid.x), np.log1p(-grid.x)])
                beta = grid.beta_from_mean_logs(logs @ users / total, beta)
            fitted.append((total / expected.users.sum(), beta.c, beta.d))
        return _pack_mixture(fitted)

    def project(self, x: Floats) -> Floats:
        """As it is: nothing is out of range."""
        return x

    def parameters(self, x: Floats) -> dict[str, float]:
        """The powers c and d, with weights for mixtures, components in the order of their means."""
        weights, c, d = _unpack_mixture(x, self.components)
        if self.components == 1:
            return {"c": float(c[0]), "d": float(d[0])}
        order = np.argsort(c / (c + d))
        return _named(order, weight=weights, c=c, d=d)

    def n_parameters(self, x: Floats) -> int:
        """Two a component, and the weights but one."""
        return 3 * self.components - 1


@dataclass(frozen=True)
class LogisticNormalMixture:
    """A mixture of K logistic-normals: logit(attentiveness) is normal in each. x = log weights, means, log deviations."""

    components: int = 2

    @property
    def name(self) -> str:
        """``logistic-normal:K``."""
        return f"logistic-normal:{self.components}"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Components spread over the moments, and over the range."""
        k = self.components
        middle = float(logit(np.clip(mean, 0.02, 0.98)))
        sd = float(np.clip(np.sqrt(variance) / max(mean * (1 - mean), 0.02), 0.3, 3.0))
        spread = np.linspace(-1, 1, k) if k > 1 else np.zeros(1)
        near = [(1 / k, middle + sd * z, sd / 2 if k > 1 else sd) for z in spread]
        far = [(1 / k, float(logit(m)), 0.7) for m in (np.linspace(0.15, 0.95, k) if k > 1 else [0.5])]
        return [_pack_mixture(near, logs=(2,)), _pack_mixture(far, logs=(2,))]

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The grid's."""
        return grid.x

    def log_components(self, x: Floats, grid: Grid) -> Floats:
        """(K, G) log of weight times mass of each component."""
        weights, middle, sd = _unpack_mixture(x, self.components, logs=(2,))
        t = logit(grid.x)
        shape = self._base(grid) - 0.5 * ((t - middle[:, None]) / sd[:, None]) ** 2
        return np.asarray(np.log(weights)[:, None] + shape - np.logaddexp.reduce(shape, axis=1)[:, None])

    def _base(self, grid: Grid) -> Floats:
        return np.asarray(grid.log_width - np.log(grid.x) - np.log1p(-grid.x))

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The sum over components."""
        return np.asarray(np.logaddexp.reduce(self.log_components(x, grid), axis=0))

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """Mean and variance of logit(attentiveness) of each component's share, exactly on the grid."""
        _, middle, sd = _unpack_mixture(x, self.components, logs=(2,))
        t = logit(grid.x)
        statistics = np.stack([t, t**2])
        fitted = []
        for k, users in enumerate(_shares(self.log_components(x, grid), expected.users)):
            total = users.sum()
            mean, deviation = middle[k], sd[k]
            if total > 1e-9:
                start = _natural(mean, deviation)
                power = fit_exponential(statistics, self._base(grid), statistics @ users / total, start, _normal_range)
                mean, deviation = _moments(power)
            fitted.append((total / expected.users.sum(), mean, deviation))
        return _pack_mixture(fitted, logs=(2,))

    def project(self, x: Floats) -> Floats:
        """As it is: nothing is out of range."""
        return x

    def parameters(self, x: Floats) -> dict[str, float]:
        """Weight, mean and standard deviation of logit(attentiveness), components in the order of their means."""
        weights, middle, sd = _unpack_mixture(x, self.components, logs=(2,))
        if self.components == 1:
            return {"mean": float(middle[0]), "deviation": float(sd[0])}
        return _named(np.argsort(middle), weight=weights, mean=middle, deviation=sd)

    def n_parameters(self, x: Floats) -> int:
        """Two a component, and the weights but one."""
        return 3 * self.components - 1


@dataclass(frozen=True)
class Nonparametric:
    """Any distribution on the grid: posterior masses, averaged (NPMLE). x = log masses."""

    name: str = "nonparametric"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Uniform over attentiveness; the likelihood is concave, so that one start is enough."""
        return [grid.log_mass(None)]

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The grid's."""
        return grid.x

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The masses, normalised."""
        return np.asarray(x - np.logaddexp.reduce(x))

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The share of users expected at each node."""
        return np.asarray(np.log(np.maximum(expected.users / expected.users.sum(), LEAST_MASS)))

    def project(self, x: Floats) -> Floats:
        """As it is: nothing is out of range."""
        return x

    def parameters(self, x: Floats) -> dict[str, float]:
        """None that mean anything singly; the density is the answer."""
        return {}

    def n_parameters(self, x: Floats) -> int:
        """Place and mass of every node that matters, but one mass."""
        return max(1, 2 * int((softmax(x) > 1e-4).sum()) - 1)


def family_of(name: str) -> Family:
    """The family of this name: ``two-point``, ``beta``, ``beta-mixture:K``, ``logistic-normal:K``, ``nonparametric``."""
    kind, _, number = name.partition(":")
    if number and not (number.isdecimal() and 1 <= int(number) <= 9):
        raise BadInputError("number of components", value=number, expected="1 to 9")
    families: dict[str, Any] = {"two-point": TwoPoint, "beta": BetaMixture, "nonparametric": Nonparametric}
    mixtures: dict[str, Any] = {"beta-mixture": BetaMixture, "logistic-normal": LogisticNormalMixture}
    if kind in mixtures:
        found: Family = mixtures[kind](int(number or 2))
        return found
    if kind in families and not number:
        family: Family = families[kind]()
        return family
    raise BadInputError(
        "unknown prior", value=name, expected="two-point, beta, beta-mixture:K, logistic-normal:K or nonparametric"
    )


def root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between ``low`` and ``high``; the nearer end if it does not."""
    from scipy.optimize import brentq

    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    return float(brentq(falling, low, high, xtol=1e-12, rtol=1e-12))


def _shares(log_components: Floats, users: Floats) -> Floats:
    """(K, G) the expected users at each node, divided among the components."""
    return np.asarray(np.exp(log_components - np.logaddexp.reduce(log_components, axis=0)) * users)


def _pack_mixture(components: list[Any], logs: tuple[int, ...] = (1, 2)) -> Floats:
    columns = np.array(components, np.float64).T
    columns[0] = np.log(np.maximum(columns[0], 1e-12))
    for i in logs:
        columns[i] = np.log(columns[i])
    return columns.ravel()


def _unpack_mixture(x: Floats, k: int, logs: tuple[int, ...] = (1, 2)) -> tuple[Floats, Floats, Floats]:
    """Weights and the two parameters of each component, in the range that the M-step keeps them in."""
    weights, first, second = x.reshape(3, k)
    if 1 in logs:
        c, d = (np.exp(np.clip(v, np.log(SMALLEST), np.log(LARGEST))) for v in (first, second))
        return _weights(weights), c, d
    deviation = np.exp(np.clip(second, np.log(NARROWEST), np.log(WIDEST)))
    return _weights(weights), np.clip(first, -FURTHEST, FURTHEST), deviation


def _weights(logs: Floats) -> Floats:
    """Weights of components; one that nobody belongs to keeps a trace, so that its logarithm exists."""
    return np.asarray(softmax(np.maximum(logs - logs.max(), np.log(LEAST_MASS))))


def _named(order: Any, **columns: Floats) -> dict[str, float]:
    return {f"{name}_{i + 1}": float(values[k]) for i, k in enumerate(order) for name, values in columns.items()}


def _natural(mean: float, deviation: float) -> Floats:
    return np.array([mean / deviation**2, -0.5 / deviation**2])


def _moments(power: Floats) -> tuple[float, float]:
    deviation = float(np.sqrt(-0.5 / min(power[1], -0.5 / WIDEST**2)))
    return float(power[0] * deviation**2), deviation


def _normal_range(power: Floats) -> Floats:
    mean, deviation = _moments(power)
    return _natural(float(np.clip(mean, -FURTHEST, FURTHEST)), float(np.clip(deviation, NARROWEST, WIDEST)))
