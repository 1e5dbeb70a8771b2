"""Logs of clicks, wherever they are stored -> counts per user.

The same ibis expressions run on an embedded DuckDB (files, tables in memory), PostgreSQL, Spark and every other engine that
ibis supports. Two things leave the engine: the kinds of rows there are (``outcomes``), and the histogram of users by their
counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.sources.databases import engine_errors
from votewise.sources.lazy import open_table
from votewise.users.click_log import ClickLog
from votewise.users.counting import (
    count_users,
    example,
    first_fault,
    histogram,
    is_missing,
    kinds_of_rows,
    texts_of_kinds,
    usable_rows,
)
from votewise.users.matchups import by_matchups, models_of, name_matchups
from votewise.users.outcomes import fault_of, read_outcomes


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
    with open_log(table, columns, model=model, on_error=on_error) as log:
        return log.counts


@contextmanager
def open_log(
    table: Any,
    columns: dict[str, str],
    *,
    model: str | None = None,
    matchups: Sequence[str] = (),
    on_error: Literal["stop", "skip"] = "stop",
) -> Iterator[ClickLog]:
    """Count as ``count_comparisons`` does, and keep the log open to write kept rows and users.

    Args:
        table: as for ``count_comparisons``.
        columns: the log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        model: as for ``count_comparisons``.
        matchups: names of matchups, ``A:B``, whose win rates are about A; where a log has more than two models.
        on_error: as for ``count_comparisons``.
    """
    with open_table(table) as (rows, name), ExitStack() as stack:
        _check_columns(rows, columns, name)
        with engine_errors(name):
            log = _count(stack, rows, columns, name, _Choices(model, tuple(matchups), on_error))
        yield log


def _check_columns(rows: Any, columns: dict[str, str], source: str) -> None:
    schema = rows.schema()
    for what, name in columns.items():
        if name not in schema:
            found = ", ".join(schema.names[:12]) + (", ..." if len(schema.names) > 12 else "")
            what = {"a": "model_a", "b": "model_b"}.get(what, what)
            raise BadInputError(
                f"there is no column '{name}' for {what}", source=source, expected=f"one of {found or 'none'}"
            )
        if schema[name].is_nested():
            raise BadInputError("holds lists or structs", source=source, column=name, expected="texts or numbers")
    if len(set(columns.values())) < len(columns):
        raise BadInputError("one column was named twice", source=source, expected="a different column for each")


@dataclass(frozen=True)
class _Choices:
    """How to count, see ``open_log``."""

    model: str | None
    matchups: tuple[str, ...]
    on_error: str
    shown: dict[str, str] | None = None
    """The log's own columns, where those that are counted are derived from them."""


def _count(stack: ExitStack, rows: Any, columns: dict[str, str], source: str, choices: _Choices) -> ClickLog:
    """Count; rows that cannot be used are left out or stop the work. ``stack`` releases the table of users."""
    on_error, own = choices.on_error, tuple(rows.columns)
    kinds = kinds_of_rows(rows, columns, source)
    if "domain" not in columns and (len(models_of(kinds)) > 2 or choices.matchups):
        faults = [fault for kind in kinds if (fault := fault_of(kind, columns)) is not None]
        if faults and on_error == "stop":
            raise first_fault(rows, columns, source, faults, columns)
        names = name_matchups(kinds, choices.matchups, choices.model, source)
        derived, derived_columns = by_matchups(rows, columns, names)
        log = _count(stack, derived, derived_columns, source, replace(choices, model="A", matchups=(), shown=columns))
        counts = replace(log.counts, models=None)
        return replace(log, counts=counts, texts={}, own=own, by_matchups=columns)
    outcomes = read_outcomes(kinds, columns, source=source, model=choices.model)
    skipped: Counter[str] = Counter()
    if outcomes.faults:
        if on_error == "stop":
            raise first_fault(rows, columns, source, outcomes.faults, choices.shown or columns)
        for fault in outcomes.faults:
            skipped[fault.problem] += fault.kind.rows
        rows = usable_rows(rows, columns, outcomes)
    users = stack.enter_context(count_users(rows, columns, outcomes).cache())
    if users.filter(is_missing(users["user"])).count().to_pyarrow().as_py() == 0:
        counts = histogram(users, outcomes)
        texts = texts_of_kinds(rows, columns, kinds)
        return ClickLog(source, columns, counts, dict(skipped), outcomes.swapped, outcomes, rows, users, texts, own)
    missing = is_missing(rows[columns["user"]])
    nameless = int(rows.filter(missing).count().to_pyarrow().as_py())
    if on_error == "stop":
        raise BadInputError(
            f"no user in {nameless:,} rows, {example(rows.filter(missing), choices.shown or columns)}",
            source=source,
            column=columns["user"],
            expected="the user's name",
        )
    # Count everything again without them, ties and kinds of rows included: rare, and simple.
    rest = _count(stack, rows.filter(~missing), columns, source, choices)
    return replace(rest, skipped=dict(skipped) | {"no user": nameless})
