"""Logs of clicks, wherever they are stored -> counts per user.

The same ibis expressions run on an embedded DuckDB (files, tables in memory), PostgreSQL, Spark and every other engine that
ibis supports. Two things leave the engine: the kinds of rows there are (``outcomes``), and the histogram of users by their
counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from votewise.data.clicks import Counts
from votewise.errors import BadInputError, many
from votewise.sources.containers.constant_columns import constant_columns
from votewise.sources.containers.lazy import open_table
from votewise.sources.containers.open_table import OpenTable
from votewise.sources.databases.connections import engine_errors
from votewise.users.click_log import ClickLog
from votewise.users.click_meanings import LogRows, read_meanings
from votewise.users.counting import (
    BYTES_A_SUM,
    count_users,
    example,
    first_fault,
    histogram,
    is_missing,
    is_usable,
    kinds_of_rows,
    texts_of_kinds,
)
from votewise.users.judged_clicks import correlation_of_clicks, count_judgements, users_of_judgements
from votewise.users.log_options import LogOptions, on_criterion, with_labels
from votewise.users.matchups import by_matchups, models_of, name_matchups, words_of_winners
from votewise.users.outcomes import RowKind, fault_of, read_outcomes
from votewise.users.rejected_rows import LogRejects, RejectedRows
from votewise.users.repeated_clicks import without_repeated


def count_comparisons(
    table: Any,
    *,
    user: str = "user",
    a: str = "model_a",
    b: str = "model_b",
    winner: str = "winner",
    domain: str | None = None,
    model: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> Counts:
    """Count comparisons and wins of model A per user; all that ``estimate_attentiveness`` needs.

    Args:
        table: where the log is stored: a Parquet, CSV or JSON lines file, a folder or glob of Parquet files, a connection
            URL such as ``postgres://host/database?table=clicks``, an ibis table, or a table in memory.
        user: column with the user's name; text or numbers.
        a: column with the name of the model on the first side.
        b: column with the name of the model on the second side. The two models may swap sides from row to row.
        winner: column with ``model_a``, ``model_b`` (the column that won), a model's own name, ``tie`` or ``both_bad``.
        domain: column with the domain (coding, prose, ...), if users are to be counted by domain.
        model: the model to call A; the alphabetically first of the two by default.
        on_error: what to do at rows without a user, a model or a known winner: ``stop`` with an error, or ``skip`` them.

    Raises:
        BadInputError: with one line that says what cannot be used, in how many rows, with an example.
    """
    columns = {"user": user, "a": a, "b": b, "winner": winner} | ({"domain": domain} if domain else {})
    with open_log(table, columns, LogOptions(model=model, on_error=on_error)) as log:
        return log.counts


@contextmanager
def open_log(
    table: Any,
    columns: dict[str, str],
    options: LogOptions | None = None,
    *,
    told: Callable[[str], None] | None = None,
) -> Iterator[ClickLog]:
    """Count as ``count_comparisons`` does, and keep the log open to write kept rows and users.

    Args:
        table: as for ``count_comparisons``.
        columns: the log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        options: how to read it.
        told: called with what takes long before anything is counted.
    """
    options = options or LogOptions()
    stop = options.on_error == "stop"
    with open_table(table, split=options.split, stop=stop, told=told) as opened, ExitStack() as stack:
        _check_columns(opened, columns | ({"judgement": options.judgement} if options.judgement else {}), options)
        if told is not None:
            told(f"Counting {opened.name}")
        with engine_errors(opened.name):
            log = _Counter(stack, opened).count(opened.rows, columns, options)
        yield log


def _check_columns(opened: OpenTable, columns: dict[str, str], options: LogOptions) -> None:
    schema, source = opened.rows.schema(), opened.name
    for name in (*options.set_aside, *([options.status] if options.status is not None else [])):
        if name not in opened.own:
            raise BadInputError(
                f"there is no column '{name}'", source=source, expected=f"one of: {', '.join(opened.own[:12])}"
            )
    for what, name in columns.items():
        what = {"a": "model_a", "b": "model_b"}.get(what, what)
        if name not in opened.own:
            found = ", ".join(opened.own[:12]) + (", ..." if len(opened.own) > 12 else "")
            raise BadInputError(
                f"there is no column '{name}' for {what}",
                source=source,
                expected=f"--columns {what}=NAME with one of {found or 'none'}",
            )
        if schema[name].is_nested():
            raise BadInputError("holds lists or structs", source=source, column=name, expected="texts or numbers")
        if name in opened.marked:
            raise BadInputError(
                "holds values of different types",
                source=source,
                column=name,
                expected="texts, or whole numbers, in all rows",
            )
    if len(set(columns.values())) < len(columns):
        raise BadInputError("one column was named twice", source=source, expected="a different column for each")


@dataclass(frozen=True)
class _Counter:
    """Counts an open table. ``stack`` releases the tables of users."""

    stack: ExitStack
    opened: OpenTable

    def count(self, rows: Any, columns: dict[str, str], options: LogOptions) -> ClickLog:
        """Count; rows that cannot be used are left out or stop the work."""
        source = self.opened.name
        others, asked, clicks = 0, None, LogRows(rows, columns)
        if options.criterion is not None:
            rows, others, asked = on_criterion(rows, options.criterion, source)
        first = options.shown is None
        if first:
            # For the first time: what is derived is not read again.
            clicks = read_meanings(rows, columns, options, self.opened.classes, source)
            clicks.notes = [*self.opened.notes, *clicks.notes]
            clicks.roles |= {} if asked is None else {asked: "criterion"}
            options = replace(options, shown=columns)
            rows, columns = clicks.rows, clicks.columns
            rows, repeated = without_repeated(rows, columns, options, self.opened)
            clicks.left_out |= {"repeated": repeated} if repeated else {}
        sorted_out = rows
        # Columns of other names are as they are in the files, though some rows may be left out.
        own = [name for name in columns.values() if name in self.opened.own and not name.startswith("votewise_")]
        constant = constant_columns(self.opened.files, own) if first else {}
        kinds = kinds_of_rows(rows, columns, source, constant)
        if options.label:
            rows, columns, kinds = with_labels(rows, columns, kinds, options.label)
        options = replace(options, criterion=None, label={})
        if "domain" not in columns and (len(models_of(kinds)) > 2 or options.matchups):
            log = self._by_matchups(rows, columns, kinds, options)
        else:
            log = self._of_two_models(rows, columns, kinds, options)
        apart = Counter({"on another question": others} if others else {})
        apart.update(clicks.left_out)
        apart.update(log.skipped)
        log = replace(log, skipped=dict(apart), notes=(*clicks.notes, *log.notes))
        return replace(log, roles=clicks.roles, clicks=sorted_out) if first else log

    def _by_matchups(self, rows: Any, columns: dict[str, str], kinds: list[RowKind], options: LogOptions) -> ClickLog:
        shown, source = options.shown or columns, self.opened.name
        found = [(kind, fault_of(kind, columns)) for kind in kinds]
        faults = [fault for _, fault in found if fault is not None]
        if faults and options.on_error == "stop":
            raise first_fault(rows, columns, source, faults, shown)
        names = name_matchups(kinds, options.matchups, options.model, source)
        words = words_of_winners([kind for kind, fault in found if fault is None], shown, source)
        derived, derived_columns = by_matchups(rows, columns, names, words)
        log = self.count(derived, derived_columns, replace(options, model="A", matchups=(), shown=shown))
        return replace(log, counts=replace(log.counts, models=None), texts={}, by_matchups=True)

    def _of_two_models(self, rows: Any, columns: dict[str, str], kinds: list[RowKind], options: LogOptions) -> ClickLog:
        source, shown, own = self.opened.name, options.shown or columns, self.opened.own
        outcomes = read_outcomes(kinds, columns, source=source, model=options.model)
        skipped: Counter[str] = Counter()
        rejected: list[RejectedRows] = []
        if outcomes.n_no_vote:
            skipped["no vote"] = outcomes.n_no_vote
        if outcomes.faults and options.on_error == "stop":
            raise first_fault(rows, columns, source, outcomes.faults, shown)
        if outcomes.faults or outcomes.n_no_vote:
            usable = is_usable(rows, columns, outcomes)
            rejected = [RejectedRows(rows.filter(~usable), columns, shown, outcomes.faults)] if outcomes.faults else []
            for fault in outcomes.faults:
                skipped[fault.problem] += fault.kind.rows
            rows = rows.filter(usable)
        correlation = None
        self.opened.count_in_arrays(BYTES_A_SUM * len(outcomes.domains))
        if options.judgement is None:
            users = self.stack.enter_context(count_users(rows, columns, outcomes).cache())
        else:
            judged = count_judgements(rows, columns, outcomes, options.judgement)
            users = self.stack.enter_context(users_of_judgements(judged, outcomes).cache())
            correlation = correlation_of_clicks(judged, outcomes)
        if users.filter(is_missing(users["user"])).count().to_pyarrow().as_py() == 0:
            return ClickLog(
                source=source,
                columns=columns,
                counts=histogram(users, outcomes, correlation),
                skipped=dict(skipped) | ({"broken": len(self.opened.broken)} if self.opened.broken else {}),
                swapped=outcomes.swapped,
                outcomes=outcomes,
                rows_used=rows,
                users=users,
                texts={n: t for n, t in texts_of_kinds(rows, columns, kinds).items() if n in own},
                own=own,
                shown=shown,
                rejected=LogRejects(self.opened, tuple(rejected)),
            )
        missing = is_missing(rows[columns["user"]])
        nameless = int(rows.filter(missing).count().to_pyarrow().as_py())
        if options.on_error == "stop":
            raise BadInputError(
                f"no user in {many(nameless, 'row')}, {example(rows.filter(missing), shown)}",
                source=source,
                column=shown["user"],
                expected="the user's name, or --on-error skip to leave them out",
            )
        # Count everything again without them, ties and kinds of rows included: rare, and simple.
        rest = self.count(rows.filter(~missing), columns, options)
        more = (*rejected, RejectedRows(rows.filter(missing), columns, shown))
        kept = replace(rest.rejected, tables=(*more, *rest.rejected.tables))
        return replace(rest, skipped=dict(skipped) | {"no user": nameless} | rest.skipped, rejected=kept)
