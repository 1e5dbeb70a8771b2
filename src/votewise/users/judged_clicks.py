"""Several clicks of one judgement, such as one rating of several models' answers: counted where the log is stored.

They err together, so a user's n clicks count for n / D independent ones, D = 1 + phi (sum over judgements of m (m - 1)) / n,
m the clicks of a judgement: docs/method.md, "Several clicks of one judgement". The engine adds up per judgement, then
per user; what leaves it are the users' cells and a few sums over everybody.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.users.counting import count_users
from votewise.users.outcomes import Outcomes

USUAL, USUAL_JUDGEMENTS = 0.3, 10.0
"""Correlation of the clicks of one judgement that is expected before any is seen, and for how many judgements it counts."""

TOGETHER = "together"
"""The column with the sum of m (m - 1) over a user's judgements."""


def count_judgements(rows: Any, columns: dict[str, str], outcomes: Outcomes, judgement: str) -> Any:
    """One row per user and judgement, with counts as in ``count_users``; clicks without a judgement in rows of their own.

    Args:
        rows: the rows that can be used.
        columns: the log's names of columns.
        outcomes: what the values of the columns mean.
        judgement: the column that names judgements; null for a click on its own.
    """
    import ibis

    counted = count_users(rows, columns, outcomes, judgement=rows[judgement])
    m = _total(counted, outcomes, "n")
    together = ibis.ifelse(counted["judgement"].isnull(), 0, m * (m - 1))
    return counted.mutate(**{TOGETHER: together.cast("int64")})


def users_of_judgements(judged: Any, outcomes: Outcomes) -> Any:
    """One row per user: counts as in ``count_users``, and ``TOGETHER``."""
    names = [f"{what}{i}" for what in "nw" for i in range(len(outcomes.domains))] + [TOGETHER]
    return judged.group_by("user").agg(**{name: judged[name].sum().cast("int64") for name in names})


def correlation_of_clicks(judged: Any, outcomes: Outcomes) -> float:
    """phi, the correlation of two clicks of one judgement beyond that of two clicks of one user, from 0 to 1.

    With u = the click for the better model (+1, -1 for the other) less the mean in its domain: the mean product of two u of
    one judgement, less that of two u of one user's different judgements, over the same difference of the mean square.
    """
    d = len(outcomes.domains)
    sums = judged.agg(**{f"{what}{i}": judged[f"{what}{i}"].sum() for what in "nw" for i in range(d)}).to_pyarrow()
    n, w = (np.array([sums[f"{what}{i}"][0].as_py() or 0 for i in range(d)], np.float64) for what in "nw")
    mean = np.where(n > 0, 2 * w / np.maximum(n, 1) - 1, 0.0)
    toward = np.where(mean >= 0, 1.0, -1.0)
    clicks, total, squares = _total(judged, outcomes, "n").cast("float64"), 0.0, 0.0
    for i in range(d):
        # As floats: engines read numbers with a point as decimals, whose products overflow.
        each, wins = judged[f"n{i}"].cast("float64"), judged[f"w{i}"].cast("float64")
        total = total + float(toward[i]) * (2 * wins - each - each * float(mean[i]))
        squares = squares + wins * float((1 - mean[i]) ** 2) + (each - wins) * float((1 + mean[i]) ** 2)
    table = judged.mutate(clicks=clicks, total=total, squares=squares)
    several = table[TOGETHER] > 0
    of_users = table.group_by("user").agg(
        clicks=table["clicks"].sum(),
        total=table["total"].sum(),
        own_pairs=(table["clicks"] * table["clicks"]).sum(),
        own_products=(table["total"] * table["total"]).sum(),
        within_pairs=table[TOGETHER].sum(),
        within_products=several.ifelse(table["total"] * table["total"] - table["squares"], 0.0).sum(),
        squares=table["squares"].sum(),
        several=several.ifelse(1, 0).sum(),
    )
    found = of_users.agg(
        clicks=of_users["clicks"].sum(),
        squares=of_users["squares"].sum(),
        several=of_users["several"].sum(),
        within_pairs=of_users["within_pairs"].sum(),
        within_products=of_users["within_products"].sum(),
        apart_pairs=(of_users["clicks"] * of_users["clicks"] - of_users["own_pairs"]).sum(),
        apart_products=(of_users["total"] * of_users["total"] - of_users["own_products"]).sum(),
    )
    row = {name: float(value or 0) for name, value in found.to_pyarrow().to_pylist()[0].items()}
    if row["several"] == 0:
        return 0.0
    within = row["within_products"] / max(row["within_pairs"], 1.0)
    apart = row["apart_products"] / max(row["apart_pairs"], 1.0)
    square = row["squares"] / max(row["clicks"], 1.0)
    phi = (within - apart) / max(square - apart, 1e-9)
    held = (row["several"] * phi + USUAL_JUDGEMENTS * USUAL) / (row["several"] + USUAL_JUDGEMENTS)
    return float(np.clip(held, 0.0, 1.0))


def _total(table: Any, outcomes: Outcomes, what: str) -> Any:
    total = table[f"{what}0"]
    for i in range(1, len(outcomes.domains)):
        total = total + table[f"{what}{i}"]
    return total
