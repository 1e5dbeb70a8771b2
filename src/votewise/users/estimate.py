"""Users as annotators: from clicks to attentiveness.

A user of attentiveness rho follows the better answer with probability rho and clicks at random otherwise, so that

    P(click for A) = 1/2 + rho (mu - 1/2)                                               [UAA lemma 1]

with mu the win rate of model A. rho follows a prior of some family. EM [UAA alg. 1] on a quadrature grid: the E-step gives
every cell of equal users its posterior over the nodes; the M-step sees only expected users, comparisons and wins per node,
fits the family to them (``families``) and moves the win rates that are not known. One EM step costs two passes over a
matrix of cells by nodes, whatever the number of users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.priors import Beta
from votewise.users.families import family_of
from votewise.users.fit import FitOptions, Progress, UsersFit
from votewise.users.known_win_rates import Bounds, GoldSample, WinRate, WinRates
from votewise.users.results import cell_table, crowd_findings, judge_cells, parameter_table, win_rate_table
from votewise.users.standard_errors import ParameterErrors

__all__ = ["AttentivenessResult", "Beta", "Bounds", "Clicks", "Counts", "GoldSample", "estimate_attentiveness"]

AUTO = ("two-point", "beta", "beta-mixture:2", "logistic-normal:2", "nonparametric")
"""The families that ``prior="auto"`` compares."""

AUTO_STEPS = 200


@dataclass(frozen=True, eq=False)
class AttentivenessResult:
    """Beliefs about users, by cell of equal users, and about the crowd they come from.

    Attributes:
        cells: one row per cell, in the order of the data: ``comparisons``, ``wins`` (over all domains), ``users``,
            ``attentiveness`` (posterior mean), ``mode``, ``low`` and ``high`` (interval), ``above`` (probability that the
            attentiveness is at least ``settings["threshold"]``).
        density: the fitted prior: ``attentiveness`` and ``mass``, summing to 1.
        parameters: ``name``, ``value``, ``standard_error``, ``low``, ``high`` (95%; null where there is none).
        win_rates: per domain ``domain``, ``win_rate``, ``low``, ``high`` (null where given), ``fitted``, ``comparisons``,
            ``wins``. Empty for single clicks with probabilities.
        prior: ``{"family": ..., parameters}``.
        log_likelihood: of the clicks under the fitted prior, constants left out.
        choice: what ``prior="auto"`` compared: ``family``, ``parameters``, ``log_likelihood``, ``bic``; else None.
        converged, iterations, history: of the EM run kept; the history never falls.
        diagnostics: what a reader should know, worst first.
        settings: every argument the estimate was made with.
        fit: the fitted family itself.
    """

    cells: pa.Table = field(repr=False)
    density: pa.Table = field(repr=False)
    parameters: pa.Table = field(repr=False)
    win_rates: pa.Table = field(repr=False)
    prior: dict[str, Any]
    log_likelihood: float
    choice: pa.Table | None = field(repr=False)
    converged: bool
    iterations: int
    history: tuple[float, ...] = field(repr=False)
    diagnostics: tuple[Diagnostic, ...]
    settings: dict[str, Any] = field(repr=False)
    fit: UsersFit = field(repr=False)

    def exceeds(self, threshold: float) -> Floats:
        """(C,) probability that the attentiveness of a user of each cell is at least ``threshold``."""
        return self.fit.exceeds(threshold)

    def judge(self, data: Counts | Clicks) -> pa.Table:
        """Beliefs about other users, or the same ones in another stretch of time, with this prior and these win rates.

        Returns:
            One row per cell of ``data``: ``attentiveness``, ``low``, ``high`` (the prior taken as known) and
            ``log_evidence``, the log of the probability of the clicks with the attentiveness summed out.
        """
        return judge_cells(self.fit, data, self.settings["level"])


def estimate_attentiveness(
    data: Counts | Clicks,
    *,
    win_rate: WinRate | Mapping[str, WinRate] | None = None,
    prior: str = "auto",
    threshold: float = 0.5,
    level: float = 0.95,
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
    accelerate: bool = True,
    standard_errors: bool = True,
    progress: Progress | None = None,
) -> AttentivenessResult:
    """Work out how attentive users are from nothing but their clicks.

    Args:
        data: counts per user (``Counts``), or single clicks with a probability each (``Clicks``), which need no win rate.
        win_rate: of model A, over the prompts: a number, a ``GoldSample``, a ``Beta`` prior, ``Bounds``, or one of these
            per domain. Where it is not a number the data may move it within what is believed of it.
        prior: family of the users' attentiveness: ``two-point``, ``beta``, ``beta-mixture:K``, ``logistic-normal:K``,
            ``nonparametric``; or ``auto``, the one with the lowest BIC.
        threshold: attentiveness for the column ``above``.
        level: probability with which an interval holds a user's true attentiveness.
        tolerance: largest movement of an (unconstrained) parameter in one EM step that counts as none.
        max_iterations: most EM steps per family.
        accelerate: extrapolate between EM steps; the answer is the same.
        standard_errors: whether to compute standard errors, and to widen users' intervals by the parameters' uncertainty.
        progress: called after every EM step with (family, steps, movement).

    Raises:
        BadInputError: a setting out of range.
        NotIdentifiableError: no win rate, one at 1/2, or no comparisons at all.
    """
    for name, value in (("threshold", threshold), ("level", level), ("tolerance", tolerance)):
        if not 0 < value < 1:
            raise BadInputError(name, value=value, expected="a number between 0 and 1")
    if max_iterations < 1:
        raise BadInputError("max_iterations", value=max_iterations, expected="at least 1")
    comparisons, _ = data.totals
    if comparisons.sum() == 0:
        raise NotIdentifiableError("There are no comparisons that are no ties, so nothing is known of any user.")
    domains = data.domains if isinstance(data, Counts) else ()
    rates = WinRates.of(win_rate if isinstance(data, Counts) else {}, domains)
    options = FitOptions(tolerance, max_iterations, accelerate, progress)
    if prior == "auto":
        best, choice = _choose_family(data, rates, options)
    else:
        best, choice = UsersFit(data, family_of(prior), rates, options), None
    errors = ParameterErrors(best, level) if standard_errors else None
    cells = cell_table(best, errors, threshold=threshold, level=level)
    return AttentivenessResult(
        cells=cells,
        density=pa.table({"attentiveness": best.nodes, "mass": np.exp(best.log_mass)}),
        parameters=parameter_table(best, errors),
        win_rates=win_rate_table(best, errors),
        prior={"family": best.family.name, **best.family.parameters(best.x)},
        log_likelihood=best.log_likelihood,
        choice=choice,
        converged=best.run.converged,
        iterations=best.steps,
        history=best.run.history,
        diagnostics=tuple(
            sorted(crowd_findings(best), key=lambda item: ("error", "warning", "info").index(item.level))
        ),
        settings={
            "win_rate": _as_fact(win_rate),
            "prior": prior,
            "threshold": threshold,
            "level": level,
            "tolerance": tolerance,
            "max_iterations": max_iterations,
            "accelerate": accelerate,
            "standard_errors": standard_errors,
        },
        fit=best,
    )


def _choose_family(data: Counts | Clicks, rates: WinRates, options: FitOptions) -> tuple[UsersFit, pa.Table]:
    """The fit of the family with the lowest BIC, and what was compared."""
    # To choose a family a fit need not be perfect: one that the data do not want may take thousands of steps.
    trial = replace(options, max_iterations=min(options.max_iterations, AUTO_STEPS))
    fits = [UsersFit(data, family_of(name), rates, trial) for name in AUTO]
    best = min(fits, key=lambda fit: fit.bic)
    if not best.run.converged and trial.max_iterations < options.max_iterations:
        best = UsersFit(data, best.family, rates, options)
    choice = pa.table(
        {
            "family": [fit.family.name for fit in fits],
            "parameters": [fit.n_parameters for fit in fits],
            "log_likelihood": [fit.log_likelihood for fit in fits],
            "bic": [fit.bic for fit in fits],
        }
    )
    return best, choice


def _as_fact(win_rate: Any) -> Any:
    if isinstance(win_rate, Mapping):
        return {name: _as_fact(value) for name, value in win_rate.items()}
    return win_rate if isinstance(win_rate, float | int | None) else repr(win_rate)
