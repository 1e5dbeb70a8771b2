"""An audit -> a training file without the votes that are probably wrong: ``votewise export``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from votewise.defaults import MIN_CONFIDENCE
from votewise.errors import BadInputError
from votewise.workflows.audit import AuditResult
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.annotators.saved import Audit
    from votewise.annotators.select import Selection

    AuditOrFolder = AuditResult | str | os.PathLike[str]

ExportShape = Literal["trl", "votes", "openai"]
SUFFIXES = {"trl": (".jsonl", ".parquet"), "votes": (".jsonl", ".parquet"), "openai": (".jsonl",)}
"""Kinds of files that hold a shape."""


@dataclass(frozen=True, eq=False)
class ExportResult:
    """The votes (or pairs) of an audit to train on.

    Attributes:
        table: the rows of the training file.
        kept: number of votes (or pairs) that are kept unchanged.
        flipped: number of votes that are kept with the other response preferred.
        dropped: number of votes (or pairs) left out because their confidence is too low.
        ties: number of votes (or pairs) left out because they prefer neither response.
        files: what was written; empty without ``out``.
        notes: what to say about the source's columns.
    """

    table: pa.Table = field(repr=False)
    kept: int
    flipped: int
    dropped: int
    ties: int
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def export(
    audit: AuditOrFolder,
    *,
    out: str | os.PathLike[str] | None = None,
    to: ExportShape = "trl",
    min_confidence: float = MIN_CONFIDENCE,
    flip_below: float | None = None,
    one_per_pair: bool = False,
    source: Any = None,
    progress: Progress | None = None,
) -> ExportResult:
    """Turn an audit into training data without the votes that are probably wrong.

    Args:
        audit: the folder that ``votewise audit`` wrote, or what ``votewise.audit`` returned.
        out: a .jsonl or .parquet file; None writes nothing.
        to: ``trl`` (prompt, chosen, rejected, annotator, confidence), ``votes`` (plain votes with their confidence) or
            ``openai`` (input, preferred_output, non_preferred_output; .jsonl only). The first two keep the source's other
            columns, if they are rows of votes and not of pairs, and say with ``flip_below`` which votes are ``flipped``.
            After an audit with groups of annotators who err together, they also say which ``group`` each vote's
            annotator is in, and ``out`` gets a file beside it, NAME-groups.json, with what was found of each group.
        min_confidence: drop votes whose confidence is less than this.
        flip_below: flip votes whose confidence is less than this; their confidence becomes 1 - confidence. None flips
            none.
        one_per_pair: one row per pair, with its likelier response preferred, instead of one row per vote.
        source: where the texts are, if the audit left them in a database: the URL that was audited, with its password, or an
            ibis table. None for the URL that the audit knows, without its password.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: settings that contradict each other, a folder without an audit, votes without texts (except to
            ``votes``), or a file that cannot be written.
    """
    from votewise.annotators.group_members import group_facts, group_notes
    from votewise.annotators.saved import load_audit
    from votewise.data.preference_shapes import openai_table, preference_table
    from votewise.storage.files import write_json
    from votewise.storage.row_files import write_rows

    progress = progress or SILENT
    file = None if out is None else Path(out)
    _check(file, to, flip_below, one_per_pair)
    if not isinstance(audit, AuditResult):
        progress.stage(f"Reading {audit}")
    name = "the audit" if isinstance(audit, AuditResult) else str(audit)
    found = audit if isinstance(audit, AuditResult) else load_audit(Path(audit), source)
    carried: list[str] = []
    notes: tuple[str, ...] = ()
    if one_per_pair:
        selection, table = _selected_pairs(found, min_confidence)
    else:
        selection, table, carried, notes = _selected_votes(found, to, min_confidence, flip_below)
    if to != "votes":
        types = _types(table, carried)
        table = _made(table, lambda rows: preference_table(rows, source=name, carried=carried, types=types), carried)
        _check_conversations(table.schema, file)
    if to == "openai":
        table = _made(table, openai_table)
    if file is not None:
        progress.stage(f"Writing {file}")
        write_rows(file, table)
    groups, said = found.summary.get("groups") or (), found.summary.get("said")
    notes = (*notes, *group_notes(groups, said))
    files: tuple[Path, ...] = () if file is None else (file,)
    if file is not None:
        beside = file.with_name(f"{file.stem}-groups.json")
        if groups:
            write_json(beside, group_facts(groups, said, _members(found)))
            files = (file, beside)
        elif _is_about_groups(beside):
            beside.unlink()
            notes = (*notes, f"{beside} was removed: it was about an earlier export, and these votes have no groups.")
    flipped = int(selection.flipped.sum())
    return ExportResult(table, selection.kept, flipped, selection.dropped, selection.ties, files, notes)


def _is_about_groups(file: Path) -> bool:
    """Whether an earlier export wrote the file: it would now be about other rows."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() == {"groups", "said", "members"}


def _members(audit: AuditResult | Audit) -> Mapping[str, str]:
    """Annotator -> group; empty without groups."""
    from votewise.annotators.group_members import members_of

    return members_of(audit.reliability.annotators) if isinstance(audit, AuditResult) else audit.members


def _made(table: Any, make: Callable[[pa.Table], pa.Table], carried: Sequence[str] = ()) -> Any:
    """A function of the table; some rows at a time where its texts are left in files and no row needs the others."""
    from votewise.data.derived_table import DerivedTable
    from votewise.data.lazy_table import LazyTable

    if not isinstance(table, LazyTable | DerivedTable):
        return make(table)
    long = ["prompt", "chosen", "rejected", "input", "preferred_output", "non_preferred_output"]
    long += [name for name in table.in_files if name in carried]
    return table.then(make, long) if isinstance(table, DerivedTable) else DerivedTable(table, make, long)


def _types(table: Any, carried: Sequence[str]) -> dict[str, pa.Field] | None:
    """The types of columns that are made of all rows, where some rows are made at a time; None where there is no need."""
    from votewise.data.derived_table import DerivedTable
    from votewise.data.lazy_table import LazyTable
    from votewise.data.made_columns import types_of
    from votewise.data.preference_shapes import is_made_of_values, made_of

    left = isinstance(table, LazyTable | DerivedTable) and is_made_of_values(table, carried)
    return types_of(table.batches, partial(made_of, carried=carried)) if left else None


def _check_conversations(schema: pa.Schema, file: Path | None) -> None:
    """Refuse a Parquet file for conversations that it could only hold as JSON text, on which one would train as it is."""
    from votewise.data.made_columns import is_json_text
    from votewise.data.preference_shapes import ROLES

    mixed = [field.name for field in schema if is_json_text(field) and field.name in ROLES]
    if mixed and file is not None and file.suffix == ".parquet":
        problem = "messages have values of several types, as arguments of tools may have, which Parquet cannot hold"
        raise BadInputError(problem, source=str(file), column=mixed[0], expected="a name ending in .jsonl")


def _check(out: Path | None, to: str, flip_below: float | None, one_per_pair: bool) -> None:
    """Refuse settings that cannot work together before anything is read."""
    if to not in get_args(ExportShape):
        raise BadInputError(
            "there is no such shape", parameter="to", value=to, expected=", ".join(get_args(ExportShape))
        )
    if out is not None and out.suffix not in SUFFIXES[to]:
        problem = "OpenAI's shape is JSON lines" if out.suffix in SUFFIXES["trl"] else "unknown kind of file"
        raise BadInputError(problem, source=str(out), expected=f"a name ending in {' or '.join(SUFFIXES[to])}")
    if one_per_pair and flip_below is not None:
        raise BadInputError(
            "cannot be combined with one_per_pair, which takes the likelier response of each pair",
            parameter="flip_below",
            expected="one of the two",
        )


def _selected_pairs(audit: AuditResult | Audit, min_confidence: float) -> tuple[Selection, pa.Table]:
    from votewise.annotators.saved import describe_pairs
    from votewise.annotators.select import select_pairs
    from votewise.annotators.selected_rows import pair_rows

    pairs = describe_pairs(audit.votes, audit.reliability) if isinstance(audit, AuditResult) else audit.pairs
    selection = select_pairs(pairs["p_a"].to_numpy(), min_confidence=min_confidence)
    return selection, pair_rows(pairs, selection)


def _selected_votes(
    audit: AuditResult | Audit, to: str, min_confidence: float, flip_below: float | None
) -> tuple[Selection, Any, list[str], tuple[str, ...]]:
    """The selected votes, their rows, the source's other columns among these, and what to say about them."""
    from votewise.annotators.carried import for_trl, left_out
    from votewise.annotators.saved import load_votes
    from votewise.annotators.select import select_votes
    from votewise.annotators.selected_rows import vote_rows
    from votewise.data.own_columns import note_of, usual_name
    from votewise.data.preference_shapes import FLIPPED, TOGETHER

    if isinstance(audit, AuditResult):
        votes, found, summary = audit.votes, audit.reliability.confidence, audit.summary
    else:
        votes, found, summary = load_votes(audit), audit.confidence, audit.summary
    confidence = found.to_numpy(zero_copy_only=False)
    selection = select_votes(votes.sign, confidence, min_confidence=min_confidence, flip_below=flip_below)
    there = () if votes.table is None else votes.table.column_names
    carried = [name for name in summary.get("carried", ()) if name in there]
    out: list[str] = []
    if to == "trl":
        carried, out = for_trl(votes.table, carried)
    elif to == "openai":  # which allows no other columns, whatever they are called
        carried = []
    table = vote_rows(votes, selection, carried, _members(audit))
    ours = {usual_name(own): own for own in table.column_names if own not in carried}
    # All that TRL's shape has beside texts, but for these, is refused above as a name of a carried column.
    shown = (
        ours
        if to == "votes"
        else {name: own for name, own in ours.items() if name in (FLIPPED, TOGETHER) and to == "trl"}
    )
    return selection, table, carried, (*left_out(out, f"the shape '{to}'"), *note_of(shown))
