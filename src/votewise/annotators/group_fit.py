"""A fit of reliabilities where groups of annotators err together (``votewise.inference.shared_error``).

Reliabilities and r of each group where the log-posterior is highest (``votewise.annotators.group_search``), and r of groups
with few votes each where it is with their reliabilities integrated over; the interval of r where twice the profile
log-likelihood falls by less than the chi-squared quantile, 3.84 at 95% (both in ``votewise.annotators.group_profile``).
What follows for tables is in ``votewise.annotators.group_estimate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from votewise.annotators.em_steps import ReliabilityModel
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings, Progress
from votewise.annotators.fitted import Fit, Start
from votewise.annotators.group_profile import PROFILE_TOLERANCE, integrated, interval
from votewise.annotators.group_search import GroupSearch
from votewise.annotators.prior import START, prior_from_agreement
from votewise.arrays import Floats, Ints
from votewise.inference.em import EMRun
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import Evidence
from votewise.inference.shared_error import LARGEST_SHARE

FIRST_SHARE = 0.7
"""Where the search for r begins, with one EM step before r moves. It is high because at a small r annotators who copy one
another are taken for the truth."""

START_TOLERANCE = 1e-2
"""Tolerance of the fit that EM begins from."""

ALONE = 1e-3
"""An r below this is 0."""


COARSE_SHARE, MOST_FINE = 0.7, 300_000
"""The largest r for which few values of the shared error are enough, and the most patterns for which many fit in memory."""

COPIES_FROM = 0.75
"""The r above which a group may copy: where one vote in ten is a slip, r is 0.85."""


@dataclass(frozen=True, eq=False)
class GroupFit:
    """Where EM ended under shared errors.

    Attributes:
        votes: the votes and their groups.
        model: the votes with the prior as fitted.
        run: the last run of EM.
        r: (G,) r of each group. ``low`` and ``high`` (G,): its interval.
        steps: E-steps of all runs together.
    """

    votes: GroupedVotes = field(repr=False)
    model: ReliabilityModel = field(repr=False)
    run: EMRun = field(repr=False)
    r: Floats
    low: Floats
    high: Floats
    steps: int

    @property
    def may_copy(self) -> list[int]:
        """Codes of the groups whose errors have so much in common that they may be copies of one another."""
        return [int(g) for g in np.flatnonzero((self.r > COPIES_FROM) & (self.votes.shared_votes > 0))]

    @property
    def log_odds(self) -> Floats:
        """(K,) logit of each reliability."""
        return self.model.split(self.run.x)[0]


def fit_groups(fit: Fit, group: Ints, progress: Progress | None = None) -> GroupFit:
    """Fit again, with shared errors in the groups ``group`` (K,), -1 for none.

    Args:
        fit: the fit without groups.
        group: (K,) code of each annotator's group.
        progress: called after every E-step.
    """
    evidence, settings = fit.model.evidence, fit.settings
    votes, model = GroupedVotes.of(evidence, group), fit.model
    # From the fit without groups, EM stays where a group that copies is the truth.
    thinned = one_vote_of_each_group(votes)
    start = fit_reliability(thinned, replace(settings, tolerance=max(settings.tolerance, START_TOLERANCE)))
    if settings.prior == "fit" and evidence.mostly_shared:
        prior = prior_from_agreement(thinned)
        model = replace(model, prior=replace(prior, outliers=(fit.prior or START).outliers))
    search = GroupSearch(votes, model, settings, start.run.x, progress)
    known = np.flatnonzero(votes.shared_votes > 0)
    r = np.zeros(votes.groups)
    if len(known):
        r[known] = FIRST_SHARE
        search.em(r, PROFILE_TOLERANCE, most=1)
        r = search.highest(r)
        if not votes.fine and r.max() > COARSE_SHARE and votes.signed.shape[0] <= MOST_FINE:
            search.votes = votes = replace(votes, fine=True)
            r = search.highest(r)
        r = integrated(search, r)
        r[r < ALONE] = 0.0
    run = search.em(r, min(settings.tolerance, PROFILE_TOLERANCE))
    low, high = np.zeros(votes.groups), np.full(votes.groups, LARGEST_SHARE)
    if settings.intervals:
        for g in known:
            low[g], high[g] = interval(search, r, int(g), settings.level)
    return GroupFit(votes, model, run, r, low, high, start.steps + search.steps)


def fit_at_shares(evidence: Evidence, group: Ints, r: Floats, settings: FitSettings, start: Start | None = None) -> Fit:
    """Fit reliabilities where r of each group is known.

    Args:
        evidence: the votes.
        group: (K,) code of each annotator's group, -1 for none.
        r: (G,) r of each group.
        settings: as of ``fit_reliability``.
        start: where an earlier fit ended.
    """
    votes = GroupedVotes.of(evidence, group)
    fit = fit_reliability(one_vote_of_each_group(votes), settings, start=start)
    search = GroupSearch(votes, replace(fit.model, evidence=evidence), settings, fit.run.x, None)
    # All codes of groups count, also those that share no pair among these votes.
    run = search.em(r[: votes.groups], settings.tolerance)
    return replace(fit, model=search.model, run=run, steps=fit.steps + search.steps)


def one_vote_of_each_group(votes: GroupedVotes) -> Evidence:
    """The votes with one of each block only, each member's in turn: all that can be taken for independent of the others."""
    evidence, block = votes.evidence, votes.block
    inside = np.flatnonzero(block >= 0)
    order = inside[np.argsort(block[inside], kind="stable")]
    number = np.bincount(block[order], minlength=len(votes.pair))
    first = np.concatenate([[0], np.cumsum(number)[:-1]]) if len(number) else np.zeros(0, np.int64)
    turn = np.random.default_rng(0).integers(0, 2**31, len(number)) % np.maximum(number, 1)
    chosen = block < 0
    chosen[order[(first + turn).astype(np.int64)]] = True
    kept = np.flatnonzero(chosen)
    return Evidence.of(
        evidence.pair[kept],
        evidence.annotator[kept],
        evidence.sign[kept],
        margin=evidence.margin,
        annotators=len(evidence.counts),
        weight=None if evidence.weight is None else evidence.weight[kept],
    )
