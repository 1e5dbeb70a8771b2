"""The first votes in words, for people who want to see whether a source was read as they meant it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from votewise.arrays import Ints, Signs

EXAMPLES = 3
"""Votes that are shown in words."""


def first_votes(sign: Signs, annotators: list[str], pairs: list[str], codes: Ints, texts: Any) -> list[dict[str, Any]]:
    """The first votes: ``annotator``, ``prompt``, ``preferred``, ``other`` and ``tie``; names where there are no texts.

    Args:
        sign: (n,) +1 where response_a was preferred, -1 where response_b was, 0 for a tie; n is 3 or less.
        annotators: (n,) names.
        pairs: (n,) names.
        codes: (n,) the pairs' rows in ``texts``.
        texts: the pairs' prompts and responses, or None.
    """
    shown = None if texts is None else texts.take(pa.array(codes)).to_pylist()
    found = []
    for i, annotator in enumerate(annotators):
        pair = {} if shown is None else shown[i]
        one, other = (_words(pair.get(name)) or name for name in ("response_a", "response_b"))
        preferred, rest = (one, other) if sign[i] >= 0 else (other, one)
        prompt = _words(pair.get("prompt")) or f"pair {pairs[i]}"
        tie = bool(sign[i] == 0)
        found.append({"annotator": annotator, "prompt": prompt, "preferred": preferred, "other": rest, "tie": tie})
    return found


def _words(value: Any) -> str:
    """A text, or what a conversation says, on one line."""
    if isinstance(value, list):
        value = " | ".join(f"{message['role']}: {message['content']}" for message in value)
    return " ".join(str(value or "").split())
