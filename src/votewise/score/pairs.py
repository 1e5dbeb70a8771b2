"""Pairs of answers from any format of votes, or from comparisons without votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Floats, Signs
from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.errors import BadInputError
from votewise.language_models.conversations import Prompt
from votewise.sources.canonical_votes import canonical_votes
from votewise.sources.containers.opening import Source
from votewise.sources.meanings.labels import label_column
from votewise.sources.reader import SourceReader
from votewise.sources.registry import FORMATS, choose
from votewise.sources.rows import Rows
from votewise.sources.shapes.two_answers import says_which_is_better
from votewise.sources.texts.messages import answers
from votewise.sources.votes_table import with_carried

SIGNS = {"a": 1, "b": -1, "tie": 0}


@dataclass(frozen=True, eq=False)
class Pairs:
    """n rows, each with two answers.

    Attributes:
        table: (n rows) the source's columns; if a row of the source has several votes, one row per vote in the plain format.
        prompt: (n,) texts or conversations, an empty text if there is no prompt; None without texts.
        response_a: (n,) the first answers as texts or conversations; the format calls them ``response_a``, ``chosen`` or
            ``output_1``.
        response_b: (n,) the second answers.
        sign: (n,) +1 for a vote for response_a, -1 for response_b, 0 for a tie; None without votes.
        source: where it came from.
        format: the format of the votes; None without votes.
        rejected: rows of the source that were left out as unusable.
        skipped: how many rows, or entries of rows, are left out because they are no votes.
    """

    table: pa.Table
    prompt: list[Prompt] | None
    response_a: list[Prompt] | None
    response_b: list[Prompt] | None
    sign: Signs | None
    source: str
    format: str | None = None
    rejected: Rejected = NONE_REJECTED
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.table)

    def numbers(self, name: str) -> Floats:
        """(n,) a column of the table as numbers, NaN for null; BadInputError if it is missing or not numeric."""
        if name not in self.table.column_names:
            found = ", ".join(self.table.column_names)
            raise BadInputError(f"there is no column '{name}'", source=self.source, expected=f"one of {found}")
        return Rows(Source(self.source, self.table), {name: name}).number(name)


def read_pairs(
    source: Any,
    reader: SourceReader | None = None,
    *,
    format: str = "auto",
    texts: bool = True,
    numbers: Sequence[str] = (),
) -> Pairs:
    """Read pairs of answers.

    Args:
        source: what ``read_votes`` takes, in a format of votes or with the columns ``response_a`` and ``response_b``.
        reader: opens it as the user's options say; None for no options.
        format: name of the votes' format, or ``auto``.
        texts: whether texts are needed; if not, any table can be read.
        numbers: columns of the source in which every value that there is must be a number.

    Raises:
        BadInputError: the source cannot be read, or has no answers.
    """
    reader = reader or SourceReader()
    rows, one_annotator = reader.open(source), reader.one_annotator
    _check_numbers(rows, numbers)
    if format != "auto" or any(f.recognise(rows) for f in FORMATS.values() if not f.general):
        return _of_votes(rows, format, texts, one_annotator)
    if rows.has("response_a", "response_b") and (rows.has("label") or not says_which_is_better(rows)):
        _needs_votes(criterion=rows.criterion, one_annotator=one_annotator)
        sign = _signs(label_column(rows, null=True)) if rows.has("label") else None
        table = pa.table(answers(rows, "prompt", "response_a", "response_b"))
        sign = None if sign is None else sign[rows.ok]
        return Pairs(_usable(rows, rows.source.own), *_texts(_usable(rows, table)), sign, rows.source.name)
    if any(f.recognise(rows) for f in FORMATS.values()):
        return _of_votes(rows, format, texts, one_annotator)
    _needs_votes(criterion=rows.criterion, one_annotator=one_annotator)
    if texts:
        choose(rows, format)  # raises an error that says what is missing for the most similar format
    return Pairs(_usable(rows, rows.source.own), None, None, None, None, rows.source.name)


def _usable(rows: Rows, table: pa.Table) -> pa.Table:
    """The usable rows of a table with all rows of the source."""
    return table if rows.ok.all() else table.take(pa.array(rows.kept()))


def _check_numbers(rows: Rows, columns: Sequence[str]) -> None:
    """Note rows in which one of these columns of the source holds something else than a number."""
    named = {own: name for name, own in rows.renames.items()}
    for column in columns:
        if rows.has(named.get(column, column)):
            rows.number(named.get(column, column))


def _needs_votes(**options: str | None) -> None:
    for name, value in options.items():
        if value is not None:
            raise BadInputError(
                "applies to votes, and these are pairs without annotators",
                parameter=name,
                value=value,
                expected="a format of votes",
            )


def _of_votes(rows: Rows, format: str, texts: bool, one_annotator: str | None) -> Pairs:
    shape, canonical = canonical_votes(rows, format, one_annotator)
    found = canonical.table
    if texts and "response_a" not in found.column_names:
        raise rows.fail("there are no answers to score", expected="columns prompt, response_a and response_b")
    row = pa.array(found["row"].to_numpy())
    if canonical.one_per_row:
        table = rows.source.own.take(row)
    else:
        read = {rows.source_column(name) for name in rows.roles}
        # Leave out the columns of the source's own format, so that the result is read as plain votes.
        own = [pattern for any_of in shape.needs for pattern in any_of]
        of_format = [
            name
            for name in rows.source.table.column_names
            if (name in read if own == ["*"] else any(fnmatchcase(name, pattern) for pattern in own))
        ]
        table = with_carried(found.drop_columns(["row"]), rows, row, without=of_format)
    skipped = canonical.skipped + rows.no_votes
    return Pairs(table, *_texts(found), _signs(found["label"]), rows.source.name, shape.name, skipped=skipped)


def _texts(table: pa.Table) -> tuple[list[Prompt] | None, list[Prompt] | None, list[Prompt] | None]:
    if "response_a" not in table.column_names:
        return None, None, None
    n = len(table)
    prompt = table["prompt"].to_pylist() if "prompt" in table.column_names else [None] * n
    return (
        [p if p is not None else "" for p in prompt],
        table["response_a"].to_pylist(),
        table["response_b"].to_pylist(),
    )


def _signs(label: Any) -> Signs | None:
    """Labels as signs; a null counts as a tie, because it takes no side."""
    if len(label) == label.null_count:
        return None
    coded = pc.fill_null(label, "tie").combine_chunks().dictionary_encode()
    of = np.array([SIGNS[name] for name in coded.dictionary.to_pylist()], np.int8)
    return np.asarray(of[coded.indices.to_numpy()])
