"""Belief propagation where votes have weights: a vote of weight w counts as the power w of its probability.

    psi(vote = + | z_i, a_k) = sigmoid(a_k z_i)^w                                                   [method: difficulty]

so that its log-likelihood counts w times, as in the model of equal pairs: a vote of weight 0 counts for nothing. Such a
power is no probability of the two answers any more, for they do not add up to one. So each vote tells its pair two
numbers per size of strength, one in case it is right and one in case it is wrong, and both are kept as logarithms in full
precision. That takes about twice the memory of votes without weights, for which ``VoteMessages`` is there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import log_expit, logit

from votewise.arrays import Floats
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta
from votewise.inference.vote_messages import Strengths, VoteMessages, reliability_at

FEW_WEIGHTS = 24
"""Different weights up to which votes of equal weight are computed together."""

AT_ONCE = 1 << 11
"""About how many votes a chunk holds where nearly every weight is different: each has a table of its own."""

LEAST = 1e-300
"""No number is smaller than this before its logarithm is taken."""

Powers = list[tuple[npt.NDArray[np.intp], Floats, Floats]]
"""Some of the votes at a time: (g, m) rows, and (g, A, D) powers of the probabilities of right and wrong votes."""


def messages_of(evidence: Evidence, strengths: Strengths, prior: Beta | None, start: Floats) -> VoteMessages:
    """The messages of votes with weights, or the faster ones of votes without; arguments as of ``VoteMessages``."""
    if evidence.weight is None or (evidence.weight == 1).all():
        return VoteMessages(evidence, strengths, prior, start)
    return WeightedMessages(evidence, strengths, prior, start)


class WeightedMessages(VoteMessages):
    """Like ``VoteMessages``, of votes with weights. Where all weights are 1 the beliefs are the same, in more digits."""

    def _begin(self, start: Floats) -> None:
        weight = self.evidence.weight
        n = len(self.evidence.sign)
        self._weight: Floats = np.ones(n) if weight is None else np.asarray(weight[self._order], np.float64)
        self._few_weights = len(np.unique(self._weight)) <= FEW_WEIGHTS
        if not self._few_weights:
            self._some = self._chunks(AT_ONCE)
        at = start[self._annotator][:, None] * self.strengths.size
        self._logs = self._weight[:, None] * np.stack([log_expit(at), log_expit(-at)])

    def predicted(self) -> Floats:
        """(n,) probability of each vote being as it is, were its weight 1, predicted from everything except itself."""
        found = np.empty(len(self._weight))
        for votes in self._some:
            log_mass = np.log(np.maximum(self._mass, LEAST))[self._annotator[votes]]
            found[votes] = self._predict(votes, log_mass, logit(self.grid.x))
        for k in self._many:
            votes = slice(int(self._first[k]), int(self._first[k + 1]))
            u, mass = self._windows[int(k)]
            found[votes] = self._predict(votes, np.log(np.maximum(mass, LEAST)), logit(reliability_at(u)))
        return self._in_given_order(found)

    def _predict(self, votes: slice, log_mass: Floats, skill: Floats) -> Floats:
        right, wrong = self._without_own(votes)
        cavity = _normalised(log_mass - self._log_chances(votes, self._powers(votes, skill)))
        if_right = cavity @ np.exp(log_expit(np.outer(skill, self.strengths.size)))
        return np.asarray((right * if_right + wrong * (1 - if_right)).sum(axis=1) / (right + wrong).sum(axis=1))

    def _gather(self) -> None:
        self._said = self._to_pairs @ self._logs.reshape(-1, self._logs.shape[2])
        self._add_prior()

    def _add_prior(self) -> None:
        self._p_a = None
        half = len(self._said) // 2
        log = self._said + 0.0
        log[:half] += self.strengths.above
        log[half:] += self.strengths.below
        top = np.maximum(log[:half].max(axis=1), log[half:].max(axis=1))
        log -= np.concatenate([top, top])[:, None]
        self._log_pairs = log
        self._pairs = np.exp(log)
        self._each = self._pairs.sum(axis=1)
        total = self._each[:half] + self._each[half:]
        self._total = np.concatenate([total, total])[:, None]

    def _without_own(self, votes: slice) -> tuple[Floats, Floats]:
        right, wrong = (
            self._log_pairs[row[votes]] - own[votes]
            for row, own in zip((self._if_right, self._if_wrong), self._logs, strict=True)
        )
        top = np.maximum(right.max(axis=1), wrong.max(axis=1))[:, None]
        return np.exp(right - top), np.exp(wrong - top)

    def _log_chances(self, votes: slice, powers: Powers) -> Floats:
        """(m, A) log of the power of each vote's probability at each skill, up to a constant per vote."""
        right, wrong = self._without_own(votes)
        found = np.empty((len(right), powers[0][1].shape[1]))
        for rows, if_right, if_wrong in powers:
            found[rows] = right[rows] @ if_right.swapaxes(1, 2) + wrong[rows] @ if_wrong.swapaxes(1, 2)
        return np.log(np.maximum(found, LEAST))

    def _powers(self, votes: slice, skill: Floats) -> Powers:
        """What the votes' probabilities are to the power of their weights, at each skill and size of strength."""
        at = np.outer(skill, self.strengths.size)
        log_right, log_wrong = log_expit(at), log_expit(-at)
        weight = self._weight[votes]
        if self._few_weights:
            parts = [(np.flatnonzero(weight == one)[None], np.array([one])) for one in np.unique(weight)]
        else:
            parts = [(np.arange(len(weight))[:, None], weight)]
        return [(rows, *(np.exp(each[:, None, None] * log) for log in (log_right, log_wrong))) for rows, each in parts]

    def _tell_pairs(self, votes: slice, log_cavity: Floats, powers: Powers) -> None:
        """What votes say to their pairs; ``log_cavity`` (m, A) is what is known of each vote's annotator without it."""
        cavity = _normalised(log_cavity)
        for rows, *both in powers:
            for side, if_so in zip(self._logs, both, strict=True):
                side[votes.start + rows] = np.log(np.maximum(cavity[rows] @ if_so, LEAST))

    def _pass_on(self, votes: slice, log_prior: Floats, chance: Floats) -> None:
        powers, annotator = self._powers(votes, logit(self.grid.x)), self._annotator[votes]
        log_chances = self._log_chances(votes, powers)
        first = np.flatnonzero(np.diff(annotator, prepend=-1))
        who, row = annotator[first], np.searchsorted(annotator[first], annotator)
        m = len(annotator)
        of_whom = csr_matrix((np.ones(m), np.arange(m), np.append(first, m)), shape=(len(who), m))
        self.likelihood[who] = of_whom @ log_chances
        log_mass = log_prior + self.likelihood[who]
        self._mass[who] = _normalised(log_mass)
        self._tell_pairs(votes, log_mass[row] - log_chances, powers)

    def _pass_on_window(self, k: int) -> None:
        votes, u, x = self._window(k)
        powers = self._powers(votes, logit(x))
        log_chances = self._log_chances(votes, powers)
        log_mass = self._log_prior_in_window(u, x) + log_chances.sum(axis=0)
        self._move_window(k, u, _normalised(log_mass))
        self._tell_pairs(votes, log_mass - log_chances, powers)


def _normalised(log: Floats) -> Floats:
    """Masses in proportion to exp(log), along the last axis."""
    mass = np.exp(log - log.max(axis=-1, keepdims=True))
    return np.asarray(mass / mass.sum(axis=-1, keepdims=True))
