"""The texts of votes that are given one by one: kept with the votes, or written to files where a source is large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS
from votewise.sources.canonical import PLACE, messages_type, said
from votewise.sources.cells import TEXT
from votewise.sources.containers.staged_texts import ROLES, TextsWriter
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.rows import Rows

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
