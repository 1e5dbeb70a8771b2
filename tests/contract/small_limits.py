"""Limits so small that a table of a few rows is read as a large one: part by part, its texts left in their files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from votewise.sources.containers import any_order, csv_files, frames, json_files, lazy, row_streams, stand_ins


@contextmanager
def small_limits() -> Iterator[None]:
    """Two rows of JSON are a part, 200 bytes of CSV a block, and texts of some words are long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "PART_ROWS", 2)
        patch.setattr(row_streams, "BATCH", 2)
        patch.setattr(frames, "AT_ONCE", 2)
        patch.setattr(any_order, "FEWEST", 2)
        patch.setattr(csv_files, "BLOCK", 200)
        patch.setattr(csv_files, "PIECE", 16)
        patch.setattr(stand_ins, "LARGE", 0)
        patch.setattr(stand_ins, "LONG", 12)
        patch.setattr(stand_ins, "HEAD", 200)
        patch.setattr(lazy, "IN_MEMORY", 0)
        yield
