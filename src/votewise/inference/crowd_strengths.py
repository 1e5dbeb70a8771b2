"""Strengths of models and reliabilities of annotators together: Crowd-BT, by EM.

An annotator of reliability eta sees who is better by Bradley and Terry's model and says so with probability eta, and says
the opposite otherwise [Chen et al. 2013]:

    P(votes for the first) = eta p + (1 - eta) (1 - p),     p = sigmoid(d)

E-step: the probability that each vote was said as it was seen. M-step: strengths from the votes as they were seen, and each
reliability as the mean of its votes' probabilities, with a Beta prior that is fitted to all annotators in turn. A tie says
nothing about its annotator and counts half.

Near p = 1/2 votes depend on the product of 2 eta - 1 and d alone: the data can hardly tell strong models and careless
annotators from weak models and careful ones. So the strengths' order and ratios are findings, their scale is not. They are
given on the scale on which sigmoid(d) fits the votes as they were cast, which is that of Bradley and Terry's own strengths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from votewise.arrays import Floats, Ints
from votewise.errors import BadInputError
from votewise.inference.beta_fit import fit_beta
from votewise.inference.bradley_terry import (
    Games,
    ModelStrengths,
    closed,
    design_products,
    fit_strengths,
    sandwich,
)
from votewise.inference.priors import Beta, Grid

START = Beta(9.0, 1.0)
"""Annotators that are expected before any vote; the prior starts here and is held by a few such annotators."""

HELD_BY = 4.0
"""How many annotators ``START`` counts for in the fit of the prior."""

ROUNDS, TOLERANCE, PRIOR_ROUNDS = 500, 1e-6, 20
"""Most EM steps, the movement of strengths of length 1 that counts as none, and how often the prior is fitted at first."""

BINS, GRID, MOST_ANNOTATORS = 41, 64, 5_000
"""Bins of log-odds and nodes of reliability in the fit of the prior, and annotators with most votes that it looks at."""

REACH = 6.0
"""Largest log-odds among the bins."""


@dataclass(frozen=True, eq=False)
class CrowdStrengths:
    """Strengths and reliabilities that were fitted together.

    Attributes:
        strengths: the models' strengths, on the scale of the votes; the covariance takes reliabilities and that scale as
            known.
        reliability: (A,) probability that each annotator says what it sees.
        prior: the Beta prior over reliabilities, as fitted.
        converged: whether the strengths came to rest.
        iterations: EM steps.
    """

    strengths: ModelStrengths
    reliability: Floats
    prior: Beta
    converged: bool
    iterations: int


def fit_crowd_strengths(games: Games, annotator: Ints, annotators: int) -> CrowdStrengths:
    """EM from every annotator believed equally.

    Args:
        games: who beat whom, each kind of game by one annotator.
        annotator: (R,) whose votes these are.
        annotators: A.

    Raises:
        BadInputError: as ``fit_strengths``.
    """
    votes = games.won + games.lost
    number = np.bincount(annotator, votes, minlength=annotators).astype(np.float64)
    merged = _Merged(games)
    strengths = fit_strengths(merged.games(games.won, games.lost))
    eta, prior = np.full(annotators, START.mean), START
    for step in range(1, ROUNDS + 1):
        d = _difference(games, strengths)
        seen_won, seen_lost = as_seen(d, eta[annotator])
        if step <= PRIOR_ROUNDS:
            prior = _fit_prior(games, annotator, number, d, prior)
        right = np.bincount(annotator, games.won * seen_won + games.lost * seen_lost, minlength=annotators)
        eta = (right + prior.c) / (number + prior.c + prior.d)
        won = games.won * seen_won + games.lost * (1 - seen_lost)
        before = strengths.strength
        strengths = fit_strengths(merged.games(won, votes - won), start=before)
        moved = float(np.abs(_unit(strengths.strength) - _unit(before)).max())
        if moved < TOLERANCE:
            break
    scale = scale_of_votes(games, _difference(games, strengths))
    covariance = scale**2 * _covariance(games, strengths, eta[annotator])
    k = games.models
    effect = None
    if strengths.effect is not None:
        effect = (scale * strengths.effect[0], float(np.sqrt(covariance[k, k])))
    final = replace(strengths, strength=scale * strengths.strength, covariance=covariance[:k, :k], effect=effect)
    return CrowdStrengths(final, eta, prior, moved < TOLERANCE, step)


def as_seen(d: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """(R,) probability that a vote for the first was said as it was seen, and (R,) that one for the second was.

    Args:
        d: (R,) log-odds that the first is better.
        eta: (R,) reliability of who voted.
    """
    trust = np.log(eta) - np.log1p(-eta)
    return np.asarray(expit(trust + d)), np.asarray(expit(trust - d))


def scale_of_votes(games: Games, d: Floats) -> float:
    """The factor on log-odds ``d`` (R,) with which sigmoid(d) fits the votes best as they were cast, by Newton's method."""
    half, factor = games.tied / 2, 1.0
    for _ in range(50):
        p = expit(factor * d)
        move = float(((games.won + half) * (1 - p) - (games.lost + half) * p) @ d) / float(
            (games.number * p * (1 - p)) @ d**2
        )
        factor += float(np.clip(move, -0.5, 0.5))
        if abs(move) < 1e-12:
            break
    return factor


def _unit(strength: Floats) -> Floats:
    return strength / max(float(np.linalg.norm(strength)), 1e-12)


class _Merged:
    """Sums kinds of games over annotators, so that strengths are fitted to pairs of models."""

    def __init__(self, games: Games) -> None:
        k = games.models
        key = games.first.astype(np.int64) * k + games.second
        columns = key if games.covariate is None else np.column_stack([key, games.covariate])
        _, at, self._kind = np.unique(columns, axis=0, return_index=True, return_inverse=True)
        self._kind = self._kind.ravel()
        self._tied = np.bincount(self._kind, games.tied, minlength=len(at)).astype(np.float64)
        x = None if games.covariate is None else games.covariate[at]
        self._empty = Games(games.first[at], games.second[at], self._tied, self._tied, self._tied, k, x)

    def games(self, won: Floats, lost: Floats) -> Games:
        won, lost = (np.bincount(self._kind, v, minlength=len(self._tied)).astype(np.float64) for v in (won, lost))
        return replace(self._empty, won=won, lost=lost)


def _difference(games: Games, strengths: ModelStrengths) -> Floats:
    d = strengths.strength[games.first] - strengths.strength[games.second]
    if games.covariate is not None and strengths.effect is not None:
        d = d + strengths.effect[0] * games.covariate
    return np.asarray(d)


def _fit_prior(games: Games, annotator: Ints, number: Floats, d: Floats, before: Beta) -> Beta:
    """The Beta that suits the annotators best at the current strengths, by a histogram of each one's votes."""
    chosen = np.argsort(-number, kind="stable")[:MOST_ANNOTATORS]
    place = np.full(len(number), -1)
    place[chosen] = np.arange(len(chosen))
    use = place[annotator] >= 0
    row = place[annotator[use]]
    scale = (BINS - 1) / (2 * REACH)
    histogram = np.zeros(len(chosen) * BINS)
    for count, log_odds in ((games.won[use], d[use]), (games.lost[use], -d[use])):
        cell = np.rint((np.clip(log_odds, -REACH, REACH) + REACH) * scale).astype(np.int64)
        histogram += np.bincount(row * BINS + cell, count, minlength=len(histogram))
    grid = Grid.of_size(GRID)
    p = expit(np.linspace(-REACH, REACH, BINS))[:, None]
    log_likelihood = histogram.reshape(-1, BINS) @ np.log(p * grid.x + (1 - p) * (1 - grid.x))
    return fit_beta(log_likelihood, grid, before, anchor=START, anchor_annotators=HELD_BY)


def _covariance(games: Games, strengths: ModelStrengths, eta: Floats) -> Floats:
    """(P, P) sandwich from the slopes of single votes' marginal log-likelihoods, with reliabilities as they are."""
    p = expit(_difference(games, strengths))
    slope = (2 * eta - 1) * p * (1 - p)
    first = eta * p + (1 - eta) * (1 - p)
    number = games.won + games.lost
    size = games.models + (games.covariate is not None)
    expected = number * slope**2 / (first * (1 - first)) + games.tied * p * (1 - p)
    found = games.won * (slope / first) ** 2 + games.lost * (slope / (1 - first)) ** 2 + games.tied * (0.5 - p) ** 2
    curvature = design_products(games, expected, size)
    if not np.isfinite(curvature).all():
        raise BadInputError("reliabilities of exactly one half leave nothing to rank by")
    covariance = sandwich(closed(curvature, games.models), design_products(games, found, size))
    return np.asarray(covariance)
