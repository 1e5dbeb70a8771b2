"""Strengths of models and reliabilities of annotators together: Crowd-BT, by EM.

An annotator of reliability eta sees who is better by Bradley and Terry's model and says so with probability eta, and says
the opposite otherwise [Chen et al. 2013]:

    P(votes for the first) = eta p + (1 - eta) (1 - p),     p = sigmoid(d)

E-step: the probability that each vote was said as it was seen. M-step: strengths from the votes as they were seen, and each
reliability as the mean of its votes' probabilities, with a Beta prior that is fitted to all annotators in turn. A tie says
nothing about its annotator. It counts half, or by Davidson's model has a probability of its own:

    P(votes for the first) = (eta e^(d/2) + (1 - eta) e^(-d/2)) / D,   P(tie) = nu / D,   D = 2 cosh(d/2) + nu

Near p = 1/2 votes depend on the product of 2 eta - 1 and d alone: the data can hardly tell strong models and careless
annotators from weak models and careful ones. So the strengths' order and ratios are findings, their scale is not. They are
given on the scale on which the model fits the votes as they were cast, which is that of Bradley and Terry's own strengths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from votewise.arrays import Floats, Ints
from votewise.inference.beta_fit import fit_beta
from votewise.inference.bradley_terry import Games, ModelStrengths, log_odds, most_likely
from votewise.inference.priors import Beta, Grid
from votewise.inference.tie_model import TieModel

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
        strengths: the models' strengths, on the scale of the votes. The covariance, the sandwich estimator, is that of a
            joint estimate of strengths, reliabilities and scale; the prior counts as known.
        seen: the strengths by which annotators see who is better, before they were brought to that scale; no covariance.
        scale: the factor between the two.
        reliability: (A,) probability that each annotator says what it sees.
        prior: the Beta prior over reliabilities, as fitted.
        converged: whether the strengths came to rest.
        iterations: EM steps.
    """

    strengths: ModelStrengths
    seen: ModelStrengths
    scale: float
    reliability: Floats
    prior: Beta
    converged: bool
    iterations: int


def most_likely_crowd(
    games: Games,
    annotator: Ints,
    annotators: int,
    *,
    davidson: bool = False,
    start: CrowdStrengths | None = None,
    tolerance: float = TOLERANCE,
) -> CrowdStrengths:
    """EM from every annotator believed equally; ``strength_errors.fit_crowd_strengths`` adds errors.

    Args:
        games: who beat whom, each kind of game by one annotator.
        annotator: (R,) whose votes these are.
        annotators: A.
        davidson: whether ties have a probability of their own, and do not count half.
        start: an earlier fit to start from, whose prior is kept; None fits one.
        tolerance: the movement of strengths of length 1 that counts as none.

    Raises:
        BadInputError: as ``fit_strengths``.
    """
    votes = games.won + games.lost
    number = np.bincount(annotator, votes, minlength=annotators).astype(np.float64)
    merged = _Merged(games)
    if start is None:
        strengths = most_likely(merged.games(games.won, games.lost), davidson=davidson)
        eta, prior = np.full(annotators, START.mean), START
    else:
        strengths, eta, prior = start.seen, start.reliability, start.prior
    for step in range(1, ROUNDS + 1):
        d = log_odds(games, strengths)
        seen_won, seen_lost = as_seen(d, eta[annotator])
        if start is None and step <= PRIOR_ROUNDS:
            prior = _fit_prior(games, annotator, number, d, prior)
        right = np.bincount(annotator, games.won * seen_won + games.lost * seen_lost, minlength=annotators)
        eta = (right + prior.c) / (number + prior.c + prior.d)
        won = games.won * seen_won + games.lost * (1 - seen_lost)
        before = strengths
        strengths = most_likely(merged.games(won, votes - won), davidson=davidson, start=before)
        moved = float(np.abs(_unit(strengths.strength) - _unit(before.strength)).max())
        if moved < tolerance:
            break
    scale, tie = scale_of_votes(games, log_odds(games, strengths), None if strengths.tie is None else strengths.tie)
    effect = None if strengths.effect is None else (scale * strengths.effect[0], float("nan"))
    final = replace(strengths, strength=scale * strengths.strength, effect=effect, tie=tie)
    return CrowdStrengths(final, strengths, scale, eta, prior, moved < tolerance, step)


def as_seen(d: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """(R,) probability that a vote for the first was said as it was seen, and (R,) that one for the second was.

    Args:
        d: (R,) log-odds that the first is better.
        eta: (R,) reliability of who voted.
    """
    trust = np.log(eta) - np.log1p(-eta)
    return np.asarray(expit(trust + d)), np.asarray(expit(trust - d))


def scale_of_votes(games: Games, d: Floats, tie: float | None = None) -> tuple[float, float | None]:
    """The factor on log-odds ``d`` (R,) with which the model fits the votes best as they were cast, and log(nu) there.

    Args:
        games: the votes.
        d: (R,) log-odds that the first is better.
        tie: log(nu) to start from; None where ties count half, and then the second result is None too.
    """
    at = np.array([1.0] if tie is None else [1.0, tie])
    for _ in range(50):
        model = TieModel(at[0] * d, None if tie is None else float(at[1]))
        gradient, curvature = scale_slopes(games, d, model)
        move = np.clip(np.linalg.solve(curvature, gradient), -0.5, 0.5)
        at = at + move
        if np.abs(move).max() < 1e-12:
            break
    return float(at[0]), None if tie is None else float(at[1])


def scale_slopes(games: Games, d: Floats, model: TieModel) -> tuple[Floats, Floats]:
    """Slopes of the log-likelihood of votes as they were cast in the scale, and with ties in log(nu); minus the second ones.

    Args:
        games: the votes.
        d: (R,) log-odds that the first is better, before the scale.
        model: the model at log-odds times the scale.
    """
    counts, number = (games.won, games.lost, games.tied), games.number
    slope = np.asarray(sum(n * s for n, s in zip(counts, model.slopes, strict=True)))
    own = float(number * model.curve @ d**2)
    if model.tie is None:
        return np.array([slope @ d]), np.array([[own]])
    both = float(-(number * model.mean * model.p_tie) @ d)
    gradient = np.array([slope @ d, games.tied.sum() - number @ model.p_tie])
    return gradient, np.array([[own, both], [both, number @ model.curve_of_tie]])


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


def _fit_prior(games: Games, annotator: Ints, number: Floats, d: Floats, before: Beta) -> Beta:
    """The Beta that suits the annotators best at the current strengths, by a histogram of each one's votes."""
    chosen = np.argsort(-number, kind="stable")[:MOST_ANNOTATORS]
    place = np.full(len(number), -1)
    place[chosen] = np.arange(len(chosen))
    use = place[annotator] >= 0
    row = place[annotator[use]]
    scale = (BINS - 1) / (2 * REACH)
    histogram = np.zeros(len(chosen) * BINS)
    for count, log_ratio in ((games.won[use], d[use]), (games.lost[use], -d[use])):
        cell = np.rint((np.clip(log_ratio, -REACH, REACH) + REACH) * scale).astype(np.int64)
        histogram += np.bincount(row * BINS + cell, count, minlength=len(histogram))
    grid = Grid.of_size(GRID)
    p = expit(np.linspace(-REACH, REACH, BINS))[:, None]
    log_likelihood = histogram.reshape(-1, BINS) @ np.log(p * grid.x + (1 - p) * (1 - grid.x))
    return fit_beta(log_likelihood, grid, before, anchor=START, anchor_annotators=HELD_BY)
