"""Everything that follows where groups of annotators err together: for annotators, votes and pairs, and for each group.

Intervals of reliabilities come from the information of all reliabilities and all r together
(``votewise.inference.shared_error_scores``). Groups that copy are one voter each (``votewise.annotators.copies``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit

from votewise.annotators.copies import Copies, members_log_odds
from votewise.annotators.em_steps import prior_pull
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import Progress
from votewise.annotators.fitted import Fit
from votewise.annotators.group_beliefs import GroupBeliefs, SharedError
from votewise.annotators.group_fit import GroupFit, fit_groups
from votewise.arrays import Floats, Ints
from votewise.inference.beta_intervals import beta_intervals
from votewise.inference.shared_error import LARGEST_SHARE, effective_number, error_correlation, expect_errors
from votewise.inference.shared_error_scores import log_odds_variance


@dataclass(frozen=True, eq=False)
class _Found:
    """As in ``GroupBeliefs``, and (K,) ``log_odds``; without intervals the last four are empty."""

    log_odds: Floats
    posterior: Floats
    by_others: Floats = field(default_factory=lambda: np.empty(0))
    predicted: Floats = field(default_factory=lambda: np.empty(0))
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))


def with_groups(fit: Fit, group: Ints, names: tuple[str, ...], progress: Progress | None = None) -> Fit:
    """The fit under shared errors, with all that follows; ``group`` and ``names`` as in ``votewise.annotators.groups``."""
    fitted = fit_groups(fit, group, progress)
    copying = _copies(fit, fitted, progress)
    if copying is None:
        found, last, errors = _follows(fitted, fit), fitted, _shared_errors(fitted, names)
    else:
        copies, last = copying
        found, errors = _of_copies(copies, _follows(last, fit), fitted), _copied_errors(copies, last, fitted, names)
    beliefs = GroupBeliefs(
        groups=errors,
        group=group,
        posterior=found.posterior,
        by_others=found.by_others,
        predicted=found.predicted,
        low=found.low,
        high=found.high,
        said=float(expit(np.abs(found.posterior)).mean()),
        said_without=float(expit(np.abs(fit.beliefs().posterior)).mean()),
    )
    x = np.concatenate([found.log_odds, last.run.x[len(found.log_odds) :]])
    model = replace(fitted.model, prior=last.model.prior)
    return replace(fit, model=model, run=replace(last.run, x=x), steps=last.steps, groups=beliefs)


def _follows(fitted: GroupFit, fit: Fit) -> _Found:
    log_odds, temperature = fitted.model.split(fitted.run.x)
    if not fit.settings.intervals:
        return _Found(log_odds, expect_errors(fitted.votes, log_odds, fitted.r, temperature).posterior)
    pull = prior_pull(fitted.model, log_odds)
    variance, each, errors = log_odds_variance(fitted.votes, log_odds, fitted.r, (pull.right, pull.wrong), temperature)
    low, high = beta_intervals(log_odds, variance, fit.settings.level)
    return _Found(log_odds, errors.posterior, each.by_others, each.predicted, low, high)


def _copies(fit: Fit, fitted: GroupFit, progress: Progress | None) -> tuple[Copies, GroupFit] | None:
    """The groups that copy as one voter each, and the fit to that, where this explains the votes better."""
    may_copy = fitted.may_copy if fitted.votes.evidence.weight is None else []
    if not may_copy:
        return None
    best: tuple[Copies, GroupFit] | None = None
    accepted: list[int] = []
    highest, steps = _log_likelihood(fitted), fitted.steps
    for g in may_copy:
        copies = Copies.of(fitted.votes, np.array([*accepted, g]), fit.settings.level)
        again = fit_groups(fit_reliability(copies.evidence, fit.settings), copies.group, progress)
        steps += again.steps
        likelihood = _log_likelihood(again) + copies.log_likelihood + copies.parameters_saved
        if likelihood > highest:
            accepted, highest, best = [*accepted, g], likelihood, (copies, again)
    return None if best is None else (best[0], replace(best[1], steps=steps))


def _log_likelihood(fitted: GroupFit) -> float:
    log_odds, temperature = fitted.model.split(fitted.run.x)
    return expect_errors(fitted.votes, log_odds, fitted.r, temperature).log_likelihood


def _of_copies(copies: Copies, found: _Found, fitted: GroupFit) -> _Found:
    """What follows for all votes and annotators from what follows for those of ``copies``."""
    votes = fitted.votes
    log_odds = members_log_odds(copies, found.log_odds, votes.group)
    if not len(found.low):
        return _Found(log_odds, found.posterior)
    return _Found(
        log_odds,
        found.posterior,
        copies.by_others(votes.evidence, found.posterior, found.by_others),
        copies.predicted(votes.evidence, votes.group, found.predicted),
        copies.of_members(found.low, votes.group),
        copies.of_members(found.high, votes.group),
    )


def _shared_errors(fitted: GroupFit, names: tuple[str, ...]) -> tuple[SharedError, ...]:
    """What is known about each group; ``names`` (G,)."""
    return tuple(_shared_error(fitted, g, name) for g, name in enumerate(names))


def _shared_error(fitted: GroupFit, g: int, name: str) -> SharedError:
    members = fitted.log_odds[fitted.votes.group == g]
    shares = (float(fitted.r[g]), float(fitted.low[g]), float(fitted.high[g]))
    phi, low, high = (error_correlation(members, r) for r in shares)
    shared = float(fitted.votes.shared_votes[g])
    return SharedError(name, len(members), shared, *shares, phi, low, high, effective_number(len(members), phi))


def _copied_errors(copies: Copies, last: GroupFit, fitted: GroupFit, names: tuple[str, ...]) -> tuple[SharedError, ...]:
    found = []
    for g, name in enumerate(names):
        if copies.slips[g] == 0:
            found.append(_shared_error(last, g, name))
            continue
        members = np.flatnonzero(fitted.votes.group == g)
        correlation = copies.correlation(last.log_odds[copies.source[members[0]]], g)
        number, shared = len(members), float(fitted.votes.shared_votes[g])
        effective = effective_number(number, correlation[0])
        shares = 1.0, LARGEST_SHARE, 1.0
        found.append(SharedError(name, number, shared, *shares, *correlation, effective, float(copies.slips[g])))
    return tuple(found)
