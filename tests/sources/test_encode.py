"""Pairs, orientation, repeated votes, margins: what becomes of plain votes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes


def vote(annotator: str, label: str, a: str = "x", b: str = "y", **more: Any) -> dict[str, Any]:
    return {"prompt": "p", "response_a": a, "response_b": b, "annotator": annotator, "label": label, **more}


def test_swapped_answers_are_the_same_pair() -> None:
    votes = read_votes([vote("u1", "a"), vote("u2", "a", "y", "x"), vote("u3", "tie", "y", "x")])
    assert votes.n_pairs == 1
    assert votes.sign.tolist() == [1, -1, 0]
    assert votes.swapped.tolist() == [False, True, True]
    assert votes.first.tolist() == [1, 1, 0]
    assert votes.reading.swapped == 2


def test_margins_gold_labels_and_models_are_reversed_with_the_responses() -> None:
    rows = [
        vote("u1", "a", log_odds=1.5, gold="a", model_a="m1", model_b="m2"),
        vote("u2", "a", "y", "x", log_odds=-1.5, gold="b", model_a="m2", model_b="m1"),
        vote("u1", "a", "x", "z", log_odds=None, gold=None),
    ]
    votes = read_votes(rows)
    assert votes.margin.tolist() == [1.5, 0.0]
    assert votes.gold.tolist() == [1, 0]
    assert votes.texts.column("model_a").to_pylist() == ["m1", None]


def test_margins_come_from_the_first_row_that_has_one_in_the_orientation_of_the_first_row() -> None:
    votes = read_votes([vote("u1", "a", log_odds=None), vote("u2", "a", "y", "x", log_odds=2.0)])
    assert votes.margin.tolist() == [-2.0]


@pytest.mark.parametrize("name", ["margin", "gold"])
def test_rows_that_contradict_each_other_about_a_pair_are_named(name: str) -> None:
    values = {"margin": (1.0, 1.1), "gold": ("a", "b")}[name]
    asked = {name: name}
    rows = [vote("u1", "a", **{name: values[0]}), vote("u2", "a", **{name: values[1]}), vote("u3", "b")]
    with pytest.raises(
        BadInputError, match=rf"row 2, column '{name}': the {name} of this pair differs from that in row 1"
    ):
        read_votes(rows, columns=asked)
    votes = read_votes(rows, columns=asked, on_error="skip")
    assert (votes.reading.kept, votes.reading.rejected) == (2, 1)


def test_one_pair_id_with_two_texts_is_an_error_that_names_both_rows() -> None:
    rows = [vote("u1", "a", pair="p1"), vote("u2", "a", pair="p2"), vote("u3", "a", "x", "z", pair="p1")]
    with pytest.raises(BadInputError, match="row 3, column 'pair': the texts of this pair differ from those in row 1"):
        read_votes(rows)
    assert read_votes(rows, on_error="skip").reading.rejected == 1


def test_pair_ids_decide_before_texts() -> None:
    votes = read_votes([vote("u1", "a", pair=7), vote("u2", "a", pair=8)])
    assert votes.pair_ids.to_pylist() == ["7", "8"]


def test_ids_made_from_texts_depend_on_nothing_else() -> None:
    rows = [vote("u1", "a"), vote("u1", "a", "x", "z")]
    other = [vote("u9", "b", "z", "x"), vote("u8", "tie", "y", "x")]
    assert sorted(read_votes(rows).pair_ids.to_pylist()) == sorted(read_votes(other).pair_ids.to_pylist())
    assert read_votes([vote("u1", "a", "ab", "c")]).pair_ids != read_votes([vote("u1", "a", "a", "bc")]).pair_ids


def test_of_repeated_votes_the_last_by_time_counts() -> None:
    times = ["2024-01-02", "2024-01-03T10:00:00+02:00", "2024-01-03T09:00:00Z", None]
    rows = [vote("u1", label, time=t) for label, t in zip(("a", "b", "tie", "a"), times, strict=True)]
    votes = read_votes(rows)
    assert votes.row.tolist() == [2]
    assert votes.reading.repeated == 3
    assert votes.time.tolist() == [1704272400.0]


def test_of_repeated_votes_without_times_the_first_counts() -> None:
    rows = [vote("u1", "b"), vote("u2", "a"), vote("u1", "a", "x", "y")]
    votes = read_votes(rows)
    assert votes.row.tolist() == [0, 1]
    assert votes.table.num_rows == 2


def test_both_orders_by_one_annotator_are_two_votes() -> None:
    votes = read_votes([vote("u1", "a", time=1), vote("u1", "a", "y", "x", time=2)])
    assert votes.texts.column("response_a").to_pylist() == ["x"]
    assert (votes.sign.tolist(), votes.swapped.tolist()) == ([1, -1], [False, True])


def test_votes_between_identical_answers_are_skipped_unless_the_pair_has_a_name_or_it_is_a_tie() -> None:
    votes = read_votes([vote("u1", "a", "x", "x"), vote("u2", "tie", "x", "x"), vote("u3", "b")])
    assert votes.reading.skipped == 1
    assert votes.sign.tolist() == [0, -1]
    assert "two identical responses" in votes.reading.notes[0]
    assert len(read_votes([vote("u1", "a", "x", "x", pair="p")])) == 1


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(BadInputError, match="no votes left of 1 row, 0 rejected, 1 skipped"):
        read_votes([vote("u1", "a", "x", "x")])


def test_domains_and_weights() -> None:
    rows = [vote("u1", "a", domain="code", weight=2), vote("u2", "a", domain=None, weight=None), vote("u1", "a", "q")]
    votes = read_votes(rows)
    assert votes.domain.tolist() == [0, -1]
    assert votes.domain_ids == ("code",)
    assert votes.weight.tolist() == [2.0, 1.0, 1.0]


TRIPLES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from(["a", "b", "tie"]), st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda v: v[:2],
)


def told(votes: Votes) -> set[tuple[str, frozenset[tuple[str, int]]]]:
    """The votes without codes: for each the annotator, and whether each response won."""
    texts = votes.texts.to_pylist()
    return {
        (
            votes.annotator_ids[int(k)].as_py(),
            frozenset({(texts[i]["response_a"], int(s)), (texts[i]["response_b"], -int(s))}),
        )
        for i, k, s in zip(votes.pair, votes.annotator, votes.sign, strict=True)
    }


@pytest.mark.slow
@settings(deadline=None)
@given(TRIPLES, st.randoms(use_true_random=False))
def test_neither_order_nor_sides_nor_names_change_the_votes(votes: list[Any], random: Any) -> None:
    rows = [vote(f"u{k}", label, f"a{i}", f"b{i}") for i, k, label, _ in votes]
    turned = {"a": "b", "b": "a", "tie": "tie"}
    moved = [
        vote(f"u{k}", turned[label], f"b{i}", f"a{i}") if swap else vote(f"u{k}", label, f"a{i}", f"b{i}")
        for i, k, label, swap in votes
    ]
    random.shuffle(moved)
    first, second = read_votes(rows), read_votes(moved)
    assert told(first) == told(second)
    assert set(first.pair_ids.to_pylist()) == set(second.pair_ids.to_pylist())

    renamed = read_votes([row | {"annotator": f"someone else {row['annotator']}"} for row in rows])
    for name in ("pair", "annotator", "sign", "swapped"):
        np.testing.assert_array_equal(getattr(renamed, name), getattr(first, name))


@pytest.mark.slow
def test_a_million_votes_of_few_pairs_and_many_annotators() -> None:
    n, rng = 1_000_000, np.random.default_rng(0)
    names = pa.array([f"answer {i}" for i in range(200_000)])
    pair = rng.integers(0, 100_000, n)
    table = pa.table(
        {
            "response_a": names.take(pa.array(2 * pair)),
            "response_b": names.take(pa.array(2 * pair + 1)),
            "annotator": pa.array(rng.integers(0, 20_000, n)),
            "label": pa.array(["a", "b", "tie"]).take(pa.array(rng.integers(0, 3, n))),
        }
    )
    votes = read_votes(table)
    assert votes.reading.kept + votes.reading.repeated == n
