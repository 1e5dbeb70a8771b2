"""Data sets drawn from a fit, and the same fit made to each: what the model's own data look like.

Reliabilities are drawn from their posteriors, truths from theirs, and votes where votes stand. Alternatives draw votes that
the model does not describe, to measure what a test could see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from votewise.annotators.fit import fit_reliability
from votewise.annotators.fitted import Fit, Start
from votewise.arrays import Floats, Ints
from votewise.inference import intervals as iv
from votewise.inference.canonical_order import canonical_order
from votewise.inference.observation import Evidence
from votewise.inference.priors import Grid

LARGEST = 20_000
"""Votes that are looked at; of more, whole pairs are drawn. Nearly everything worth knowing is seen in so many."""

DIFFICULTY, COPIERS, COPIED_RELIABILITY, BY_SIDE = 1.0, 1 / 3, 0.6, 0.1
"""Alternatives: standard deviation of log-difficulty; share of annotators who copy, and the reliability of what they copy;
share of votes that go to the response shown first whatever the answers are."""


@dataclass(frozen=True, eq=False)
class Replicas:
    """Draws from a fit to votes that are sorted by pair.

    Attributes:
        fit: the fit to the votes that are looked at.
        side: (n,) +1 where response_a was shown first, else -1; None where that is unknown.
        annotators: (K,) which of the annotators of the whole these are.
    """

    fit: Fit
    side: Floats | None
    annotators: npt.NDArray[np.int64]

    @classmethod
    def of(cls, fit: Fit, side: Floats | None, rng: np.random.Generator) -> Replicas:
        """The votes of ``fit``, or of some of its pairs where there are more than ``LARGEST``, sorted by pair.

        Args:
            fit: the fit to all votes.
            side: (n,) +1 where response_a was shown first, else -1; None where that is unknown.
            rng: draws the pairs.
        """
        evidence = fit.model.evidence
        # In an order of their own, so that the draws do not depend on the order of the rows.
        of_pair, of_annotator = canonical_order(
            evidence.pair,
            evidence.annotator,
            evidence.sign,
            side,
            pairs=len(evidence.margin),
            annotators=len(evidence.counts),
        )
        # Also by annotator, so that no matrix ever needs to bring its entries into order.
        chosen = np.lexsort([of_annotator[evidence.annotator], of_pair[evidence.pair]])
        if len(chosen) > LARGEST:
            votes = np.bincount(evidence.pair, minlength=len(evidence.margin))
            order = np.argsort(of_pair)
            order = rng.permutation(order[votes[order] > 1])
            order = order[np.cumsum(votes[order]) <= LARGEST]
            kept = np.isin(evidence.pair, order)
            chosen = chosen[kept[chosen]]
        pairs, pair = _numbered(evidence.pair[chosen], of_pair)
        people, annotator = _numbered(evidence.annotator[chosen], of_annotator)
        part = Evidence.of(
            pair,
            annotator,
            evidence.sign[chosen],
            margin=evidence.margin[pairs],
            annotators=len(people),
            weight=None if evidence.weight is None else evidence.weight[chosen],
        )
        start = Start(fit.log_odds[people], fit.temperature, fit.prior)
        return cls(_refit(fit, part, start), None if side is None else side[chosen], people)

    @property
    def evidence(self) -> Evidence:
        """The votes that are looked at."""
        return self.fit.model.evidence

    @property
    def sign(self) -> Floats:
        """(n,) the votes themselves, +1 or -1."""
        return self.evidence.sign.astype(np.float64)

    def refit(self, sign: Floats) -> Fit:
        """The fit to other votes (n,) in the same places."""
        old = self.evidence
        data = sign if old.weight is None else sign * old.weight
        matrix = csr_matrix((data, old.matrix.indices, old.matrix.indptr), shape=old.matrix.shape)
        votes = replace(old, sign=sign.astype(np.int8), matrix=matrix)
        return _refit(self.fit, votes, Start(self.fit.log_odds, self.fit.temperature, self.fit.prior))


def _numbered(code: Ints, place: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The codes that occur, in the order of their places, and (n,) where in it each is."""
    there = np.unique(code)
    there = there[np.argsort(place[there])]
    number = np.zeros(len(place), np.int32)
    number[there] = np.arange(len(there))
    return there.astype(np.int64), number[code]


def _refit(fit: Fit, evidence: Evidence, start: Start) -> Fit:
    settings = fit.settings
    if settings.prior == "fit" and not evidence.mostly_shared:
        # A fit of the prior by likelihood takes thirty runs of EM; the one that was found is kept.
        settings = replace(settings, prior=fit.prior)
    return fit_reliability(evidence, settings, start=start)


class Draws:
    """Random votes from ``replicas``, under the model and under alternatives; ``rng`` draws everything."""

    def __init__(self, replicas: Replicas, rng: np.random.Generator) -> None:
        fit = replicas.fit
        self._evidence, self._side, self._rng = fit.model.evidence, replicas.side, rng
        self._log_odds = fit.log_odds
        posterior = fit.beliefs().posterior
        # A truth is drawn as the first vote being right or wrong: which response is called a then makes no difference.
        self._first = np.ones(len(posterior))
        pairs, at = np.unique(self._evidence.pair, return_index=True)
        self._first[pairs] = self._evidence.sign[at]
        self._first_right = expit(self._first * posterior)
        self._grid = Grid.of_size(iv.INTERVAL_GRID)
        histograms = iv.vote_histograms(self._evidence, posterior, fit.log_odds)
        log_mass = iv.log_likelihood_on(self._grid, histograms) + self._grid.log_mass(fit.prior)
        mass = np.cumsum(np.exp(log_mass - log_mass.max(axis=1, keepdims=True)), axis=1)
        self._below = mass / mass[:, -1:]
        self._normal = histograms.sum(axis=1) > iv.GAUSSIAN_FROM
        self._precision = iv.precision(self._evidence, posterior, fit.log_odds, sum(fit.pseudo_votes()))

    def under_model(self) -> Floats:
        """(n,) votes as the model says."""
        eta = self._reliabilities()
        return self._answers(eta[self._evidence.annotator], self._truths()[self._evidence.pair])

    def of_unequal_difficulty(self) -> Floats:
        """(n,) votes on pairs whose log-odds of a right vote are multiplied by a log-normal number of each pair."""
        pair = self._evidence.pair
        size = np.exp(DIFFICULTY * self._rng.standard_normal(len(self._first)))
        eta = expit(logit(self._reliabilities())[self._evidence.annotator] * size[pair])
        return self._answers(eta, self._truths()[pair])

    def with_copiers(self) -> Floats:
        """(n,) votes of which a third of the annotators take theirs from one source that is right on 6 of 10 pairs."""
        pair, annotator = self._evidence.pair, self._evidence.annotator
        truth = self._truths()
        own = self._answers(self._reliabilities()[annotator], truth[pair])
        source = self._answers(np.full(len(truth), COPIED_RELIABILITY), truth)
        copies = np.zeros(len(self._log_odds), bool)
        copies[self._rng.permutation(len(copies))[: round(COPIERS * len(copies))]] = True
        return np.where(copies[annotator], source[pair], own)

    def by_side(self) -> Floats:
        """(n,) votes of which one in ten goes to the response shown first, whatever the answers are."""
        if self._side is None:
            raise ValueError("which response was shown first is unknown")
        return np.where(self._rng.random(len(self._side)) < BY_SIDE, self._side, self.under_model())

    def _reliabilities(self) -> Floats:
        """(K,) one draw of each from its posterior, the others' reliabilities taken as known."""
        at = self._rng.random(len(self._log_odds))
        cell = np.minimum((self._below < at[:, None]).sum(axis=1), self._below.shape[1] - 1)
        u = (cell + self._rng.random(len(cell))) / self._below.shape[1]
        exact = np.clip(np.sin(np.pi / 2 * u) ** 2, 1e-9, 1 - 1e-9)
        if not self._normal.any():
            return np.asarray(exact)
        normal = self._log_odds + self._rng.standard_normal(len(at)) / np.sqrt(self._precision)
        return np.asarray(np.where(self._normal, expit(normal), exact))

    def _truths(self) -> Floats:
        return np.asarray(np.where(self._rng.random(len(self._first)) < self._first_right, self._first, -self._first))

    def _answers(self, eta: Floats, truth: Floats) -> Floats:
        return np.asarray(np.where(self._rng.random(len(eta)) < eta, truth, -truth))
