"""Prompts from whatever holds some: any format of votes, any table with a column of prompts, lines of text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.language_models.local import Prompt, as_messages
from votewise.sources.messages import CONVERSATION, conversation, holds_lists
from votewise.sources.nested import prompt_field
from votewise.sources.opening import load
from votewise.sources.registry import FORMATS, choose
from votewise.sources.rows import Rows
from votewise.storage.journal import content_key


@dataclass(frozen=True)
class Prompts:
    """Different prompts, in the order in which they first appear.

    Attributes:
        prompts: all texts, or all conversations where one of them is.
        keys: their names in a journal.
        source: where they came from.
        read: how many there were.
        repeated: how many of them were there already.
        empty: how many were empty.
    """

    prompts: list[Prompt]
    keys: list[str]
    source: str
    read: int
    repeated: int = 0
    empty: int = 0

    @classmethod
    def of(cls, values: list[Prompt], source: str, limit: int | None = None) -> Prompts:
        """Keep each prompt once, and of these the first ``limit``; raises BadInputError where there are none."""
        if any(not isinstance(value, str) for value in values):
            values = [as_messages(value) for value in values]
        found: dict[str, Prompt] = {}
        empty = 0
        for value in values:
            if not value or (isinstance(value, str) and not value.strip()):
                empty += 1
            else:
                found.setdefault(content_key(value), value)
        if not found:
            raise BadInputError("there are no prompts", source=source, expected="at least one")
        keys = list(found)[:limit]
        return cls([found[key] for key in keys], keys, source, len(values), len(values) - empty - len(found), empty)

    def __len__(self) -> int:
        return len(self.prompts)


def read_prompts(source: Any, *, columns: Mapping[str, str] | None = None, limit: int | None = None) -> Prompts:
    """Read prompts, each once.

    Args:
        source: what ``read_votes`` takes, in a format of votes or with a column ``prompt`` (``instruction``,
            ``question``, ...) of texts or conversations; or a .txt file with one prompt a line.
        columns: the name of a column -> the name it has in the source, ``{"prompt": "ask"}``.
        limit: the first so many.

    Raises:
        BadInputError: it cannot be read, or holds no prompts.
    """
    if limit is not None and limit < 1:
        raise BadInputError("at least one prompt", source="--limit", value=limit)
    if isinstance(source, str | os.PathLike) and Path(source).suffix.lower() == ".txt":
        if columns:
            raise BadInputError("lines of text have no columns", source=str(source), expected="no --column")
        return Prompts.of(_lines(Path(source)), str(source), limit)
    rows = Rows(load(source), columns)
    if any(shape.recognise(rows.table) for shape in FORMATS.values()):
        table = choose(rows, "auto").read(rows).table
        if "prompt" not in table.column_names:
            raise rows.fail("there are no prompts", expected="votes with a column prompt")
        values = [value for value in table["prompt"].to_pylist() if value is not None]
        return Prompts.of(values, rows.source.name, limit)
    name = prompt_field(rows.table.column_names, ())
    if name is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(
            f"there is no column of prompts among {found}",
            expected="a column prompt, a format that `votewise formats` lists, or --column prompt=NAME",
        )
    return Prompts.of(_column(rows, name), rows.source.name, limit)


def _lines(path: Path) -> list[Prompt]:
    try:
        return list(path.read_text("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        raise BadInputError(f"cannot be read: {problem}", source=str(path)) from error


def _column(rows: Rows, name: str) -> list[Prompt]:
    if not holds_lists(rows, name):
        return list(rows.text(name).to_pylist())
    found: list[Prompt] = []
    for row, value in enumerate(rows.values(name)):
        # As in TRL's formats, a text among conversations is what a user said.
        prompt = value if isinstance(value, str) else conversation(value)
        if prompt is None:
            rows.reject(row, "is no conversation", column=name, value=value, expected=CONVERSATION)
        else:
            found.append(prompt)
    return found
