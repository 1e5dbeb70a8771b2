"""From clicks to the attentiveness of users.

A user of attentiveness rho follows the better answer with probability rho and clicks at random otherwise, so

    P(click for A) = 1/2 + rho (mu - 1/2)                                               [UAA lemma 1]

with mu the win rate of model A. rho follows a prior of some family. EM [UAA alg. 1] runs on a quadrature grid: the E-step
gives every cell of equal users its posterior over the nodes; the M-step sees only expected users, comparisons and wins per
node, fits the family to them (``families``) and moves the win rates that are not known. One EM step costs two passes over a
matrix of cells by nodes, however many users there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.clicks import Clicks, Counts
from votewise.defaults import LEVEL, THRESHOLD
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.users.diagnostics import diagnose
from votewise.users.families import Nonparametric, TwoPoint, family_of
from votewise.users.fit import FitOptions, FitProgress, UsersFit, fit_users
from votewise.users.known_win_rates import WinRate, WinRates
from votewise.users.results import AttentivenessResult
from votewise.users.standard_errors import parameter_errors
from votewise.users.tables import cell_table, parameter_table, prior_width, win_rate_table, with_ends_of

AUTO = ("two-point", "beta", "beta-mixture:2", "logistic-normal:2", "nonparametric")
"""The families that ``prior="auto"`` compares."""

AUTO_STEPS = 200
"""Most EM steps per family while they are compared: a family that does not suit the data may take thousands."""


def estimate_attentiveness(
    data: Counts | Clicks,
    *,
    win_rate: WinRate | Mapping[str, WinRate] | None = None,
    prior: str = "auto",
    threshold: float = THRESHOLD,
    level: float = LEVEL,
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
    accelerate: bool = True,
    standard_errors: bool = True,
    progress: FitProgress | None = None,
) -> AttentivenessResult:
    """Work out how attentive users are from nothing but their clicks.

    Args:
        data: counts per user (``Counts``), or single clicks with a probability each (``Clicks``), which need no win rate.
        win_rate: of model A, over the prompts: a number, a ``GoldSample``, a ``Beta`` prior, ``Bounds``, or one of these
            per domain. Where it is not a number, the data may move it within what is known of it.
        prior: family of the users' attentiveness: ``two-point``, ``beta``, ``beta-mixture:K``, ``logistic-normal:K``,
            ``nonparametric``; or ``auto``, the one with the lowest BIC. Where that is ``two-point`` and another family
            has a higher likelihood, users' intervals come from the other one.
        threshold: attentiveness for the column ``above``.
        level: probability that an interval covers a user's true attentiveness.
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
            raise BadInputError("out of range", parameter=name, value=value, expected="a number between 0 and 1")
    if max_iterations < 1:
        raise BadInputError("out of range", parameter="max_iterations", value=max_iterations, expected="at least 1")
    comparisons, _ = data.totals
    if comparisons.sum() == 0:
        raise NotIdentifiableError("There are no comparisons except ties, so nothing is known of any user.")
    domains = data.domains if isinstance(data, Counts) else ()
    rates = WinRates.of(win_rate if isinstance(data, Counts) else {}, domains)
    options = FitOptions(tolerance, max_iterations, accelerate, progress)
    if prior == "auto":
        best, ends, choice = _choose_family(data, rates, options)
    else:
        best, choice = fit_users(data, family_of(prior), rates, options), None
        ends = best
    errors = parameter_errors(best, level) if standard_errors else None
    cells = cell_table(best, errors, threshold=threshold, level=level)
    if ends is not best:
        spread = parameter_errors(ends, level) if standard_errors else None
        cells = with_ends_of(cells, cell_table(ends, spread, threshold=threshold, level=level))
    return AttentivenessResult(
        cells=cells,
        density=pa.table({"attentiveness": best.nodes, "mass": np.exp(best.log_mass)}),
        parameters=parameter_table(best, errors),
        win_rates=win_rate_table(best, errors),
        prior={"family": best.family.name, **best.family.parameters(best.x)},
        prior_width=prior_width(ends, level),
        log_likelihood=best.log_likelihood,
        choice=choice,
        converged=best.run.converged,
        iterations=best.steps,
        history=best.run.history,
        diagnostics=diagnose(best),
        threshold=threshold,
        level=level,
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


def _choose_family(data: Counts | Clicks, rates: WinRates, options: FitOptions) -> tuple[UsersFit, UsersFit, pa.Table]:
    """The fit of the family with the lowest BIC, the fit that gives the intervals, and what was compared."""
    # A fit need not be perfect to tell which family is best.
    trial = replace(options, max_iterations=min(options.max_iterations, AUTO_STEPS))
    fits = [fit_users(data, family_of(name), rates, trial) for name in AUTO]
    best = ends = min(fits, key=lambda fit: fit.bic)
    if isinstance(best.family, TwoPoint):
        # Two points are often the shortest description of users who all differ. Intervals that hold only the points would
        # miss most of these users, so a family that explains the clicks better, parameters not counted, gives them.
        others = [fit for fit in fits if not isinstance(fit.family, Nonparametric)]
        better = [fit for fit in others if fit.log_likelihood > best.log_likelihood]
        ends = min(better, key=lambda fit: fit.bic, default=best)

    def finished(fit: UsersFit) -> UsersFit:
        again = not fit.run.converged and trial.max_iterations < options.max_iterations
        return fit_users(data, fit.family, rates, options) if again else fit

    same = ends is best
    best = finished(best)
    ends = best if same else finished(ends)
    choice = pa.table(
        {
            "family": [fit.family.name for fit in fits],
            "parameters": [fit.n_parameters for fit in fits],
            "log_likelihood": [fit.log_likelihood for fit in fits],
            "bic": [fit.bic for fit in fits],
        }
    )
    return best, ends, choice


def _as_fact(win_rate: Any) -> Any:
    """A win rate for ``settings``, which are written as JSON."""
    if isinstance(win_rate, Mapping):
        return {name: _as_fact(value) for name, value in win_rate.items()}
    return win_rate if isinstance(win_rate, float | int | None) else repr(win_rate)
