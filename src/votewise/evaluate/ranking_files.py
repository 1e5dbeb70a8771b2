"""A ranking -> files: page, table, figures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from votewise._version import __version__
from votewise.data.model_ranking import Ranking
from votewise.evaluate.evaluation_files import write_csv
from votewise.storage.files import folder_written_whole, write_json


def ranking_figures(ranking: Ranking) -> dict[str, Any]:
    """Everything except the annotators as JSON values."""
    effect = None
    if ranking.effect is not None:
        effect = dict(zip(("points", "low", "high"), ranking.effect, strict=True))
    return {
        "models": ranking.models.to_pylist(),
        "shares": [[None if np.isnan(v) else float(v) for v in row] for row in ranking.shares],
        "votes_between": ranking.met.astype(int).tolist(),
        "length_effect": effect,
        "tie_probability": ranking.tie,
        "left_out": list(ranking.left_out),
        "skipped": dict(ranking.skipped),
        "notes": list(ranking.notes),
        "settings": dict(ranking.settings),
    }


def write_ranking(folder: Path, ranking: Ranking, *, report: bool, created: datetime) -> list[Path]:
    """Write ranking.html, ranking.csv, ranking.json and, if annotators were judged, annotators.parquet: all or none.

    Args:
        folder: where to write; made if it does not exist.
        ranking: the ranking.
        report: whether to write the page.
        created: when the ranking was made.

    Returns:
        The files, the most interesting first.
    """
    names = (["ranking.html"] if report else []) + ["ranking.csv", "ranking.json"]
    names += ["annotators.parquet"] if ranking.annotators is not None else []
    stale = [name for name in ("ranking.html", "annotators.parquet") if name not in names]
    with folder_written_whole(folder, stale=stale) as place:
        write_csv(place / "ranking.csv", ranking.models)
        origin = {"version": __version__, "date": created.date().isoformat()}
        write_json(place / "ranking.json", ranking_figures(ranking) | origin)
        if ranking.annotators is not None:
            pq.write_table(ranking.annotators, place / "annotators.parquet")
        if report:
            from votewise.report.ranking_page import write_ranking_report

            write_ranking_report(place / "ranking.html", ranking, title="Ranking of models", facts=origin)
    return [folder / name for name in names]
