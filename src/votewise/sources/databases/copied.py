"""A table of a database whose texts have to be looked into: copied to a temporary file, and read as a large file is."""

from __future__ import annotations

from dataclasses import replace

from votewise.errors import EngineFailedError
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.containers.temporary import TemporaryFolder
from votewise.sources.databases.database_table import DatabaseTable, write_rows_to
from votewise.sources.databases.digests import ENGINES


def copied(table: DatabaseTable) -> TableFiles | None:
    """The rows of a table in a file that is there as long as somebody uses it; None where it has to be fetched otherwise.

    Raises:
        EngineFailedError: the connection was lost.
    """
    folder = TemporaryFolder()
    path = folder.path / "rows.parquet"
    try:
        with table.opened() as rows:
            if rows.get_backend().name not in ENGINES:
                return None
            write_rows_to(rows, path)
        return replace(TableFiles.of([path], "parquet"), kept=folder)
    except EngineFailedError:
        raise
    except Exception:
        # Whatever is wrong with the table or cannot be in such a file: fetching it whole works or says it.
        return None
