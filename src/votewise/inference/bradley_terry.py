"""Strengths of models from who beat whom: Bradley and Terry's model, ties by Davidson's, on counts.

    P(first wins) : P(tie) : P(second wins) = e^(d/2) : nu : e^(-d/2)
    d = strength of the first - strength of the second + effect * covariate

With nu = 0 this is Bradley and Terry's model, in which a tie counts as half a win of each [Bradley and Terry 1952] [Davidson
1970]. Strengths sum to 0. Everything here takes counts of equal games, so the cost does not grow with the number of votes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats, Ints
from votewise.errors import BadInputError
from votewise.inference.tie_model import TieModel

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
    if _reached(winner, loser, games.models).all() and _reached(loser, winner, games.models).all():
        return np.ones(games.models, np.bool_)
    from scipy.sparse import coo_matrix  # here, because it is rarely needed and importing it takes long
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(winner)), (winner, loser)), (games.models, games.models))
    component = connected_components(graph, directed=True, connection="strong")[1]
    return np.asarray(component == np.bincount(component).argmax())


def _reached(start: npt.NDArray[np.integer], end: npt.NDArray[np.integer], models: int) -> npt.NDArray[np.bool_]:
    """(K,) which models can be reached from the first one along links from ``start`` to ``end``."""
    found: npt.NDArray[np.bool_] = np.arange(models) == 0
    number = 0
    while found.sum() > number:
        number = int(found.sum())
        found[end[found[start]]] = True
    return found


def fit_strengths(games: Games, *, davidson: bool = False, start: ModelStrengths | None = None) -> ModelStrengths:
    """Maximum likelihood by Newton's method, with the sandwich covariance.

    Args:
        games: who beat whom; all models must be comparable, see ``largest_comparable``.
        davidson: whether ties have a probability of their own, and do not count half. No difference without ties.
        start: what to start from, of the same games with other numbers; equal strengths by default.

    Raises:
        BadInputError: nothing but ties, or no finite solution.
    """
    found, likelihood, at = _fit(games, davidson, start)
    covariance = sandwich(likelihood.slopes(at)[1], likelihood.spread(at))
    k = games.models
    effect = None if found.effect is None else (found.effect[0], float(np.sqrt(covariance[k, k])))
    return replace(found, covariance=covariance[:k, :k], effect=effect)


def most_likely(games: Games, *, davidson: bool = False, start: ModelStrengths | None = None) -> ModelStrengths:
    """``fit_strengths`` without errors: the covariance is empty, and the effect's standard error NaN."""
    return _fit(games, davidson, start)[0]


def _fit(games: Games, davidson: bool, start: ModelStrengths | None) -> tuple[ModelStrengths, _Likelihood, Floats]:
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
    k = games.models
    effect = None if games.covariate is None else (float(at[k]), float("nan"))
    tie = float(at[-1]) if likelihood.davidson else None
    return ModelStrengths(at[:k], np.empty((0, 0)), effect, tie, float(value)), likelihood, at


def sandwich(curvature: Floats, spread: Floats) -> Floats:
    """H^-1 J H^-1: covariance of an estimate from minus the second derivatives H and the summed squared slopes J."""
    inverse = np.linalg.inv(curvature)
    return np.asarray(inverse @ spread @ inverse)


class _Likelihood:
    """The log-likelihood of ``games`` at a point: strengths, then the covariate's effect, then log(nu)."""

    def __init__(self, games: Games, davidson: bool) -> None:
        self.games, self.davidson = games, davidson
        self.size = games.models + (games.covariate is not None) + davidson

    def start(self, found: ModelStrengths | None) -> Floats:
        at, k = np.zeros(self.size), self.games.models
        if found is not None:
            at[:k] = found.strength - found.strength.mean()
            if found.effect is not None and self.games.covariate is not None:
                at[k] = found.effect[0]
            if found.tie is not None and self.davidson:
                at[-1] = found.tie
        return at

    def value(self, at: Floats) -> float:
        games, model = self.games, self._model(at)
        of_ties = games.tied.sum() * at[-1] if self.davidson else 0.0
        return float((games.won - games.lost) @ model.d / 2 + of_ties - games.number @ model.log_total)

    def slopes(self, at: Floats) -> tuple[Floats, Floats]:
        """Gradient, and minus the second derivatives; the direction of equal strengths is closed by a constant."""
        games, number, model = self.games, self.games.number, self._model(at)
        counts = (games.won, games.lost, games.tied)
        slope = sum(n * s for n, s in zip(counts, model.slopes, strict=True))
        gradient = design_sums(games, np.asarray(slope), self.size)
        curvature = design_products(games, number * model.curve, self.size)
        if self.davidson:
            gradient[-1] = games.tied.sum() - number @ model.p_tie
            cross = design_sums(games, -number * model.mean * model.p_tie, self.size)
            cross[-1] = number @ model.curve_of_tie
            curvature[-1], curvature[:, -1] = cross, cross
        return gradient, closed(curvature, games.models)

    def spread(self, at: Floats) -> Floats:
        """Sum over games of the products of their slopes."""
        games, model = self.games, self._model(at)
        counts = (games.won, games.lost, games.tied)
        squares = np.asarray(sum(n * s**2 for n, s in zip(counts, model.slopes, strict=True)))
        found = design_products(games, squares, self.size)
        if self.davidson:
            both = zip(counts, model.slopes, model.slopes_of_tie, strict=True)
            column = design_sums(games, np.asarray(sum(n * s * t for n, s, t in both)), self.size)
            column[-1] = sum(float(n @ t**2) for n, t in zip(counts, model.slopes_of_tie, strict=True))
            found[-1], found[:, -1] = column, column
        return found

    def _model(self, at: Floats) -> TieModel:
        games = self.games
        d = at[games.first] - at[games.second]
        if games.covariate is not None:
            d = d + at[games.models] * games.covariate
        return TieModel(d, float(at[-1]) if self.davidson else None)


def log_odds(games: Games, strengths: ModelStrengths) -> Floats:
    """(R,) log-odds that the first is better."""
    d = strengths.strength[games.first] - strengths.strength[games.second]
    if games.covariate is not None and strengths.effect is not None:
        d = d + strengths.effect[0] * games.covariate
    return np.asarray(d)


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
