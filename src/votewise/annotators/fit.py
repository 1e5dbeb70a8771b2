"""Evidence -> reliabilities: EM, and around it the fit of the prior.

The E-step and the M-step are in ``votewise.annotators.em_steps``, the loop is in ``votewise.inference.em``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit

from votewise.annotators.em_steps import ReliabilityModel, e_step, log_posterior, m_step
from votewise.annotators.fit_settings import FitSettings, Progress
from votewise.annotators.fitted import Fit, Start
from votewise.annotators.judgements import judgements_of
from votewise.annotators.mirror import mirror_image, mirror_is_better
from votewise.annotators.prior import START, prior_from_agreement, prior_from_likelihood
from votewise.arrays import Floats
from votewise.defaults import RELIABILITY
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta

OUTLIERS = 0.05
"""Share of annotators whose reliability, according to a fitted prior, can be anything."""

LOOSE = 1e-2
"""Tolerance of EM while the prior still moves."""

PRIOR_ROUNDS, PRIOR_TOLERANCE = 30, 0.01
"""Most fits of the prior, and the relative change of its parameters that counts as none."""

WORTH_ROUNDS, WORTH_TOLERANCE = 5, 0.02
"""Most estimates of what votes of one judgement are worth, and the relative change that counts as none."""


def fit_reliability(
    evidence: Evidence, settings: FitSettings, *, start: Start | None = None, progress: Progress | None = None
) -> Fit:
    """EM, together with the fit of the prior; if it ends at the mirror image, EM again from the flip of that.

    Args:
        evidence: the votes.
        settings: how to fit.
        start: where an earlier fit, to fewer votes or to other margins, ended. A prior given in ``settings`` is kept.
        progress: called after every EM step.
    """
    fit = _climb(_begin(evidence, settings, start), progress)
    fit = _weigh_judgements(fit, progress)
    if fit.run.converged and mirror_is_better(fit.model, fit.run.x):
        flipped = replace(fit, run=replace(fit.run, x=mirror_image(fit.model, fit.run.x)), mirrored=True)
        fit = _weigh_judgements(_climb(flipped, progress), progress)
    return fit


def _weigh_judgements(fit: Fit, progress: Progress | None) -> Fit:
    """Where several votes come from one judgement: how much they are worth, and the fit, in turn."""
    evidence = fit.model.evidence
    judgements = judgements_of(evidence)
    if judgements is None:
        return fit
    k = len(evidence.counts)
    for _ in range(WORTH_ROUNDS):
        beliefs = fit.beliefs()
        residual = beliefs.confidence - beliefs.reliability[evidence.annotator]
        if evidence.weight is not None:
            residual = residual * evidence.weight
        worth = judgements.worth(judgements.design_effects(residual), k)
        before = np.ones(k) if fit.model.worth is None else fit.model.worth
        fit = _climb(replace(fit, model=replace(fit.model, worth=worth)), progress)
        if np.abs(worth / before - 1).max() < WORTH_TOLERANCE:
            break
    return fit


def _begin(evidence: Evidence, settings: FitSettings, start: Start | None) -> Fit:
    """The point and the prior before the first step."""
    prior = settings.prior
    if prior == "fit":
        prior = replace(prior_from_agreement(evidence) if evidence.mostly_shared else START, outliers=OUTLIERS)
    x = np.full(len(evidence.counts), clipped_logit(np.asarray(_first_reliability(settings, prior))))
    log_temperature = 0.0
    if start is not None:
        x[: len(start.log_odds)] = start.log_odds
        log_temperature = np.log(start.temperature)
        if _fits_prior_by_likelihood(evidence, settings):
            prior = start.prior or prior
    temperature: float | None = 1.0 if settings.temperature == "fit" else float(settings.temperature)
    if settings.temperature == "fit" and evidence.informed:
        x, temperature = np.append(x, log_temperature), None
    model = ReliabilityModel(evidence, prior, settings.point, temperature)
    return Fit(settings, model, EMRun(x, converged=False, iterations=0, history=()))


def _first_reliability(settings: FitSettings, prior: Beta | None) -> float:
    if settings.reliability_init is not None:
        return settings.reliability_init
    if prior is None:
        return RELIABILITY
    # At 1/2 the first E-step learns nothing and EM never leaves it.
    return prior.mean if abs(prior.mean - 0.5) > 0.05 else START.mean


def _fits_prior_by_likelihood(evidence: Evidence, settings: FitSettings) -> bool:
    return settings.prior == "fit" and not evidence.mostly_shared


def _climb(fit: Fit, progress: Progress | None) -> Fit:
    """EM; where the prior is fitted by likelihood, EM and that fit in turn until the prior no longer moves."""
    settings = fit.settings
    if _fits_prior_by_likelihood(fit.model.evidence, settings):
        for _ in range(PRIOR_ROUNDS):
            fit = _run_em(fit, max(settings.tolerance, LOOSE), progress)
            before = fit.prior or START
            fit = _refit_prior(fit, before)
            after = fit.prior or START
            moved = max(abs(np.log(after.c / before.c)), abs(np.log(after.d / before.d)))
            if moved < PRIOR_TOLERANCE or fit.steps >= settings.max_iterations:
                break
    return _run_em(fit, settings.tolerance, progress)


def _refit_prior(fit: Fit, before: Beta) -> Fit:
    """The same point with the prior that suits it best."""
    evidence = fit.model.evidence
    posterior = evidence.posterior_log_odds(fit.log_odds, fit.temperature)
    fitted = prior_from_likelihood(evidence, posterior, fit.log_odds, before, fit.model.worth)
    return replace(fit, model=replace(fit.model, prior=replace(fitted, outliers=OUTLIERS)))


def _run_em(fit: Fit, tolerance: float, progress: Progress | None) -> Fit:
    """EM from where ``fit`` is, with the prior held fixed."""
    model, settings, done = fit.model, fit.settings, fit.steps

    def step(x: Floats) -> tuple[Floats, float]:
        expected = e_step(model, x)
        return m_step(model, x, expected), log_posterior(model, x, expected)

    run = run_em(
        step,
        fit.run.x,
        EMOptions(
            tolerance=tolerance,
            max_iterations=max(1, settings.max_iterations - done),
            accelerate=settings.accelerate,
            on_iteration=None if progress is None else lambda i, moved: progress("EM", done + i, moved),
        ),
        distance=lambda x, y: float(np.abs(expit(x) - expit(y)).max()),
        project=model.project,
    )
    return replace(fit, run=run, steps=done + run.iterations)
