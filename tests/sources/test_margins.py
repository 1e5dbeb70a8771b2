"""A margin is a prior only where it is said to be one, or where a scorer's scores stand beside it."""

from __future__ import annotations

from typing import Any

import pytest

import votewise
from votewise.errors import BadInputError
from votewise.sources import read_votes


def votes_with(**columns: list[Any]) -> list[dict[str, Any]]:
    """One vote per entry, each on a pair of its own, by another annotator."""
    number = len(next(iter(columns.values())))
    same = {"response_a": "x", "response_b": "y", "label": "a"}
    return [
        same | {"prompt": f"p{i}", "annotator": f"u{i}"} | {name: values[i] for name, values in columns.items()}
        for i in range(number)
    ]


@pytest.mark.parametrize(
    ("columns", "options", "margins"),
    [
        ({"margin": [3.0, 1.0]}, {}, None),
        ({"margin": ["slightly", "much"]}, {}, None),
        ({"margin": [3.0, 1.0]}, {"margin": "margin"}, [3.0, 1.0]),
        ({"strength": [3.0, 1.0]}, {"margin": "strength"}, [3.0, 1.0]),
        ({"log_odds": [3.0, -1.0]}, {}, [3.0, -1.0]),
        ({"log_odds": [3.0, -1.0], "margin": [1, 2]}, {}, [3.0, -1.0]),
        # What `votewise score` writes: the difference of the scores, times a temperature.
        ({"margin": [0.5, -1.0], "score_a": [2.0, 1.0], "score_b": [1.0, 3.0]}, {}, [0.5, -1.0]),
        ({"margin": [0.5, None], "score_a": [2.0, None], "score_b": [1.0, 3.0]}, {}, [0.5, 0.0]),
        # The voters' own scores, and a strength that is not computed from them.
        ({"margin": [1.0, 3.0], "score_a": [2.0, 1.0], "score_b": [1.0, 3.0]}, {}, None),
    ],
)  # fmt: skip
def test_where_a_margin_comes_from(columns: dict[str, list[Any]], options: dict[str, str], margins: Any) -> None:
    votes = read_votes(votes_with(**columns), columns=options)
    assert (None if votes.margin is None else votes.margin.tolist()) == margins
    carried = any("--columns margin=margin reads it" in note for note in votes.reading.notes)
    assert carried == (margins is None)
    assert set(columns) <= set(votes.table.column_names)


def test_what_is_exported_keeps_its_margin(tmp_path: Any) -> None:
    rows = votes_with(log_odds=[0.5, -2.0, 1.0]) + [
        row | {"annotator": "w"} for row in votes_with(log_odds=[0.5, -2.0, 1.0])
    ]
    votewise.audit(rows, out=tmp_path / "audit", report=False, force=True)
    votewise.export(tmp_path / "audit", to="votes", out=tmp_path / "votes.jsonl", min_confidence=0)
    again = read_votes(tmp_path / "votes.jsonl")
    assert sorted(again.margin.tolist()) == [-2.0, 0.5, 1.0]


def test_margins_of_one_pair_that_differ_are_refused_where_they_count() -> None:
    rows = [row | {"prompt": "p"} for row in votes_with(margin=[3.0, 1.0])]
    assert len(read_votes(rows)) == 2
    with pytest.raises(BadInputError, match="column 'margin': the margin of this pair differs"):
        read_votes(rows, columns={"margin": "margin"})
