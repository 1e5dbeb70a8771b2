"""The rows of a stream as they arrive: each is checked, and gets the vote that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch.utils.data import get_worker_info

from votewise.errors import BadInputError
from votewise.train.dataset_votes import ROW, no_such_column
from votewise.train.row_weights import WEIGHT, weight_of
from votewise.train.seen_rows import ANSWERS, check_row, refuse_pictures
from votewise.train.streamed_beliefs import SOMEBODY

NAME = "a name: a text or a whole number"

Reader = tuple[int, int]
"""A process and a worker of its data loader, numbered from 0."""


@dataclass(frozen=True)
class StreamedVote:
    """The vote of one row of a stream; no tuple, because trainers take tuples in batches to pieces.

    Attributes:
        annotator: who voted.
        weight: how much the vote counts; 0 where both answers are equal.
        equal: whether both answers are equal.
        place: number of the row in what its reader reads of the stream, counted from 0.
        reader: the process and the worker of its data loader that read the row, numbered from 0.
        cut: whether the end of an answer is cut off at ``max_length``.
        no_answer: whether an answer has no token.
        counted: whether the row is already in the counts of the stream.
    """

    annotator: str
    weight: float = 1.0
    equal: bool = False
    place: int = 0
    reader: Reader = (0, 0)
    cut: bool = False
    no_answer: bool = False
    counted: bool = False


def this_worker() -> int:
    """Number of the data loader's worker that calls this; 0 where there are none."""
    info = get_worker_info()
    return 0 if info is None else int(info.id)


class RowsRead:
    """How many rows of a stream each of this process's data-loader workers has read in its present pass.

    Args:
        workers: of the data loader; 0 where this process reads the rows itself.
    """

    def __init__(self, workers: int) -> None:
        self._numbers = torch.zeros(max(workers, 1), dtype=torch.int64)
        self._numbers.share_memory_()  # type: ignore[no-untyped-call]  # the workers write into it

    def note(self, place: int) -> None:
        """This worker has read the row with this number, counted from 0."""
        self._numbers[this_worker()] = place + 1

    def by_reader(self, process: int) -> dict[Reader, int]:
        """The number of rows that each worker of this process has read."""
        return {(process, worker): number for worker, number in enumerate(self._numbers.tolist())}


def checked_stream(
    stream: Any, annotator_column: str | None, read: RowsRead, name: str = "train_dataset"
) -> tuple[Any, list[str]]:
    """A stream whose rows have their vote in the column ``ROW``, and its columns.

    The first row tells the columns; every row is checked when it arrives.

    Args:
        stream: a ``datasets.IterableDataset``.
        annotator_column: the column with the annotator; None for none.
        read: notes every row that is read.
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
        read.note(place)
        return {ROW: {"annotator": who, "weight": weight, "equal": equal, "place": place}}

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
