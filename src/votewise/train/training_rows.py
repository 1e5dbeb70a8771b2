"""Votes -> rows for a trainer: one row per pair with all its votes, or one row per vote as in the papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Floats, Signs
from votewise.data.votes import UNKNOWN, Votes
from votewise.errors import BadInputError, many
from votewise.sources import read_votes
from votewise.sources.answer_lists.one_judgement import judgement_codes, numbered

if TYPE_CHECKING:
    from datasets import Dataset

ROW = "votewise_row"
"""Column with the number of the row, by which a batch finds its votes."""

KEPT = ("tools", "chat_template_kwargs")
"""Columns that TRL's chat templates use besides the texts."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """R rows to train on, and the votes they stand for.

    Attributes:
        votes: the votes, on M pairs; with one row per vote, every vote is on a pair of its own.
        dataset: R rows with ``prompt``, ``chosen``, ``rejected`` and the column ``ROW``.
        pair: (R,) pair of each row.
        side: (R,) +1 where ``chosen`` is the pair's response_a, -1 where it is response_b.
        share: (R,) share of the pair's votes for ``chosen``, at least 1/2; None if it is 1 for all.
        tied: number of pairs left out because they have no votes but ties.
    """

    votes: Votes
    dataset: Dataset
    pair: npt.NDArray[np.int64]
    side: Signs
    share: Floats | None
    tied: int


def votes_of_dataset(dataset: Any, *, annotator_column: str | None, name: str = "train_dataset") -> Votes:
    """Read TRL's preference rows as votes: ``chosen`` over ``rejected``, by the annotator in ``annotator_column``.

    Without such a column all votes count as those of one annotator.

    Raises:
        BadInputError: the column is missing or contains nulls, or texts cannot be used.
    """
    found = dataset.column_names
    columns = {}
    if annotator_column is not None and annotator_column in found:
        # Not ``dataset.data``, which still contains filtered rows.
        nulls = dataset.select_columns([annotator_column]).with_format("arrow")[:][annotator_column].null_count
        if nulls:
            raise BadInputError(
                f"no annotator in {nulls:,} of {many(len(dataset), 'row')}",
                source=name,
                column=annotator_column,
                expected="the name of the annotator, or no such column at all",
            )
        columns["annotator"] = annotator_column
    elif annotator_column not in (None, "annotator"):
        raise BadInputError(
            f"there is no column '{annotator_column}'", source=name, expected=f"one of {', '.join(found)}"
        )
    known = {"prompt", "chosen", "rejected", "margin", "judgement", *columns.values()}
    if "chosen" not in found or "rejected" not in found:
        raise BadInputError(
            f"has the columns {', '.join(found)}", source=name, expected="prompt, chosen and rejected, or a Votes"
        )
    dataset = dataset.select_columns([c for c in found if c in known])
    if columns:
        return read_votes(dataset, format="trl", columns=columns)
    # The annotators are unknown, so an answer chosen twice is two votes, not one vote repeated.
    votes = read_votes(dataset.add_column(ROW, np.arange(len(dataset))), format="trl", columns={"annotator": ROW})
    nobody = np.zeros(len(votes), np.int32)
    table = None if votes.table is None else votes.table.drop_columns([ROW])
    judgement = None
    if table is not None and votes.reading is not None and "judgement" in (c.role for c in votes.reading.columns):
        named = judgement_codes(table)
        judgement = None if named is None else numbered(named, nobody)
    return replace(votes, annotator=nobody, annotator_ids=pa.array([UNKNOWN]), table=table, judgement=judgement)


def training_rows(votes: Votes, *, one_row_per: Literal["pair", "vote"], source: Any = None) -> TrainingRows:
    """Arrange votes as rows for training.

    Args:
        votes: votes with texts.
        one_row_per: ``pair`` (all votes of a pair share its truth) or ``vote``.
        source: the dataset that the votes were read from; its columns ``KEPT`` are kept.

    Raises:
        BadInputError: votes without texts, or no votes but ties.
    """
    from datasets import Dataset

    texts = votes.texts
    if texts is None:
        raise BadInputError("the votes have no texts", expected="votes with prompt, response_a and response_b")
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    if not (weight * votes.sign).any():
        raise BadInputError("there are no votes but ties", expected="votes for one of two answers")
    first_vote = np.zeros(votes.n_pairs, np.int64)
    first_vote[votes.pair[::-1]] = np.arange(len(votes))[::-1]
    text_of = np.arange(votes.n_pairs)
    if one_row_per == "vote":
        decided = np.flatnonzero(votes.sign)
        text_of, first_vote = votes.pair[decided].astype(np.int64), decided
        votes = _each_alone(votes, decided)
        weight = weight[decided]
    total = np.bincount(votes.pair, weight * np.abs(votes.sign), minlength=votes.n_pairs)
    lead = np.bincount(votes.pair, weight * votes.sign, minlength=votes.n_pairs)
    pair = np.flatnonzero(total)
    side = np.where(lead[pair] >= 0, 1, -1).astype(np.int8)
    share = (1 + np.abs(lead[pair]) / total[pair]) / 2
    table = texts.take(pa.array(text_of[pair]))
    to_a = pa.array(side > 0)
    a, b = table["response_a"], table["response_b"]
    columns = {
        "prompt": _known(table["prompt"]),
        "chosen": _either(to_a, a, b),
        "rejected": _either(to_a, b, a),
        ROW: pa.array(np.arange(len(pair))),
    }
    if source is not None and votes.row is not None and (kept := [c for c in KEPT if c in source.column_names]):
        rows = source.select(votes.row[first_vote[pair]] if one_row_per == "pair" else votes.row[pair])
        columns |= {name: rows.with_format("arrow")[:][name] for name in kept}
    dataset = Dataset(pa.table(columns))
    return TrainingRows(votes, dataset, pair, side, None if (share == 1).all() else share, votes.n_pairs - len(pair))


def _known(prompt: Any) -> Any:
    """Prompts with an empty text where there is none: TRL cannot tokenize a null."""
    if prompt.null_count == 0 or pa.types.is_nested(prompt.type):
        return prompt
    return pc.fill_null(prompt.cast(pa.large_string()), "")


def _either(first: pa.Array, one: Any, other: Any) -> Any:
    """``one`` where ``first`` is true, else ``other``; also for lists of messages."""
    if pa.types.is_nested(one.type):
        both = pa.concat_arrays([*one.chunks, *other.chunks])
        n = len(one)
        return both.take(pa.array(np.arange(n) + np.where(first.to_numpy(zero_copy_only=False), 0, n)))
    return pc.if_else(first, one, other)


def _each_alone(votes: Votes, decided: npt.NDArray[np.int64]) -> Votes:
    """The votes that are not ties, each on a pair of its own."""
    pair = votes.pair[decided]
    names = pa.array([f"{p}#{i}" for i, p in enumerate(votes.pair_ids.take(pa.array(pair)).to_pylist())])
    of_pair: dict[str, Any] = {
        name: None if (value := getattr(votes, name)) is None else value[pair] for name in ("margin", "domain", "gold")
    }
    of_vote: dict[str, Any] = {
        name: None if (value := getattr(votes, name)) is None else value[decided]
        for name in ("swapped", "weight", "judgement", "time", "row", "flipped")
    }
    return replace(
        votes,
        pair=np.arange(len(decided), dtype=np.int32),
        annotator=votes.annotator[decided],
        sign=votes.sign[decided],
        pair_ids=names,
        table=None if votes.table is None else votes.table.take(pa.array(decided)),
        texts=None if votes.texts is None else votes.texts.take(pa.array(pair)),
        answers=None,
        **of_pair,
        **of_vote,
    )
