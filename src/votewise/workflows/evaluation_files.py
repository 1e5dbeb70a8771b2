"""What an evaluation leaves behind: report, figures for programs, and every contest with its verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise._version import __version__
from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import MatrixResult, WinRateResult
from votewise.evaluate.record import FILE, record_result
from votewise.sources.values import MARK, to_column
from votewise.storage.files import folder_written_whole
from votewise.storage.journal import content_key

MATRIX = "matrix"
LONGEST_NAME = 60


def name_of(contests: Contests) -> str:
    """What the files on two models are called, without suffix: ``org-new-against-old``."""
    return f"{_file_name(contests.model_a)}-against-{_file_name(contests.model_b)}"


def _file_name(model: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")
    if plain == model.replace("/", "-").strip("-.") and len(plain) <= LONGEST_NAME:
        return plain
    # What was left out could have told two models apart.
    return f"{plain[: LONGEST_NAME - 7]}-{content_key(model)[:6]}".lstrip("-")


def win_rate_figures(result: WinRateResult) -> dict[str, Any]:
    """Everything that was estimated, for JSON."""
    contests, controlled, swaps = result.contests, result.length_controlled, result.swaps
    return {
        "model": contests.model_a,
        "baseline": contests.model_b,
        "judge": result.verdicts.judge,
        "win_rate": result.rate.as_dict(),
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "failed": result.failed,
        "left_out": dict(contests.left_out),
        "level": result.level,
        "length_controlled": None
        if controlled is None
        else controlled.rate.as_dict()
        | {
            "length": controlled.length,
            "difficulty": controlled.difficulty,
            "bias": controlled.bias,
            "deviation": controlled.deviation,
        },
        "swaps": None
        if swaps is None
        else {"contests": swaps.contests, "disagreement": swaps.disagreement, "first": swaps.first},
        "by_length": [part.rate.as_dict() | {"start": part.start, "end": part.end} for part in result.by_length],
        "by_domain": [{"domain": part.name} | part.rate.as_dict() for part in result.by_domain],
    }


def matrix_figures(result: MatrixResult) -> dict[str, Any]:
    """Everything that was estimated, for JSON."""
    return {
        "models": list(result.models),
        "judge": result.judge,
        "level": result.level,
        "mean": dict(result.mean),
        "pairs": [win_rate_figures(found) for found in result.pairs.values()],
        "scores": {
            model: {"mean": float(np.mean(scores)), "deviation": float(np.std(scores)), "answers": len(scores)}
            for model, scores in result.scores.items()
        },
    }


def contest_table(contests: Contests, verdicts: Verdicts) -> pa.Table:
    """One row per contest with its verdict: what ``read_comparisons`` reads, with the column ``preference``."""
    n = len(contests)
    columns: dict[str, Any] = {
        "prompt": contests.prompts,
        "model_a": [contests.model_a] * n,
        "model_b": [contests.model_b] * n,
        "response_a": contests.answers_a,
        "response_b": contests.answers_b,
        "length_a": _whole(contests.length_a),
        "length_b": _whole(contests.length_b),
        "domain": contests.domain,
        "difficulty": _known(contests.difficulty),
        **contests.ids,
        "preference": _known(verdicts.preference),
        "score_a": _known(verdicts.score_a),
        "score_b": _known(verdicts.score_b),
        "preference_shown": _known(verdicts.as_shown),
        "preference_swapped": _known(verdicts.as_swapped),
        "comment_shown": None if verdicts.comments is None else [first for first, _ in verdicts.comments],
        "comment_swapped": None if verdicts.comments is None else [second for _, second in verdicts.comments],
        "problem": list(verdicts.problems) if any(verdicts.problems) else None,
    }
    arrays, fields = [], []
    for name, values in columns.items():
        if values is None:
            continue
        array, marked = (values, False) if isinstance(values, pa.Array) else to_column(list(values))
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=MARK if marked else None))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def write_win_rate(
    folder: Path,
    result: WinRateResult,
    *,
    title: str | None,
    created: datetime,
    settings: Mapping[str, Any],
) -> list[Path]:
    """Write a page, a table of all verdicts and evaluation.json to ``folder``, each whole or not at all.

    Page and table are called by the models, so that several evaluations can share a folder.

    Args:
        folder: made where there is none. An evaluation.json that is there keeps its other entries.
        result: what was estimated.
        title: heading of the page; None for no page.
        created: when this was made.
        settings: what was asked for, name -> value.

    Returns:
        The files.
    """
    contests, name = result.contests, name_of(result.contests)
    settings = {**result.verdicts.settings, **settings}
    with folder_written_whole(folder) as place:
        pq.write_table(contest_table(contests, result.verdicts), place / f"{name}.parquet")
        if title is not None:
            from votewise.report import write_win_rate_report

            write_win_rate_report(
                place / f"{name}.html", result, title=title, facts=_facts(created, settings, f"{name}.parquet")
            )
    models = f"{contests.model_a} against {contests.model_b}"
    record_result(folder / FILE, "win_rate", models, win_rate_figures(result) | _origin(created, settings))
    return _files(folder, name, [".html"] if title is not None else [], [".parquet"])


def write_matrix(
    folder: Path, result: MatrixResult, *, title: str | None, created: datetime, settings: Mapping[str, Any]
) -> list[Path]:
    """Write matrix.html, matrix.csv, matrix.parquet and evaluation.json to ``folder``, as ``write_win_rate`` does."""
    settings = {**next(iter(result.pairs.values())).verdicts.settings, **settings}
    with folder_written_whole(folder) as place:
        tables = [contest_table(found.contests, found.verdicts) for found in result.pairs.values()]
        pq.write_table(pa.concat_tables(tables, promote_options="permissive"), place / f"{MATRIX}.parquet")
        _write_csv(place / f"{MATRIX}.csv", result)
        if title is not None:
            from votewise.report import write_matrix_report

            write_matrix_report(
                place / f"{MATRIX}.html", result, title=title, facts=_facts(created, settings, f"{MATRIX}.parquet")
            )
    record_result(folder / FILE, "matrix", " ".join(result.models), matrix_figures(result) | _origin(created, settings))
    return _files(folder, MATRIX, [".html"] if title is not None else [], [".csv", ".parquet"])


def _files(folder: Path, name: str, page: list[str], tables: list[str]) -> list[Path]:
    return [*(folder / (name + suffix) for suffix in page), folder / FILE, *(folder / (name + s) for s in tables)]


def _write_csv(path: Path, result: MatrixResult) -> None:
    """One line per ordered pair of models."""
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["model", "opponent", "win_rate", "low", "high", "contests", "prompts"])
        for a in result.models:
            for b in result.models:
                rate = result.rate(a, b)
                if rate is not None:
                    lines.writerow([a, b, rate.value, rate.low, rate.high, rate.contests, rate.prompts])


def _facts(created: datetime, settings: Mapping[str, Any], table: str) -> dict[str, Any]:
    stated = {name: value for name, value in settings.items() if name != "question"}
    return {"date": created.strftime("%Y-%m-%d"), "version": __version__, **stated, "table": table}


def _origin(created: datetime, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"created": created.isoformat(timespec="seconds"), "version": __version__, "settings": dict(settings)}


def _known(values: Floats | None) -> pa.Array | None:
    return None if values is None else pa.array(values, mask=~np.isfinite(values))


def _whole(values: npt.NDArray[np.float64] | None) -> pa.Array | None:
    if values is None:
        return None
    return pa.array(np.nan_to_num(values).astype(np.int64), mask=~np.isfinite(values))
