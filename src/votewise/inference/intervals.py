"""Intervals of reliabilities, from likelihoods over a grid and the prior.

Given all other annotators' votes, each vote of annotator k is right with a known probability q, and the likelihood of the
votes is a function of one variable, the reliability: the product of q eta + (1 - q)(1 - eta). It needs only the histogram of
the q's, so the cost does not grow with the grid. Two things are then added that this leaves out: the prior, and the
uncertainty of the other annotators' reliabilities, through the second derivatives of the joint posterior.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.special import expit, logit, ndtri

from votewise.arrays import Floats
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta, Grid

BINS, REACH = 65, 8.0
"""Nodes of a vote's log-odds of being right, and the largest log-odds among them."""

INTERVAL_GRID = 256
BLOCK = 8192
"""Annotators whose grids are in memory at a time."""

CACHED_VOTES = 32768
"""Votes whose histograms are made at a time."""

GAUSSIAN_FROM = 2000
"""Votes from which an annotator's posterior is too narrow for the grid, and is normal in log-odds."""

MOST_SHARING = 64
"""Votes on a pair beyond which its truth is certain even if some reliabilities are a little wrong."""

MOST_INFLATION = 2.0
"""Largest factor by which an interval is widened."""

MOST_ENTRIES = 10_000_000
"""Entries of a block of the annotators-by-annotators product."""


def vote_histograms(evidence: Evidence, posterior: Floats, log_odds: Floats) -> Floats:
    """(K, BINS) weighted histogram per annotator of the votes' log-odds of being right, judged by everything but the vote.

    Each vote is shared between the two nodes (``histogram_nodes``) around it, in proportion to its distance.
    """
    votes, weighted = evidence.by_annotator, evidence.weighted
    histograms = np.empty((len(log_odds), BINS))
    scale = (BINS - 1) / (2 * REACH)
    start = 0
    while start < len(log_odds):
        # Blocks of annotators whose votes fit into the processor's cache.
        begin = votes.indptr[start]
        stop = max(start + 1, int(np.searchsorted(votes.indptr, begin + CACHED_VOTES, side="right")) - 1)
        end = votes.indptr[stop]
        number = np.diff(votes.indptr[start : stop + 1])
        signed, own = votes.data[begin:end], np.repeat(log_odds[start:stop], number)
        place = posterior[votes.indices[begin:end]]
        weight = np.abs(signed) if weighted else None
        place = place * signed - own if weight is None else place * np.sign(signed) - own * weight
        place = np.clip(place * scale + REACH * scale, 0.0, BINS - 1.000001)
        cell = place.astype(np.int64)
        upper_share = place - cell
        if weight is not None:
            upper_share *= weight
        cell += np.repeat(np.arange(stop - start) * BINS, number)
        size = (stop - start) * BINS
        upper = np.bincount(cell, upper_share, minlength=size).reshape(-1, BINS)
        block = np.bincount(cell, weight, minlength=size).reshape(-1, BINS) - upper
        block[:, 1:] += upper[:, :-1]
        histograms[start:stop] = block
        start = stop
    return histograms


def histogram_nodes() -> Floats:
    """(BINS,) probabilities, equally spaced in log-odds from -REACH to REACH."""
    return np.asarray(expit(np.linspace(-REACH, REACH, BINS)))


def log_likelihood_on(grid: Grid, histograms: Floats) -> Floats:
    """(K, G) log-likelihood of each annotator's votes at each reliability of the grid."""
    q = histogram_nodes()[:, None]
    return np.asarray(histograms @ np.log(q * grid.x + (1 - q) * (1 - grid.x)))


def precision(evidence: Evidence, posterior: Floats, log_odds: Floats, pseudo_votes: float | Floats) -> Floats:
    """(K,) minus the second derivative of the log-posterior in logit(eta_k), with all other reliabilities held fixed.

    Complete-data information (N + prior) eta (1 - eta), minus the sum of P (1 - P) over the annotator's pairs, which is
    the information lost because the truths are unknown.
    """
    complete = (evidence.counts + pseudo_votes) * np.exp(-2 * np.logaddexp(log_odds / 2, -log_odds / 2))
    unknown = expit(posterior) * expit(-posterior)
    missing = evidence.squares.T @ unknown
    return np.asarray(np.maximum(complete - missing, 0.05 * complete + 1e-12))


def inflation(evidence: Evidence, posterior: Floats, own_precision: Floats) -> Floats:
    """(K,) factor by which the uncertainty of others widens the interval of annotator k, in log-odds.

    The joint log-posterior has second derivatives D - A' W A with A the signed vote matrix and W = P (1 - P). With unit
    diagonal it is I - R, and the k-th diagonal entry of the inverse is approximated by 1 / (1 - sum_j R_kj^2): exact for
    two annotators, exact to second order for any number, and independent of the order of annotators.
    """
    unknown = expit(posterior) * expit(-posterior)
    sharing = np.diff(evidence.matrix.indptr)
    use = np.flatnonzero((sharing > 1) & (sharing <= MOST_SHARING) & (unknown > 1e-4))
    if len(use) == 0:
        return np.ones_like(own_precision)
    scaled = csr_matrix(diags(np.sqrt(unknown[use])) @ evidence.matrix[use] @ diags(1 / np.sqrt(own_precision)))
    by_annotator = csr_matrix(scaled.T)
    coupled = np.empty_like(own_precision)
    # Row blocks of the product (annotators by annotators) keep it small whatever the number of votes.
    entries = np.diff(scaled.indptr)
    work = np.cumsum(np.bincount(scaled.indices, np.repeat(entries, entries), minlength=len(coupled)))
    start = 0
    while start < len(coupled):
        done = work[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(work, done + MOST_ENTRIES, side="right")))
        block = (by_annotator[start:stop] @ scaled).power(2)
        coupled[start:stop] = np.asarray(block.sum(axis=1)).ravel() - block.diagonal(k=start)
        start = stop
    return np.asarray(1 / np.sqrt(np.maximum(1 - coupled, MOST_INFLATION**-2)))


def reliability_intervals(
    histograms: Floats, prior: Beta | None, level: float, log_odds: Floats, own_precision: Floats, widening: Floats
) -> tuple[Floats, Floats]:
    """(K,) lower and (K,) upper ends of equal-tailed intervals that hold the reliability with probability ``level``."""
    tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
    grid = Grid.of_size(INTERVAL_GRID)
    log_prior = grid.log_mass(prior)
    found = np.empty((3, len(log_odds)))
    for start in range(0, len(log_odds), BLOCK):
        part = slice(start, start + BLOCK)
        log_posterior = log_likelihood_on(grid, histograms[part]) + log_prior
        log_posterior -= log_posterior.max(axis=1, keepdims=True)
        found[:, part] = grid.quantiles(np.exp(log_posterior), tails)
    low, middle, high = logit(np.clip(found, 1e-12, 1 - 1e-12))
    many = histograms.sum(axis=1) > GAUSSIAN_FROM
    reach = ndtri(tails[2]) / np.sqrt(own_precision)
    low, middle, high = (
        np.where(many, normal, exact)
        for normal, exact in ((log_odds - reach, low), (log_odds, middle), (log_odds + reach, high))
    )
    return expit(middle - widening * (middle - low)), expit(middle + widening * (high - middle))


def prior_width(prior: Beta | None, level: float) -> float:
    """Width of the interval that the prior alone gives, before any vote."""
    nothing, empty = np.zeros(1), np.zeros((1, BINS))
    low, high = reliability_intervals(empty, prior, level, nothing, nothing + 1, nothing + 1)
    return float(high[0] - low[0])
