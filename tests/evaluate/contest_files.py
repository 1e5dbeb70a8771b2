"""Files of answers and comparisons for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows as JSON lines, or as a JSON list where the name ends in .json."""
    text = json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return str(path)


def answers(model: str, n: int = 6, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    """One model's answers to prompts ``first`` to ``first + n - 1``."""
    return [
        {"prompt": f"prompt {i}", "answer": f"{model} says {i} " + "word " * (i % 5), "model": model} | more
        for i in range(first, first + n)
    ]


def comparison(i: int, a: str = "new", b: str = "old", **more: Any) -> dict[str, Any]:
    """One row of a file of comparisons."""
    return {
        "prompt": f"prompt {i}",
        "model_a": a,
        "model_b": b,
        "response_a": f"{a} says {i}",
        "response_b": f"{b} says {i} at length",
    } | more
