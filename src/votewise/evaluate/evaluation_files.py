"""The files of an evaluation: a report, figures for programs, and every contest with its verdict."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise._version import __version__
from votewise.data.contests import Contests
from votewise.data.win_rates import MatrixResult, WinRateResult
from votewise.evaluate.contest_table import contest_table, contest_tables, matrix_table
from votewise.evaluate.figures import matrix_figures, win_rate_figures
from votewise.evaluate.record import FILE, record_result
from votewise.sources.databases.urls import shown_url
from votewise.storage.files import folder_written_whole
from votewise.storage.free_folders import check_folder_is_free
from votewise.storage.journal import content_key
from votewise.storage.spreadsheet_cells import quoted_cells

MATRIX = "matrix"
LONGEST_NAME = 60
NAMES = ("*-against-*", f"{MATRIX}.*", f"{MATRIX}-*")
"""Patterns of all files of an evaluation except evaluation.json: of finished, unfinished and rejected work."""


def check_folder(folder: Path | None) -> None:
    """Raise BadInputError where a folder holds something else than evaluations, which may share a folder."""
    check_folder_is_free(folder, marks=[FILE], names=NAMES, command="evaluate")


def name_of(contests: Contests) -> str:
    """Name of the files on two models, without suffix: ``org-new-against-old``."""
    return f"{_file_name(contests.model_a)}-against-{_file_name(contests.model_b)}"


def _file_name(model: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")
    if plain == model.replace("/", "-").strip("-.") and len(plain) <= LONGEST_NAME:
        return plain
    # Without the removed characters, two models could get the same name; the key keeps them apart.
    return f"{plain[: LONGEST_NAME - 7]}-{content_key(model)[:6]}".lstrip("-")


def source_names(*sources: Any) -> str:
    """Names of files without their folders, for the report."""
    return ", ".join(_source_name(source) for source in sources if source is not None)


def _source_name(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        return "a table"
    text = os.fspath(source)
    return Path(shown_url(text)).name


def write_win_rate(
    folder: Path,
    result: WinRateResult,
    *,
    report: bool,
    created: datetime,
    settings: Mapping[str, Any],
) -> list[Path]:
    """Write a report, a table of all verdicts and evaluation.json to ``folder``, each completely or not at all.

    The names of report and table contain the names of the models, so several evaluations can share a folder.

    Args:
        folder: created if it does not exist. An evaluation.json in it keeps its other entries.
        result: the estimates.
        report: whether to write the report.
        created: when the evaluation was made.
        settings: what was asked for, name -> value.

    Returns:
        The files, the most interesting first.
    """
    contests, name = result.contests, name_of(result.contests)
    models = f"{contests.model_a} against {contests.model_b}"
    settings = {**result.verdicts.settings, **settings}
    with folder_written_whole(folder) as place:
        pq.write_table(contest_table(contests, result.verdicts), place / f"{name}.parquet")
        if report:
            from votewise.report.win_rate_page import write_win_rate_report

            facts = _facts(created, settings, f"{name}.parquet")
            write_win_rate_report(place / f"{name}.html", result, title=models, facts=facts)
    record_result(folder / FILE, "win_rate", models, win_rate_figures(result) | _origin(created, settings))
    return _files(folder, name, [".html"] if report else [], [".parquet"])


def write_matrix(
    folder: Path, result: MatrixResult, *, report: bool, created: datetime, settings: Mapping[str, Any]
) -> list[Path]:
    """Write matrix.html, matrix.csv, matrix.parquet and evaluation.json to ``folder``, as ``write_win_rate`` does."""
    settings = {**next(iter(result.matchups.values())).verdicts.settings, **settings}
    with folder_written_whole(folder) as place:
        pq.write_table(contest_tables(result.judged), place / f"{MATRIX}.parquet")
        write_csv(place / f"{MATRIX}.csv", matrix_table(result))
        if report:
            from votewise.report.matrix_page import write_matrix_report

            title = f"{len(result.models)} models, compared two by two"
            facts = _facts(created, settings, f"{MATRIX}.parquet")
            write_matrix_report(place / f"{MATRIX}.html", result, title=title, facts=facts)
    record_result(folder / FILE, MATRIX, " ".join(result.models), matrix_figures(result) | _origin(created, settings))
    return _files(folder, MATRIX, [".html"] if report else [], [".csv", ".parquet"])


def _files(folder: Path, name: str, page: list[str], tables: list[str]) -> list[Path]:
    return [*(folder / (name + suffix) for suffix in page), folder / FILE, *(folder / (name + s) for s in tables)]


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as CSV in which no spreadsheet runs anything."""
    with path.open("w", encoding="utf-8", newline="") as file:
        plain = csv.writer(file, lineterminator="\n")
        # Before Python 3.13 the writer leaves a lone carriage return unquoted, and it ends the line for most readers.
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        safe = quoted_cells(table)
        for row in (safe.column_names, *(row.values() for row in safe.to_pylist())):
            (quoting if any("\r" in str(cell) for cell in row) else plain).writerow(row)


def _facts(created: datetime, settings: Mapping[str, Any], table: str) -> dict[str, Any]:
    stated = {name: value for name, value in settings.items() if name != "question"}
    return {"date": created.strftime("%Y-%m-%d"), "version": __version__, **stated, "table": table}


def _origin(created: datetime, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"created": created.isoformat(timespec="seconds"), "version": __version__, "settings": dict(settings)}
