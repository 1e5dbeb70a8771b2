"""Judges on a scripted server whose every verdict is known, and the pairs that they see."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted import Reply, said

from votewise.storage.files import write_json_lines

MARKED = re.compile(r"<(\w{16})> answer ([12])\n(good|poor) answer to (\d+)")
FAST: dict[str, Any] = {"retries": 1, "timeout": 10, "concurrency": 2}


def write_pairs(path: Path, n: int, **columns: Any) -> Path:
    """Pairs 0 to n - 1; the better answer is response_a where the number is even."""
    rows = []
    for i in range(n):
        both = [f"good answer to {i}", f"poor answer to {i}"]
        a, b = both if i % 2 == 0 else both[::-1]
        rows.append({"prompt": f"question {i}", "response_a": a, "response_b": b, **columns})
    write_json_lines(path, rows)
    return path


def seen(request: dict[str, Any]) -> tuple[int, bool]:
    """Number of the pair in a request, and whether the better answer is shown first."""
    found = MARKED.findall(request["messages"][-1]["content"])
    assert [position for _, position, _, _ in found] == ["1", "2"]
    assert found[0][0] == found[1][0]
    return int(found[0][3]), found[0][2] == "good"


Rule = Callable[[int, bool], str | None]
"""Pair and whether the better answer is first -> ``1``, ``2``, ``tie``, or None for a reply without a verdict."""


def right_except(*wrong: int) -> Rule:
    """A judge that errs on these pairs, in both orders."""
    return lambda pair, first: "1" if first != (pair in wrong) else "2"


def always_first(pair: int, first: bool) -> str:
    return "1"


def reply_by(**rules: Rule) -> Callable[[dict[str, Any], int], Reply]:
    """A server with one model per rule."""

    def reply(request: dict[str, Any], _: int) -> Reply:
        verdict = rules[request["model"]](*seen(request))
        return said(f"Because.\nVerdict: {verdict}" if verdict else "I cannot decide.", tokens=10)

    return reply
