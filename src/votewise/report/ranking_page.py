"""The page on a ranking: the models, who beat whom, and how many votes would tell neighbours apart."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from votewise.data.model_ranking import Ranking

MOST_IN_MATRIX, MOST_LISTED, MOST_ANNOTATORS = 30, 300, 100
"""Models in the matrix and in the table, and annotators, that the page shows; all are in the files."""

MOST_VOTES = 1_000_000
"""Further votes beyond which two models are said to be equal for all purposes."""


def write_ranking_report(
    path: str | os.PathLike[str], ranking: Ranking, *, title: str, facts: Mapping[str, object] | None = None
) -> Path:
    """Write the page on a ranking as one HTML file that opens offline and loads nothing from the network.

    Args:
        path: where to write; an existing file is replaced only once the new one is complete.
        ranking: what ``rank_models`` returned.
        title: heading of the page.
        facts: further entries of the section on how the page was made, name -> value.

    Returns:
        The path.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_ranking_report(ranking, title=title, facts=facts))


def render_ranking_report(ranking: Ranking, *, title: str, facts: Mapping[str, object] | None = None) -> str:
    """The page that ``write_ranking_report`` writes, as a string."""
    from votewise.report import page

    rows = ranking.models.to_pylist()
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    for row in rows:
        for name in ("low", "rating", "high"):
            row[f"{name}_at"] = 100 * (row[name] - low) / max(high - low, 1e-9)
        row["needed"] = needed(row["votes_to_separate"])
    people = None if ranking.annotators is None else ranking.annotators.slice(0, MOST_ANNOTATORS).to_pylist()
    return page.render(
        "ranking.html.j2",
        specs={},
        title=title,
        facts=dict(facts or {}),
        ranking=ranking,
        best=rows[0],
        tied_for_first=[row for row in rows if row["rank_best"] == 1],
        total=int(ranking.met.sum() / 2),
        rows=rows[:MOST_LISTED],
        all_models=len(rows),
        cells=_heat(ranking),
        in_matrix=min(len(rows), MOST_IN_MATRIX),
        effect=None if ranking.effect is None else effect_sentence(ranking),
        people=people,
        all_people=0 if ranking.annotators is None else len(ranking.annotators),
    )


def needed(votes: int | None) -> str:
    """How many further votes would tell a model from the next one, in words."""
    if votes is None:
        return ""
    if votes == 0:
        return "clear"
    return "no difference" if votes > MOST_VOTES else f"{votes:,} more"


def effect_sentence(ranking: Ranking) -> str:
    """What length does, in a sentence; only where it was looked at."""
    value, low, high = ranking.effect or (np.nan, np.nan, np.nan)
    return (
        f"An answer twice as long as the other counts for {value:+.0f} rating points ({low:+.0f} to {high:+.0f}); the "
        "ranking leaves this out."
    )


def _heat(ranking: Ranking) -> list[dict[str, Any]]:
    names = ranking.models["model"].to_pylist()[:MOST_IN_MATRIX]
    return [
        {
            "model": name,
            "cells": [
                {"self": i == j, "share": None if np.isnan(ranking.shares[i, j]) else float(ranking.shares[i, j])}
                | {"votes": int(ranking.met[i, j])}
                for j in range(len(names))
            ],
        }
        for i, name in enumerate(names)
    ]
