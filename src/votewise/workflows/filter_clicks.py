"""A log of comparisons and beliefs about its users -> a folder with the kept rows and every user's level."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.arrays import Bools
from votewise.storage.files import folder_written_whole, write_json
from votewise.storage.versions import library_versions
from votewise.users.click_log import Comparisons
from votewise.users.drift import Drift
from votewise.users.estimate import AttentivenessResult
from votewise.users.select import LEVELS, Rule

FILES = ("report.html", "comparisons.parquet", "users.parquet", "summary.json")
DRIFT_FILES = ("drift.parquet", "stretches.parquet")


def summarise_filter(
    comparisons: Comparisons,
    result: AttentivenessResult,
    rule: Rule,
    kept: Bools,
    levels: list[str],
    *,
    created: datetime | None = None,
) -> dict[str, Any]:
    """Everything about a filtered log that is no row, ready for JSON: what was read, believed, and kept.

    ``created`` is left out where None, so that the same log gives the same summary. How many rows are kept is not known
    before ``write_filter`` has written them.
    """
    counts = comparisons.counts
    number: Counter[str] = Counter()
    for level, users in zip(levels, counts.users.tolist(), strict=True):
        number[level] += users
    return {
        "created": created.isoformat(timespec="seconds") if created else None,
        "versions": library_versions(),
        "source": comparisons.source,
        "columns": comparisons.columns,
        "models": {"a": counts.models[0], "b": counts.models[1]} if counts.models else None,
        "counts": {
            "rows": int(counts.users @ counts.comparisons.sum(axis=1)) + counts.ties,
            "comparisons": int(counts.users @ counts.comparisons.sum(axis=1)),
            "ties": counts.ties,
            "swapped": comparisons.swapped,
            "users": counts.n_users,
            "cells": len(counts.users),
        },
        "skipped": comparisons.skipped,
        "rule": str(rule),
        "kept": {"users": int(counts.users[kept].sum()), "rows": None},
        "levels": {level: number[level] for level in LEVELS},
        "win_rates": _records(result.win_rates),
        "prior": result.prior,
        "parameters": _records(result.parameters),
        "choice": _records(result.choice) if result.choice is not None else None,
        "converged": result.converged,
        "iterations": result.iterations,
        "history": list(result.history),
        "diagnostics": [asdict(diagnostic) for diagnostic in result.diagnostics],
        "settings": result.settings | {"rule": asdict(rule)},
    }


def write_filter(
    folder: Path,
    comparisons: Comparisons,
    result: AttentivenessResult,
    kept: Bools,
    levels: list[str],
    *,
    summary: dict[str, Any],
    title: str | None,
    drift: Drift | None = None,
) -> list[Path]:
    """Write ``comparisons.parquet``, ``users.parquet``, ``summary.json`` and the report, whole or not at all.

    Args:
        folder: where to; made if it does not exist.
        comparisons: the open log.
        result: what was estimated from its counts.
        kept: (C,) whose rows to keep.
        levels: (C,) level of each cell's users.
        summary: what to write as ``summary.json``; the number of rows kept is filled in.
        title: heading of ``report.html``; None for no report, and an earlier one goes.
        drift: how users changed over time, for ``drift.parquet`` and ``stretches.parquet``; None for neither.

    Returns:
        The files written, most interesting first.

    Raises:
        BadInputError: when ``folder`` cannot be written to, or the log can no longer be read.
    """
    users = result.cells.select(["comparisons", "wins", "attentiveness", "low", "high"])
    users = users.append_column("kept", pa.array(kept)).append_column("level", pa.array(levels))
    written = [name for name in FILES if name != "report.html" or title is not None]
    written += DRIFT_FILES if drift is not None else ()
    stale = tuple(name for name in (*FILES, *DRIFT_FILES) if name not in written)
    with folder_written_whole(folder, stale=stale) as staging:
        summary["kept"]["rows"] = comparisons.write_rows(staging / "comparisons.parquet", kept)
        comparisons.write_users(staging / "users.parquet", users)
        if drift is not None:
            drift.write_users(staging / "drift.parquet")
            drift.write_stretches(staging / "stretches.parquet")
            summary["drift"] = {
                "users": drift.users,
                "changed": drift.changed,
                "least_log_bayes_factor": drift.least if drift.changed else None,
                "stretches": drift.stretches,
            }
        write_json(staging / "summary.json", summary)
        if title is not None:
            from votewise.report import write_filter_report  # here, for plots take long to import

            write_filter_report(
                staging / "report.html",
                comparisons.counts,
                result,
                kept=kept,
                levels=levels,
                rule=summary["rule"],
                title=title,
                facts=_report_facts(summary),
            )
    return [folder / name for name in written]


def _report_facts(summary: dict[str, Any]) -> dict[str, str]:
    facts = {
        "version": summary["versions"]["votewise"],
        "date": summary["created"] and summary["created"][:10],
        "source": summary["source"],
    }
    if drift := summary.get("drift"):
        facts["users who changed"] = f"{drift['changed']:,} of {drift['users']:,} with two stretches of time or more"
    return {name: fact for name, fact in facts.items() if fact}


def _records(table: pa.Table) -> list[dict[str, Any]]:
    """Rows for JSON, which has no NaN."""
    return [{k: None if v != v else v for k, v in row.items()} for row in table.to_pylist()]
