"""Votes become rows: one per pair with all its votes, or one per vote; nothing is lost, flipped or mixed up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")

from datasets import Dataset
from tiny import as_chat, make_rows

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.train.training_rows import ROW, TrainingRows, training_rows, votes_of_dataset


def rows_of(dataset: Dataset, one_row_per: Any = "pair", annotator_column: str | None = "annotator") -> TrainingRows:
    votes = votes_of_dataset(dataset, annotator_column=annotator_column)
    return training_rows(votes, one_row_per=one_row_per, source=dataset)


def texts(prompts: list[str]) -> pa.Table:
    return pa.table(
        {
            "prompt": prompts,
            "response_a": [f"{p} a" for p in prompts],
            "response_b": [f"{p} b" for p in prompts],
        }
    )


def some_votes(**settings: Any) -> Votes:
    """Pair 0: two to one for a; pair 1: a tie only; pair 2: one for b; pair 3: one each; pair 4: a tie and one for b."""
    pair, annotator, sign = [0, 0, 0, 1, 2, 3, 3, 4, 4], [0, 1, 2, 0, 1, 0, 2, 1, 0], [1, -1, 1, 0, -1, 1, -1, 0, -1]
    votes = Votes.from_arrays(pair, annotator, sign, **settings)
    return replace(votes, texts=texts(["p", "q", "r", "s", "t"]), margin=np.array([0.1, 0.2, 0.3, 0.4, 0.5]))


def as_pairs(dataset: Any) -> list[tuple[str, str, str]]:
    return [(r["prompt"], r["chosen"], r["rejected"]) for r in dataset]


def test_one_row_per_pair_is_a_fifth_of_the_work() -> None:
    """Five votes on each of 12 pairs: 12 rows instead of 60, and every vote is still there."""
    dataset = make_rows(12, reliability=(0.9, 0.9, 0.7, 0.6, 0.3), votes_per_pair=5)
    pairs, votes = rows_of(dataset), rows_of(dataset, "vote")
    assert len(votes.dataset) == 60 == 5 * len(pairs.dataset)
    assert len(pairs.votes) == len(votes.votes) == 60
    assert pairs.votes.n_pairs == 12
    assert votes.votes.n_pairs == 60


def test_the_answer_with_most_votes_is_chosen() -> None:
    rows = training_rows(some_votes(), one_row_per="pair")
    assert as_pairs(rows.dataset) == [
        ("p", "p a", "p b"),
        ("r", "r b", "r a"),
        ("s", "s a", "s b"),
        ("t", "t b", "t a"),
    ]
    np.testing.assert_array_equal(rows.pair, [0, 2, 3, 4])
    np.testing.assert_array_equal(rows.side, [1, -1, 1, -1])
    np.testing.assert_allclose(rows.share, [2 / 3, 1, 0.5, 1])
    assert rows.tied == 1
    assert rows.dataset[ROW][:] == [0, 1, 2, 3]


def test_weights_decide_what_most_means() -> None:
    rows = training_rows(some_votes(weight=[1, 3, 1, 1, 1, 0, 1, 1, 1]), one_row_per="pair")
    np.testing.assert_array_equal(rows.side, [-1, -1, -1, -1])
    np.testing.assert_allclose(rows.share, [0.6, 1, 1, 1])


def test_one_row_per_vote_has_every_vote_on_a_pair_of_its_own() -> None:
    votes = some_votes()
    rows = training_rows(votes, one_row_per="vote")
    decided = np.flatnonzero(votes.sign)
    assert as_pairs(rows.dataset) == [
        ("p", "p a", "p b"),
        ("p", "p b", "p a"),
        ("p", "p a", "p b"),
        ("r", "r b", "r a"),
        ("s", "s a", "s b"),
        ("s", "s b", "s a"),
        ("t", "t b", "t a"),
    ]
    assert rows.share is None
    np.testing.assert_array_equal(rows.pair, np.arange(7))
    np.testing.assert_array_equal(rows.votes.annotator, votes.annotator[decided])
    np.testing.assert_array_equal(rows.votes.sign, votes.sign[decided])
    np.testing.assert_array_equal(rows.votes.margin, votes.margin[votes.pair[decided]])
    assert len(set(rows.votes.pair_ids.to_pylist())) == 7


@pytest.mark.parametrize("one_row_per", ["pair", "vote"])
@pytest.mark.parametrize("chat", [False, True])
def test_rows_lead_back_to_the_votes_they_came_from(one_row_per: str, chat: bool) -> None:
    """A vote for the chosen answer of a row is a vote for its side, in plain texts and conversations."""
    dataset = make_rows(10, votes_per_pair=3, seed=3)
    dataset = (as_chat(dataset) if chat else dataset).shuffle(seed=0)
    rows = rows_of(dataset, one_row_per)
    said = [(str(r["prompt"]).strip(), r["annotator"], str(r["chosen"])) for r in dataset]
    names = rows.votes.annotator_ids.to_pylist()
    found = []
    for row, pair, side in zip(rows.dataset, rows.pair, rows.side, strict=True):
        for vote in np.flatnonzero(rows.votes.pair == pair):
            answer = "chosen" if rows.votes.sign[vote] == side else "rejected"
            found.append((str(row["prompt"]).strip(), names[rows.votes.annotator[vote]], str(row[answer])))
    assert sorted(found) == sorted(said)


def test_columns_for_chat_templates_follow_their_rows() -> None:
    dataset = as_chat(make_rows(6, votes_per_pair=2))
    dataset = dataset.add_column("tools", [f"[{r['prompt'][0]['content']}]" for r in dataset])
    dataset = dataset.add_column("other", list(range(12))).shuffle(seed=1)
    for one_row_per in ("pair", "vote"):
        rows = rows_of(dataset, one_row_per).dataset
        assert rows["tools"][:] == [f"[{r['prompt'][0]['content']}]" for r in rows]
        assert "other" not in rows.column_names


def test_prompts_may_be_part_of_the_answers() -> None:
    """TRL's implicit prompts: what both answers start with."""
    prompt = "Which is it ? "
    dataset = Dataset.from_dict({"chosen": [prompt + "this one"], "rejected": [prompt + "another"]})
    assert as_pairs(rows_of(dataset).dataset) == [("Which is it ?", " this one", " another")]


# Who voted


def test_annotators_may_be_numbers_under_another_name() -> None:
    dataset = make_rows(4).remove_columns("annotator").add_column("rater", [7, 3, 7, 11])
    votes = votes_of_dataset(dataset, annotator_column="rater")
    names = votes.annotator_ids.to_pylist()
    assert [names[k] for k in votes.annotator] == ["7", "3", "7", "11"]


@pytest.mark.parametrize("one_row_per", ["pair", "vote"])
def test_without_annotators_every_row_is_still_a_vote(one_row_per: str) -> None:
    """Three unknown people per pair: three votes of one annotator, none of which counts as a repetition."""
    dataset = make_rows(5, votes_per_pair=3)
    known = rows_of(dataset, one_row_per)
    for unknown in (rows_of(dataset.remove_columns("annotator"), one_row_per), rows_of(dataset, one_row_per, None)):
        assert unknown.votes.n_annotators == 1
        assert len(unknown.votes) == 15
        np.testing.assert_array_equal(unknown.side, known.side)
        np.testing.assert_array_equal(unknown.share, known.share)
        assert unknown.votes.table is not None
        assert ROW not in unknown.votes.table.column_names


def test_a_filtered_dataset_counts_as_what_is_left() -> None:
    dataset = make_rows(4)
    dataset = Dataset.from_dict({**dataset[:], "annotator": [None, "a", "a", "b"]})
    left = dataset.filter(lambda row: row["annotator"] is not None)
    assert len(votes_of_dataset(left, annotator_column="annotator")) == 3


# Refusals


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        (lambda d: d, "rater", "train_dataset: there is no column 'rater'.*one of prompt, chosen, rejected, annotator"),
        (lambda d: d.remove_columns("chosen"), "annotator", "has the columns prompt, rejected, annotator.*or a Votes"),
        (
            lambda d: Dataset.from_dict({**d[:], "annotator": ["a", None, None, "b"]}),
            "annotator",
            "column 'annotator': no annotator in 2 of 4 rows.*or no such column at all",
        ),
        (
            lambda d: Dataset.from_dict({**d[:], "chosen": ["a", None, "b", "c"]}),
            "annotator",
            "row 2, column 'chosen': is null",
        ),
    ],
)
def test_datasets_that_cannot_be_used(change: Any, column: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votes_of_dataset(change(make_rows(4)), annotator_column=column)


def test_votes_without_texts() -> None:
    with pytest.raises(BadInputError, match="the votes have no texts"):
        training_rows(Votes.from_arrays([0], [0], [1]), one_row_per="pair")


@pytest.mark.parametrize("one_row_per", ["pair", "vote"])
def test_nothing_but_ties(one_row_per: Any) -> None:
    votes = replace(Votes.from_arrays([0, 1], [0, 0], [0, 0]), texts=texts(["p", "q"]))
    with pytest.raises(BadInputError, match="no votes but ties"):
        training_rows(votes, one_row_per=one_row_per)


# Votes of one judgement


@pytest.mark.parametrize("annotator_column", ["annotator", None])
def test_votes_of_one_judgement_stay_together(annotator_column: str | None) -> None:
    """An export keeps the column; without names all votes are one annotator's, and its rankings are told apart."""
    rows = [
        {"prompt": p, "chosen": f"{p} {a}", "rejected": f"{p} {b}", "annotator": "u", "judgement": f"judgement {i}"}
        for i, p in enumerate(("p", "q"))
        for a, b in (("x", "y"), ("x", "z"), ("y", "z"))
    ]
    votes = votes_of_dataset(Dataset.from_list(rows), annotator_column=annotator_column)
    assert votes.judgement.tolist() == [0, 0, 0, 1, 1, 1]
    each = training_rows(votes, one_row_per="vote").votes
    assert each.judgement.tolist() == votes.judgement.tolist()


def test_shuffled_and_filtered_datasets_keep_their_values_and_types() -> None:
    from votewise.train.gathered import gathered

    rows = as_chat(make_rows(12)).add_column("n", list(range(12))).shuffle(seed=1).filter(lambda row: row["n"] % 3 > 0)
    some = np.array([5, 0, 3])
    for got, wanted in ((gathered(rows), rows), (gathered(rows, some), rows.select(some))):
        assert got.to_list() == wanted.to_list()
        assert got.features == rows.features
        assert got._indices is None
