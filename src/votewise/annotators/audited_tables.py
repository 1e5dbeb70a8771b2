"""Tables of a folder that ``votewise audit`` wrote, a few columns at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError


def audited_reliability(folder: Path) -> dict[str, float]:
    """Reliabilities by annotator, from an audit's ``annotators.parquet``; BadInputError if there are none."""
    columns = ["annotator", "reliability"]
    table = read_audited(folder / "annotators.parquet", columns, "reliabilities", "a folder of `votewise audit`")
    return dict(zip(table["annotator"].to_pylist(), table["reliability"].to_pylist(), strict=True))


def read_audited(path: Path, columns: list[str], what: str, expected: str) -> pa.Table:
    """Columns of a table; BadInputError where the file is missing, or has no ``what``."""
    try:
        return pq.read_table(path, columns=columns)
    except FileNotFoundError as error:
        raise BadInputError(
            f"{path.name} is missing", source=str(path.parent), expected="a folder of `votewise audit`"
        ) from error
    except pa.ArrowException as error:
        raise BadInputError(f"has no {what}", source=str(path), expected=expected) from error
