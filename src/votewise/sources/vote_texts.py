"""The texts of votes that are given one by one: kept with the votes, or written to files where a source is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS
from votewise.sources.canonical import PLACE, messages_type, said
from votewise.sources.cells import TEXT, is_string
from votewise.sources.containers.any_order import in_any_order, rows_at_once
from votewise.sources.containers.staged_texts import ROLES, TextsWriter
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files, is_left, original_type
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked

AT_ONCE = 2_000
"""Votes whose texts are written at once."""


class VoteTexts:
    """Takes the texts of one vote after the other, and gives what the vote has to hold for them.

    Call ``finish`` after the last one.
    """

    def __init__(self, rows: Rows) -> None:
        left = rows.source.stand_ins
        self._rows, self._writer = rows, None if left is None else TextsWriter(left.secret)
        self._waiting: list[Mapping[str, Any]] = []
        self._count = 0
        self._asked = self._filled = self._seen = False

    def keep(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of the vote: ``prompt``, ``response_a``, ``response_b`` and ``also`` themselves, or where they are."""
        if self._writer is None:
            return dict(texts)
        self._waiting.append(texts)
        self._count += 1
        if len(self._waiting) == AT_ONCE:
            self._write()
        return {PLACE: self._count - 1}

    def finish(self) -> None:
        """Write the last ones."""
        if self._writer is None or self._count == 0:
            return
        if self._waiting:
            self._write()
        staged = self._writer.finish(per_vote=True)
        if self._filled and not staged.is_text("prompt"):
            raise TextsNeededError("prompt")
        missing = ([] if self._asked else ["prompt"]) + ([] if self._seen else [ALSO])
        there = [name for name in TEXTS if name not in missing and name in staged.digests]
        if len({staged.is_text(name) for name in there}) > 1:
            # A prompt in messages and an answer in a text are one conversation.
            raise TextsNeededError(there[0])
        self._rows.staged = staged.without(missing)

    def _write(self) -> None:
        assert self._writer is not None  # noqa: S101 (for type checkers: there is one where texts wait)
        columns = {name: _column(name, [texts.get(name) for texts in self._waiting]) for name in (*TEXTS, ALSO)}
        prompts = columns["prompt"]
        self._asked = self._asked or prompts.null_count < len(prompts)
        self._seen = self._seen or columns[ALSO].null_count < len(prompts)
        if prompts.type == TEXT and prompts.null_count:
            # As in ``from_votes``: a prompt that is missing asks what an empty one does.
            columns["prompt"], self._filled = prompts.fill_null(""), True
        self._writer.write(columns)
        self._waiting = []


def _column(name: str, values: list[Any]) -> pa.Array:
    if not any(isinstance(value, list) for value in values):
        return pa.array(values, TEXT)
    values = [said(value, ROLES[name]) if isinstance(value, str) else value for value in values]
    return pa.array(values, messages_type([values]))


def texts_where_they_are(rows: Rows, name: str) -> Sequence[str | None] | None:
    """Take a column of texts as they are, or None where they are in files; rows without one are noted."""
    field = rows.table.schema.field(name)
    if not is_in_files(field):
        found: Sequence[str | None] = rows.text(name).to_pylist()
        return found
    if is_left(field):
        # Texts some of which spell lists.
        if is_marked(field) or not is_string(original_type(field)):
            raise TextsNeededError(name)
        rows.use(name)
        missing = rows.table.column(name).is_null().to_numpy(zero_copy_only=False)
        rows.reject_where(np.asarray(missing, bool), "is null", column=name, expected="a text")
    else:
        rows.text(name, stand_ins=True)
    return None


def stage_couples(rows: Rows, prompt: str, answer: str, better: Sequence[int], worse: Sequence[int]) -> None:
    """Stage the texts of votes between two rows that hold an answer each, by the places that votes have in these lists.

    Args:
        rows: the source's rows, some texts of which are in files.
        prompt: the column of the prompt, which the better answer's row has.
        answer: the column of the answers.
        better: (n,) row of each vote's ``response_a``.
        worse: (n,) row of its ``response_b``.
    """
    left = rows.source.stand_ins
    if left is None or not isinstance(left.files, TableFiles):
        raise TextsNeededError(answer)
    writer, size = TextsWriter(left.secret), rows_at_once(left.files)
    asked = _taken(rows, left.files, (prompt, answer), np.asarray(better, np.int64), size)
    others = _taken(rows, left.files, (answer,), np.asarray(worse, np.int64), size)
    for one, other in zip(asked, others, strict=True):
        writer.write({"prompt": one[prompt], "response_a": one[answer], "response_b": other[answer]})
    rows.staged = writer.finish(per_vote=True)


def _taken(
    rows: Rows, files: TableFiles, names: Sequence[str], at: npt.NDArray[np.int64], size: int
) -> Iterator[dict[str, pa.ChunkedArray]]:
    """Columns of rows in the order in which they are asked for, from the files or from memory, some at a time."""
    own = {name: rows.source_column(name) for name in names if is_in_files(rows.table.schema.field(name))}
    here = rows.table.select([name for name in names if name not in own])
    stored = in_any_order(files, list(own.values()), at, size)
    for start in range(0, len(at), size):
        found = here.take(pa.array(at[start : start + size]))
        batch = next(stored) if own else found
        yield {name: (batch[own[name]] if name in own else found[name]).cast(TEXT) for name in names}
