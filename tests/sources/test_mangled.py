"""Rows mangled at random are read, rejected or refused in one line; nothing else may happen."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from shapes import SHAPES

from votewise.errors import BadInputError
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they read for twenty seconds."""

JUNK = [
    None, 0, 1, -1, 1.5, 10**30, math.nan, math.inf, True, "", "x", "a", "\ud800",
    [], [1], ["a"], [None], {}, {"a": 1}, [{}], [{"role": "user", "content": "x"}],
]  # fmt: skip


def mangled(value: Any, dice: random.Random) -> Any:
    if dice.random() < 0.15:
        return dice.choice(JUNK)
    if isinstance(value, dict):
        return {key: mangled(inner, dice) for key, inner in value.items() if dice.random() > 0.03}
    return [mangled(inner, dice) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", SHAPES)
def test_mangled_rows_are_read_rejected_or_refused(name: str, tmp_path: Path) -> None:
    shape, path = SHAPES[name], tmp_path / "rejected.jsonl"
    dice = random.Random(name)
    read, lines = 0, []
    for _ in range(40):
        rows = [{k: mangled(v, dice) if dice.random() < 0.3 else v for k, v in row.items()} for row in shape.rows]
        try:
            read_votes(rows, format=shape.format)
        except BadInputError as error:
            lines.append(str(error))
        try:
            reading = read_votes(rows, format=shape.format, on_error="skip", rejects=path).reading
        except BadInputError:
            continue
        read += 1
        assert reading.votes == reading.kept + reading.rejected + reading.skipped + reading.repeated
        assert len(path.read_text("utf-8").splitlines()) == reading.rejected
    assert read > 0
    assert lines
    assert not any("\n" in line for line in lines)
