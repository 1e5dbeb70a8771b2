"""What a model sees of the rows of a dataset, as they are: which rows cannot be trained on, and which show the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from votewise.data.identity import seen_digest
from votewise.errors import BadInputError

ANSWERS = ("chosen", "rejected")
BESIDE = ("tools", "chat_template_kwargs")
"""Columns that TRL's chat templates use besides the messages."""

SHOWN = ("prompt", *ANSWERS, *BESIDE)
"""Columns of which TRL's DPO makes tokens."""

PICTURES = ("image", "images", "image_path", "image_url", "video", "audio")
"""Columns that TRL hands to a vision model, and others that hold no text."""

KINDS = ("image", "video", "audio")
"""What the type of a part of a message says if it holds anything but text."""

READ = 1_000
"""Rows whose values are looked at together."""

WANTED = {
    "prompt": "a prompt: a text, which may be empty, or messages",
    **dict.fromkeys(ANSWERS, "an answer: a text or messages"),
    "chat_template_kwargs": "arguments, or {} for none",
}
"""What every row must have, where the dataset has the column."""

TEXT_ONLY = "texts only, or data without it: votewise trains on no images, TRL's DPOTrainer does"


def refuse_pictures(columns: Collection[str], name: str) -> None:
    """Raise BadInputError if a column holds images, which would be dropped."""
    for column in PICTURES:
        if column in columns:
            raise BadInputError("holds images", source=name, column=column, expected=TEXT_ONLY)


def refuse_pictures_in(evaluated: Any) -> None:
    """Raise BadInputError if data to evaluate on show a model images: a dataset, a stream, several by name, or None."""
    if isinstance(evaluated, dict):
        for dataset in evaluated.values():
            refuse_pictures_in(dataset)
        return
    columns = getattr(evaluated, "column_names", None)
    if evaluated is None or columns is None:
        return
    refuse_pictures(columns, "eval_dataset")
    if hasattr(evaluated, "select_columns") and hasattr(evaluated, "__len__"):
        for number, row in enumerate(rows_shown(evaluated)):
            check_row(row, number, "eval_dataset")


def check_row(row: dict[str, Any], number: int, name: str) -> None:
    """Raise BadInputError if TRL cannot make tokens of a row, or would leave out what it shows besides text.

    Args:
        row: the values of ``SHOWN``, as far as there are any.
        number: number of the row, counted from 0.
        name: what the dataset is called.
    """
    texts = [column for column in ("prompt", *ANSWERS) if column in row]
    for column in (*texts, *(name for name in ("chat_template_kwargs",) if name in row)):
        value = row[column]
        if value is None or value == []:
            problem = "is null" if value is None else "has no message"
            raise BadInputError(problem, source=name, row=number + 1, column=column, expected=WANTED[column])
    for column in texts:
        if isinstance(row[column], str) != isinstance(row["chosen"], str):
            raise BadInputError(
                f"is a {_kind(row[column])}, and chosen is a {_kind(row['chosen'])}",
                source=name,
                row=number + 1,
                column=column,
                expected="texts only, or messages only",
            )
    for column in ("prompt", *ANSWERS):
        kind = _picture_in(row.get(column))
        if kind is not None:
            raise BadInputError(
                f"has a part of type '{kind}'", source=name, row=number + 1, column=column, expected=TEXT_ONLY
            )


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "list of messages" if isinstance(value, list) else type(value).__name__


def _picture_in(messages: Any) -> str | None:
    """The type of the first part of a message that is an image, a video or a sound; None if all are text."""
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            kind = part.get("type") if isinstance(part, dict) else None
            if isinstance(kind, str) and any(word in kind for word in KINDS):
                return kind
    return None


def rows_shown(dataset: Any) -> Iterator[dict[str, Any]]:
    """The rows of a dataset as Python values, with the columns that a model sees."""
    shown = dataset.select_columns([name for name in SHOWN if name in dataset.column_names]).with_format(None)
    for batch in shown.iter(batch_size=READ):
        names = list(batch)
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(names, values, strict=True))


def digests(dataset: Any, name: str) -> dict[str, list[str]]:
    """A digest of each row's prompt, with tools and chat-template arguments, and of each answer.

    Raises:
        BadInputError: images, or rows without an answer.
    """
    refuse_pictures(dataset.column_names, name)
    found: dict[str, list[str]] = {column: [] for column in ("prompt", *ANSWERS)}
    for number, row in enumerate(rows_shown(dataset)):
        check_row(row, number, name)
        found["prompt"].append(seen_digest(*(row.get(column) for column in ("prompt", *BESIDE))))
        for column in ANSWERS:
            found[column].append(seen_digest(row[column]))
    return found
