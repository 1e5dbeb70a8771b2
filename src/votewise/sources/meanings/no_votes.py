"""Columns that say that a row is not a vote, or is a tie, whatever its label says: a status, or a mark such as ``skipped``.

What they say goes before the label: a row that was discarded may still have one, and one that was skipped may have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.errors import BadInputError, many
from votewise.sources.canonical import Canonical
from votewise.sources.cells import TEXT
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_words import label_key
from votewise.sources.meanings.out_words import OUT, status_word
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

STATUS = re.compile(
    r"(assignment:)?((vote|label|annotation|response|assignment|submission|judg[e]?ment|preference|answer|record|task|review|verdict|hit|job)_)?(status|state|outcome)"
)
EQUAL = frozenset(("tie", "tied", "draw"))
YES = re.compile(
    r"(has_(label|vote|preference|annotation)|(is_)?(a_)?(real_|actual_)?(vote|valid|complete|completed|submitted|usable|labell?ed|annotated|finished|voted"
    r"|approved|accepted|included?|keep|kept|retained|latest|current|final|qc_(passed|ok)|passed_qc|quality_(passed|ok)))"
)
"""Marks without which a row is not a vote."""
NO = re.compile(
    r"((is|was)_)?(skip|skipped|cancelled|canceled|discard|discarded|draft|deleted|invalid|spam|excluded|exclude|ignored|ignore"
    r"|unusable|superseded|outdated|obsolete|replaced|overwritten|retracted|withdrawn|removed|duplicated?|bot|practice|warm_?up"
    r"|qc_failed|failed_qc|aborted|expired|returned|voided|void|trashed?|timed_?out|unfinished|incomplete|unusable|to_(delete|remove|discard)"
    r"|(flagged|marked)_(for_)?(removal|deletion|exclusion|exclude|remove|delete)|(failed|flunked)_(attention|attn|quality|qc)(_checks?)?"
    r"|(attention|attn|quality|qc)(_checks?)?_(failed|fail))"
)
"""Marks with which a row is not a vote."""
TIE = re.compile(
    r"((is|was|are)_)?((both|all|equally)_)?(tie|tied|draw|drawn|equal|equal_quality|same_quality)|equally_good|no_preference"
    r"|gleichstand|unentschieden|empate|égalité|pareggio|remis|ничья|平局|平手|引き分け|무승부"
)
COUNTS = ("tie", "draw", "equal")
"""Marks of ties under whose names tables also keep numbers of votes."""
TRUE, FALSE = frozenset(("true", "1", "1.0", "yes", "t", "y")), frozenset(("false", "0", "0.0", "no", "f", "n"))


def set_aside(rows: Rows) -> None:
    """Note the rows that are no votes, or ties, in ``rows``; the former are left out of everything that follows.

    Raises:
        BadInputError: no row would be left.
    """
    for name in rows.table.column_names:
        found = _meaning(rows, name)
        if found is None:
            continue
        out, tie = found
        number, ties = int((out & rows.ok).sum()), int((tie & rows.ok).sum())
        if number == 0 and ties == 0:
            continue
        own = rows.source_column(name)
        if number == len(rows):
            raise every_row_is_out(rows.source.name, own)
        rows.use(name, "status")
        rows.ok &= ~out
        rows.no_votes += number
        rows.tied |= tie
        rows.notes.append(status_note(own, number, ties))


def every_row_is_out(source: str, column: str) -> BadInputError:
    """The error for a column by which no row of a source is a vote; ``column`` is the source's own name."""
    return BadInputError(
        "marks every row as not a vote",
        source=source,
        column=column,
        expected=f"{column_option(column, '')} if it says something else",
    )


def status_note(column: str, out: int, ties: int | None) -> str:
    """What to say about a column that calls ``out`` rows no votes, and ``ties`` rows ties; None for a number not known."""
    said = [f"{many(out, 'row')} {'is not a vote' if out == 1 else 'are not votes'}"] if out else []
    said += (
        ["some are ties" if ties is None else f"{ties:,} {'is a tie' if ties == 1 else 'are ties'}"]
        if ties != 0
        else []
    )
    return f"By the column '{column}', {' and '.join(said)}; {column_option(column, '')} leaves that column out."


def with_ties(rows: Rows, canonical: Canonical) -> Canonical:
    """The votes, as ties where a column of the source says so."""
    table = canonical.table
    if not rows.tied.any():
        return canonical
    tied = pa.array(rows.tied[table.column("row").to_numpy()])
    place = table.column_names.index("label")
    labels = pc.if_else(tied, "tie", table.column("label").cast(TEXT))
    return replace(canonical, table=table.set_column(place, "label", labels))


def said_of_votes(name: str, values: Sequence[Any], *, counts: bool = False) -> tuple[list[bool], list[bool]] | None:
    """Which values of a column say that a row is not a vote, and which that it is a tie.

    Args:
        name: the column's name.
        values: its different values.
        counts: whether the table has numbers of votes, beside which ``tie`` is one too.

    Returns:
        A truth for every value, twice; None where the column has another meaning.
    """
    plain = plain_name(name)
    kind = next((k for k in (STATUS, YES, NO, TIE) if k.fullmatch(plain)), None)
    if kind is None:
        return None
    keys = [label_key(str(value)).strip() for value in values]
    if kind is STATUS:
        keys = [status_word(key) for key in keys]
        return [key in OUT for key in keys], [key in EQUAL for key in keys]
    if any(key not in (("true", "false") if plain in COUNTS and counts else TRUE | FALSE) for key in keys):
        return None
    marked = [key in TRUE for key in keys]
    out = [not m for m in marked] if kind is YES else marked if kind is NO else [False] * len(keys)
    return out, marked if kind is TIE else [False] * len(keys)


def has_counts(names: Iterable[str]) -> bool:
    """Whether columns of these names hold numbers of votes."""
    return any(re.search(r"votes|wins|count|counts", plain_name(name)) for name in names)


def _meaning(rows: Rows, name: str) -> tuple[Bools, Bools] | None:
    """(n,) whether each row is not a vote, and whether it is a tie; None where the column has another meaning."""
    role = name in rows.renames and name != "status"
    if role or pa.types.is_nested(rows.type_of(name)) or said_of_votes(name, ()) is None:
        return None
    coded = rows.table.column(name).combine_chunks().dictionary_encode()
    found = said_of_votes(name, coded.dictionary.to_pylist(), counts=has_counts(rows.table.column_names))
    if found is None:
        return None
    codes = np.asarray(coded.indices.fill_null(len(found[0])).to_numpy(zero_copy_only=False), np.int64)
    return _taken(found[0], codes), _taken(found[1], codes)


def _taken(values: list[bool], codes: Any) -> Bools:
    taken: Bools = np.array([*values, False], bool)[codes]
    return taken
