"""Tables: names come back, shares have nulls where there is nothing to share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.tables import share
from votewise.data.votes import Votes


def votes_with_table(**columns: list) -> Votes:
    votes = Votes.from_arrays([0, 0, 1], [0, 1, 0], [1, -1, 0], pair_ids=["p", "q"], annotator_ids=["x", "y"])
    return replace(votes, table=pa.table({"label": ["a", "b", "tie"], **columns}))


def test_vote_table_keeps_the_sources_columns_and_adds_ours() -> None:
    table = estimate_reliability(votes_with_table(note=["n1", "n2", "n3"])).votes
    assert table.column_names == ["label", "note", "pair", "annotator", "confidence"]
    assert table["pair"].to_pylist() == ["p", "p", "q"]
    assert table["annotator"].to_pylist() == ["x", "y", "x"]
    assert table["confidence"].is_null().to_pylist() == [False, False, True]


def test_the_sources_own_names_stay() -> None:
    table = estimate_reliability(
        votes_with_table(annotator=["Xa", "Yb", "Xa"], confidence=["sure", "sure", "no"])
    ).votes
    assert table.column_names == ["label", "annotator", "confidence", "pair", "votewise_confidence"]
    assert table["annotator"].to_pylist() == ["Xa", "Yb", "Xa"]
    assert table["confidence"].to_pylist() == ["sure", "sure", "no"]


def test_pair_table_counts_and_disagreement() -> None:
    pair = [0, 0, 0, 0, 1, 1, 2]
    table = estimate_reliability(Votes.from_arrays(pair, [0, 1, 2, 3, 0, 1, 0], [1, 1, -1, 0, -1, -1, 0])).pairs
    assert table["votes"].to_pylist() == [4, 2, 1]
    assert table["ties"].to_pylist() == [1, 0, 1]
    assert table["disagreement"].to_pylist() == [pytest.approx(1 / 3), 0.0, None]
    assert table["p_a"][2].as_py() == pytest.approx(0.5)


def test_annotator_table_counts_ties_apart() -> None:
    table = estimate_reliability(votes_with_table()).annotators
    assert table["votes"].to_pylist() == [2, 1]
    assert table["ties"].to_pylist() == [1, 0]


def test_share_of_nothing_is_null() -> None:
    assert share(np.array([1, 0]), np.array([4, 0])).to_pylist() == [0.25, None]
