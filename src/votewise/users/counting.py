"""The expressions that count a log of clicks, the same for every engine that ibis supports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.clicks import Counts
from votewise.errors import BadInputError, many, shorten
from votewise.sources.option_words import or_skip
from votewise.users.outcomes import Fault, Outcomes, RowKind

HALF = 1 << 32
BOTH = HALF + 1
"""A comparison and a win."""

BYTES_A_SUM = 32
"""What such a sum takes in an engine that adds in 128 bits."""

NONE: Mapping[str, str] = MappingProxyType({})

MOST_KINDS = 1000
"""Most combinations of models, winner and domain in a log; if there are more, a column holds something else."""


def kinds_of_rows(rows: Any, columns: dict[str, str], source: str, constant: Mapping[str, str] = NONE) -> list[RowKind]:
    """Ask the engine which combinations of models, winner and domain there are.

    Args:
        rows: the log, an expression of the engine.
        columns: the names that its columns have in it.
        source: name of the log, for messages.
        constant: columns known to hold one text in all rows, by which the engine need not group.

    Raises:
        BadInputError: there are no rows, or too many combinations.
    """
    import ibis

    known = {what: constant[name] for what, name in columns.items() if what != "user" and name in constant}
    keys = {what: rows[name] for what, name in columns.items() if what != "user" and what not in known}
    each = rows.group_by(**keys) if keys else rows
    found = each.agg(rows=rows.count()).order_by(ibis.desc("rows")).limit(MOST_KINDS + 1)
    kinds = [kind | known for kind in found.to_pyarrow().to_pylist() if kind["rows"]]
    if not kinds:
        raise BadInputError("there are no rows", source=source, expected="at least one comparison")
    if len(kinds) > MOST_KINDS:
        most = max(keys, key=lambda what: len({str(kind[what]) for kind in kinds}))
        raise BadInputError(
            f"more than {MOST_KINDS:,} combinations of models, winner and domain",
            source=source,
            column=columns[most],
            value=kinds[0][most],
            expected="two models, and few winners and domains",
        )
    return [RowKind(**({"domain": None} | kind)) for kind in kinds]


def texts_of_kinds(rows: Any, columns: dict[str, str], kinds: list[RowKind]) -> dict[str, tuple[str, ...]]:
    """The columns of text among those that distinguish kinds, and the values in them: a usable row has one of them."""
    schema = rows.schema()
    return {
        name: tuple(sorted({getattr(kind, what) for kind in kinds} - {None}))
        for what, name in columns.items()
        if what != "user" and schema[name].is_string() and any(getattr(kind, what) is not None for kind in kinds)
    }


def first_fault(
    rows: Any, columns: dict[str, str], source: str, faults: Sequence[Fault], shown: dict[str, str]
) -> BadInputError:
    """An error about the most frequent kind of rows that cannot be used: how many there are, and one of them.

    ``shown`` are the names of the log's own columns, where ``columns`` are derived from these.
    """
    fault = faults[0]
    own = {name: shown.get(what, name) for what, name in columns.items()}
    alike = [f for f in faults if f.column == fault.column and str(f.value) == str(fault.value)]
    of_kind = reduce(
        and_, (_same(rows[name], getattr(fault.kind, what)) for what, name in columns.items() if what != "user")
    )
    return BadInputError(
        f"{fault.problem} in {many(sum(f.kind.rows for f in alike), 'row')}, {example(rows.filter(of_kind), shown)}",
        source=source,
        column=own[fault.column],
        value=fault.value,
        expected=or_skip(fault.expected),
    )


def example(rows: Any, columns: dict[str, str]) -> str:
    """One of these rows, in words."""
    row = rows[list(columns.values())].limit(1).to_pyarrow().to_pylist()[0]
    return "e.g. " + ", ".join(f"{name}={shorten(value, 30)}" for name, value in row.items())


def _same(column: Any, value: Any) -> Any:
    if value is None:
        return column.isnull()
    return column.isnan() if value != value else column == value


def _text(column: Any) -> Any:
    return column if column.type().is_string() else column.cast("string")


def is_missing(user: Any) -> Any:
    """Whether a column of users names nobody: null, NaN or blank."""
    kind = user.type()
    if kind.is_floating():
        return user.isnull() | user.isnan()
    return user.isnull() | (user.strip() == "") if kind.is_string() else user.isnull()


def is_usable(rows: Any, columns: dict[str, str], outcomes: Outcomes) -> Any:
    """Whether a row can be used."""
    a, b, winner = (rows[columns[what]] for what in ("a", "b", "winner"))
    known = (*outcomes.decided, *outcomes.ties)
    if not known:
        raise BadInputError("no row can be used", expected="at least one comparison with a known winner")
    usable = _text(a).isin(outcomes.models) & _text(b).isin(outcomes.models) & (a != b) & winner.isin(known)
    if "domain" in columns:
        usable &= rows[columns["domain"]].isin(outcomes.domains)
    return usable.fill_null(False)


def count_users(rows: Any, columns: dict[str, str], outcomes: Outcomes, **within: Any) -> Any:
    """One row per user: ``user``, and in each domain comparisons and wins of model A.

    With ``within`` (name -> expression) one row per user and value of these, for example per stretch of time.
    """
    import ibis

    first = _text(rows[columns["a"]]) == outcomes.models[0]
    # One sum counts both: comparisons in its lower half, wins in its upper one. Values are compared one by one, because
    # DuckDB takes 1.2 times as long to look for texts in lists.
    meanings = [(outcomes.a, BOTH), (outcomes.b, 1)]
    meanings += [(outcomes.left, first.ifelse(BOTH, 1)), (outcomes.right, first.ifelse(1, BOTH))]
    branches = [(winner, code) for winners, code in meanings for winner in winners]
    code = rows[columns["winner"]].cases(*branches, else_=0) if branches else ibis.literal(0)
    code = code.cast("int64")
    sums = {
        f"s{i}": (code if "domain" not in columns else (rows[columns["domain"]] == domain).ifelse(code, 0)).sum()
        for i, domain in enumerate(outcomes.domains)
    }
    users = rows.group_by(user=rows[columns["user"]], **within).agg(
        **{name: total.cast("int64") for name, total in sums.items()}
    )
    n, w = (
        {f"{what}{i}": how(users[f"s{i}"]) for i in range(len(sums))} for what, how in (("n", _lower), ("w", _upper))
    )
    return users.select("user", *within, **n, **w)


def _lower(total: Any) -> Any:
    return (total % HALF).cast("int64")


def _upper(total: Any) -> Any:
    return (total // HALF).cast("int64")


def rows_of_cells(rows: Any, users: Any, columns: dict[str, str], names: list[str]) -> Any:
    """The counts ``names`` of each cell and its users' ``rows``, ties included."""
    each = rows.group_by(user=rows[columns["user"]]).agg(rows=rows.count())
    joined = users.inner_join(each, "user")
    return joined.group_by(names).agg(rows=joined["rows"].sum().cast("int64"))


def histogram(users: Any, outcomes: Outcomes, correlation: float | None = None) -> Counts:
    """Collapse users into cells, in the order of their counts.

    With the ``correlation`` of clicks of one judgement, users have a column ``together`` and are told apart by it, too.
    """
    domains = outcomes.domains
    names = count_names(len(domains), judged=correlation is not None)
    found = in_order(users.group_by(names).agg(number=users.count()).to_pyarrow(), names)
    d = len(domains)
    counts = np.stack([found[name].to_numpy() for name in names], axis=1)
    return Counts(
        counts[:, :d],
        counts[:, d : 2 * d],
        found["number"].to_numpy(),
        tuple(map(str, domains)),
        ties=outcomes.n_ties,
        models=outcomes.models,
        together=None if correlation is None else counts[:, 2 * d],
        correlation=correlation or 0.0,
    )


def in_order(cells: pa.Table, names: list[str]) -> pa.Table:
    """Cells as whole numbers, ordered by their counts."""
    return cells.cast(pa.schema([(name, pa.int64()) for name in cells.column_names])).sort_by(
        [(name, "ascending") for name in names]
    )


def count_names(domains: int, *, judged: bool = False) -> list[str]:
    """Names of the columns with comparisons and wins per domain, in the tables of users and of cells.

    Where clicks of one judgement are marked (``judged``), with ``together`` as well.
    """
    return [f"n{i}" for i in range(domains)] + [f"w{i}" for i in range(domains)] + (["together"] if judged else [])
