"""The tables of an audit whose texts stayed in a database, with the texts again, which are fetched when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.data.left_out import LeftColumn
from votewise.errors import BadInputError
from votewise.sources.containers.opening import Source
from votewise.sources.containers.stand_in_type import StandInType
from votewise.sources.containers.stand_ins import HEAD, StandIns
from votewise.sources.databases.database_rows import DatabaseRows
from votewise.sources.databases.database_table import DatabaseTable
from votewise.sources.databases.digests import from_hex
from votewise.sources.databases.urls import is_url, shown_url


def database_of(source: Any, audited: str) -> DatabaseTable:
    """The database in which an audit left the texts.

    Args:
        source: its URL or an ibis table; None for the URL that was ``audited``, which is known without its password.
        audited: what the audit says that it read.

    Raises:
        BadInputError: the database is not known, or cannot be reached.
    """
    expected = "--source with the URL of the table that was audited"
    if source is None and not is_url(audited):
        raise BadInputError("the texts are in a database that is not named", source=audited, expected=expected)
    if isinstance(source, str) and not is_url(source):
        raise BadInputError("is no URL of a database", source=source, expected=expected)
    name = audited if source is None else shown_url(source) if isinstance(source, str) else "ibis table"
    table = DatabaseTable(audited if source is None else source, name)
    try:
        with table.opened():
            pass
    except BadInputError as error:
        if source is not None:
            raise
        raise BadInputError(
            f"the texts cannot be fetched: {error}", expected=f"{expected}, password included"
        ) from error
    return table


def with_texts(table: pa.Table, left: Mapping[str, LeftColumn], where: DatabaseTable, kind: pa.DataType) -> Any:
    """A table that has digests in the place of texts, with the texts in that place.

    Args:
        table: as it was written.
        left: the columns that were not written.
        where: the database that has them.
        kind: their type.
    """
    if not left:
        return table
    name_of = {column.digests: name for name, column in left.items()}
    secret = next(iter(left.values())).secret
    digests = {column.source: from_hex(table[column.digests]) for column in left.values()}
    rows = DatabaseRows(where, pa.schema([pa.field(name, pa.string()) for name in digests]), digests, secret)
    schema = pa.schema([pa.field(name, kind) for name in left])
    here = table.drop_columns(list(name_of))
    stored = StoredColumns(rows, {name: column.source for name, column in left.items()}, schema)
    return LazyTable([name_of.get(name, name) for name in table.column_names], here, stored)


def as_source(table: LazyTable, name: str) -> Source:
    """Such a table as a source that is read with digests for its texts, as it was read before."""
    rows, kind = table.stored.store, StandInType()
    assert isinstance(rows, DatabaseRows)  # noqa: S101 (for type checkers: ``with_texts`` made the table)
    columns, fields = [], []
    for field in table.schema:
        column = None if field.name in table.in_files else table.here.column(field.name)
        if column is None:
            chunks = rows.digests[table.stored.names[field.name]].chunks
            column = pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in chunks], kind)
            field = pa.field(field.name, kind)
        columns.append(column)
        fields.append(field)
    here = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    head = table.slice(0, HEAD)
    again = DatabaseRows(rows.table, table.schema, rows.digests, rows.secret, head)
    return Source(name, here, stand_ins=StandIns(again, here, head, rows.secret, in_database=True))
