"""How many random tables each test of the contract tries: some in ``make test``, many in ``make fuzz``."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from truth import TrueVote, truths
from written import Row, WrittenShape, columns_in_any_order

FUZZ = os.environ.get("VOTEWISE_FUZZ") == "1"
MORE = 40
"""How many times more tables `make fuzz` tries."""


def examples(number: int) -> Callable[[Any], Any]:
    """Try so many tables, but at least two, because the first one is always the simplest: the same ones in `make test`."""
    chosen = settings(
        max_examples=number * MORE if FUZZ else max(number, 2),
        derandomize=not FUZZ,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    return chosen


Table = tuple[list[Row], list[TrueVote]]
"""Rows, and the votes that they hold."""


@st.composite
def tables(draw: st.DrawFn, shape: WrittenShape) -> Table:
    """A random table in a shape, its columns in any order, and the votes that it holds."""
    truth = draw(truths(shape.verdicts, turns=shape.turns, named=shape.named))
    dice = random.Random(draw(st.integers(0, 2**32)))
    rows, expected = shape.write(truth, dice)
    return columns_in_any_order(rows, dice), expected


@contextmanager
def empty_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="votewise-contract-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
