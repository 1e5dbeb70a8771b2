"""Preference votes in any known format -> ``Votes``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from votewise.data.first_votes import EXAMPLES, first_votes
from votewise.data.reading import Reading, ValueMeaning
from votewise.data.votes import Votes
from votewise.errors import BadInputError, many
from votewise.sources.answer_lists.one_judgement import number_of_judgements
from votewise.sources.canonical_votes import canonical_votes
from votewise.sources.column_roles import column_roles
from votewise.sources.containers.opening import Source, fetched, load
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.encode import encode
from votewise.sources.meanings.label_words import parse_labels
from votewise.sources.meanings.people import unknown_votes
from votewise.sources.meanings.unread import texts_without_role
from votewise.sources.reader import check_on_error
from votewise.sources.reading_options import reading_options
from votewise.sources.rejects import write_rejects
from votewise.sources.rows import Rows
from votewise.sources.votes_table import votes_table

NOT_ALLOWED = (TextsNeededError, pa.ArrowException, TypeError)
"""What is raised where somebody looks into texts, or uses them in a way that stand-ins do not allow."""


def read_votes(
    source: Any,
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    rejects: str | os.PathLike[str] | None = None,
) -> Votes:
    """Read preference votes of any known format; docs/formats.md lists them.

    Args:
        source: a path (JSON, JSON lines, CSV, Parquet, Arrow, a folder of Parquet files, a saved ``datasets`` folder), a
            connection URL that names its table (``duckdb://file.db?table=votes``,
            ``postgres://user@host/database?table=votes``), a list of dicts, or a pandas, polars, pyarrow, ``datasets``
            or ibis table.
        format: a name from ``FORMATS``, or ``auto`` to recognise it by its columns.
        columns: the format's name of a column -> the name it has in the source, ``{"annotator": "worker"}``. An empty
            name says that a column of the source has no role: ``{"comment": ""}``.
        label: what values of the label mean: ``{"Left is better": "a", "neither": "skip"}``; ``a``, ``b``, ``tie``,
            ``both_bad``, ``both_good`` or ``skip``.
        criterion: which question counts where a source asks several.
        split: which split of a data set to read; ``train`` where there is one, or the only one.
        one_annotator: a name, to say that votes without one are all by this one person or model. Without it they are by
            unknown people, who do not repeat one another's votes.
        on_error: ``stop`` raises at the first unusable value, ``skip`` leaves the row out and counts it.
        rejects: with ``skip``, where to write every unusable row with its reason, as JSON lines.

    Returns:
        The votes; ``votes.reading`` says what was read, kept, rejected, skipped and repeated.

    Raises:
        BadInputError: for what cannot be read, with source, row, column, value and what was expected.
    """
    check_on_error(on_error)
    told = _Told(format, columns, parse_labels(label), criterion, one_annotator, on_error == "stop", split)
    path = Path(rejects) if rejects is not None and on_error == "skip" else None
    opened = load(source, split=split, leave_texts=True)
    if opened.texts_stay:
        try:
            return _read(opened, told, path)
        except NOT_ALLOWED:
            opened = source = fetched(source, "the votes' format needs to look into them")
    if opened.stand_ins is None:
        return _read(opened, told, path)
    try:
        return _read(opened, told, path)
    except NOT_ALLOWED:
        # A stream can be read once only: its rows are in files by now.
        return _read(load(opened if isinstance(source, Iterator) else source, split=split), told, path)


@dataclass(frozen=True)
class _Told:
    """What the user says about a source: see ``read_votes``."""

    format: str
    columns: Mapping[str, str] | None
    labels: Mapping[str, str]
    criterion: str | None
    one_annotator: str | None
    stop: bool
    split: str | None


def _read(opened: Source, told: _Told, path: Path | None) -> Votes:
    try:
        return _votes(opened, told, path)
    except RecursionError as error:
        raise BadInputError(
            "values are nested too deeply", source=opened.name, expected="at most some hundred levels"
        ) from error


def _votes(opened: Source, told: _Told, path: Path | None) -> Votes:
    rows = Rows(opened, told.columns, stop=told.stop, labels=told.labels, criterion=told.criterion)
    rows.split = told.split
    chosen, canonical = canonical_votes(rows, told.format, told.one_annotator)
    unknown = unknown_votes(canonical)
    encoded = encode(rows, canonical)
    if path is not None:
        write_rejects(path, rows)
    fields = encoded.fields
    kept, skipped = len(fields.get("row", ())), canonical.skipped + encoded.identical + rows.no_votes
    if kept == 0:
        found = f"{many(len(rows), 'row')}, {len(rows.bad):,} rejected, {skipped:,} skipped"
        raise rows.fail(f"there are no votes left of {found}", expected="at least one")
    notes = (*opened.notes, *rows.notes, *canonical.notes, *encoded.notes)
    if canonical.guarded:
        notes += texts_without_role(rows)
    if encoded.identical:
        notes += (
            f"Skipped: {many(encoded.identical, 'vote')} between two identical responses: nothing tells "
            "which one was meant.",
        )
    table, values = votes_table(rows, canonical, encoded), _values(rows)
    given = vars(told) | {"label": told.labels, "on_error": "stop" if told.stop else "skip"}
    reading = Reading(
        source=rows.source.name,
        format=chosen.name,
        read=len(rows) + len(rows.source.broken),
        votes=kept + len(rows.bad) + skipped + encoded.repeated,
        kept=kept,
        rejected=len(rows.bad),
        skipped=skipped,
        repeated=encoded.repeated,
        ties=int((fields["sign"] == 0).sum()),
        swapped=int(fields["flipped"].sum()),
        both_bad=rows.meanings["both_bad"],
        both_good=rows.meanings["both_good"],
        unknown_people=unknown,
        judgements=number_of_judgements(fields.get("judgement")),
        one_per_row=canonical.one_per_row,
        rejects=path,
        notes=notes,
        columns=column_roles(rows, chosen.name),
        values=values,
        options=reading_options(rows, chosen.name, given, values),
        first=_first(fields),
    )
    del fields["position"]
    numbers = rows.source.numbers
    if numbers is not None:
        fields["row"] = np.asarray(numbers[fields["row"]] - 1, np.int64)
    return Votes(**fields, table=table, reading=reading)


def _first(fields: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
    """A function that puts the first votes in words: texts that lie in files are read only when it is called."""
    codes = fields["pair"][:EXAMPLES]
    annotators = [str(fields["annotator_ids"][int(code)].as_py()) for code in fields["annotator"][:EXAMPLES]]
    pairs = [str(fields["pair_ids"][int(code)].as_py()) for code in codes]
    return partial(first_votes, fields["sign"][:EXAMPLES], annotators, pairs, codes, fields.get("texts"))


def _values(rows: Rows) -> tuple[ValueMeaning, ...]:
    """What the values of labels mean, the most frequent ones of a column first."""
    first = list(dict.fromkeys(column for column, _, _ in rows.told))
    found = [ValueMeaning(*about, number) for about, number in rows.told.items()]
    return tuple(sorted(found, key=lambda item: (first.index(item.column), -item.count, item.value)))
