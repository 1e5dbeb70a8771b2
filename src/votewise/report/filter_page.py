"""The filter report: how attentive users are, which ones a selection rule keeps, and what their clicks are worth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.report.filter_dots import Dots, dots
from votewise.report.filter_rows import distinct, drawn_domains, families_compared, named_parameters
from votewise.report.filter_summary import (
    JudgedUsers,
    domain_rows,
    equal_threshold,
    histogram,
    prior_curve,
    retention_curve,
)
from votewise.users.results import AttentivenessResult
from votewise.users.select import USER_FLAGS

TEMPLATE = "filter.html.j2"

MAX_DOMAINS = 500
"""Most domains in the table."""

MEANINGS = {
    "attentive": "are almost certainly worth listening to",
    "unsure": "may be on either side of the threshold: their interval contains it",
    "inattentive": "click with little regard to which answer is better",
    "new": "have clicked too little to be judged",
}
"""What the users of a flag have in common, as the end of a sentence about them."""


def write_filter_report(
    path: str | os.PathLike[str],
    counts: Counts,
    result: AttentivenessResult,
    *,
    kept: npt.ArrayLike,
    flags: Sequence[str],
    rule: str,
    title: str,
    facts: Mapping[str, object] | None = None,
) -> Path:
    """Write the report on a selection of users as one HTML file that opens offline and requests nothing from the network.

    The same arguments give the same bytes, and the page stays small whatever the number of users: with more than 2,000
    cells of users with equal counts, 40 domains in the chart or 500 in the table, it shows some of them and says so.

    Args:
        path: the file to write; an existing file is replaced only when the new one is complete.
        counts: the users' comparisons, C cells.
        result: what ``estimate_attentiveness`` made of them.
        kept: (C,) whether the users of each cell are kept.
        flags: (C,) flag of the users of each cell: ``new``, ``inattentive``, ``unsure`` or ``attentive``.
        rule: the rule by which users were kept, in words: ``attentiveness of at least 0.5 with 95% probability``.
        title: heading of the page.
        facts: further entries of the section on how the report was made, name -> value: ``version``, ``date``, ``command``,
            figures. ``date`` and ``version`` are shown under the title as well.

    Returns:
        The path.

    Raises:
        BadInputError: the file cannot be written, or ``kept`` and ``flags`` do not fit the cells.
    """
    from votewise.report import page

    return page.write(
        path, render_filter_report(counts, result, kept=kept, flags=flags, rule=rule, title=title, facts=facts)
    )


def render_filter_report(
    counts: Counts,
    result: AttentivenessResult,
    *,
    kept: npt.ArrayLike,
    flags: Sequence[str],
    rule: str,
    title: str,
    facts: Mapping[str, object] | None = None,
) -> str:
    """The page that ``write_filter_report`` writes, as a string."""
    from votewise.report import filter_charts as charts
    from votewise.report import page

    keep = np.asarray(kept, bool)
    _check(counts, result, keep, flags)
    judged = JudgedUsers(counts, result, keep)
    bins, curve, drawn = histogram(judged), retention_curve(judged), dots(judged)
    kept_part, threshold = judged.part("kept", keep), equal_threshold(judged)
    domains = domain_rows(result, distinct(result.win_rates["domain"].to_pylist()))
    shown = drawn_domains(domains)
    figures: dict[str, Any] = {
        "attentiveness": charts.attentiveness_histogram(
            bins, prior_curve(result.density), description="Users by attentiveness, and the fitted prior"
        ),
        "retention": charts.retention(
            curve,
            _chosen(threshold, kept_part.user_share, kept_part.row_share, kept_part.right),
            description="Shares of users and comparisons kept, and of right clicks, by threshold",
        ),
    }
    if drawn.cells:
        figures["users"] = charts.users_by_clicks(
            drawn, description="Users by comparisons and by share of clicks for A"
        )
    if shown:
        figures["domains"] = charts.win_rates(pa.Table.from_pylist(shown), description="Win rate of A by domain")
    return page.render(
        TEMPLATE,
        specs=page.specs_of(figures),
        title=title,
        facts=dict(facts or {}),
        rule=rule,
        counts=counts,
        result=result,
        everybody=judged.everybody(),
        kept=kept_part,
        by_flag=judged.by_flag(flags),
        idle=int(judged.users[judged.n == 0].sum()),
        activity=judged.by_activity(),
        bins=bins.to_pylist(),
        dots=_dots_said(drawn),
        threshold=threshold,
        curve=curve.to_pylist(),
        domains=domains[:MAX_DOMAINS],
        n_domains=len(domains),
        n_domains_drawn=len(shown),
        nearest=min((abs(row["win_rate"] - 0.5) for row in domains), default=0.5),
        parameters=named_parameters(result),
        choice=families_compared(result),
        meanings=MEANINGS,
    )


def _check(counts: Counts, result: AttentivenessResult, keep: npt.NDArray[np.bool_], flags: Sequence[str]) -> None:
    cells = len(counts.users)
    for name, length in (("kept", len(keep)), ("flags", len(flags)), ("result.cells", len(result.cells))):
        if length != cells:
            raise BadInputError(
                f"{name} has {length:,} entries for {cells:,} cells of users", expected="one for each cell"
            )
    unknown = set(flags) - set(USER_FLAGS)
    if unknown:
        raise BadInputError("no such flag", value=min(unknown), expected=", ".join(USER_FLAGS))


def _chosen(threshold: float | None, users: float, rows: float, right: float | None) -> pa.Table:
    """The rule that was applied, as a row of the retention curve; no row if it keeps nobody."""
    row = {"threshold": threshold, "users": users, "rows": rows, "right": right}
    schema = pa.schema([(name, pa.float64()) for name in row])
    return pa.Table.from_pylist([] if threshold is None else [row], schema=schema)


def _dots_said(drawn: Dots) -> dict[str, Any]:
    return {
        "drawn": len(drawn.table),
        "cells": drawn.cells,
        "merged": drawn.merged,
        "boundary": len(drawn.boundary) > 1,
    }
