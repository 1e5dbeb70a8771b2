"""A filtered log of clicks -> a summary for JSON, and a folder with the kept rows and every user's flag."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from votewise.arrays import Bools
from votewise.storage.files import folder_written_whole, write_json
from votewise.storage.versions import library_versions
from votewise.users.click_log import ClickLog
from votewise.users.drift import Drift
from votewise.users.select import USER_FLAGS, Rule

if TYPE_CHECKING:
    from votewise.users.results import AttentivenessResult  # types only, because it imports much of scipy

FILES = ("report.html", "comparisons.parquet", "users.parquet", "summary.json")
DRIFT_FILES = ("drift.parquet", "stretches.parquet")
REJECTED = "rejected.jsonl"
SUMMARY_KEYS = ("rule", "kept", "win_rates")
"""What tells the summary of a filtered log from that of another command."""


@dataclass(frozen=True, eq=False)
class FilteredLog:
    """An open log of clicks and what was decided about its users.

    Attributes:
        log: the open log.
        result: what was estimated from its counts.
        rule: the rule by which users are kept.
        kept: (C,) whether the users of each cell are kept; None where nothing was decided, in a dry run.
        flags: (C,) flag of the users of each cell.
    """

    log: ClickLog
    result: AttentivenessResult
    rule: Rule
    kept: Bools | None
    flags: list[str]


def summarise_filter(filtered: FilteredLog, *, created: datetime | None = None) -> dict[str, Any]:
    """Everything about a filtered log except its rows, ready for JSON: what was read, believed, and kept.

    Without ``created`` the same log gives the same summary. The number of rows kept is not known before ``write_filter`` has
    written them.
    """
    log, result, kept = filtered.log, filtered.result, filtered.kept
    counts = log.counts
    comparisons = int(counts.users @ counts.comparisons.sum(axis=1))
    number: Counter[str] = Counter()
    for flag, users in zip(filtered.flags, counts.users.tolist(), strict=True):
        number[flag] += users
    return {
        "created": created.isoformat(timespec="seconds") if created else None,
        "versions": library_versions(),
        "source": log.source,
        "columns": log.shown,
        "models": {"a": counts.models[0], "b": counts.models[1]} if counts.models else None,
        "counts": {
            "rows": comparisons + counts.ties,
            "comparisons": comparisons,
            "ties": counts.ties,
            "swapped": log.swapped,
            "users": counts.n_users,
            "cells": len(counts.users),
        },
        "skipped": log.skipped,
        "notes": list(log.notes),
        "rule": str(filtered.rule),
        "kept": None if kept is None else {"users": int(counts.users[kept].sum()), "rows": None},
        "flags": {flag: number[flag] for flag in USER_FLAGS},
        "win_rates": _records(result.win_rates),
        "prior": result.prior,
        "parameters": _records(result.parameters),
        "choice": _records(result.choice) if result.choice is not None else None,
        "converged": result.converged,
        "iterations": result.iterations,
        "history": list(result.history),
        "diagnostics": [asdict(diagnostic) for diagnostic in result.diagnostics],
        "settings": result.settings | {"rule": asdict(filtered.rule)},
    }


def summarise_drift(drift: Drift) -> dict[str, Any]:
    """How many users changed, for the summary."""
    return {
        "users": drift.users,
        "changed": drift.changed,
        "least_log_bayes_factor": drift.least if drift.changed else None,
        "stretches": drift.stretches,
    }


def write_filter(
    folder: Path,
    filtered: FilteredLog,
    *,
    summary: dict[str, Any],
    title: str | None,
    drift: Drift | None = None,
    rejected: bool = False,
) -> list[Path]:
    """Write ``comparisons.parquet``, ``users.parquet``, ``summary.json`` and the report, whole or not at all.

    Args:
        folder: the folder to write to; made if it does not exist.
        filtered: the open log, and whose rows to keep.
        summary: what to write as ``summary.json``; the number of rows kept is filled in.
        title: heading of ``report.html``; None for no report, and an earlier one is deleted.
        drift: how users changed over time, for ``drift.parquet`` and ``stretches.parquet``; None for neither.
        rejected: whether to write the rows that were left out as unusable to ``rejected.jsonl``.

    Returns:
        The files written, most interesting first.

    Raises:
        BadInputError: when ``folder`` cannot be written to, or the log can no longer be read.
    """
    kept = filtered.kept
    if kept is None:
        raise ValueError("nothing was decided about whose rows to keep")
    users = filtered.result.cells.select(["comparisons", "wins", "attentiveness", "low", "high"])
    users = users.append_column("kept", pa.array(kept)).append_column("flag", pa.array(filtered.flags))
    written = [name for name in FILES if name != "report.html" or title is not None]
    written += DRIFT_FILES if drift is not None else ()
    written += [REJECTED] if rejected else []
    stale = tuple(name for name in (*FILES, *DRIFT_FILES, REJECTED) if name not in written)
    with folder_written_whole(folder, stale=stale) as staging, ThreadPoolExecutor(1) as beside:
        # While the engine writes rows, the page is made: it needs none of them.
        page = None
        if title is not None:
            page = beside.submit(
                _write_report, staging / "report.html", filtered, kept, summary=deepcopy(summary), title=title
            )
        summary["kept"]["rows"] = filtered.log.write_rows(staging / "comparisons.parquet", kept)
        filtered.log.write_users(staging / "users.parquet", users)
        if drift is not None:
            drift.write_users(staging / "drift.parquet")
            drift.write_stretches(staging / "stretches.parquet")
        if rejected:
            filtered.log.rejected.write(staging / REJECTED)
        write_json(staging / "summary.json", summary)
        if page is not None:
            page.result()
    return [folder / name for name in written]


def prepare_report() -> None:
    """Import and load what every report is made of; ``write_filter`` then takes less time."""
    from votewise.report import filter_page, page

    page.prepare(filter_page.TEMPLATE)


def _write_report(path: Path, filtered: FilteredLog, kept: Bools, *, summary: dict[str, Any], title: str) -> None:
    from votewise.report.filter_page import write_filter_report  # here, because charts take long to import

    write_filter_report(
        path,
        filtered.log.counts,
        filtered.result,
        kept=kept,
        flags=filtered.flags,
        rule=summary["rule"],
        title=title,
        facts=_report_facts(summary),
    )


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
