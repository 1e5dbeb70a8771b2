"""Unusable rows -> a file, so nothing that was left out is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from votewise.sources.rows import Rows
from votewise.sources.values import records_of
from votewise.storage.files import written_whole


def write_rejects(path: Path, *sources: Rows) -> None:
    """Write every unusable row or vote as one JSON object per line: where, what, why and the whole record."""
    with written_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        for rows in sources:
            file.writelines(json.dumps(entry, allow_nan=False, default=str) + "\n" for entry in _entries(rows))


def _entries(rows: Rows) -> Iterator[dict[str, Any]]:
    indices = sorted({b.row for b in rows.bad if b.row is not None})
    found = records_of(rows.source.take(np.array(indices, np.int64)), range(len(indices))) if indices else []
    records = dict(zip(indices, found, strict=True))
    for bad in sorted(rows.bad, key=lambda b: b.number):
        yield {
            "source": rows.source.name,
            "row": bad.number,
            "column": bad.column,
            "value": plain_value(bad.value),
            "reason": bad.problem + (f" (expected {bad.expected})" if bad.expected else ""),
            "record": plain_value(bad.value if bad.row is None else records[bad.row]),
        }


def plain_value(value: Any) -> Any:
    """Make a value that strict JSON can represent: NaN and infinities become texts."""
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(k): plain_value(v) for k, v in value.items()}
    return [plain_value(v) for v in value] if isinstance(value, list | tuple) else value
