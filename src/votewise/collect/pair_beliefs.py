"""Beliefs about the pairs and the annotators of a campaign: Bayes vote by vote, and a refit from time to time.

Between refits the reliabilities stand still, and a vote adds its evidence to its pair:

    log_odds_i <- log_odds_i + v logit(eta_k)                                                        (evidence rule)

A refit is the EM of ``votewise audit``, started where the last one ended; where annotators err together, as it does with
groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit

from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.fitted import Start
from votewise.annotators.group_estimate import with_groups
from votewise.annotators.prior import START
from votewise.arrays import Floats, Ints, Signs
from votewise.inference.beta_intervals import beta_intervals
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta
from votewise.inference.shared_error import LARGEST_SHARE, expect_errors

FIRST_REFIT, GROWTH = 50, 0.1
"""Votes before the first refit, and the share of new votes after which there is another."""


@dataclass(frozen=True, eq=False)
class PairBeliefs:
    """What is believed about M pairs and K annotators.

    Attributes:
        margin: (M,) log-odds that response_a is truly better, before any vote.
        log_odds: (M,) the same with all votes so far.
        reliability: (K,) probability that a vote of each annotator is right.
        low, high: (K,) ends of its intervals.
        fitted: votes at the last refit.
        prior: the annotators' prior at the last refit; None before the first.
        shared: (K,) share r of the error of each one's group that is common to its votes on a pair, at the last refit; 0 for
            annotators in no group. Empty before the first.
    """

    margin: Floats
    log_odds: Floats
    reliability: Floats
    low: Floats
    high: Floats
    fitted: int = 0
    prior: Beta | None = None
    shared: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def before_votes(cls, margin: Floats, annotators: int, level: float = 0.95) -> PairBeliefs:
        """The beliefs before the first vote; ``margin`` (M,) from a reward model, or 0."""
        mean = np.full(annotators, START.mean)
        # beta_intervals wants the variance of the log-odds at the mode over log-odds: 1 / ((c + d) eta (1 - eta)).
        variance = np.full(annotators, 1 / ((START.c + START.d) * START.mean * (1 - START.mean)))
        low, high = beta_intervals(clipped_logit(mean), variance, level)
        return cls(margin, margin.copy(), mean, low, high)

    def with_votes(self, pair: Ints, annotator: Ints, sign: Signs) -> PairBeliefs:
        """The beliefs after n more votes, in any order; reliabilities stay as they are.

        Args:
            pair: (n,) the pair of each vote.
            annotator: (n,) its annotator.
            sign: (n,) +1 for response_a, -1 for response_b, 0 for a tie.
        """
        step = sign * clipped_logit(self.reliability)[annotator]
        return replace(self, log_odds=self.log_odds + np.bincount(pair, step, minlength=len(self.log_odds)))

    def wants_refit(self, votes: int) -> bool:
        """Whether there are enough new votes, of ``votes`` in all, for another refit."""
        return votes >= FIRST_REFIT and votes - self.fitted >= GROWTH * self.fitted

    def refitted(self, pair: Ints, annotator: Ints, sign: Signs, groups: list[str | None] | None = None) -> PairBeliefs:
        """The beliefs after a refit to all n votes so far.

        Args:
            pair: (n,) the pair of each vote.
            annotator: (n,) its annotator.
            sign: (n,) as in ``with_votes``.
            groups: (K,) name of each annotator's group, None for those who err alone. A group in which one annotator has
                voted is none, and neither is one in which all have: it cannot be told from the truth.
        """
        people = len(self.reliability)
        evidence = Evidence.of(pair, annotator, sign, margin=self.margin, annotators=people)
        start = None if self.prior is None else Start(clipped_logit(self.reliability), prior=self.prior)
        fit = fit_reliability(evidence, FitSettings(), start=start)
        shared = np.zeros(people)
        if groups is not None:
            code, names = erring_together(groups, np.unique(annotator))
            if names:
                fit = with_groups(fit, code, names)
                found = () if fit.groups is None else fit.groups.groups
                shared = np.array([*(one.r for one in found), 0.0])[code]
        posterior = fit.beliefs().posterior
        low, high = fit.intervals(posterior)
        reliability = np.asarray(expit(fit.log_odds))
        return PairBeliefs(self.margin, posterior, reliability, low, high, len(pair), fit.prior, shared)


def votes_log_odds(sign: Signs, reliability: Floats, group: Sequence[str | None], shared: Floats) -> float:
    """The log-odds that n votes of different annotators on one pair give, (n,) each; ``shared`` as in ``PairBeliefs``."""
    log_odds = clipped_logit(reliability)
    codes = {name: code for code, name in enumerate(dict.fromkeys(name for name in group if name is not None))}
    if len(codes) == sum(name is not None for name in group):
        return float(sign @ log_odds)  # everybody errs alone
    people = np.arange(len(sign), dtype=np.int32)
    evidence = Evidence.of(np.zeros_like(people), people, sign, margin=np.zeros(1), annotators=len(sign))
    code = np.array([-1 if name is None else codes[name] for name in group], np.int32)
    r = np.array([shared[np.flatnonzero(code == g)[0]] for g in range(len(codes))])
    return float(expect_errors(GroupedVotes.of(evidence, code), log_odds, np.minimum(r, LARGEST_SHARE)).posterior[0])


def erring_together(groups: list[str | None], voted: Ints) -> tuple[Ints, tuple[str, ...]]:
    """(K,) code of each annotator's group, -1 for none, and the groups' names: of those in which several have voted.

    There are none where everyone who has ``voted`` is in one group.
    """
    members = Counter(groups[k] for k in voted)
    names = sorted(name for name, size in members.items() if name is not None and 1 < size < len(voted))
    codes = {name: code for code, name in enumerate(names)}
    return np.array([codes.get(name, -1) for name in groups], np.int32), tuple(names)
