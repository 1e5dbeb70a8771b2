"""A table, view or materialised view of a database, found by its name, with columns of types that Arrow can hold.

Drivers and ibis change some values on the way: they cut digits off numbers without a declared precision, and cannot deliver
UUIDs, intervals or large integers at all. Such columns are selected as the text that the database itself writes for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from votewise.errors import BadInputError

POSTGRES_TYPES = {
    "boolean": "boolean", "smallint": "int16", "integer": "int32", "bigint": "int64", "real": "float32",
    "double precision": "float64", "text": "string", "character varying": "string", "character": "string", "bytea": "binary",
    "date": "date", "timestamp without time zone": "timestamp(6)", "timestamp with time zone": "timestamp('UTC', 6)",
    "json": "string", "jsonb": "string",
}  # fmt: skip
"""PostgreSQL's types that arrive as they are, with ibis' names for them."""

AS_TEXT = re.compile(r"INTERVAL|U?HUGEINT|UNION|BIT|TIME\b|TIME WITH|BIGNUM|VARINT|GEOMETRY")
"""DuckDB's types that Arrow or ibis cannot take."""

RELATIONS = """
SELECT n.nspname, c.relname, n.nspname = ANY(current_schemas(false))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY array_position(current_schemas(false), n.nspname), n.nspname, c.relname
"""

COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL), pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname = %s AND c.relname = %s ORDER BY a.attnum
"""


class Relation(NamedTuple):
    """A table or view: its schema (None for the one in use), its name, and whether it is found without the schema."""

    schema: str | None
    name: str
    near: bool

    @property
    def shown(self) -> str:
        """The name as ``?table=`` takes it."""
        return self.name if self.near else f"{self.schema}.{self.name}"

    @property
    def spellings(self) -> set[str]:
        """How ``?table=`` may name it."""
        whole = {f"{self.schema}.{self.name}", self.quoted}
        return whole | {self.name, _quoted(self.name)} if self.near else whole

    @property
    def quoted(self) -> str:
        """The name as SQL takes it."""
        return ".".join(_quoted(part) for part in (self.schema, self.name) if part is not None)


def named_table(connection: Any, wanted: str | None, source: str) -> Any:
    """The table of a connection that is called ``wanted``, or the only one there is, as an ibis table.

    Args:
        connection: an ibis connection.
        wanted: ``table``, ``schema.table`` or ``"Schema"."Table"``; None where there is only one.
        source: the connection in messages.

    Raises:
        BadInputError: there is no such table, or the table is not named.
    """
    if connection.name == "postgres":
        found = [Relation(*row) for row in _rows(connection, RELATIONS)]
        chosen = _choose(found, wanted, source)
        return _postgres_table(connection, chosen)
    found = [Relation(None, name, True) for name in sorted(connection.list_tables())]
    if connection.name == "duckdb":
        listed = connection.raw_sql(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
            " UNION ALL SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        found = [Relation(schema, name, schema == "main") for schema, name in listed]
        return _duckdb_table(connection, _choose(found, wanted, source))
    if wanted is not None and "." in wanted and all(relation.name != wanted for relation in found):
        schema, _, name = wanted.rpartition(".")
        return connection.table(name, database=schema)
    return connection.table(_choose(found, wanted, source).name)


def _choose(found: Sequence[Relation], wanted: str | None, source: str) -> Relation:
    near = [relation for relation in found if relation.near]
    if wanted is None and len(near or found) == 1:
        return (near or found)[0]
    matching = [relation for relation in found if wanted in relation.spellings]
    if len(matching) == 1:
        return matching[0]
    if matching:
        named = " or ".join(relation.quoted for relation in matching)
        raise BadInputError(f"several tables may be meant by '{wanted}'", source=source, expected=f"?table={named}")
    problem = f"there is no table '{wanted}'" if wanted else "the table is not named"
    # Those that are called alike come first.
    alike = sorted(found, key=lambda relation: (wanted or "").casefold() not in relation.shown.casefold())
    shown = ", ".join(relation.shown for relation in alike[:10]) or "there are no tables"
    raise BadInputError(problem, source=source, expected=f"?table= with one of: {shown}")


def _postgres_table(connection: Any, relation: Relation) -> Any:
    """A relation of PostgreSQL; what ibis and the driver cannot deliver unchanged is selected as text."""
    chosen, schema = [], {}
    for name, kind, whole in _rows(connection, COLUMNS, (relation.schema, relation.name)):
        element = kind.removesuffix("[]")
        known = POSTGRES_TYPES.get(element) or _decimal(whole.removesuffix("[]"))
        # Arrays of JSON or of anything unknown become arrays of texts.
        as_text = known is None or element in ("json", "jsonb")
        ibis_type = "string" if as_text else str(known)
        cast = ("::text[]" if kind.endswith("[]") else "::text") if as_text else ""
        chosen.append(f"{_quoted(name)}{cast} AS {_quoted(name)}")
        schema[name] = f"array<{ibis_type}>" if kind.endswith("[]") else ibis_type
    return connection.sql(f"SELECT {', '.join(chosen)} FROM {relation.quoted}", schema=schema)


def _decimal(kind: str) -> str | None:
    """The type of a number with declared digits; None for one without, whose digits nobody knows beforehand."""
    found = re.fullmatch(r"numeric\((\d+),(\d+)\)", kind)
    if found is None or int(found[1]) > 38:
        return None
    return f"decimal({found[1]}, {found[2]})"


def _duckdb_table(connection: Any, relation: Relation) -> Any:
    """A relation of DuckDB; what Arrow or ibis cannot take is selected as text."""
    columns = connection.raw_sql(f"DESCRIBE {relation.quoted}").fetchall()
    text = [name for name, kind, *_ in columns if AS_TEXT.match(kind)]
    if not text:
        return connection.table(relation.name, database=relation.schema)
    chosen = [
        f"CAST({_quoted(name)} AS VARCHAR) AS {_quoted(name)}" if name in text else _quoted(name)
        for name, *_ in columns
    ]
    return connection.sql(f"SELECT {', '.join(chosen)} FROM {relation.quoted}")


def _rows(connection: Any, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query to PostgreSQL's catalogue."""
    with connection.con.cursor() as cursor, connection.con.transaction():
        return list(cursor.execute(query, values or None).fetchall())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
