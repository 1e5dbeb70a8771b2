"""Which columns of Parquet files hold one text in all rows, by the statistics in the files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

LONGEST = 32
"""Characters; of longer texts a writer may have kept the beginning only."""

QUERY = """
WITH told AS (SELECT * FROM parquet_metadata($files))
SELECT path_in_schema, any_value(stats_min_value)
FROM told WHERE list_contains($names, path_in_schema)
GROUP BY path_in_schema
HAVING count(*) = (SELECT count(DISTINCT (file_name, row_group_id)) FROM told) AND bool_and(coalesce(
    type = 'BYTE_ARRAY' AND stats_null_count = 0 AND min_is_exact AND max_is_exact AND stats_min_value = stats_max_value,
    false
)) AND count(DISTINCT stats_min_value) = 1 AND max(length(stats_min_value)) <= $longest
"""


def constant_columns(files: Sequence[Path], names: Iterable[str]) -> dict[str, str]:
    """The text of each of these columns that every row of every file has, where the files say so; no row is read."""
    import duckdb

    # The engine takes a column that the name of a folder has (``model_a=new``) from there.
    folders = {part.partition("=")[0] for file in files for part in file.parent.parts if "=" in part}
    names = [name for name in names if name not in folders]
    if not files or not names:
        return {}
    # DuckDB would read a name with brackets as a pattern.
    given = {"files": [glob.escape(str(file)) for file in files], "names": names, "longest": LONGEST}
    with duckdb.connect() as engine:
        return dict(engine.execute(QUERY, given).fetchall())
