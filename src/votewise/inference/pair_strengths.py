"""Pairs that differ in difficulty: the spread of their strengths, fitted to the votes.

    z_i = t_i d_i,   P(t_i = + ) = sigmoid(margin_i),   log d_i ~ N(0, tau^2)                  [method: difficulty]

tau = 0 is the model in which all pairs are equally hard. By Fisher's identity the slope of the log-likelihood in log tau is
the sum over pairs of E[(log d_i / tau)^2 | votes] - 1, which the posteriors give; its zero is found by the secant method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from votewise.arrays import Bools, Floats, Ints
from votewise.inference.beta_fit import fit_beta
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta
from votewise.inference.vote_messages import Strengths, VoteMessages
from votewise.inference.weighted_messages import messages_of

PLACES = 0.6 * np.arange(-7, 8)
"""Nodes of log d / tau. For these functions equal steps are far more exact than as many Gauss-Hermite nodes."""

MASSES = np.exp(-(PLACES**2) / 2) / np.exp(-(PLACES**2) / 2).sum()
"""Normal masses of the nodes."""

SWEEPS, SETTLED = 100, 3e-4
"""Most sweeps of one fit, and the root mean square change of the pairs' probabilities that counts as none."""

ROUGHLY = 3e-3
"""The change that counts as none while the spread of answers is still searched for; where the search ends, the beliefs come
to rest by ``SETTLED``. The slope in tau is too flat for that."""

SPREAD_STEPS, SPREAD_TOLERANCE = 15, 0.02
"""Most values of tau tried, and the relative step that counts as none."""

USUAL_SPREAD, SPREAD_OF_SPREADS = 0.5, 1.0
"""Prior of log tau: without it a few thousand votes can end at any tau. Some ten thousand outweigh it."""

FIRST_SPREAD, LEAST_SPREAD, LARGEST_SPREAD = 1.0, 0.05, 3.0
"""Where the search of tau begins, and its range. At the lower end pairs hardly differ."""

SAMPLE = 40_000
"""Pairs that spread and prior are fitted to, where there are many more. Of a million votes with tau = 0.8 they gave
0.82, all pairs 0.76."""

ENOUGH = 50
"""Votes per annotator that such a sample must have on average: with fewer the spread comes out too large."""

EXPECTED = Beta(5.0, 2.0)
"""The annotators expected before any vote; the fit of the prior is held near it by four of them."""

REFITS, FEW_REFITS = 4, 1
"""Most fits of the prior for one spread, and while the spread is still searched for. Along a flat direction the prior may
drift for long, which changes no belief."""

OUTLIERS = 0.05
"""Share of annotators whose reliability, according to a fitted prior, can be anything."""

Watch = Callable[[int, float], None]
"""Called with (sweeps so far, change in the last one)."""


@dataclass(frozen=True, eq=False)
class StrengthFit:
    """Votes explained by pairs that differ.

    Attributes:
        messages: belief propagation at its end.
        prior: of reliabilities, given or fitted; None for none.
        spread: tau of the difficulty model; of recurring answers, the standard deviation s of what a pair adds to them.
        converged: whether beliefs and spread came to rest.
        sweeps: of belief propagation.
        sizes: (2, D) sizes of strengths over all pairs, before any vote, and their masses.
    """

    messages: VoteMessages
    prior: Beta | None
    spread: float
    converged: bool
    sweeps: int
    sizes: Floats

    def over_pairs(self, reliability: Floats) -> Floats:
        """The share of right votes over all kinds of pairs, from the reliability on a pair of strength 1; any length."""
        size, mass = self.sizes
        return np.asarray(expit(np.outer(logit(reliability), size)) @ mass)


def fit_difficulty(
    evidence: Evidence,
    start: Floats,
    prior: Beta | None,
    *,
    refit_prior: bool = True,
    spread: float | None = None,
    watch: Watch | None = None,
) -> StrengthFit:
    """Fit the difficulty model.

    Args:
        evidence: the votes.
        start: (K,) logits of reliabilities to begin with, such as those of the model with equal pairs.
        prior: of reliabilities, to begin with.
        refit_prior: whether the prior is fitted along.
        spread: tau, if it is known; None to fit it.
        watch: is told after every sweep.

    Of very many pairs, spread and prior are fitted to ``SAMPLE`` of them; the beliefs come from all votes.
    """
    some = sample_of(evidence, np.arange(len(evidence.margin), dtype=np.int32))
    if spread is None and some is not None:
        of_some = fit_difficulty(evidence.select(some), start, prior, refit_prior=refit_prior, watch=watch)
        start = logit(of_some.messages.mean(lambda x: x))
        fit = fit_difficulty(evidence, start, of_some.prior, refit_prior=False, spread=of_some.spread, watch=watch)
        return replace(fit, converged=fit.converged and of_some.converged)
    messages = messages_of(evidence, difficulty(evidence, FIRST_SPREAD if spread is None else spread), prior, start)
    sweeps = Sweeps(watch)

    def slope_at(tau: float, rest: float = SETTLED) -> tuple[float, bool]:
        messages.use(difficulty(evidence, tau))
        settled = sweeps.settle(messages.sweep, messages, refit_prior, rest)
        return _slope(messages) + _slope_of_prior(tau) / len(evidence.margin), settled

    if spread is None:
        spread, settled = search_spread(slope_at, FIRST_SPREAD, LEAST_SPREAD, LARGEST_SPREAD)
    else:
        _, settled = slope_at(spread)
    sizes = np.stack([np.exp(spread * PLACES), MASSES])
    return StrengthFit(messages, messages.prior, spread, settled, sweeps.done, sizes)


def sample_of(evidence: Evidence, group: Ints) -> Bools | None:
    """(M,) about ``SAMPLE`` of the pairs, whole groups at random; None where that is of no use.

    Args:
        evidence: the votes.
        group: (M,) code of each pair's group, below M.

    It is of no use where most pairs would be in it, or where it would leave annotators too few votes.
    """
    size = np.bincount(group)
    if len(group) <= 1.5 * SAMPLE:
        return None
    order = np.random.default_rng(0).permutation(len(size))
    chosen = np.zeros(len(size), bool)
    chosen[order[np.cumsum(size[order]) <= SAMPLE]] = True
    kept = np.asarray(chosen[group])
    votes = kept[evidence.pair].sum()
    return kept if kept.sum() > SAMPLE / 2 and votes > ENOUGH * (evidence.counts > 0).sum() else None


def difficulty(evidence: Evidence, spread: float) -> Strengths:
    """Prior strengths of the pairs of ``evidence``: log-normal sizes, signs by their margins."""
    log_mass = np.log(MASSES)
    if not evidence.informed:
        half = log_mass - np.log(2)
        return Strengths(np.exp(spread * PLACES), half, half)
    margin = evidence.margin[:, None]
    return Strengths(np.exp(spread * PLACES), log_mass - np.logaddexp(0, -margin), log_mass - np.logaddexp(0, margin))


def _slope(messages: VoteMessages) -> float:
    """Mean over pairs of E[(log d / tau)^2] - 1: above 0 where a larger tau explains the votes better."""
    pairs = messages.pairs
    return float(((pairs.above + pairs.below) @ PLACES**2).mean() - 1)


def _slope_of_prior(tau: float) -> float:
    """Slope of the log-density of log tau, normal about the log of ``USUAL_SPREAD``."""
    return float(-np.log(tau / USUAL_SPREAD) / SPREAD_OF_SPREADS**2)


def search_spread(
    slope_at: Callable[[float, float], tuple[float, bool]],
    spread: float,
    least: float,
    largest: float,
    rest: float = SETTLED,
) -> tuple[float, bool]:
    """Where the slope of a log-likelihood in a spread's logarithm is 0, by the secant method.

    Args:
        slope_at: the slope at a spread, up to a factor, and whether the beliefs there came to rest; its second argument is
            the change that counts as rest.
        spread: to begin with.
        least: the range's lower end.
        largest: the range's upper end.
        rest: the change that counts as rest at first; at its end it is ``SETTLED``.

    Returns:
        The spread at which ``slope_at`` was called last, and whether the search came to rest.
    """
    low, high = np.log(least), np.log(largest)
    place, tried = np.log(spread), list[tuple[float, float]]()
    for _ in range(SPREAD_STEPS):
        found = float(np.exp(place))
        slope, settled = slope_at(found, rest)
        tried.append((place, slope))
        step = float(np.clip(place + _secant(tried), low, high)) - place
        if abs(step) >= SPREAD_TOLERANCE:
            place += step
        elif rest == SETTLED:
            return found, settled
        else:
            # Here once more, to rest: the slope is that of beliefs that may still move.
            rest = SETTLED
            tried.pop()
    return found, False


def _secant(tried: list[tuple[float, float]]) -> float:
    """The next step of a spread's logarithm, at most a factor of two."""
    place, slope = tried[-1]
    uphill = 0.2 if slope > 0 else -0.2
    if len(tried) == 1:
        return uphill
    before, slope_before = tried[-2]
    if slope == slope_before:
        return uphill
    step = -slope * (place - before) / (slope - slope_before)
    # A step down the slope would end at a minimum.
    step = step if step * slope > 0 else 3 * uphill
    return float(np.clip(step, -np.log(2), np.log(2)))


class Sweeps:
    """Sweeps done so far: ``done``."""

    def __init__(self, watch: Watch | None) -> None:
        self.done, self._watch = 0, watch

    def settle(
        self, sweep: Callable[[], float], messages: VoteMessages, refit_prior: bool, rest: float = SETTLED
    ) -> bool:
        """Sweep until the beliefs move by less than ``rest``, refitting the prior every third time; whether they did."""
        refits = REFITS if rest == SETTLED else FEW_REFITS
        for number in range(1, SWEEPS + 1):
            moved = sweep()
            self.done += 1
            if self._watch is not None:
                self._watch(self.done, moved)
            refit = refit_prior and number % 3 == 2 and number < 3 * refits
            if refit:
                refit_beta(messages)
            elif moved < rest:
                return True
        return False


def refit_beta(messages: VoteMessages) -> None:
    """Give the annotators the Beta prior that suits them best."""
    voted = messages.evidence.counts > 0
    before = messages.prior or EXPECTED
    found = fit_beta(messages.likelihood[voted], messages.grid, before, anchor=EXPECTED)
    messages.prior = Beta(found.c, found.d, OUTLIERS)
