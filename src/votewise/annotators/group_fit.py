"""A fit of reliabilities where groups of annotators err together (``votewise.inference.shared_error``).

EM over truth, shared errors and reliabilities at given r; r of each group by profile likelihood, its interval where twice
the log-likelihood falls by less than the chi-squared quantile (3.84 at 95%). Intervals of reliabilities come from the
information of all reliabilities and all r together (``votewise.inference.shared_error_scores``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit, ndtri

from votewise.annotators.em_steps import ReliabilityModel, next_log_temperature, prior_pull
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings, Progress
from votewise.annotators.fitted import Fit
from votewise.annotators.group_beliefs import GroupBeliefs, SharedError
from votewise.annotators.prior import START, prior_from_agreement
from votewise.arrays import Floats, Ints
from votewise.inference.beta_intervals import beta_intervals
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.observation import Evidence
from votewise.inference.shared_error import (
    LARGEST_SHARE,
    GroupedVotes,
    effective_number,
    error_correlation,
    expect_errors,
    expected_votes,
    most_likely_log_odds,
    shares_of,
)
from votewise.inference.shared_error_scores import log_odds_variance

ROUNDS = 3
"""Most rounds over the groups, where there are several."""

FIRST_SHARE = 0.7
"""Where the search for r begins. It is high because EM at a small r takes annotators who copy one another for the truth."""

R_TOLERANCE, POINTS = 2e-3, 12
"""The change of r that counts as none, and most points of a search."""

PROFILE_TOLERANCE = 2e-4
"""Tolerance of EM at one point of the profile: its likelihood is then off by far less than 0.01."""

ALONE = 1e-3
"""An r below this is 0."""


@dataclass(frozen=True, eq=False)
class GroupFit:
    """Where EM ended under shared errors.

    Attributes:
        votes: the votes and their groups.
        model: the votes with the prior as fitted.
        run: the last run of EM.
        r: (G,) r of each group. ``low`` and ``high`` (G,): its interval.
        steps: EM steps of all runs together.
    """

    votes: GroupedVotes = field(repr=False)
    model: ReliabilityModel = field(repr=False)
    run: EMRun = field(repr=False)
    r: Floats
    low: Floats
    high: Floats
    steps: int

    @property
    def log_odds(self) -> Floats:
        """(K,) logit of each reliability."""
        return self.model.split(self.run.x)[0]


class _Profile:
    """The log-posterior as a function of r, maximised over everything else; warm from the last point."""

    def __init__(self, votes: GroupedVotes, model: ReliabilityModel, settings: FitSettings, x: Floats) -> None:
        self.votes, self.model, self.settings, self.x = votes, model, settings, x
        self.steps = 0
        self.progress: Progress | None = None
        self.run: EMRun | None = None

    def at(self, r: Floats, tolerance: float) -> float:
        """The maximum at ``r`` (G,)."""
        done = self.steps

        def told(i: int, moved: float) -> None:
            if self.progress is not None:
                self.progress("EM with groups", done + i, moved)

        options = EMOptions(
            tolerance=tolerance,
            max_iterations=self.settings.max_iterations,
            accelerate=self.settings.accelerate,
            on_iteration=told,
        )
        self.run = run_em(
            lambda x: em_step(self.votes, self.model, x, r),
            self.x,
            options,
            distance=lambda x, y: float(np.abs(expit(x) - expit(y)).max()),
            project=self.model.project,
        )
        self.steps += self.run.iterations
        self.x = self.run.x
        return self.objective(r)

    def objective(self, r: Floats) -> float:
        """The log-posterior where EM ended, at another ``r``."""
        log_odds, temperature = self.model.split(self.x)
        found = expect_errors(self.votes, log_odds, r, temperature)
        return found.log_likelihood + float(prior_pull(self.model, log_odds).log_density.sum())

    def slope(self, r: Floats, g: int) -> float:
        """Derivative of the profile in r of group ``g``: where EM has converged, that of the log-posterior itself."""
        step = 1e-3
        ends = [max(r[g] - step, 0.0), min(r[g] + step, LARGEST_SHARE)]
        low, high = (self.objective(np.where(np.arange(len(r)) == g, end, r)) for end in ends)
        return float((high - low) / (ends[1] - ends[0]))


def em_step(votes: GroupedVotes, model: ReliabilityModel, x: Floats, r: Floats) -> tuple[Floats, float]:
    """One E-step and M-step at ``r`` (G,): the next point, and the log-posterior at ``x``."""
    log_odds, temperature = model.split(x)
    found = expect_errors(votes, log_odds, r, temperature)
    pull = prior_pull(model, log_odds)
    expected = expected_votes(votes, found)
    share = shares_of(votes, r)
    new = most_likely_log_odds(log_odds, share, expected, (pull.right, pull.wrong), votes.alone_counts)
    if model.temperature is None:
        moved = next_log_temperature(model.evidence.margin, expit(found.posterior), x[-1])
        new = np.append(new, moved)
    return new, found.log_likelihood + float(pull.log_density.sum())


def fit_groups(fit: Fit, group: Ints, progress: Progress | None = None) -> GroupFit:
    """Fit again, with shared errors in the groups ``group`` (K,), -1 for none.

    Args:
        fit: the fit without groups.
        group: (K,) code of each annotator's group.
        progress: called after every EM step.
    """
    evidence, settings = fit.model.evidence, fit.settings
    votes = GroupedVotes.of(evidence, group)
    model = fit.model
    if settings.prior == "fit" and evidence.mostly_shared:
        prior = prior_from_agreement(one_vote_of_each_group(votes))
        model = replace(model, prior=replace(prior, outliers=(fit.prior or START).outliers))
    # From the fit without groups, EM stays where a group that copies is the truth.
    start = fit_reliability(one_vote_of_each_group(votes), settings)
    profile = _Profile(votes, model, settings, start.run.x)
    profile.progress = progress
    known = np.flatnonzero(votes.shared_votes > 0)
    r = np.zeros(votes.groups)
    r[known] = FIRST_SHARE
    for _ in range(ROUNDS if len(known) > 1 else 1):
        before = r.copy()
        for g in known:
            r = _best_share(profile, r, int(g))
        if np.abs(r - before).max() < 5 * R_TOLERANCE:
            break
    top = profile.at(r, min(settings.tolerance, PROFILE_TOLERANCE))
    run, best = profile.run, profile.x
    low, high = np.zeros(votes.groups), np.full(votes.groups, LARGEST_SHARE)
    fall = ndtri((1 + settings.level) / 2) ** 2 / 2
    if settings.intervals:
        for g in known:
            low[g] = _end(profile, r, int(g), best, top - fall, -1)
            high[g] = _end(profile, r, int(g), best, top - fall, 1)
    assert run is not None  # noqa: S101 - a profile was taken
    return GroupFit(votes, model, run, r, low, high, start.steps + profile.steps)


def one_vote_of_each_group(votes: GroupedVotes) -> Evidence:
    """The votes with one of each block only, each member's in turn: all that can be taken for independent of the others."""
    evidence, block = votes.evidence, votes.block
    inside = np.flatnonzero(block >= 0)
    order = inside[np.argsort(block[inside], kind="stable")]
    number = np.bincount(block[order], minlength=len(votes.pair))
    first = np.concatenate([[0], np.cumsum(number)[:-1]]) if len(number) else np.zeros(0, np.int64)
    turn = np.random.default_rng(0).integers(0, 2**31, len(number)) % np.maximum(number, 1)
    kept = np.sort(np.concatenate([np.flatnonzero(block < 0), order[(first + turn).astype(np.int64)]]))
    return Evidence.of(
        evidence.pair[kept],
        evidence.annotator[kept],
        evidence.sign[kept],
        margin=evidence.margin,
        annotators=len(evidence.counts),
        weight=None if evidence.weight is None else evidence.weight[kept],
    )


def _with(r: Floats, g: int, value: float) -> Floats:
    new = r.copy()
    new[g] = value
    return new


def _best_share(profile: _Profile, r: Floats, g: int) -> Floats:
    """``r`` with the best value for group ``g``: where the profile's slope is zero, by the secant within a bracket."""
    left, right = 0.0, LARGEST_SHARE
    slopes: dict[float, float] = {}
    at = float(r[g])
    for _ in range(POINTS):
        point = _with(r, g, at)
        profile.at(point, PROFILE_TOLERANCE)
        slopes[at] = profile.slope(point, g)
        if slopes[at] > 0:
            left = at
        else:
            right = at
        if (at <= ALONE and slopes[at] <= 0) or (at == LARGEST_SHARE and slopes[at] > 0):
            break
        below, above = [s for s in slopes if slopes[s] > 0], [s for s in slopes if slopes[s] <= 0]
        if below and above:
            a, b = max(below), min(above)
            new = a + (b - a) * slopes[a] / (slopes[a] - slopes[b])
            # The slope of a log-likelihood bends, so that the secant may hold one end for long.
            new = float(np.clip(new, a + 0.05 * (b - a), b - 0.05 * (b - a)))
        else:
            new = (at + right) / 2 + 0.05 if slopes[at] > 0 else at / 3
            new = min(new, LARGEST_SHARE) if new > ALONE else 0.0
        if abs(new - at) < R_TOLERANCE or right - left < R_TOLERANCE:
            at = new
            break
        at = new
    return _with(r, g, 0.0 if at < ALONE else at)


def _end(profile: _Profile, r: Floats, g: int, best: Floats, wanted: float, side: int) -> float:
    """Where the profile falls to ``wanted``, below (-1) or above (+1) the best r of group ``g``."""
    limit = 0.0 if side < 0 else LARGEST_SHARE
    inner, outer = float(r[g]), limit
    profile.x = best
    if inner == limit or profile.at(_with(r, g, limit), PROFILE_TOLERANCE) >= wanted:
        return limit
    at_outer, at_inner = profile.objective(_with(r, g, limit)), None
    top = wanted + 1.92
    for _ in range(POINTS):
        # Near the top the likelihood is a parabola: its root grows with the square root of the fall.
        fall_in = 0.0 if at_inner is None else np.sqrt(max(top - at_inner, 0.0))
        fall_out, goal = np.sqrt(top - at_outer), np.sqrt(top - wanted)
        share = (goal - fall_in) / max(fall_out - fall_in, 1e-12)
        at = inner + (outer - inner) * float(np.clip(share, 0.1, 0.9))
        value = profile.at(_with(r, g, at), PROFILE_TOLERANCE)
        if value >= wanted:
            inner, at_inner = at, value
        else:
            outer, at_outer = at, value
        if abs(value - wanted) < 0.05 or abs(outer - inner) < R_TOLERANCE:
            return at
    return (inner + outer) / 2


def shared_errors(fit: GroupFit, names: tuple[str, ...]) -> tuple[SharedError, ...]:
    """What is known about each group; ``names`` (G,)."""
    found = []
    for g, name in enumerate(names):
        members = fit.log_odds[fit.votes.group == g]
        shares = (float(fit.r[g]), float(fit.low[g]), float(fit.high[g]))
        phi, low, high = (error_correlation(members, r) for r in shares)
        effective = effective_number(len(members), phi)
        shared = float(fit.votes.shared_votes[g])
        found.append(SharedError(name, len(members), shared, *shares, phi, low, high, effective))
    return tuple(found)


def with_groups(fit: Fit, group: Ints, names: tuple[str, ...], progress: Progress | None = None) -> Fit:
    """The fit under shared errors, with all that follows; ``group`` and ``names`` as in ``votewise.annotators.groups``."""
    found = fit_groups(fit, group, progress)
    log_odds, temperature = found.model.split(found.run.x)
    pull = prior_pull(found.model, log_odds)
    if fit.settings.intervals:
        variance, each, errors = log_odds_variance(
            found.votes, log_odds, found.r, (pull.right, pull.wrong), temperature
        )
        low, high = beta_intervals(log_odds, variance, fit.settings.level)
        by_others, predicted = each.by_others, each.predicted
    else:
        errors = expect_errors(found.votes, log_odds, found.r, temperature)
        low, high, by_others, predicted = (np.empty(0) for _ in range(4))
    beliefs = GroupBeliefs(
        groups=shared_errors(found, names),
        group=group,
        posterior=errors.posterior,
        by_others=by_others,
        predicted=predicted,
        low=low,
        high=high,
        said=float(expit(np.abs(errors.posterior)).mean()),
        said_without=float(expit(np.abs(fit.beliefs().posterior)).mean()),
    )
    return replace(fit, model=found.model, run=found.run, steps=found.steps, groups=beliefs)
