"""Votes and beliefs -> a folder of results: all files or none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.annotators.carried import carried_columns
from votewise.annotators.gold import score_against_gold
from votewise.annotators.group_members import members_of
from votewise.annotators.results import ReliabilityResult
from votewise.data.lazy_table import LazyTable, batches_of, with_columns
from votewise.data.left_out import LeftColumn, left_columns, with_digests
from votewise.data.own_columns import PREFIX, note_of
from votewise.data.votes import Votes
from votewise.errors import BadInputError, VotewiseError
from votewise.sources import read_votes
from votewise.sources.canonical import PLAIN_COLUMNS
from votewise.sources.containers.fetched_again import as_source, database_of, with_texts
from votewise.sources.containers.lazy_files import open_parquet
from votewise.sources.meanings.margins import LOG_ODDS
from votewise.storage.files import folder_written_whole, write_json
from votewise.storage.row_files import write_batches, write_table
from votewise.storage.versions import library_versions

FILES = ("report.html", "annotators.parquet", "votes.parquet", "pairs.parquet", "summary.json")
SUMMARY_KEYS = ("one_per_row", "flags", "prior")
"""What tells the summary of an audit from that of another command."""


@dataclass(frozen=True, eq=False)
class Audit:
    """A folder of results, read back: the ``summary`` and the tables as ``write_audit`` wrote them.

    ``members`` says who is in which group: annotator -> group, empty without groups.
    """

    folder: Path
    summary: dict[str, Any]
    votes: pa.Table
    pairs: pa.Table
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def confidence(self) -> pa.ChunkedArray:
        """(n,) the confidence of each vote, whatever the column's name is in ``votes``."""
        return self.votes[confidence_of(self.summary)]


def summarise(
    votes: Votes,
    result: ReliabilityResult,
    *,
    columns: Mapping[str, str] | None = None,
    reading_options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    created: datetime | None = None,
) -> dict[str, Any]:
    """Everything about an audit that is not a table, ready for JSON: what was read, the settings, what was found.

    Args:
        votes: the votes as read.
        result: what was estimated from them.
        columns: the names of columns as given to ``read_votes``; ``load_votes`` needs them to read the votes again.
        reading_options: what else ``read_votes`` was given (``label``, ``criterion``, ``one_annotator``).
        seed: what the votes were simulated with; an audit itself has nothing random in it.
        created: when the audit was made; None leaves it out, and the same votes give the same summary.

    Returns:
        ``created``, ``versions``, ``source``, ``format``, ``one_per_row``, ``columns``, ``reading``, ``names`` (of our
        columns in ``votes.parquet``), ``carried`` (the source's other columns there), ``counts``, ``notes``, ``seed``,
        ``settings``, ``prior``, ``temperature``, ``converged``, ``iterations``, ``history``, ``diagnostics``,
        ``compared`` (models of pairs; see ``ReliabilityResult``), ``fit_tests`` (null where they were not asked for),
        ``groups`` (those who err together: name, members, correlation with its interval, effective number) and ``said``
        (mean probability of the likelier response with groups, and without; null where there are none),
        ``flags`` (annotators by flag) and ``gold`` (see ``votewise.annotators.gold``; null without gold answers);
        ``texts_left`` where texts stay in a database: for ``votes`` and ``pairs``, the columns that are not written (see
        ``votewise.data.left_out``).
    """
    reading = votes.reading
    counts: dict[str, int] = {}
    if reading is not None:
        names = (
            "read",
            "votes",
            "kept",
            "rejected",
            "skipped",
            "repeated",
            "ties",
            "swapped",
            "both_bad",
            "both_good",
            "unknown_people",
            "judgements",
        )
        counts = {name: getattr(reading, name) for name in names}
    gold = score_against_gold(votes, result)
    left = {"votes": left_columns(result.votes), "pairs": left_columns(describe_pairs(votes, result))}
    texts_left = {name: {k: asdict(v) for k, v in columns.items()} for name, columns in left.items() if columns}
    return {
        "created": created.isoformat(timespec="seconds") if created else None,
        "versions": library_versions(),
        "source": reading.source if reading else None,
        "format": reading.format if reading else None,
        "one_per_row": reading.one_per_row if reading else True,
        "columns": dict(columns or {}),
        "added": _added(votes, result),
        "names": result.names,
        "carried": carried_columns(votes),
        "reading": dict(reading_options or {}),
        "counts": counts | {"pairs": votes.n_pairs, "annotators": votes.n_annotators},
        "notes": [*(reading.notes if reading else ()), *note_of(result.names)],
        "seed": seed,
        "settings": result.settings,
        "prior": result.prior,
        "temperature": result.temperature,
        "converged": result.converged,
        "iterations": result.iterations,
        "history": list(result.history),
        "diagnostics": [asdict(diagnostic) for diagnostic in result.diagnostics],
        "compared": list(result.compared),
        "fit_tests": asdict(result.fit_tests) if result.fit_tests else None,
        "groups": [asdict(group) for group in result.groups],
        "said": None if result.said is None else dict(zip(("with_groups", "without_groups"), result.said, strict=True)),
        "flags": dict(Counter(result.annotators["flag"].drop_null().to_pylist()).most_common()),
        "gold": asdict(gold) if gold else None,
        **({"texts_left": texts_left} if texts_left else {}),
    }


def _added(votes: Votes, result: ReliabilityResult) -> list[str]:
    """The columns of ``result.votes`` that are not the source's."""
    own = () if votes.table is None else votes.table.column_names
    return [name for name in result.votes.column_names if name not in own]


def describe_pairs(votes: Votes, result: ReliabilityResult) -> pa.Table:
    """``result.pairs`` with the pairs' texts, which show the response that ``p_a`` is about."""
    if votes.texts is None:
        return result.pairs
    own = {name: result.pairs[name] for name in result.pairs.column_names}
    return with_columns(votes.texts, own, first=True)


def write_audit(
    folder: Path,
    votes: Votes,
    result: ReliabilityResult,
    *,
    summary: dict[str, Any] | None = None,
    write_report: Callable[[Path, dict[str, Any]], object] | None = None,
) -> list[Path]:
    """Write ``annotators.parquet``, ``votes.parquet``, ``pairs.parquet``, ``summary.json`` and the report.

    All files or none (``votewise.storage.files.folder_written_whole``). Other files in ``folder`` stay as they are, except
    that the report and the rejected rows of an earlier audit are removed if this one has none.

    Args:
        folder: where to write; made if it does not exist.
        votes: the votes as read.
        result: what was estimated from them.
        summary: what to write as ``summary.json``; ``summarise(votes, result)`` if None.
        write_report: called with the path of ``report.html`` and the summary; None for no report.

    Returns:
        The files written, most interesting first.

    Raises:
        BadInputError: when ``folder`` cannot be written to.
    """
    summary = summarise(votes, result) if summary is None else summary
    stale = [] if write_report is not None else ["report.html"]
    if votes.reading is not None and votes.reading.rejects is None:
        stale.append("rejected.jsonl")
    with folder_written_whole(folder, stale=stale) as staging:
        write_table(staging / "annotators.parquet", result.annotators)
        tables = {
            staging / "votes.parquet": with_digests(result.votes),
            staging / "pairs.parquet": with_digests(describe_pairs(votes, result)),
        }
        if all(isinstance(table, LazyTable) for table in tables.values()):
            write_batches(tables, batches_of(list(tables.values())))
        else:
            for path, table in tables.items():
                write_table(path, table)
        # After the tables, because the texts that it shows are kept when all texts are read.
        if write_report is not None:
            write_report(staging / "report.html", summary)
        write_json(staging / "summary.json", summary)
    return [folder / file for file in FILES if file != "report.html" or write_report is not None]


def confidence_of(summary: Mapping[str, Any]) -> str:
    """The name of the column of ``votes.parquet`` with our confidence."""
    names = summary.get("names")
    return str(names.get("confidence", "confidence")) if isinstance(names, dict) else "confidence"


def load_audit(folder: Path, source: Any = None) -> Audit:
    """Read the results of an audit back; BadInputError where ``folder`` does not hold one.

    Where texts stayed in a database, ``source`` is its URL or an ibis table; None for the URL that was audited.
    """
    files = {name: folder / name for name in ("summary.json", "votes.parquet", "pairs.parquet")}
    for path in files.values():
        if not path.is_file():
            raise BadInputError(
                f"{path.name} is missing", source=str(folder), expected="a folder written by `votewise audit`"
            )
    try:
        summary = json.loads(files["summary.json"].read_text(encoding="utf-8"))
        members = members_of(pq.read_table(folder / "annotators.parquet")) if summary.get("groups") else {}
        if "texts_left" not in summary:
            votes, pairs = open_parquet(files["votes.parquet"]), open_parquet(files["pairs.parquet"])
            return Audit(folder, summary, votes, pairs, members)
        votes, pairs = pq.read_table(files["votes.parquet"]), pq.read_table(files["pairs.parquet"])
        left = {"votes": _left(summary, "votes", votes), "pairs": _left(summary, "pairs", pairs)}
        where = database_of(source, str(summary["source"]))
        return Audit(
            folder,
            summary,
            with_texts(votes, left["votes"], where, pa.string()),
            with_texts(pairs, left["pairs"], where, pa.large_string()),
            members,
        )
    except VotewiseError:
        raise
    except FileNotFoundError as error:  # the other files were looked for above
        raise BadInputError(
            "annotators.parquet is missing", source=str(folder), expected="a folder written by `votewise audit`"
        ) from error
    except (ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise BadInputError(f"cannot be read: {error}", source=str(folder)) from error


def _left(summary: Mapping[str, Any], name: str, table: pa.Table) -> dict[str, LeftColumn]:
    """The columns of a table that were left in a database; raises ValueError where what was written instead is missing."""
    left = {column: LeftColumn(**told) for column, told in summary["texts_left"].get(name, {}).items()}
    for column in left.values():
        if column.digests not in table.column_names:
            raise ValueError(f"{name}.parquet has no column '{column.digests}'")
    return left


def load_votes(audit: Audit) -> Votes:
    """Read an audit's ``votes.parquet`` as votes again, row for row; BadInputError where it no longer matches."""
    path = audit.folder / "votes.parquet"
    changed = BadInputError("does not hold the votes that were audited", source=str(path), expected="an unchanged file")
    if not {confidence_of(audit.summary), *audit.summary.get("added", ())} <= set(audit.votes.column_names):
        raise changed
    # Sources with several votes per row were laid out one by one, in the plain format's columns.
    if audit.summary["format"] is None or not audit.summary.get("one_per_row", True):
        # The source's other columns were no part of any vote, and are not now.
        plain = {*PLAIN_COLUMNS, LOG_ODDS}
        plain |= {PREFIX + name for name in plain}
        others = {name: "" for name in audit.votes.column_names if name not in plain}
        votes = read_votes(path, format="plain", columns=others)
    else:
        told = audit.summary.get("reading", {})
        # Columns that the audit added are no part of the source: a second column of names would be one too many.
        columns = dict.fromkeys(audit.summary.get("added", ()), "") | audit.summary["columns"]
        source = as_source(audit.votes, str(path)) if left_columns(audit.votes) else path
        votes = read_votes(source, format=audit.summary["format"], columns=columns or None, **told)
    if len(votes) != len(audit.votes):
        raise changed
    return votes
