"""Pairs from every format, with the other columns of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shapes import SHAPES

from votewise.errors import BadInputError
from votewise.score import read_pairs
from votewise.sources import read_votes

PLAIN = {"prompt": "p", "response_a": "x", "response_b": "y"}


def test_plain_votes() -> None:
    rows = [PLAIN | {"annotator": "k", "label": label, "mine": i} for i, label in enumerate(("a", "b", "tie"))]
    pairs = read_pairs(rows)
    assert pairs.sign is not None
    assert pairs.sign.tolist() == [1, -1, 0]
    assert (pairs.prompt, pairs.response_a, pairs.response_b) == (["p"] * 3, ["x"] * 3, ["y"] * 3)
    assert pairs.table.to_pylist() == rows
    assert pairs.format == "plain"
    assert pairs.numbers("mine").tolist() == [0, 1, 2]


def test_comparisons_without_votes() -> None:
    pairs = read_pairs([PLAIN | {"model_a": "m", "model_b": "n"}])
    assert pairs.sign is None
    assert pairs.format is None
    assert len(pairs) == 1
    hot = {"winner_model_a": 0, "winner_model_b": 1, "winner_tie": 0}
    for verdict in (hot, {"winner": "model_b"}):
        pairs = read_pairs([PLAIN | verdict])
        assert pairs.sign is not None
        assert pairs.sign.tolist() == [-1]
    assert read_pairs([PLAIN | {"label": "b"}, PLAIN | {"label": None}]).sign.tolist() == [-1, 0]  # type: ignore[union-attr]
    without = read_pairs([{"response_a": "x", "response_b": "y"}])
    assert without.prompt == [""]


def test_chosen_and_rejected() -> None:
    user, one, two = ({"role": r, "content": c} for r, c in (("user", "p"), ("assistant", "x"), ("assistant", "y")))
    pairs = read_pairs([{"chosen": [user, one], "rejected": [user, two], "score": 2.5}])
    assert (pairs.prompt, pairs.response_a, pairs.response_b) == ([[user]], [[one]], [[two]])
    assert pairs.sign is not None
    assert pairs.sign.tolist() == [1]
    assert pairs.table.column_names == ["chosen", "rejected", "score"]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_format_of_votes(name: str) -> None:
    shape = SHAPES[name]
    format = shape.format if shape.by_name else "auto"
    votes = read_votes(shape.rows, format=format)
    if votes.texts is None:
        with pytest.raises(BadInputError, match="no answers to score"):
            read_pairs(shape.rows, format=format)
        return
    pairs = read_pairs(shape.rows, format=format)
    assert pairs.sign is not None
    assert len(pairs) == len(pairs.sign) == len(pairs.response_a or ()) >= len(votes)
    assert np.bincount(pairs.sign + 1, minlength=3)[1] >= (votes.sign == 0).sum()
    # The table can be read again, as the same votes on the same pairs.
    again = read_votes(pairs.table)
    assert again.annotator_ids.to_pylist() == votes.annotator_ids.to_pylist()
    assert (again.n_pairs, again.sign.tolist()) == (votes.n_pairs, votes.sign.tolist())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "p"}], "unknown format"),
        ([{"pair": "p", "annotator": "k", "label": "a"}], "there are no answers to score"),
        ([PLAIN, PLAIN | {"response_b": None}], r"row 2, column 'response_b': is null"),
        ([PLAIN | {"label": "c"}], "column 'label': unknown label"),
    ],
)
def test_sources_without_pairs_are_refused(rows: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_pairs(rows)


def test_columns_need_no_texts() -> None:
    pairs = read_pairs([{"s": 1, "t": 2.5}, {"s": None, "t": 3.0}], texts=False)
    np.testing.assert_array_equal(pairs.numbers("s"), [1, np.nan])
    with pytest.raises(BadInputError, match=r"there is no column 'u' \(expected one of s, t\)"):
        pairs.numbers("u")
    with pytest.raises(BadInputError, match="is not a number"):
        read_pairs([{"s": "high"}], texts=False).numbers("s")
    assert read_pairs([{"pair": "p", "annotator": "k", "label": "b", "s": 1}], texts=False).sign.tolist() == [-1]  # type: ignore[union-attr]


def test_rows_that_are_no_votes_are_counted() -> None:
    rows = [PLAIN | {"prompt": str(i), "annotator": "k", "label": label} for i, label in enumerate(("a", "skip", "b"))]
    pairs = read_pairs(rows)
    assert len(pairs) == 2
    assert pairs.skipped == 1
