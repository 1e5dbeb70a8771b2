"""Columns that hold the better and the worse answer under other names than chosen and rejected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from votewise.sources.rows import Rows
from votewise.sources.texts.messages import conversation
from votewise.sources.texts.words import words
from votewise.sources.values import decoded

SAMPLE = 200

NAMED = (("chosen", "rejected"), ("chosen", "reject"), ("accepted", "rejected"), ("accept", "reject"),
         ("preferred", "rejected"), ("preferred", "dispreferred"), ("preferred", "non_preferred"),
         ("preferred", "unpreferred"), ("selected", "rejected"),
         ("positive", "negative"))  # fmt: skip
"""Words for the two that have no other meaning."""

WORDS = (("better", "worse"), ("winner", "loser"), ("winning", "losing"), ("win", "lose"), ("good", "bad"),
         ("best", "worst"), ("pos", "neg"))  # fmt: skip
"""Words that also stand before models' names, labels and numbers: alone, they are read where they hold texts."""

LETTERS = (("w", "l"), ("j", "k"))
"""Ends of names: ``y_w`` and ``y_l`` in papers, ``response_j`` and ``response_k`` in Stack Exchange pairs."""

STEM = r"(?:response|answer|output|completion|generation|reply|text|summary|message|messages|conversation|y)"

ANSWERS = (
    "response",
    "answer",
    "output",
    "completion",
    "generation",
    "reply",
    "summary",
    "options",
    "responses",
    "answers",
)
"""Names of answers: beside one, good and bad are what somebody says about it."""

MOST_WORDS = 3
"""Words of the longest names of models and people."""

PLAIN = ("output", "answer", "response", "completion", "messages")
"""Names of the better answer where the worse one has the same with ``rejected_`` before it."""


def better_and_worse(rows: Rows, plain: Mapping[str, str]) -> tuple[str, str] | None:
    """The two columns, by the source's names; None where there are none, or several.

    Args:
        rows: the source's rows.
        plain: the columns' names in small letters and joined words -> their names.
    """
    other_answers = set(plain) & set(ANSWERS)
    found = {
        (plain[a], plain[b])
        for a, b, sure in _couples(plain)
        if sure or (not other_answers and _holds_texts(rows, plain[a]) and _holds_texts(rows, plain[b]))
    }
    return found.pop() if len(found) == 1 else None


def couple_in_doubt(plain: Mapping[str, str]) -> tuple[str, str] | None:
    """Two columns that may hold the better and the worse answer, and hold single words; None where there are none."""
    found = [(plain[a], plain[b]) for a, b, sure in _couples(plain) if not sure]
    return found[0] if len(found) == 1 else None


def _couples(plain: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """Couples of names, each with whether the names alone suffice."""
    found = []
    for name in plain:
        for better, worse in (*NAMED, *WORDS, *LETTERS):
            sure = (better, worse) in NAMED
            for pattern, other in (
                (better, worse),
                (rf"{better}_({STEM})", rf"{worse}_{{}}"),
                (rf"({STEM})_{better}", rf"{{}}_{worse}"),
            ):
                if len(better) == 1 and not pattern.startswith("("):
                    continue
                match = re.fullmatch(pattern, name)
                partner = other.format(*match.groups()) if match else None
                if partner in plain:
                    found.append((name, str(partner), sure or (match is not None and bool(match.groups()))))
        if name in PLAIN and f"rejected_{name}" in plain:
            found.append((name, f"rejected_{name}", True))
    if not found:
        # As ms-swift writes alpaca's columns: output and rejected_response.
        good = [name for name in PLAIN if name in plain and name != "messages"]
        bad = [f"rejected_{name}" for name in PLAIN if f"rejected_{name}" in plain]
        found += [(good[0], bad[0], True)] if len(good) == len(bad) == 1 else []
    return found


def _holds_texts(rows: Rows, name: str) -> bool:
    """Whether most values are texts of more words than names have, or messages."""
    values: list[Any] = [v for v in decoded(rows.head.select([name]).slice(0, SAMPLE), name) if v not in (None, "", [])]
    texts = sum(words(v) > MOST_WORDS if isinstance(v, str) else conversation(v) is not None for v in values)
    return texts > len(values) / 2
