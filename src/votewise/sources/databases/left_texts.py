"""Tables of databases whose long texts stay there: what readers get are digests, which the database computes.

Everything else as for large files: see ``votewise.sources.containers.stand_ins``. What travels are the first rows, the
short columns, 24 bytes for each long text, and the texts that look like lists or objects, which have to be looked into.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.errors import VotewiseError
from votewise.sources.containers.hashing import MOST_PARSED
from votewise.sources.containers.loaded import first_line
from votewise.sources.containers.plain_types import without_views
from votewise.sources.containers.stand_in_type import StandInType
from votewise.sources.containers.stand_ins import HEAD, LONG, StandIns
from votewise.sources.databases.connections import is_lost
from votewise.sources.databases.database_rows import DatabaseRows
from votewise.sources.databases.database_table import DatabaseTable, batches, one_snapshot
from votewise.sources.databases.digests import ENGINES, digest, from_hex, like_an_object
from votewise.sources.texts.text_conversations import parsed_list, parsed_object

SMALL = HEAD
"""Rows up to which a table is fetched whole."""


@dataclass(frozen=True)
class Left:
    """A table of a database.

    Attributes:
        stand_ins: the table with digests for its long texts, which stay in the database.
        whole: the whole table, where it is small.
        reason: why the texts have to be fetched, where neither is given; empty where there are no long texts, and for small
            tables of engines that are not known to compute digests.
    """

    stand_ins: StandIns | None = None
    whole: pa.Table | None = None
    reason: str = ""


def left_in_database(table: DatabaseTable) -> Left:
    """Read a table, except its long texts.

    Raises:
        BadInputError: it cannot be opened.
        EngineFailedError: the connection was lost.
    """
    with table.opened() as rows:
        try:
            with one_snapshot(rows):
                return _left(table, rows)
        except VotewiseError:
            raise
        except Exception as error:
            if is_lost(error):
                raise
            # Whatever the engine cannot do, or is wrong with the table, reading it whole works or says it.
            return Left(reason=f"digests cannot be computed: {first_line(error)}")


def _left(table: DatabaseTable, rows: Any) -> Left:
    names = rows.columns
    if (engine := rows.get_backend().name) not in ENGINES:
        few = len(_read(rows.limit(SMALL + 1).select(*names[:1]))) <= SMALL
        return Left() if few else Left(reason=f"they stay in DuckDB, PostgreSQL and Spark only, and this is {engine}")
    if _by_chance(rows):
        return Left(reason="the table would be another one the next time that it is asked")
    if len({name.casefold() for name in names}) < len(names):
        return Left(reason="names of columns differ in upper and lower case only")
    head = _read(rows.limit(HEAD + 1))
    if len(head) <= SMALL:
        return Left(whole=head)
    number, long, like = _look(rows, head)
    if not long:
        return Left()
    for name in long:
        if _spells_objects(rows, name, like[name], number):
            return Left(reason=f"those of '{name}' are lists or objects, which have to be looked into")
    secret = secrets.token_hex(16)
    found = _read(rows.select(**{name: digest(rows[name], secret) if name in long else rows[name] for name in names}))
    if len(found) != number:
        return Left(reason="the table is being written")
    digests = {name: from_hex(found[name]) for name in long}
    kind = StandInType()
    columns, fields = [], []
    for field in head.schema:
        left = field.name in long
        column = found[field.name]
        if left:
            chunks = [pa.ExtensionArray.from_storage(kind, chunk) for chunk in digests[field.name].chunks]
            column, field = pa.chunked_array(chunks, kind), pa.field(field.name, kind)
        columns.append(column)
        fields.append(field)
    here = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    head = head.slice(0, HEAD)
    there = DatabaseRows(table, head.schema, digests, secret, head)
    return Left(stand_ins=StandIns(there, here, head, secret, in_database=True))


def _by_chance(rows: Any) -> bool:
    """Whether the table would be another one the next time."""
    from ibis.expr import operations as ops

    return bool(rows.op().find((ops.Impure, ops.Sample)))


def _read(rows: Any) -> pa.Table:
    schema = rows.schema().to_pyarrow()
    found = list(batches(rows))
    return without_views(pa.Table.from_batches(found).cast(schema) if found else schema.empty_table())


def _look(rows: Any, head: pa.Table) -> tuple[int, list[str], dict[str, int]]:
    """The number of rows; the columns of long texts; how many texts of each begin and end like a list or an object."""
    texts = [name for name, kind in rows.schema().items() if kind.is_string()]
    wanted = {"number": rows.count()}
    for i, name in enumerate(texts):
        wanted |= {f"size_{i}": rows[name].length().sum(), f"like_{i}": like_an_object(rows[name]).sum()}
    seen = {name: int(value or 0) for name, value in _read(rows.aggregate(**wanted)).to_pylist()[0].items()}
    number = seen["number"]
    long = [
        name
        for i, name in enumerate(texts)
        if seen[f"size_{i}"] >= LONG * number or head[name].nbytes >= LONG * len(head)
    ]
    return number, long, {name: seen[f"like_{i}"] for i, name in enumerate(texts)}


def _spells_objects(rows: Any, name: str, like: int, number: int) -> bool:
    """Whether some text of a column spells a conversation, or an object; texts that may are fetched."""
    if like >= min(number, MOST_PARSED):
        return True
    if not like:
        return False
    found = _read(rows.filter(like_an_object(rows[name])).select(name))
    return any(parsed_list(text) is not None or parsed_object(text) for text in found[name].to_pylist())
