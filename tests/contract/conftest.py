"""What a round of ``make fuzz`` does besides: tests in random order, an end in time, and how many tables each test tried."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

import kept_contract
import pytest

OUT_OF_TIME = "the time of make fuzz is over"
LONGEST = 600
"""Seconds after which a test has failed; hypothesis itself stops making a failure smaller after five minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if kept_contract.SEED:
        random.Random(kept_contract.SEED).shuffle(items)


def pytest_runtest_setup() -> None:
    if kept_contract.SEED and time.time() > float(os.environ.get("VOTEWISE_FUZZ_UNTIL", "inf")):
        pytest.skip(OUT_OF_TIME)


@pytest.fixture(autouse=True)
def _fuzzed(record_property: Callable[[str, object], None]) -> Iterator[None]:
    if not kept_contract.SEED:
        yield
        return

    def too_long(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"took more than {LONGEST} seconds")

    before, others = kept_contract.tried, signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, others)
        record_property("tables", kept_contract.tried - before)
