"""A fitted crowd as tables: cells of users, parameters, win rates, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.inference.diagnostic import Diagnostic
from votewise.users.families import Nonparametric, TwoPoint
from votewise.users.fit import UsersFit
from votewise.users.standard_errors import ParameterErrors

FEW_USERS = 20
HALF = 0.5


def cell_table(fit: UsersFit, errors: ParameterErrors | None, *, threshold: float, level: float) -> pa.Table:
    """One row per cell, see ``AttentivenessResult.cells``.

    Intervals are equal-tailed quantiles of the posterior; the standard error that the parameters' uncertainty gives the
    posterior mean is added to both arms in quadrature. On two atoms it is that of the atom at the interval's end: users sit
    at the atoms, and none between them where the mean is.
    """
    nodes, posterior = fit.posterior()
    mean = posterior @ nodes
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = _quantiles(fit, nodes, posterior, tails)
    # Masses of a continuous prior depend on how wide the nodes' cells are; its mode does not.
    width = 0.0 if isinstance(fit.family, TwoPoint | Nonparametric) else fit.grid.log_width
    mode = nodes[np.argmax(np.log(np.maximum(posterior, 1e-300)) - width, axis=1)]
    if errors is not None and isinstance(fit.family, TwoPoint):
        reach = errors.z_score * errors.of(lambda z: fit.family.nodes(fit.split(z)[0], fit.grid))
        low, high = (end + sign * np.where(end == nodes[0], *reach) for end, sign in ((low, -1), (high, 1)))
    elif errors is not None:
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


def judge_cells(fit: UsersFit, data: Counts | Clicks, level: float) -> pa.Table:
    """Other users under the fitted prior, see ``AttentivenessResult.judge``."""
    log_likelihood = data.log_likelihood(fit.nodes, fit.mu(fit.z) - 0.5)
    joint = log_likelihood + fit.log_mass
    evidence = np.logaddexp.reduce(joint, axis=1)
    posterior = np.exp(joint - evidence[:, None])
    low, high = _quantiles(fit, fit.nodes, posterior, ((1 - level) / 2, (1 + level) / 2))
    return pa.table({"attentiveness": posterior @ fit.nodes, "low": low, "high": high, "log_evidence": evidence})


def _quantiles(fit: UsersFit, nodes: Floats, posterior: Floats, tails: tuple[float, float]) -> tuple[Floats, Floats]:
    """Equal-tailed ends; on two atoms the interval holds both unless one is all but excluded."""
    if not isinstance(fit.family, TwoPoint):
        low, high = fit.grid.quantiles(posterior, tails)
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
        lambda z: np.array(list(fit.family.parameters(fit.split(z)[0]).values())),
        fit,
        errors,
    )


def win_rate_table(fit: UsersFit, errors: ParameterErrors | None) -> pa.Table:
    """Win rates per domain with intervals where they were fitted, see ``AttentivenessResult.win_rates``."""
    if not isinstance(fit.data, Counts):
        return pa.table({})
    free = fit.rates.fitted
    table = _with_errors({"domain": pa.array(fit.data.domains)}, "win_rate", fit.mu, fit, errors)
    for name in ("standard_error", "low", "high"):
        column = pa.array(table[name].to_numpy(zero_copy_only=False), mask=~free)
        table = table.set_column(table.column_names.index(name), name, column)
    users = np.asarray(fit.data.users)
    counts = {name: users @ getattr(fit.data, name) for name in ("comparisons", "wins")}
    return pa.table(
        {name: table[name] for name in ("domain", "win_rate", "low", "high", "standard_error")}
        | {"fitted": free}
        | counts
    )


def _with_errors(
    first: dict[str, pa.Array], name: str, values: object, fit: UsersFit, errors: ParameterErrors | None
) -> pa.Table:
    value = values(fit.z)  # type: ignore[operator]
    error = np.full(len(value), np.nan) if errors is None or not len(value) else errors.of(values)  # type: ignore[arg-type]
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


def crowd_findings(fit: UsersFit) -> Iterator[Diagnostic]:
    """What a reader of the numbers should know."""
    if not fit.run.converged:
        text = f"EM stopped after {fit.steps:,} steps before its tolerance was reached; raise max_iterations."
        yield Diagnostic("not-converged", "warning", text)
    n, _ = fit.data.totals
    users = np.asarray(fit.data.users)
    total = int(users @ n)
    if int(n.max()) > HALF * total and users.sum() > 1:
        share = n.max() / total
        text = f"One user made {share:.0%} of all comparisons. Check that it is a person and not a script."
        yield Diagnostic("one-user", "warning", text)
    informative = int(users[n > 0].sum())
    if informative < FEW_USERS:
        text = (
            f"Users who made comparisons: {informative:,}, too few to tell one kind of crowd from another; their "
            "attentiveness rests on the assumption that anything is as likely as anything else."
        )
        yield Diagnostic("few-users", "warning", text)
    if informative < users.sum():
        text = (
            f"{int(users.sum()) - informative:,} users made no comparison that is no tie: theirs is the crowd's prior."
        )
        yield Diagnostic("no-comparisons", "info", text)
    if isinstance(fit.data, Counts):
        yield from _reach_of_clicks(fit.data, fit.mu(fit.z))


def _reach_of_clicks(counts: Counts, mu: Floats) -> Iterator[Diagnostic]:
    """Whether the clicks lie within what the win rates allow, from nobody attentive to everybody."""
    users = np.asarray(counts.users)
    for domain, number, wins, rate in zip(
        counts.domains, users @ counts.comparisons, users @ counts.wins, mu, strict=True
    ):
        if number == 0:
            continue
        where = f" in domain '{domain}'" if domain else ""
        share, error = wins / number, 0.5 / np.sqrt(number)
        attention = (share - 0.5) / (rate - 0.5)
        slack = 4 * error / abs(rate - 0.5)
        if attention > 1 + slack:
            yield Diagnostic(
                "beyond-win-rate",
                "warning",
                f"{share:.1%} of the clicks{where} are for model A, beyond what a win rate of {rate:.2f} allows even with "
                "everybody attentive. The win rate is too close to 1/2, or users favour a model or a position.",
            )
        elif attention < -slack:
            yield Diagnostic(
                "against-win-rate",
                "warning",
                f"Only {share:.1%} of the clicks{where} are for model A although its win rate is {rate:.2f}: the crowd "
                "clicks against the better model. Check which model is A and which answer the winner column names.",
            )
