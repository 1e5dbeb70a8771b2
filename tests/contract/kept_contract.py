"""How many random tables each test of the contract tries: some in ``make test``, more in every round of ``make fuzz``."""

from __future__ import annotations

import functools
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from truth import TrueVote, truths
from written import Row, WrittenShape, columns_in_any_order

SEED = os.environ.get("VOTEWISE_FUZZ", "")
"""The seed of this round of ``make fuzz``; empty in ``make test``."""
if not SEED:
    # Hypothesis also draws constants of whatever modules are loaded: another choice of tests would try other tables.
    providers._get_local_constants = lambda: providers._local_constants

MORE = 4
"""How many times more tables a round of ``make fuzz`` tries."""

tried = 0
"""How many tables this process has tried, those by which hypothesis makes a failure smaller included."""


def examples(number: int) -> Callable[[Any], Any]:
    """Try so many tables, but at least two, because the first one is always the simplest: the same ones in `make test`."""
    chosen = settings(
        max_examples=max(number, 2) * (MORE if SEED else 1),
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    def try_all(test: Any) -> Any:
        inner = test.hypothesis.inner_test

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> None:
            global tried
            tried += 1
            inner(*args, **kwargs)

        test.hypothesis.inner_test = counted
        # Every test, and every shape of it, has tables of its own.
        name = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0] or test.__qualname__
        return chosen(seed(f"{SEED} {name}")(test))

    return try_all


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
