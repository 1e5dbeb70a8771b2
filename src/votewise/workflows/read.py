"""What would be read from a source, before anything else is done with it: ``votewise read``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from votewise.data.reading import Reading
    from votewise.data.votes import Votes


@dataclass(frozen=True, eq=False)
class ReadResult:
    """What was read.

    Attributes:
        votes: the votes.
        reading: what became of every row and column.
        columns: one row per column of the source: ``column``, ``kind`` and ``role`` (null where it is only carried along).
        examples: the first votes: ``annotator``, ``prompt``, ``preferred``, ``other`` and ``tie``.
    """

    votes: Votes = field(repr=False)
    reading: Reading
    columns: pa.Table = field(repr=False)
    examples: pa.Table = field(repr=False)


def read(
    votes: Any,
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    progress: Progress | None = None,
) -> ReadResult:
    """Show what would be read: the format, the role of every column, counts and the first votes in words.

    Args:
        votes: whatever ``read_votes`` reads.
        format: name of the format, or ``auto``.
        columns: the format's name of a column -> the name it has in the source; an empty name sets a column aside.
        label: what values of the label mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: votes that cannot be read, with the option that helps.
    """
    import pyarrow as pa

    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name

    (progress or SILENT).stage(f"Reading {short_name(votes)}")
    told: dict[str, Any] = {"label": label, "criterion": criterion, "split": split, "one_annotator": one_annotator}
    found = read_votes(votes, format=format, columns=columns, on_error=on_error, **told)
    reading = found.reading
    assert reading is not None  # noqa: S101 (for type checkers: read_votes always gives one)
    roles = pa.table(
        {
            "column": pa.array([column.name for column in reading.columns], pa.string()),
            "kind": pa.array([column.kind for column in reading.columns], pa.string()),
            "role": pa.array([column.role for column in reading.columns], pa.string()),
        }
    )
    return ReadResult(found, reading, roles, pa.Table.from_pylist(reading.examples))
