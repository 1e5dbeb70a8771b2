"""Answers that recur in several pairs: the strength of a pair is mostly the difference of its answers'.

    z_i ~ N(theta_a - theta_b, s^2),   theta ~ N(0, (1 - s^2) / 2)                                  [method: items]

for the answers a and b of pair i, so that z_i has variance 1 before any vote and annotators are judged on the scale of a
usual pair. The votes on a pair are summed up as a Gaussian observation of z_i (its site), and the strengths of answers pass
Gaussian messages to each other, each pair's own left out: what a pair is told by its answers never comes from itself. The
means are exact on a graph of this kind, variances are those of loopy belief propagation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from votewise.arrays import Floats, Ints
from votewise.inference.observation import Evidence
from votewise.inference.pair_strengths import ROUGHLY, SETTLED, StrengthFit, Sweeps, Watch, sample_of, search_spread
from votewise.inference.priors import Beta
from votewise.inference.vote_messages import Strengths, VoteMessages
from votewise.inference.weighted_messages import messages_of

SIZE, SIZES = 0.3, 14
"""Distance and number of the nodes of z on either side of 0: up to 4 standard deviations."""

INNER = 3
"""Messages between answers for each sweep over the votes."""

FIRST_SPREAD, LEAST_SPREAD, LARGEST_SPREAD = 0.4, 0.25, 0.99
"""Where the search of s begins, and its range. Below a quarter real votes are predicted hardly better, and what a
pair's own voters say hardly counts."""


@dataclass(eq=False)
class _Answers:
    """Gaussian messages from M pairs to T answers.

    Attributes:
        first, second: (M,) codes of each pair's answers a and b.
        number: T.
        variance: s^2.
    """

    first: Ints
    second: Ints
    number: int
    variance: float = FIRST_SPREAD**2
    to_first: tuple[Floats, Floats] = field(init=False)
    """(M,) precision of each pair's message to its answer a, and precision times mean."""
    to_second: tuple[Floats, Floats] = field(init=False)

    def __post_init__(self) -> None:
        nothing = np.zeros(len(self.first))
        self.to_first, self.to_second = (nothing, nothing), (nothing, nothing)

    @property
    def prior_precision(self) -> float:
        """Of an answer's strength."""
        return 2 / (1 - self.variance)

    def total(self) -> tuple[Floats, Floats]:
        """(T,) precision of each answer's strength, and precision times mean."""
        sums = [
            np.bincount(self.first, one, self.number) + np.bincount(self.second, other, self.number)
            for one, other in zip(self.to_first, self.to_second, strict=True)
        ]
        return np.asarray(self.prior_precision + sums[0]), np.asarray(sums[1])

    def exchange(self, site_precision: Floats, site_mean: Floats) -> tuple[Floats, Floats]:
        """Pass messages; (M,) mean and variance of each pair's z by everything except its own votes."""
        noise = 1 / site_precision + self.variance
        for _ in range(INNER):
            (mean_a, variance_a), (mean_b, variance_b) = self._without_own()
            to_a, to_b = 1 / (noise + variance_b), 1 / (noise + variance_a)
            self.to_first = to_a, to_a * (site_mean + mean_b)
            self.to_second = to_b, to_b * (mean_a - site_mean)
        (mean_a, variance_a), (mean_b, variance_b) = self._without_own()
        return mean_a - mean_b, variance_a + variance_b + self.variance

    def _without_own(self) -> list[tuple[Floats, Floats]]:
        """Mean and variance of each pair's answers a and b, without the pair's message to them."""
        precision, weighted = self.total()
        found = []
        for answer, own in ((self.first, self.to_first), (self.second, self.to_second)):
            left = precision[answer] - own[0]
            found.append(((weighted[answer] - own[1]) / left, 1 / left))
        return found

    def slope(self, prior: tuple[Floats, Floats], posterior: tuple[Floats, Floats]) -> float:
        """Slope of the log-likelihood in log s, per pair, by Fisher's identity.

        The sum of (E[e^2] - s^2) / s^2 over pairs, with e what a pair adds to its answers, minus s^2 / (1 - s^2) times the
        like sum over answers.

        Args:
            prior: (M,) mean and variance of each pair's z without its votes.
            posterior: the same with them.
        """
        s2, own = self.variance, (1 - self.variance) / 2
        gain = s2 / prior[1]
        squares = (gain * (posterior[0] - prior[0])) ** 2 + gain**2 * posterior[1] + s2 * (1 - gain)
        precision, weighted = self.total()
        used = np.bincount(np.concatenate([self.first, self.second]), minlength=self.number) > 0
        of_answers = ((weighted / precision) ** 2 + 1 / precision)[used] / own - 1
        return float(((squares / s2 - 1).sum() - s2 / (1 - s2) * of_answers.sum()) / len(squares))


def fit_answers(
    evidence: Evidence,
    answers: Ints,
    start: Floats,
    prior: Beta | None,
    *,
    refit_prior: bool = True,
    spread: float | None = None,
    watch: Watch | None = None,
) -> StrengthFit:
    """Fit the model of recurring answers.

    Args:
        evidence: the votes.
        answers: (M, 2) codes of each pair's two answers.
        start: (K,) logits of reliabilities to begin with.
        prior: of reliabilities, to begin with.
        refit_prior: whether the prior is fitted along.
        spread: s, if it is known; None to fit it.
        watch: is told after every sweep.

    Of very many pairs, spread and prior are fitted to some of them, with all other pairs of the same answers.
    """
    if spread is None:
        some = sample_of(evidence, _connected(answers))
        if some is not None:
            of_some = fit_answers(
                evidence.select(some), answers[some], start, prior, refit_prior=refit_prior, watch=watch
            )
            fit = fit_answers(
                evidence, answers, start, of_some.prior, refit_prior=False, spread=of_some.spread, watch=watch
            )
            return replace(fit, converged=fit.converged and of_some.converged)
    size = np.asarray((np.arange(SIZES) + 0.5) * SIZE, np.float64)
    graph = _Answers(answers[:, 0], answers[:, 1], int(answers.max()) + 1)
    by_answers: tuple[Floats, Floats] = (np.zeros(len(answers)), np.ones(len(answers)))
    messages = messages_of(evidence, _gaussian(size, *by_answers, evidence), prior, start)
    sweeps = Sweeps(watch)

    def sweep() -> float:
        nonlocal by_answers
        moved = messages.sweep()
        before = messages.p_a
        by_answers = graph.exchange(*_sites(_moments(messages), by_answers))
        messages.use(_gaussian(size, *by_answers, evidence))
        return max(moved, float(np.sqrt(np.mean((messages.p_a - before) ** 2))))

    def slope_at(s: float, rest: float = SETTLED) -> tuple[float, bool]:
        graph.variance = s**2
        settled = sweeps.settle(sweep, messages, refit_prior, rest)
        return graph.slope(by_answers, _moments(messages)), settled

    if spread is None:
        spread, settled = search_spread(slope_at, FIRST_SPREAD, LEAST_SPREAD, LARGEST_SPREAD, ROUGHLY)
    else:
        _, settled = slope_at(spread)
    density = np.exp(-(size**2) / 2)
    sizes = np.stack([size, density / density.sum()])
    return StrengthFit(messages, messages.prior, spread, settled, sweeps.done, sizes)


def _connected(answers: Ints) -> Ints:
    """(M,) code of the group of answers that are compared with each other, directly or through others."""
    number = int(answers.max()) + 1
    compared = coo_matrix((np.ones(len(answers)), (answers[:, 0], answers[:, 1])), shape=(number, number))
    group = connected_components(compared, directed=False)[1]
    return np.asarray(np.unique(group[answers[:, 0]], return_inverse=True)[1], np.int32)


def _moments(messages: VoteMessages) -> tuple[Floats, Floats]:
    """(M,) mean and variance of z."""
    mean, square = messages.moments()
    return mean, np.maximum(square - mean**2, 1e-6)


def _sites(posterior: tuple[Floats, Floats], prior: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """(M,) precision and mean of what the votes alone say about z."""
    precision = np.maximum(1 / posterior[1] - 1 / prior[1], 1e-6)
    return precision, (posterior[0] / posterior[1] - prior[0] / prior[1]) / precision


def _gaussian(size: Floats, mean: Floats, variance: Floats, evidence: Evidence) -> Strengths:
    """Normal priors of each pair's z; margins tilt their signs."""
    # Up to a constant; with the digits that VoteMessages keeps.
    narrow = (0.5 / variance).astype(np.float32)[:, None] * -(size**2).astype(np.float32)
    lean = (mean / variance).astype(np.float32)[:, None] * size.astype(np.float32)
    above, below = narrow + lean, narrow - lean
    if evidence.informed:
        above, below = above + evidence.margin[:, None] / 2, below - evidence.margin[:, None] / 2
    return Strengths(size, above, below)
