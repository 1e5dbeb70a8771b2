"""What would be read from a source, before anything else is done with it: ``votewise read``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from votewise.errors import BadInputError, ClicksWithoutTextsError
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from votewise.data.clicks import Counts
    from votewise.data.reading import Reading
    from votewise.data.votes import Votes


@dataclass(frozen=True, eq=False)
class ReadResult:
    """What was read.

    Attributes:
        votes: the votes; None where the source is a log of clicks without the texts of the answers.
        reading: what became of every row and column.
        columns: one row per column of the source: ``column``, ``kind`` and ``role`` (null where it is only carried along).
        examples: the first votes: ``annotator``, ``prompt``, ``preferred``, ``other`` and ``tie``; of
            clicks, the user and the models.
        clicks: counts per user, where the source is such a log; else None.
    """

    votes: Votes | None = field(repr=False)
    reading: Reading
    columns: pa.Table = field(repr=False)
    examples: pa.Table = field(repr=False)
    clicks: Counts | None = field(default=None, repr=False)


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
    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name

    (progress or SILENT).stage(f"Reading {short_name(votes)}")
    told: dict[str, Any] = {"label": label, "criterion": criterion, "split": split, "on_error": on_error}
    try:
        found = read_votes(votes, format=format, columns=columns, one_annotator=one_annotator, **told)
    except ClicksWithoutTextsError:
        if isinstance(votes, Iterator):  # which has been read, and cannot be read again
            raise
        if one_annotator is not None:
            raise BadInputError(
                "clicks without a user are nobody's",
                parameter="one_annotator",
                value=one_annotator,
                expected="a column with the user",
            ) from None
        reading, clicks = _read_clicks(votes, columns, **told)
        return _result(None, reading, clicks)
    assert found.reading is not None  # noqa: S101 (for type checkers: read_votes always gives one)
    return _result(found, found.reading)


def _result(votes: Votes | None, reading: Reading, clicks: Counts | None = None) -> ReadResult:
    import pyarrow as pa

    roles = pa.table(
        {
            "column": pa.array([column.name for column in reading.columns], pa.string()),
            "kind": pa.array([column.kind for column in reading.columns], pa.string()),
            "role": pa.array([column.role for column in reading.columns], pa.string()),
        }
    )
    return ReadResult(votes, reading, roles, pa.Table.from_pylist(reading.examples), clicks)


def _read_clicks(
    log: Any,
    columns: Mapping[str, str] | None,
    *,
    label: Mapping[str, str] | None,
    criterion: str | None,
    split: str | None,
    on_error: str,
) -> tuple[Reading, Counts]:
    """What ``votewise filter`` would read."""
    from votewise.sources.meanings.label_words import parse_labels
    from votewise.users.log_options import DEFAULTS, LogOptions, counted_columns, named_columns
    from votewise.users.log_reading import reading_of
    from votewise.users.read_clicks import open_log

    named, status, set_aside = named_columns(DEFAULTS, columns)
    options = LogOptions(
        on_error=on_error,
        label=parse_labels(label),
        criterion=criterion,
        split=split,
        status=status,
        set_aside=set_aside,
        judgement=named["judgement"],
    )
    with open_log(log, counted_columns(named), options) as found:
        return reading_of(found, options, columns or {}), found.counts
