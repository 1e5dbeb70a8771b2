"""The audit report: which annotators and votes to trust, and how far to trust the report itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.annotators.fit_findings import ALTERNATIVE, QUESTION, share_noticed
from votewise.annotators.flags import FLAGS
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.inference.diagnostic import Diagnostic
from votewise.report.cards import Codes
from votewise.report.gallery import OVERALL, PER_ANNOTATOR, Gallery, Suspect, build_gallery, remember_cards
from votewise.report.periods import MIN_PERIOD_VOTES, Periods, agreement_by_period
from votewise.report.summary import (
    flag_codes,
    floats,
    histogram,
    points,
    problematic,
    summarise,
)

TEMPLATE = "audit.html.j2"

MAX_ACTIVE = 2_000
"""Most active annotators in the table ..."""
MAX_FLAGGED = 1_000
"""... and flagged ones, the most active of them first."""


def write_audit_report(
    path: str | os.PathLike[str],
    votes: Votes,
    result: ReliabilityResult,
    *,
    title: str,
    facts: Mapping[str, object] | None = None,
) -> Path:
    """Write the report on an audit as one HTML file that opens offline and loads nothing from the network.

    The same arguments give the same bytes. Beyond 2,000 annotators, 1,500 dots or 300 pairs the page shows a selection and
    says so, so that it stays within about 3 MB whatever the size of the data.

    Args:
        path: where to write; an existing file is replaced only once the new one is complete.
        votes: the votes.
        result: what ``estimate_reliability`` returned for them.
        title: heading of the page.
        facts: further entries of the section on how the report was made, name -> value: ``version``, ``date``, ``command``,
            figures such as an accuracy. ``date`` and ``version`` are also shown under the title.

    Returns:
        The path.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_audit_report(votes, result, title=title, facts=facts))


def remember_texts(votes: Votes, result: ReliabilityResult) -> None:
    """Keep the texts that the report shows when all texts are read the next time, where they are left in files."""
    remember_cards(votes, result, _listed(result))


@dataclass(frozen=True)
class Drawn:
    """The report's charts: their tables, and their ``specs`` by name."""

    bins: pa.Table
    points: pa.Table
    periods: Periods | None
    specs: dict[str, dict[str, Any]]


def draw(votes: Votes, result: ReliabilityResult) -> Drawn:
    """The part of the report that needs no texts."""
    from votewise.report import charts, page

    bins, drawn, periods = histogram(result), points(result), agreement_by_period(votes, result)
    figures: dict[str, charts.Chart] = {
        name: charts.reliability_histogram(
            bins, name, description=f"Histogram of reliability, counting {name}, by flag"
        )
        for name in ("annotators", "votes")
    }
    figures["activity"] = charts.votes_against_reliability(drawn, description="Votes against reliability, by annotator")
    if len(result.calibration):
        figures["calibration"] = charts.calibration_curve(
            result.calibration, description="Predicted probability against observed share of votes"
        )
    if periods:
        figures["time"] = charts.agreement_over_time(
            periods.table, description=f"Estimated share of right votes, by {periods.unit}"
        )
    return Drawn(bins, drawn, periods, page.specs_of(figures))


def render_audit_report(
    votes: Votes,
    result: ReliabilityResult,
    *,
    title: str,
    facts: Mapping[str, object] | None = None,
    drawn: Drawn | None = None,
) -> str:
    """The page that ``write_audit_report`` writes, as a string; ``drawn`` is what ``draw`` gives, if it was called."""
    from votewise.report import page

    drawn = drawn or draw(votes, result)
    listed = _listed(result)
    gallery = build_gallery(votes, result, listed)
    banner, further = _notes(result)
    return page.render(
        TEMPLATE,
        specs=drawn.specs,
        title=title,
        facts=dict(facts or {}),
        votes=votes,
        result=result,
        summary=summarise(votes, result),
        banner=banner,
        further=further,
        fit_rows=_fit_rows(result),
        bins=_histogram_rows(drawn.bins),
        drawn=len(drawn.points),
        has_intervals=drawn.points["low"].null_count < len(drawn.points),
        calibration=_calibration(result),
        periods=_period_rows(drawn.periods),
        rows=_rows(result, listed, gallery),
        gallery=gallery,
        limits={"overall": OVERALL, "per_annotator": PER_ANNOTATOR, "period_votes": MIN_PERIOD_VOTES},
    )


def _notes(result: ReliabilityResult) -> tuple[Diagnostic | None, list[Diagnostic]]:
    """The one diagnostic for the top of the page, the worst that asks for an action, and all others, worst first.

    What was tested is a table of its own.
    """
    acts = [item for item in result.diagnostics if item.severity != "info"]
    banner = acts[0] if acts else None
    return banner, [item for item in result.diagnostics if item is not banner and item.code != "fit-tests"]


def _fit_rows(result: ReliabilityResult) -> list[dict[str, Any]]:
    """One row per test of fit; none where nothing was tested."""
    return [
        {
            "question": QUESTION[test.name],
            "p_value": test.p_value,
            "warns": test.warns,
            "noticed": share_noticed(test),
            "alternative": ALTERNATIVE[test.name],
        }
        for test in (result.fit_tests.tests if result.fit_tests else ())
    ]


@dataclass(frozen=True)
class Row:
    """One annotator in the table: numbers as in ``result.annotators``, and their suspicious votes."""

    code: int
    name: str
    flag: str
    votes: int
    ties: int
    reliability: float
    low: float | None
    high: float | None
    agreement: float | None
    first_share: float | None
    doubtful: int
    suspects: list[Suspect]


def _listed(result: ReliabilityResult) -> Codes:
    """Codes of the annotators in the table, most votes first: the most active, and flagged ones."""
    order = np.argsort(-floats(result.annotators["votes"]), kind="stable")
    flagged = order[problematic(result)[order]][:MAX_FLAGGED]
    chosen = np.zeros(len(order), bool)
    chosen[order[:MAX_ACTIVE]] = True
    chosen[flagged] = True
    return order[chosen[order]]


def _rows(result: ReliabilityResult, listed: Codes, gallery: Gallery) -> list[Row]:
    names = ("annotator", "votes", "ties", "reliability", "low", "high", "agreement", "first_share")
    table = result.annotators.take(pa.array(listed)).select(names).rename_columns({"annotator": "name"})
    flags = [FLAGS[code] for code in flag_codes(result)[listed].tolist()]
    return [
        Row(code=code, flag=flag, doubtful=int(gallery.doubtful[code]), suspects=gallery.suspects.get(code, []), **row)
        for code, flag, row in zip(listed.tolist(), flags, table.to_pylist(), strict=True)
    ]


def _histogram_rows(bins: pa.Table) -> list[dict[str, Any]]:
    """One row per bin of the histogram with a column per flag, for the table of the chart's numbers."""
    rows: dict[float, dict[str, Any]] = {}
    for cell in bins.to_pylist():
        row = rows.setdefault(
            cell["low"], {"low": cell["low"], "high": cell["high"], "votes": 0, **dict.fromkeys(FLAGS, 0)}
        )
        row[cell["flag"]] += cell["annotators"]
        row["votes"] += cell["votes"]
    return list(rows.values())


def _calibration(result: ReliabilityResult) -> dict[str, Any] | None:
    """The calibration table with its mean gap (weighted by votes) and its row with most votes; None without rows."""
    rows = result.calibration.to_pylist()
    if not rows:
        return None
    total = sum(row["votes"] for row in rows)
    gap = sum(row["votes"] * abs(row["predicted"] - row["observed"]) for row in rows) / max(total, 1)
    lean = sum(row["votes"] * (row["observed"] - row["predicted"]) for row in rows) / max(total, 1)
    return {"rows": rows, "votes": total, "gap": gap, "lean": lean, "fullest": max(rows, key=lambda row: row["votes"])}


def _period_rows(periods: Periods | None) -> dict[str, Any] | None:
    """The periods, and the best and the worst of them; None without times."""
    if periods is None:
        return None
    rows = periods.table.to_pylist()
    best, worst = max(rows, key=lambda row: row["agreement"]), min(rows, key=lambda row: row["agreement"])
    return {"rows": rows, "unit": periods.unit, "left_out": periods.left_out, "best": best, "worst": worst}
