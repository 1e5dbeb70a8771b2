"""Strengths of models from who beat whom: Bradley and Terry's model, ties by Davidson's, on counts.

    P(first wins) = e^(d/2) / D,   P(second wins) = e^(-d/2) / D,   P(tie) = nu / D,   D = 2 cosh(d/2) + nu
    d = strength of the first - strength of the second + effect * covariate

With nu = 0 this is Bradley and Terry's model, in which a tie counts as half a win of each [Bradley and Terry 1952] [Davidson
1970]. Strengths sum to 0. Everything here takes counts of equal games, so the cost does not grow with the number of votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from votewise.arrays import Floats, Ints
from votewise.errors import BadInputError

ROUNDS, TOLERANCE = 100, 1e-10
"""Most Newton steps, and the largest change of a parameter that counts as none."""


@dataclass(frozen=True, eq=False)
class Games:
    """R kinds of games among K models.

    Attributes:
        first, second: (R,) codes of the two models, different from one another.
        won, lost, tied: (R,) how often the first won, the second won, neither did; fractions are allowed.
        models: K.
        covariate: (R,) what else makes the first look better, such as a longer answer; None for nothing.
    """

    first: Ints
    second: Ints
    won: Floats
    lost: Floats
    tied: Floats
    models: int
    covariate: Floats | None = None

    @property
    def number(self) -> Floats:
        """(R,) games of each kind."""
        return self.won + self.lost + self.tied

    def merged(self) -> Games:
        """The same games with one kind for all between the same two models at the same covariate, whichever is first."""
        turned = self.first > self.second
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        key = low.astype(np.int64) * self.models + high
        x = None if self.covariate is None else np.where(turned, -self.covariate, self.covariate)
        if x is None:
            _, at, kind = np.unique(key, return_index=True, return_inverse=True)
        else:
            _, at, kind = np.unique(np.column_stack([key, x]), axis=0, return_index=True, return_inverse=True)
        won, lost = np.where(turned, self.lost, self.won), np.where(turned, self.won, self.lost)
        won, lost, tied = (np.bincount(kind, v, minlength=len(at)).astype(np.float64) for v in (won, lost, self.tied))
        return Games(low[at], high[at], won, lost, tied, self.models, None if x is None else x[at])


@dataclass(frozen=True, eq=False)
class ModelStrengths:
    """Fitted strengths.

    Attributes:
        strength: (K,) log-odds; they sum to 0.
        covariance: (K, K) of the strengths: the sandwich estimator, valid also where the model is not quite right.
        effect: what one unit of the covariate adds to d, with its standard error; None without one.
        tie: log(nu); None where ties count half or there is no tie.
        log_likelihood: of all games, in nats.
    """

    strength: Floats
    covariance: Floats
    effect: tuple[float, float] | None
    tie: float | None
    log_likelihood: float


def largest_comparable(games: Games) -> npt.NDArray[np.bool_]:
    """(K,) the largest set of models in which everybody is linked to everybody by wins and by losses or by ties.

    Only within such a set are strengths finite and determined: a model that beat all others is infinitely stronger.
    """
    better = games.won + games.tied > 0
    worse = games.lost + games.tied > 0
    winner = np.concatenate([games.first[better], games.second[worse]])
    loser = np.concatenate([games.second[better], games.first[worse]])
    graph = coo_matrix((np.ones(len(winner)), (winner, loser)), (games.models, games.models))
    component = connected_components(graph, directed=True, connection="strong")[1]
    return np.asarray(component == np.bincount(component).argmax())


def fit_strengths(games: Games, *, davidson: bool = False, start: Floats | None = None) -> ModelStrengths:
    """Maximum likelihood by Newton's method, with the sandwich covariance.

    Args:
        games: who beat whom; all models must be comparable, see ``largest_comparable``.
        davidson: whether ties have a probability of their own, and do not count half. No difference without ties.
        start: (K,) strengths to start from; all 0 by default.

    Raises:
        BadInputError: nothing but ties, or no finite solution.
    """
    if davidson and games.tied.sum() == games.number.sum():
        raise BadInputError("every vote is a tie", expected="some votes for one of the answers")
    likelihood = _Likelihood(games, davidson and bool((games.tied > 0).any()))
    at = likelihood.start(start)
    value = likelihood.value(at)
    for _ in range(ROUNDS):
        gradient, curvature = likelihood.slopes(at)
        move, length = np.linalg.solve(curvature, gradient), 1.0
        while length > 1e-6:
            trial = at + length * move
            new = likelihood.value(trial)
            if new >= value - 1e-12 * abs(value):
                break
            length /= 2
        at, value = trial, new
        if np.abs(length * move).max() < TOLERANCE:
            break
    else:
        raise BadInputError("strengths do not settle", expected="models that both won and lost against one another")
    covariance = sandwich(likelihood.slopes(at)[1], likelihood.spread(at))
    k = games.models
    effect = None
    if games.covariate is not None:
        effect = (float(at[k]), float(np.sqrt(covariance[k, k])))
    return ModelStrengths(
        at[:k], covariance[:k, :k], effect, float(at[-1]) if likelihood.davidson else None, float(value)
    )


def sandwich(curvature: Floats, spread: Floats) -> Floats:
    """H^-1 J H^-1: covariance of an estimate from minus the second derivatives H and the summed squared slopes J."""
    inverse = np.linalg.inv(curvature)
    return np.asarray(inverse @ spread @ inverse)


class _Likelihood:
    """The log-likelihood of ``games`` at a point: strengths, then the covariate's effect, then log(nu)."""

    def __init__(self, games: Games, davidson: bool) -> None:
        self.games, self.davidson = games, davidson
        self.size = games.models + (games.covariate is not None) + davidson

    def start(self, strength: Floats | None) -> Floats:
        at = np.zeros(self.size)
        if strength is not None:
            at[: self.games.models] = strength - strength.mean()
        return at

    def value(self, at: Floats) -> float:
        games, d = self.games, self._difference(at)
        if not self.davidson:
            half = games.tied / 2
            return float(-(games.won + half) @ np.logaddexp(0, -d) - (games.lost + half) @ np.logaddexp(0, d))
        log_total = np.logaddexp(np.logaddexp(d / 2, -d / 2), at[-1])
        return float((games.won - games.lost) @ d / 2 + games.tied.sum() * at[-1] - games.number @ log_total)

    def slopes(self, at: Floats) -> tuple[Floats, Floats]:
        """Gradient, and minus the second derivatives; the direction of equal strengths is closed by a constant."""
        games, number = self.games, self.games.number
        by_outcome, p_tie = self._scores(at)
        slope = sum(n * s for n, s in zip((games.won, games.lost, games.tied), by_outcome, strict=True))
        gradient = design_sums(games, np.asarray(slope), self.size)
        if not self.davidson:
            p = by_outcome[0]
            curvature = design_products(games, number * p * (1 - p), self.size)
        else:
            mean = 0.5 - by_outcome[0]
            curvature = design_products(games, number * ((1 - p_tie) / 4 - mean**2), self.size)
            gradient[-1] = games.tied.sum() - number @ p_tie
            cross = design_sums(games, -number * mean * p_tie, self.size)
            cross[-1] = number @ (p_tie * (1 - p_tie))
            curvature[-1], curvature[:, -1] = cross, cross
        return gradient, closed(curvature, games.models)

    def spread(self, at: Floats) -> Floats:
        """Sum over games of the products of their slopes."""
        games = self.games
        by_outcome, p_tie = self._scores(at)
        counts = (games.won, games.lost, games.tied)
        squares = np.asarray(sum(n * s**2 for n, s in zip(counts, by_outcome, strict=True)))
        found = design_products(games, squares, self.size)
        if self.davidson:
            of_tie = (-p_tie, -p_tie, 1 - p_tie)
            cross = sum(n * s * t for n, s, t in zip(counts, by_outcome, of_tie, strict=True))
            own = sum(float(n @ t**2) for n, t in zip(counts, of_tie, strict=True))
            column = design_sums(games, np.asarray(cross), self.size)
            column[-1] = own
            found[-1], found[:, -1] = column, column
        return found

    def _difference(self, at: Floats) -> Floats:
        games = self.games
        d = at[games.first] - at[games.second]
        return d if games.covariate is None else d + at[games.models] * games.covariate

    def _scores(self, at: Floats) -> tuple[Sequence[Floats], Floats]:
        """Slope in d of the log-likelihood of a won, a lost and a tied game, and the probability of a tie."""
        d = self._difference(at)
        if not self.davidson:
            p = expit(d)
            return (1 - p, -p, 0.5 - p), np.zeros_like(d)
        log_total = np.logaddexp(np.logaddexp(d / 2, -d / 2), at[-1])
        mean = (np.exp(d / 2 - log_total) - np.exp(-d / 2 - log_total)) / 2
        return (0.5 - mean, -0.5 - mean, -mean), np.exp(at[-1] - log_total)


def design_sums(games: Games, value: Floats, size: int) -> Floats:
    """(size,) sums of ``value`` (R,) times each parameter's part in d: +1 first, -1 second, the covariate."""
    k = games.models
    found = np.zeros(size)
    found[:k] = np.bincount(games.first, value, minlength=k) - np.bincount(games.second, value, minlength=k)
    if games.covariate is not None:
        found[k] = value @ games.covariate
    return found


def design_products(games: Games, value: Floats, size: int) -> Floats:
    """(size, size) sums of ``value`` (R,) times the products of two parameters' parts in d."""
    k = games.models
    found = np.zeros((size, size))
    between = np.bincount(games.first.astype(np.int64) * k + games.second, value, minlength=k * k).reshape(k, k)
    between = between + between.T
    found[:k, :k] = np.diag(between.sum(axis=0)) - between
    if games.covariate is not None:
        found[k, : k + 1] = design_sums(games, value * games.covariate, size)[: k + 1]
        found[:k, k] = found[k, :k]
    return found


def closed(curvature: Floats, models: int) -> Floats:
    """``curvature`` with a constant for the direction in which all strengths move together, along which nothing changes."""
    found = curvature.copy()
    found[:models, :models] += np.trace(curvature[:models, :models]) / models**2
    return found
