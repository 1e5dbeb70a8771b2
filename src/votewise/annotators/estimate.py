"""Votes -> which annotators to trust: reliability per annotator, confidence per vote, posterior per pair.

The one public function; the EM behind it is in ``votewise.annotators.fit``, the model in ``votewise.inference.observation``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.beliefs import Beliefs
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_findings import fit_findings
from votewise.annotators.fit_settings import MAX_ITERATIONS, TOLERANCE, FitSettings, Point, PriorChoice, Progress
from votewise.annotators.fit_tests import FitTests, run_fit_tests
from votewise.annotators.fitted import Fit
from votewise.annotators.flags import annotator_flags
from votewise.annotators.given_prior import given_prior_findings
from votewise.annotators.group_estimate import with_groups
from votewise.annotators.groups import Groups, KnownGroups, by_name, check_composes, groups_of
from votewise.annotators.identifiability import identifiability
from votewise.annotators.judgements import judgement_findings
from votewise.annotators.order_beliefs import order_findings, with_orders
from votewise.annotators.pair_models import PairModel, check_pair_model, pair_model_findings, with_pair_model
from votewise.annotators.position import position_findings, position_test
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.soundness import soundness
from votewise.annotators.tables import Checks, annotator_table, own_names, pair_table, vote_table
from votewise.annotators.unknown import unknown_people, unknown_people_finding
from votewise.data.answer_codes import answer_codes
from votewise.data.votes import Votes
from votewise.defaults import LEVEL, RELIABLE_FROM
from votewise.inference.calibration import calibration_table, predictive_calibration
from votewise.inference.diagnostic import Diagnostic, worst_first

GROUPS_KNOWN = (
    "who errs together is already said by groups, and the tests take everybody for independent; without groups they "
    "would ask whether some annotators copy"
)
"""Why nothing is tested where there are groups."""


def estimate_reliability(
    votes: Votes,
    *,
    margins: npt.ArrayLike | None = None,
    prior: PriorChoice = "fit",
    point: Point = "mean",
    shared_pairs: bool = True,
    temperature: float | Literal["fit"] = 1.0,
    reliability_init: float | None = None,
    model: PairModel = "equal",
    intervals: bool = True,
    level: float = LEVEL,
    reliable_from: float = RELIABLE_FROM,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    accelerate: bool = True,
    fit_tests: bool = False,
    groups: Groups | KnownGroups | None = None,
    progress: Progress | None = None,
) -> ReliabilityResult:
    """Estimate how far each annotator, each vote and each pair can be trusted.

    Args:
        votes: the votes; a tie counts neither for an annotator nor against one.
        margins: (M,) log-odds that response_a of each pair is truly better before any vote is looked at (from a policy
            or a reward model); the votes' own by default, 0 where there are none.
        prior: what is believed of an annotator before any vote: ``"fit"`` (a Beta fitted to the annotators themselves), a
            ``Beta(c, d)``, or ``None``.
        point: which point of the posterior the M-step takes, see ``votewise.annotators.em_steps``. No difference without
            a prior.
        shared_pairs: votes on one pair share its truth. ``False`` treats them as unrelated rows; with ``prior=None``
            that is RE-PO's full-batch algorithm [RE-PO eq. 4, 6].
        temperature: factor on all margins, or ``"fit"`` to maximise the votes' marginal likelihood.
        reliability_init: reliability that all annotators start from; the prior's mean by default, 0.9 without a prior
            [RE-PO].
        model: ``equal`` (all pairs are equally hard), ``difficulty`` (some are harder), ``items`` (answers that recur in
            several pairs have a strength of their own) or ``auto`` (whichever predicts hidden votes best); see
            ``votewise.annotators.pair_models``. A reliability is always the share of right votes over all kinds of pairs.
        intervals: whether to go beyond the estimates: intervals, agreement, position tests, flags and calibration.
        level: probability with which an interval holds the true reliability.
        reliable_from: reliability from which an annotator is called reliable.
        tolerance: largest movement of a reliability in one EM step that counts as none.
        max_iterations: most EM steps.
        accelerate: extrapolate between EM steps; the answer is the same.
        fit_tests: whether to test if the model describes the votes, by fits to some 300 data sets drawn from it, see
            ``votewise.annotators.fit_tests``; takes about a second. Only with ``intervals``.
        groups: annotators who err together, because they are models of one family or copy one source: the name of each group
            -> a shell-style pattern of its members' names (or several patterns), or the name of the source's column that
            has each annotator's group. Their votes on one pair then share a part of their error, which is estimated. The
            fit tests know no groups, and are left out. ``KnownGroups`` are those of an earlier estimate.
        progress: called after every EM step, and after every fit of a test.

    Returns:
        A ``ReliabilityResult``. Where the votes do not determine the answer, its ``diagnostics`` hold one of severity
        ``error`` that says why and what to supply; the numbers are then the prior's, not the data's.

    Raises:
        BadInputError: a setting out of range, margins of the wrong length or not finite, or groups that cannot be used.
        NotIdentifiableError: all annotators are in one group.
    """
    settings = FitSettings(
        prior=prior,
        point=point,
        shared_pairs=shared_pairs,
        temperature=temperature,
        reliability_init=reliability_init,
        intervals=intervals,
        level=level,
        reliable_from=reliable_from,
        tolerance=tolerance,
        max_iterations=max_iterations,
        accelerate=accelerate,
        fit_tests=fit_tests,
    )
    if margins is not None:
        votes = votes.with_margins(margins)
    if groups is not None:
        check_composes(votes, shared_pairs=shared_pairs, model=model)
        members = groups_of(votes, groups)
        fit = fit_reliability(evidence_of(votes), settings, progress=progress)
        untested = FitTests(untested=GROUPS_KNOWN) if fit_tests and intervals else None
        return _result(votes, with_groups(fit, *members, progress), untested)
    evidence = evidence_of(votes, shared_pairs=shared_pairs)
    answers = None if model in ("equal", "difficulty") else answer_codes(votes)
    check_pair_model(model, evidence, answers, settings)
    fit = fit_reliability(evidence, settings, progress=progress)
    fit = with_pair_model(fit, model, answers, progress)
    if fit.strengths is not None:
        return _result(votes, fit, None)  # the tests ask whether pairs are equally hard
    if shared_pairs and point == "mean":
        fit = with_orders(fit, votes.answers, progress)
    tests = run_fit_tests(votes, fit, progress=progress) if fit_tests and intervals else None
    return _result(votes, fit, tests)


def _result(votes: Votes, fit: Fit, tests: FitTests | None) -> ReliabilityResult:
    """Everything that follows from a fit, as tables."""
    evidence, settings, beliefs = fit.model.evidence, fit.settings, fit.beliefs()
    found = [*fit.findings(), *identifiability(evidence), *judgement_findings(evidence, fit.model.worth)]
    found += pair_model_findings(fit)
    found += order_findings(fit, votes.answers)
    checks, calibration = None, calibration_table(np.empty(0), np.empty(0, bool))
    if settings.intervals:
        checks, calibration, further = _check(votes, fit, beliefs)
        found += further
    if tests is not None:
        found += fit_findings(tests)
    return ReliabilityResult(
        annotators=_with_group(annotator_table(votes, evidence, beliefs, checks), fit),
        votes=vote_table(votes, evidence, beliefs),
        pairs=pair_table(votes, evidence, beliefs, shared_pairs=settings.shared_pairs),
        calibration=calibration,
        prior=fit.prior_facts(),
        prior_width=fit.prior_width,
        temperature=fit.temperature,
        converged=fit.run.converged,
        iterations=fit.steps,
        history=fit.run.history,
        diagnostics=worst_first(found),
        settings=settings.as_facts() | {"model": "equal" if fit.strengths is None else fit.strengths.model},
        compared=tuple(asdict(score) for score in fit.compared),
        names=own_names(votes),
        fit_tests=tests,
        groups=() if fit.groups is None else fit.groups.groups,
        said=None if fit.groups is None else (fit.groups.said, fit.groups.said_without),
    )


def _with_group(annotators: pa.Table, fit: Fit) -> pa.Table:
    """The table with a column ``group``, if there are groups."""
    if fit.groups is None:
        return annotators
    names = [one.name for one in fit.groups.groups]
    return annotators.append_column("group", pa.array(by_name(fit.groups.group, names), pa.string()))


def _check(votes: Votes, fit: Fit, beliefs: Beliefs) -> tuple[Checks, pa.Table, list[Diagnostic]]:
    """Everything beyond the estimates: intervals, flags, position tests, calibration, and what they show."""
    evidence, width, worth = fit.model.evidence, fit.prior_width, fit.model.worth
    by_others = fit.by_others(beliefs.posterior)
    low, high = fit.intervals(beliefs.posterior)
    informed = np.abs(by_others) > 1e-9
    predicted = fit.predicted(beliefs, by_others)
    position = position_test(votes, evidence, predicted, worth)
    flags = annotator_flags((low, high), position, reliable_from=fit.settings.reliable_from, prior_width=width)
    unknown = unknown_people(votes)
    if unknown is not None:
        flags[unknown] = "unsure"
    predictable = informed if fit.orders is None else informed & ~fit.orders.best_only
    calibration = predictive_calibration(predicted, predictable, None if worth is None else worth[evidence.annotator])
    found = [*soundness(evidence, beliefs, (low, high), width), *given_prior_findings(fit, beliefs.posterior)]
    found += position_findings(position)
    if unknown is not None:
        found.append(unknown_people_finding(int((votes.annotator == unknown).sum())))
    return Checks(low, high, flags, position, informed, by_others > 1e-9), calibration, found
