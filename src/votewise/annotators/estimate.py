"""Votes -> whom to believe: reliability per annotator, confidence per vote, posterior per pair.

The one public function; the EM behind it is in ``fitting``, the model in ``observation``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from votewise.annotators.beliefs import Beliefs, predict_votes
from votewise.annotators.diagnostics import (
    annotator_flags,
    identifiability,
    position_findings,
    position_test,
    soundness,
)
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import Fit, PriorChoice, Progress, Settings
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.tables import Checks, annotator_table, pair_table, vote_table
from votewise.data.votes import Votes
from votewise.inference.calibration import calibration_table, predictive_calibration
from votewise.inference.diagnostic import Diagnostic

LEVELS = ("error", "warning", "info")


def estimate_reliability(
    votes: Votes,
    *,
    margins: npt.ArrayLike | None = None,
    prior: PriorChoice = "fit",
    point: Literal["mean", "mode"] = "mean",
    shared_pairs: bool = True,
    temperature: float | Literal["fit"] = 1.0,
    reliability_init: float | None = None,
    intervals: bool = True,
    level: float = 0.95,
    reliable_from: float = 0.7,
    tolerance: float = 5e-4,
    max_iterations: int = 1000,
    accelerate: bool = True,
    progress: Progress | None = None,
) -> ReliabilityResult:
    """Work out how far each annotator, each vote and each pair can be believed.

    Args:
        votes: the votes; ties count for nobody and against nobody.
        margins: (M,) log-odds that response_a of each pair is truly better before any vote is looked at (from a policy
            or a reward model); the votes' own by default, 0 where there are none.
        prior: what is believed of an annotator before any vote: ``"fit"`` (a Beta fitted to the crowd itself), a
            ``Beta(c, d)``, or ``None``.
        point: which point of the posterior the M-step takes, see ``fitting``. No difference without a prior.
        shared_pairs: votes on one pair share its truth. ``False`` treats them as unrelated rows; with ``prior=None``
            that is RE-PO's full-batch algorithm [RE-PO eq. 4, 6].
        temperature: factor on all margins, or ``"fit"`` to maximise the votes' marginal likelihood.
        reliability_init: reliability everybody starts from; the prior's mean by default, 0.9 without a prior [RE-PO].
        intervals: whether to go beyond the estimates: intervals, agreement, position tests, flags and calibration.
        level: probability with which an interval holds the true reliability.
        reliable_from: reliability from which an annotator is called reliable.
        tolerance: largest movement of a reliability in one EM step that counts as none.
        max_iterations: most EM steps.
        accelerate: extrapolate between EM steps; the answer is the same.
        progress: called after every EM step.

    Returns:
        A ``ReliabilityResult``. Where the votes do not determine the answer, its ``diagnostics`` hold one of level
        ``error`` that says why and what to supply; the numbers are then the prior's, not the data's.

    Raises:
        BadInputError: a setting out of range, or margins of the wrong length or not finite.
    """
    settings = Settings(
        prior,
        point,
        shared_pairs,
        temperature,
        reliability_init,
        intervals,
        level,
        reliable_from,
        tolerance,
        max_iterations,
        accelerate,
    )
    if margins is not None:
        votes = votes.with_margins(margins)
    evidence = evidence_of(votes, shared_pairs=shared_pairs)
    fit = Fit(evidence, settings, progress)
    fit.run()
    beliefs = fit.beliefs()
    found = [*fit.findings(), *identifiability(votes, evidence)]
    checks, calibration = None, calibration_table(np.empty(0), np.empty(0, bool))
    if intervals:
        checks, calibration, further = _check(votes, fit, beliefs)
        found += further
    return ReliabilityResult(
        annotators=annotator_table(votes, evidence, beliefs, checks),
        votes=vote_table(votes, evidence, beliefs),
        pairs=pair_table(votes, evidence, beliefs, shared_pairs=shared_pairs),
        calibration=calibration,
        prior=fit.prior_facts(),
        temperature=fit.temperature,
        converged=fit.last.converged,
        iterations=fit.steps,
        history=fit.last.history,
        diagnostics=tuple(sorted(found, key=lambda item: LEVELS.index(item.level))),
        settings=settings.as_facts(),
    )


def _check(votes: Votes, fit: Fit, beliefs: Beliefs) -> tuple[Checks, pa.Table, list[Diagnostic]]:
    """Everything beyond the estimates: intervals, flags, position tests, calibration, and what they say."""
    evidence = fit.evidence
    by_others = evidence.log_odds_without_own_vote(beliefs.posterior, beliefs.log_odds)
    low, high = fit.intervals(beliefs.posterior)
    prior_width = fit.prior_width()
    informed = np.abs(by_others) > 1e-9
    predicted = predict_votes(evidence, beliefs, expit(by_others), fit.pseudo_votes())
    position = position_test(votes, evidence, predicted)
    flags = annotator_flags((low, high), position, reliable_from=fit.settings.reliable_from, prior_width=prior_width)
    calibration = predictive_calibration(predicted, informed)
    found = [
        *soundness(evidence, beliefs, (low, high), prior_width, calibration),
        *position_findings(position),
    ]
    return Checks(low, high, flags, position, informed, by_others > 1e-9), calibration, found
