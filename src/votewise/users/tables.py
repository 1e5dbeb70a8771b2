"""A fit to clicks as tables: cells of users, the prior's parameters, and win rates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.users.drawn_priors import drawn_posterior
from votewise.users.families import Nonparametric, TwoPoint
from votewise.users.fit import UsersFit
from votewise.users.standard_errors import ParameterErrors


def cell_table(fit: UsersFit, errors: ParameterErrors | None, *, threshold: float, level: float) -> pa.Table:
    """One row per cell, see ``AttentivenessResult.cells``.

    Intervals are equal-tailed quantiles of the posterior. The parameters' uncertainty gives the posterior mean a standard
    error, which is added to both arms in quadrature. With two atoms, the standard error of the atom at the interval's end is
    added instead: all users are at the atoms, and nobody is between them, where the mean is. A free prior has no
    parameters; its quantiles are those of the posterior averaged over drawn priors (``votewise.users.drawn_priors``).
    """
    nodes, posterior = fit.posterior()
    mean = posterior @ nodes
    tails = _tails(level)
    free = errors is not None and isinstance(fit.family, Nonparametric)
    low, high = _quantiles(fit, nodes, drawn_posterior(fit) if free else posterior, tails)
    # Masses of a continuous prior depend on how wide the nodes' cells are; its mode does not.
    width = 0.0 if isinstance(fit.family, TwoPoint | Nonparametric) else fit.model.grid.log_width
    mode = nodes[np.argmax(np.log(np.maximum(posterior, 1e-300)) - width, axis=1)]
    if errors is not None and isinstance(fit.family, TwoPoint):
        reach = errors.z_score * errors.of(fit.model.nodes)
        low, high = (end + sign * np.where(end == nodes[0], *reach) for end, sign in ((low, -1), (high, 1)))
    elif errors is not None and not free:
        more = float(ndtri(tails[1])) * errors.of_cells()
        low, high = mean - np.hypot(mean - low, more), mean + np.hypot(high - mean, more)
    comparisons, wins = fit.data.totals
    return pa.table(
        {
            "comparisons": comparisons,
            "wins": wins,
            "users": np.asarray(fit.data.users, np.int64),
            "attentiveness": mean,
            "mode": mode,
            "low": np.clip(low, 0.0, 1.0),
            "high": np.clip(high, 0.0, 1.0),
            "above": fit.exceeds(threshold),
        }
    )


def with_ends_of(cells: pa.Table, other: pa.Table) -> pa.Table:
    """The table with the intervals of another fit to the same cells, stretched to hold the attentiveness."""
    mean = cells["attentiveness"].to_numpy()
    for name, inner in (("low", np.minimum), ("high", np.maximum)):
        ends = inner(other[name].to_numpy(), mean)
        cells = cells.set_column(cells.column_names.index(name), name, pa.array(ends))
    return cells


def cell_beliefs(fit: UsersFit, data: Counts | Clicks, level: float) -> pa.Table:
    """Other users under the fitted prior, see ``AttentivenessResult.beliefs``."""
    log_likelihood = data.log_likelihood(fit.nodes, fit.win_rates - 0.5)
    joint = log_likelihood + fit.log_mass
    evidence = np.logaddexp.reduce(joint, axis=1)
    posterior = np.exp(joint - evidence[:, None])
    low, high = _quantiles(fit, fit.nodes, posterior, _tails(level))
    return pa.table({"attentiveness": posterior @ fit.nodes, "low": low, "high": high, "log_evidence": evidence})


def prior_width(fit: UsersFit, level: float) -> float:
    """Width of the interval of the attentiveness of somebody whose clicks nobody has seen."""
    nodes, mass = fit.nodes, np.exp(fit.log_mass)
    order = np.argsort(nodes)
    total = np.cumsum(mass[order])
    low, high = nodes[order][np.minimum(np.searchsorted(total, _tails(level)), len(nodes) - 1)]
    return float(high - low)


def _tails(level: float) -> tuple[float, float]:
    """Ends of an equal-tailed interval, as shares of the posterior."""
    return (1 - level) / 2, (1 + level) / 2


def _quantiles(fit: UsersFit, nodes: Floats, posterior: Floats, tails: tuple[float, float]) -> tuple[Floats, Floats]:
    """Equal-tailed ends; with two atoms the interval holds both unless one is almost excluded."""
    if not isinstance(fit.family, TwoPoint):
        low, high = fit.model.grid.quantiles(posterior, tails)
        return low, high
    order = np.argsort(nodes)
    total = np.cumsum(posterior[:, order], axis=1)
    low, high = (nodes[order][np.minimum((total < tail - 1e-12).sum(axis=1), len(nodes) - 1)] for tail in tails)
    return low, high


def parameter_table(fit: UsersFit, errors: ParameterErrors | None) -> pa.Table:
    """The prior's parameters with standard errors, see ``AttentivenessResult.parameters``."""
    values = fit.family.parameters(fit.x)
    return _with_errors(
        {"name": pa.array(list(values), pa.string())},
        "value",
        lambda z: np.array(list(fit.family.parameters(fit.model.split(z)[0]).values())),
        fit,
        errors,
    )


def win_rate_table(fit: UsersFit, errors: ParameterErrors | None) -> pa.Table:
    """Win rates per domain with intervals where they were fitted, see ``AttentivenessResult.win_rates``."""
    if not isinstance(fit.data, Counts):
        return pa.table({})
    free = fit.model.rates.fitted
    table = _with_errors({"domain": pa.array(fit.data.domains)}, "win_rate", fit.model.win_rates, fit, errors)
    for name in ("standard_error", "low", "high"):
        values = table[name].to_numpy(zero_copy_only=False)
        values = values if name == "standard_error" else np.clip(values, 0.0, 1.0)
        column = pa.array(values, mask=~free | np.isnan(values))
        table = table.set_column(table.column_names.index(name), name, column)
    users = np.asarray(fit.data.users)
    counts = {name: users @ getattr(fit.data, name) for name in ("comparisons", "wins")}
    return pa.table(
        {name: table[name] for name in ("domain", "win_rate", "low", "high", "standard_error")}
        | {"fitted": free}
        | counts
    )


def _with_errors(
    first: dict[str, pa.Array],
    name: str,
    values: Callable[[Floats], Floats],
    fit: UsersFit,
    errors: ParameterErrors | None,
) -> pa.Table:
    """The columns ``first``, then ``values`` of the fitted vector called ``name``, their standard errors and intervals."""
    value = values(fit.z)
    error = np.full(len(value), np.nan) if errors is None or not len(value) else errors.of(values)
    reach = np.nan if errors is None else errors.z_score
    unknown = ~np.isfinite(error) | (error == 0)
    return pa.table(
        first
        | {
            name: pa.array(value, pa.float64()),
            "standard_error": pa.array(error, mask=unknown),
            "low": pa.array(value - reach * error, mask=unknown),
            "high": pa.array(value + reach * error, mask=unknown),
        }
    )
