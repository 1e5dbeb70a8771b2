"""Prompts from votes in any format, any table with a column of prompts, or lines of text."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.errors import BadInputError
from votewise.language_models.conversations import Prompt, as_messages
from votewise.sources.canonical_votes import format_of
from votewise.sources.nested import prompt_field
from votewise.sources.reader import SourceReader
from votewise.sources.registry import FORMATS
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import CONVERSATION, conversation, holds_lists
from votewise.storage.journal import content_key


@dataclass(frozen=True)
class Prompts:
    """Different prompts, in the order in which they first appear.

    Attributes:
        prompts: all texts, or all conversations if at least one of them is a conversation.
        keys: the prompts' names in a journal.
        source: where they came from.
        read: how many were read.
        repeated: how many of them repeat an earlier one.
        empty: how many were empty.
        rejected: rows of the source that were left out as unusable.
    """

    prompts: list[Prompt]
    keys: list[str]
    source: str
    read: int
    repeated: int = 0
    empty: int = 0
    rejected: Rejected = NONE_REJECTED

    @classmethod
    def of(cls, values: list[Prompt], source: str, limit: int | None = None) -> Prompts:
        """Keep each prompt once, and of these the first ``limit``; raises BadInputError if there are none."""
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

    def first(self, limit: int | None) -> Prompts:
        """The limit on the number of prompts; None for all of them."""
        return replace(self, prompts=self.prompts[:limit], keys=self.keys[:limit])


def read_prompts(source: Any, reader: SourceReader | None = None, *, limit: int | None = None) -> Prompts:
    """Read prompts, each once.

    Args:
        source: what ``read_votes`` takes, in a format of votes or with a column ``prompt`` (``instruction``,
            ``question``, ...) of texts or conversations; or a .txt file with one prompt per line; or a list of
            texts; or ``Prompts``.
        reader: opens it as the user's options say; None for no options.
        limit: keep only the first so many.

    Raises:
        BadInputError: the source cannot be read, or has no prompts.
    """
    if limit is not None and limit < 1:
        raise BadInputError("must be 1 or more", parameter="limit", value=limit)
    if isinstance(source, Prompts):
        return source.first(limit)
    if (texts := lines_of(source)) is not None:
        name = os.fspath(source) if isinstance(source, str | os.PathLike) else "list of texts"
        return Prompts.of(texts, name, limit)
    rows = (reader or SourceReader()).open(source)
    if any(shape.recognise(rows) for shape in FORMATS.values()):
        table = format_of(rows, "auto").read(rows).table
        if "prompt" not in table.column_names:
            raise rows.fail("there are no prompts", expected="votes with a column prompt")
        values = [value for value in table["prompt"].to_pylist() if value is not None]
        return Prompts.of(values, rows.source.name, limit)
    name = prompt_field(rows.table.column_names, ())
    if name is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(
            f"there is no column of prompts among {found}",
            expected="a column prompt, a format that `votewise formats` lists, or --columns prompt=NAME",
        )
    return Prompts.of(_column(rows, name), rows.source.name, limit)


def lines_of(source: Any) -> list[Prompt] | None:
    """The lines of a .txt file, or a list of texts; None for everything else."""
    if isinstance(source, list | tuple) and source and all(isinstance(text, str) for text in source):
        return list(source)
    if not isinstance(source, str | os.PathLike) or Path(source).suffix.lower() != ".txt":
        return None
    try:
        return list(Path(source).read_text("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise BadInputError(f"cannot be read: {problem}", source=str(source)) from error


def _column(rows: Rows, name: str) -> list[Prompt]:
    if not holds_lists(rows, name):
        texts = rows.text(name).to_pylist()
        return [texts[row] for row in rows.kept().tolist()]
    found: list[Prompt] = []
    for row, value in enumerate(rows.values(name)):
        # As in TRL's formats, a text among conversations is a message of the user.
        prompt = value if isinstance(value, str) else conversation(value)
        if not rows.ok[row]:
            continue
        if prompt is None:
            rows.reject(row, "is not a conversation", column=name, value=value, expected=CONVERSATION)
        else:
            found.append(prompt)
    return found
