"""The votes of a dataset in TRL's format: each row is a vote for ``chosen``, on everything that a model sees of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.first_votes import EXAMPLES, first_votes
from votewise.data.identity import text_key
from votewise.data.votes import UNKNOWN, Votes
from votewise.errors import BadInputError, many
from votewise.sources import read_votes
from votewise.sources.answer_lists.one_judgement import judgement_codes, numbered
from votewise.train.gathered import gathered
from votewise.train.normal_texts import normal_texts
from votewise.train.row_weights import WEIGHT, weights_of
from votewise.train.seen_rows import ANSWERS, digests

ROW = "votewise_row"
"""Column with the number of the row, by which a batch finds its votes."""

ABOUT_VOTES = ("margin", "judgement", WEIGHT)
"""Columns that say something about a vote."""


def votes_of_dataset(dataset: Any, *, annotator_column: str | None, name: str = "train_dataset") -> Votes:
    """Read TRL's preference rows as votes: ``chosen`` over ``rejected``, by the annotator in ``annotator_column``.

    Rows are about one pair if a model sees the same of them: prompt, tools, chat-template arguments and both answers, each
    with all its fields. Without a column of annotators all votes count as those of one annotator. Rows of weight 0 are no
    votes.

    Raises:
        BadInputError: the column is missing or contains nulls, rows without an answer or with images, unusable weights.
    """
    columns = _columns(dataset, annotator_column, name)
    if len(dataset) == 0:
        raise BadInputError("has no rows", source=name, expected="rows with prompt, chosen and rejected")
    dataset = gathered(dataset)
    weight = weights_of(dataset, name)
    kept = np.arange(len(dataset)) if weight is None else np.flatnonzero(weight)
    if len(kept) == 0:
        raise BadInputError("no row counts", source=name, column=WEIGHT, expected="a weight above 0 in some row")
    seen = {column: pa.array(values).take(pa.array(kept)) for column, values in digests(dataset, name).items()}
    if weight is not None:
        dataset = gathered(dataset, kept)
    about = [c for c in (*columns.values(), *ABOUT_VOTES[:2]) if c in dataset.column_names]
    votes = _read(seen, dataset, about, None if weight is None else weight[kept], columns)
    votes = _with_texts(votes, dataset)
    return votes if weight is None or votes.row is None else replace(votes, row=kept[votes.row])


def _columns(dataset: Any, annotator_column: str | None, name: str) -> dict[str, str]:
    """The column of the annotators, if there is one; BadInputError if something is missing."""
    found = dataset.column_names
    if not set(ANSWERS) <= set(found):
        raise BadInputError(
            f"has the columns {', '.join(found)}", source=name, expected="prompt, chosen and rejected, or a Votes"
        )
    if annotator_column is None or annotator_column not in found:
        if annotator_column not in (None, "annotator"):
            raise no_such_column(annotator_column, found, name)
        return {}
    # Not ``dataset.data``, which still contains filtered rows.
    nulls = dataset.select_columns([annotator_column]).with_format("arrow")[:][annotator_column].null_count
    if nulls:
        raise BadInputError(
            f"no annotator in {nulls:,} of {many(len(dataset), 'row')}",
            source=name,
            column=annotator_column,
            expected="the name of the annotator, or no such column at all",
        )
    return {"annotator": annotator_column}


def no_such_column(annotator_column: str | None, found: list[str], name: str) -> BadInputError:
    """The error for a column of annotators that is not there."""
    return BadInputError(f"there is no column '{annotator_column}'", source=name, expected=f"one of {', '.join(found)}")


def _read(seen: dict[str, pa.Array], dataset: Any, about: list[str], weight: Any, columns: dict[str, str]) -> Votes:
    """The votes of rows that digests stand for."""
    from datasets import Dataset

    rows = Dataset(pa.table(seen))
    if about:
        rows = dataset.select_columns(about).with_format(None)
        for column, values in seen.items():
            rows = rows.add_column(column, values.to_pylist())
    if weight is not None:
        rows = rows.add_column(WEIGHT, weight)
    if columns:
        return read_votes(rows, format="trl", columns=columns)
    # The annotators are unknown, so an answer chosen twice is two votes, not one vote repeated.
    votes = read_votes(rows.add_column(ROW, np.arange(len(rows))), format="trl", columns={"annotator": ROW})
    nobody = np.zeros(len(votes), np.int32)
    judgement = None
    if votes.table is not None and votes.reading is not None:
        roles = [column.role for column in votes.reading.columns]
        named = judgement_codes(votes.table) if "judgement" in roles else None
        judgement = None if named is None else numbered(named, nobody)
    return replace(votes, annotator=nobody, annotator_ids=pa.array([UNKNOWN]), judgement=judgement)


def _with_texts(votes: Votes, dataset: Any) -> Votes:
    """The votes with the texts of their pairs, their pairs' usual names and the dataset's columns in place of digests."""
    assert votes.row is not None  # noqa: S101 - a source has rows
    first = first_of_each(votes.pair, np.arange(len(votes)), votes.n_pairs)
    texts, names = normal_texts(gathered(dataset, votes.row[first]))
    table = _own_columns(gathered(dataset, votes.row))
    codes = votes.pair[:EXAMPLES]
    people = [str(votes.annotator_ids[int(k)].as_py()) for k in votes.annotator[:EXAMPLES]]
    told = partial(first_votes, votes.sign[:EXAMPLES], people, [names[int(k)] for k in codes], codes, texts)
    reading = None if votes.reading is None else replace(votes.reading, first=told)
    return replace(votes, texts=texts, pair_ids=_told_apart(names), table=table, reading=reading)


def first_of_each(codes: npt.NDArray[Any], values: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.int64]:
    """(number,) the first of the ``values`` with each code; 0 where there is none."""
    first = np.zeros(number, np.int64)
    first[codes[::-1]] = values[::-1]
    return first


def _told_apart(names: list[str]) -> pa.Array:
    """Names of pairs, with a number where several that differ only in how messages are written have one name."""
    met: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(f"{name}#{met[name]}" if met[name] else name)
        met[name] += 1
    return pa.array(found, pa.large_string())


def _own_columns(rows: Any) -> pa.Table:
    """The dataset's columns, one row per vote; JSON as text."""
    table = rows.with_format("arrow")[:]
    for i, field in enumerate(table.schema):
        if "json" in str(field.type):
            texts = [text_key(value) for value in rows.with_format(None)[field.name][:]]
            table = table.set_column(i, field.name, pa.array(texts, pa.large_string()))
    return table
