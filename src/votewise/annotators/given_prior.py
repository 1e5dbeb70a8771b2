"""Whether a prior that the user gives suits the annotators: where it does not, its intervals hold less often than they say.

The marginal likelihood of the annotators' votes under the given Beta, beside that under the Beta that suits them best, each
annotator's votes judged by the others' [the histograms of ``votewise.inference.intervals``]. Twice the logarithm of their
ratio has about a chi-squared distribution with two degrees of freedom where the given prior is the right one.
"""

from __future__ import annotations

import numpy as np

from votewise.annotators.fitted import Fit
from votewise.arrays import Floats
from votewise.inference.beta_fit import fit_beta
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.intervals import log_likelihood_on, vote_histograms
from votewise.inference.priors import Beta, Grid

NODES = 48

CONTRADICTED = 9.21
"""Twice the log-ratio that a right prior exceeds in 1 of 100 sets of votes: chi-squared, two degrees of freedom."""


def given_prior_findings(fit: Fit, posterior: Floats) -> list[Diagnostic]:
    """A warning where the votes contradict a prior that was given.

    Args:
        fit: the fit under that prior. Nothing is found where pairs differ, groups err together or judgements are read as
            orders.
        posterior: (M,) log-odds that response_a of each pair is truly better.
    """
    given = fit.settings.prior
    other = fit.strengths is not None or fit.groups is not None or fit.orders is not None or fit.model.worth is not None
    if not isinstance(given, Beta) or other:
        return []
    ratio, best = prior_ratio(fit, given, posterior)
    if ratio < CONTRADICTED:
        return []
    text = (
        f"The votes contradict the prior Beta({given.c:g}, {given.d:g}) that was given; Beta({best.c:.1f}, {best.d:.1f}) "
        "suits these annotators. Intervals believe the given one, so they hold the truth less often than they "
        "say: fit the prior."
    )
    return [Diagnostic("prior-contradicted", "warning", text)]


def prior_ratio(fit: Fit, given: Beta, posterior: Floats) -> tuple[float, Beta]:
    """Twice the log of how much better the best Beta explains the votes than ``given``; and that Beta."""
    evidence, grid = fit.model.evidence, Grid.of_size(NODES)
    voted = evidence.counts > 0
    if not voted.any():
        return 0.0, given
    log_likelihood = log_likelihood_on(grid, vote_histograms(evidence, posterior, fit.log_odds)[voted])
    best = fit_beta(log_likelihood, grid, Beta(given.c, given.d))
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    under_best, under_given = (
        float(np.log(likelihood @ np.exp(grid.log_mass(prior))).sum()) for prior in (best, given)
    )
    return 2 * (under_best - under_given), best
