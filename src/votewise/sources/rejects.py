"""Unusable rows -> a file, so nothing that was left out is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from votewise.sources.rows import Rows
from votewise.sources.values import records_of
from votewise.storage.files import written_whole


def write_rejects(rows: Rows, path: Path) -> None:
    """Write every unusable row or vote as one JSON object per line: where, what, why and the whole record."""
    indices = sorted({b.row for b in rows.bad if b.row is not None})
    records = dict(zip(indices, records_of(rows.source.table, indices), strict=True)) if indices else {}
    with written_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        for bad in sorted(rows.bad, key=lambda b: b.number):
            entry = {
                "source": rows.source.name,
                "row": bad.number,
                "column": bad.column,
                "value": _plain(bad.value),
                "reason": bad.problem + (f" (expected {bad.expected})" if bad.expected else ""),
                "record": _plain(bad.value if bad.row is None else records[bad.row]),
            }
            file.write(json.dumps(entry, allow_nan=False, default=str) + "\n")


def _plain(value: Any) -> Any:
    """Make a value that strict JSON can represent: NaN and infinities become texts."""
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
