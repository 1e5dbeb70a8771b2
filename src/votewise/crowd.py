"""The prior of a crowd, fitted from its votes: how reliable are its members, and how different from one another?

Two steps. Moments first: how often two annotators agree on a pair gives the mean attentiveness, how much annotators differ
in agreeing gives its variance. They need no truths and no EM. Then one step of empirical Bayes from there, which is more
efficient where annotators have many votes.

Not more than one step where pairs are shared: each annotator's votes are judged by others whose reliabilities have been set
by agreeing with these very votes, so that iterating to self-consistency lets a crowd of few votes each come to believe
itself (experiments/prior_fit.py has the figures).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from votewise.observation import Evidence
from votewise.priors import Beta, Grid, fit_beta
from votewise.votes import Floats

START = Beta(5.0, 2.0)
"""The crowd expected before any vote."""

START_ANNOTATORS = 4.0
"""How many annotators ``START`` counts for, so that a crowd of three still gets an answer."""

ECHO_VOTES = 10.0
"""Votes an annotator needs for the echo of a vote in others' reliabilities to fade; sets the weight of the moments."""

GRID_SIZE = 48


def prior_from_agreement(evidence: Evidence) -> Beta:
    """The Beta prior whose moments explain how far annotators agree with others on the same pairs.

    With z a vote times the mean of the other votes on its pair, E[z | k] = rho_k E[rho] where annotators meet at random.
    The annotators' means of z are a random-effects model; its variance components are those of DerSimonian and Laird
    (1986), each shrunk towards ``START``.
    """
    matrix, by_annotator = evidence.matrix, evidence.by_annotator
    total = np.asarray(matrix.sum(axis=1)).ravel()
    weight = np.asarray(abs(matrix).sum(axis=1)).ravel()
    pair, vote = by_annotator.indices, by_annotator.data
    others = weight[pair] - np.abs(vote)
    shared = others > 1e-9
    z = np.sign(vote[shared]) * (total[pair] - vote)[shared] / others[shared]
    k = len(evidence.counts)
    annotator = np.repeat(np.arange(k), np.diff(by_annotator.indptr))[shared]
    number = np.bincount(annotator, minlength=k).astype(np.float64)
    sums = np.bincount(annotator, z, minlength=k)[number > 0]
    number = number[number > 0]

    mean_0 = (2 * START.mean - 1) ** 2
    variance_0 = 4 * START.variance
    own, size = sums / np.maximum(number, 1), number.sum()
    within = (np.square(z).sum() - (number * own**2).sum()) / max(size - len(number), 1.0)
    spread = (number * (own - sums.sum() / max(size, 1.0)) ** 2).sum() - (len(number) - 1) * within
    between = max(spread / max(size - np.square(number).sum() / max(size, 1.0), 1.0), 1e-3 * mean_0)
    # An annotator counts for as much as the votes tell of the annotator rather than of chance.
    known = between / (between + within / number)
    people = known.sum() + START_ANNOTATORS
    mean = max((known @ own + START_ANNOTATORS * mean_0) / people, 0.01)
    variance = (known.sum() * between / mean + START_ANNOTATORS * variance_0) / people
    return Beta.from_moments((1 + np.sqrt(mean)) / 2, variance / 4)


def effective_votes(evidence: Evidence, posterior: Floats, log_odds: Floats) -> tuple[Floats, Floats]:
    """(K,) right and (K,) wrong votes whose likelihood eta^right (1 - eta)^wrong is that of each annotator's votes.

    It has the slope and the curvature, in log-odds, of the exact likelihood at the current reliability. Not knowing the
    truths makes the numbers smaller than those of the votes, and now and then negative.
    """
    p, eta = expit(posterior), expit(log_odds)
    slope = evidence.expected_right(p) - evidence.counts * eta
    certain = eta * (1 - eta)
    missing = evidence.squares.T @ (p * (1 - p))
    number = np.maximum(evidence.counts - missing / certain, 0.0)
    return number * eta + slope, number * (1 - eta) - slope


def refine_prior(evidence: Evidence, posterior: Floats, log_odds: Floats, start: Beta) -> Beta:
    """One step of empirical Bayes: the Beta that maximises the marginal likelihood of the annotators' effective votes.

    ``start`` is held by ``START_ANNOTATORS`` annotators and, where pairs are shared, by more of them the fewer votes the
    annotators have, for then the effective votes are the crowd's echo rather than evidence.
    """
    voted = evidence.counts > 0
    right, wrong = (votes[voted] for votes in effective_votes(evidence, posterior, log_odds))
    held = START_ANNOTATORS
    if evidence.shared:
        typical = np.square(evidence.counts).sum() / evidence.counts.sum()
        held += voted.sum() * ECHO_VOTES / typical
    grid = Grid.of_size(GRID_SIZE)
    log_likelihood = np.outer(right, np.log(grid.x)) + np.outer(wrong, np.log1p(-grid.x))
    return fit_beta(log_likelihood, grid, start, anchor=start, anchor_annotators=held)
