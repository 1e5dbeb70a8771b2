"""The prior over reliabilities, fitted to the votes: how reliable are the annotators, and how much do they differ?

Where annotators share pairs, by moments: how often two of them agree on a pair gives the mean attentiveness, how much
annotators differ in this gives its variance. That needs no truths and no EM. Empirical Bayes would judge each annotator's
votes by others whose reliabilities depend on their agreement with these same votes; iterated, annotators with few votes
each confirm one another and look better and better (experiments/prior_fit.py has the figures).

Where few pairs are shared and margins say which response is better, there is no such feedback, and empirical Bayes is used.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from votewise.annotators.judgements import judgements_of
from votewise.arrays import Floats
from votewise.inference.beta_fit import fit_beta
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta, Grid

START = Beta(5.0, 2.0)
"""The annotators expected before any vote."""

START_ANNOTATORS = 4.0
"""How many annotators ``START`` counts for; with it, three annotators are enough for an answer."""

GRID_SIZE = 48


def prior_from_agreement(evidence: Evidence) -> Beta:
    """The Beta prior whose moments explain how far annotators agree with others on the same pairs.

    With z a vote times the mean of the other votes on its pair, E[z | k] = rho_k E[rho] where annotators meet at random.
    The annotators' means of z are a random-effects model; its variance components are those of DerSimonian and Laird
    (1986), each shrunk towards ``START``.
    """
    signs = evidence.signs
    total = np.asarray(signs @ np.ones(signs.shape[1]))
    votes = np.diff(signs.indptr).astype(np.float64)
    shared = votes > 1
    # z = v (total - v) / (votes - 1) = (v total - 1) / (votes - 1), so its sums are sums over pairs.
    each = np.where(shared, 1 / np.maximum(votes - 1, 1), 0.0)
    pattern = evidence.pattern
    number = np.asarray(pattern.T @ shared.astype(np.float64))
    met = number > 0
    if not met.any():
        return START
    own = np.asarray(signs.T @ (total * each) - pattern.T @ each)[met] / number[met]
    number = number[met]
    size, people = number.sum(), len(number)
    square_sum = ((votes * (total**2 + 1) - 2 * total**2) * each**2).sum()

    mean_0 = (2 * START.mean - 1) ** 2
    variance_0 = 4 * START.variance
    within = (square_sum - (number * own**2).sum()) / max(size - people, 1.0)
    if evidence.judgement is not None:
        number = number * worth_by_agreement(evidence, total * each, each)[met]
        size = number.sum()
    centre = (number * own).sum() / size
    spread = (number * (own - centre) ** 2).sum() - (people - 1) * within
    between = max(spread / max(size - np.square(number).sum() / size, 1.0), 1e-3 * mean_0)
    # An annotator counts in proportion to what the votes say about the annotator rather than about chance.
    known = between / (between + within / number)
    people = known.sum() + START_ANNOTATORS
    mean = max((known @ own + START_ANNOTATORS * mean_0) / people, 0.01)
    variance = (known.sum() * between / mean + START_ANNOTATORS * variance_0) / people
    return Beta.from_moments((1 + np.sqrt(mean)) / 2, variance / 4)


def worth_by_agreement(evidence: Evidence, total: Floats, each: Floats) -> Floats:
    """(K,) how many independent votes one vote counts for, from agreement with others alone.

    Args:
        evidence: the votes.
        total: (M,) sum of a pair's votes over the number of a vote's companions; 0 for a vote alone.
        each: (M,) 1 over that number; 0 for a vote alone.
    """
    k = len(evidence.counts)
    shared = each[evidence.pair] > 0
    pair, annotator = evidence.pair[shared], evidence.annotator[shared]
    judgements = judgements_of(evidence, shared)
    if judgements is None:
        return np.ones(k)
    z = evidence.sign[shared] * total[pair] - each[pair]
    mean = np.bincount(annotator, z, minlength=k) / np.maximum(np.bincount(annotator, minlength=k), 1)
    return judgements.worth(judgements.design_effects(z - mean[annotator]), k)


def effective_votes(evidence: Evidence, posterior: Floats, log_odds: Floats) -> tuple[Floats, Floats]:
    """(K,) right and (K,) wrong votes whose likelihood eta^right (1 - eta)^wrong is that of each annotator's votes.

    It has the slope and the curvature, in log-odds, of the exact likelihood at the current reliability. Because
    the truths are unknown, the numbers are smaller than those of the votes, and sometimes negative.
    """
    p, eta = expit(posterior), expit(log_odds)
    slope = evidence.expected_right(posterior) - evidence.counts * eta
    certain = eta * (1 - eta)
    missing = evidence.squares.T @ (p * (1 - p))
    number = np.maximum(evidence.counts - missing / certain, 0.0)
    return number * eta + slope, number * (1 - eta) - slope


def prior_from_likelihood(
    evidence: Evidence, posterior: Floats, log_odds: Floats, start: Beta, worth: Floats | None = None
) -> Beta:
    """Empirical Bayes: the Beta that maximises the marginal likelihood of the annotators' effective votes.

    Args:
        evidence: the votes.
        posterior: (M,) log-odds that response_a is truly better, at the current reliabilities.
        log_odds: (K,) logit of the current reliabilities.
        start: where the search starts; the fit itself is held near ``START`` by ``START_ANNOTATORS`` annotators.
        worth: (K,) how many independent votes one vote of each annotator counts for; None for one each.
    """
    voted = evidence.counts > 0
    both = effective_votes(evidence, posterior, log_odds)
    right, wrong = ((votes if worth is None else votes * worth)[voted] for votes in both)
    grid = Grid.of_size(GRID_SIZE)
    log_likelihood = np.outer(right, np.log(grid.x)) + np.outer(wrong, np.log1p(-grid.x))
    return fit_beta(log_likelihood, grid, start, anchor=START, anchor_annotators=START_ANNOTATORS)
