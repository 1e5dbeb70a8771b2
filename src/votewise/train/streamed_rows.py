"""The rows of a stream as they arrive: each is checked, and gets the vote that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any

from votewise.errors import BadInputError
from votewise.train.dataset_votes import ROW, no_such_column
from votewise.train.row_weights import WEIGHT, weight_of
from votewise.train.seen_rows import ANSWERS, check_row, refuse_pictures
from votewise.train.streamed_beliefs import SOMEBODY

NAME = "a name: a text or a whole number"


@dataclass(frozen=True)
class StreamedVote:
    """The vote of one row of a stream; no tuple, because trainers take tuples in batches to pieces.

    Attributes:
        annotator: who voted.
        weight: how much the vote counts; 0 where both answers are equal.
        equal: whether both answers are equal.
        place: number of the row in the stream, counted from 0.
    """

    annotator: str
    weight: float = 1.0
    equal: bool = False
    place: int = 0


def checked_stream(stream: Any, annotator_column: str | None, name: str = "train_dataset") -> tuple[Any, list[str]]:
    """A stream whose rows have their vote in the column ``ROW``, and its columns.

    The first row tells the columns; every row is checked when it arrives.

    Args:
        stream: a ``datasets.IterableDataset``.
        annotator_column: the column with the annotator; None for none.
        name: what the stream is called.

    Raises:
        BadInputError: no rows, a column that is not there, images; while the stream is read, a row without an answer or
            an annotator, or an unusable weight.
    """
    first = next(iter(stream), None)
    if first is None:
        raise BadInputError("has no rows", source=name, expected="rows with prompt, chosen and rejected")
    columns = list(first)
    if not set(ANSWERS) <= set(columns):
        raise BadInputError(
            f"has the columns {', '.join(columns)}", source=name, expected="prompt, chosen and rejected"
        )
    if annotator_column not in columns:
        if annotator_column not in (None, "annotator"):
            raise no_such_column(annotator_column, columns, name)
        annotator_column = None
    refuse_pictures(columns, name)
    naming = _class_names(stream, annotator_column)

    def with_vote(row: dict[str, Any], place: int) -> dict[str, Any]:
        check_row(row, place, name)
        who = SOMEBODY if annotator_column is None else _person(row, annotator_column, place, name, naming)
        equal = bool(row["chosen"] == row["rejected"])
        weight = 0.0 if equal else weight_of(row.get(WEIGHT), place, name)
        return {ROW: asdict(StreamedVote(who, weight, equal, place))}

    return stream.map(with_vote, with_indices=True), columns


def _class_names(stream: Any, column: str | None) -> Callable[[int], str] | None:
    """What turns the numbers of a column of classes into their names."""
    feature = (stream.features or {}).get(column)
    return getattr(feature, "int2str", None)


def _person(row: dict[str, Any], column: str, place: int, source: str, naming: Callable[[int], str] | None) -> str:
    value = row.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise BadInputError(
            "no annotator",
            source=source,
            row=place + 1,
            column=column,
            expected="the name of the annotator in every row, or no such column at all",
        )
    if isinstance(value, bool) or not isinstance(value, str | Integral):
        raise BadInputError("is not a name", source=source, row=place + 1, column=column, value=value, expected=NAME)
    return naming(int(value)) if naming is not None and isinstance(value, Integral) else str(value)
