"""An order among several answers of one row -> comparisons of two answers, all by one judgement."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

Couples = list[tuple[int, int, bool]]
"""Index of the better answer, of the worse one, and whether the two are equal (a tie)."""

NOTE = "One ranking gives several comparisons, marked as one judgement: they are not independent votes."


def by_places(places: Sequence[float | None]) -> Couples:
    """Every two answers of different places, the one with the lower number first; two answers in all may be a tie.

    Answers without a place are left out. Of three and more answers, those of equal places are no comparison: whoever
    ranks many puts together what they did not tell apart.

    >>> by_places([2, 1, 2])
    [(1, 0, False), (1, 2, False)]
    >>> by_places([1, 1])
    [(0, 1, True)]
    """
    placed = [(place, i) for i, place in enumerate(places) if place is not None]
    couples = [((x, y) if x[0] < y[0] else (y, x)) for x, y in combinations(placed, 2)]
    return [(x[1], y[1], x[0] == y[0]) for x, y in couples if x[0] != y[0] or len(placed) == 2]


def by_best(number: int, best: int) -> Couples:
    """The best answer against each of the others, of which nothing else is known.

    >>> by_best(3, 1)
    [(1, 0, False), (1, 2, False)]
    """
    return [(best, i, False) for i in range(number) if i != best]


def listed(value: Any) -> list[Any] | None:
    """The list that a value is, or that a text spells as JSON or Python; None for everything else."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or not (value.strip().startswith("[") and value.strip().endswith("]")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(found, list):
            return found
    return None


def inverse(items: list[Any]) -> list[int] | None:
    """The rank of each answer from 0, from a list of the answers' numbers in order; None where it is no such list.

    >>> inverse([3, 1, 2]), inverse([1, 1, 2])
    ([1, 2, 0], None)
    """
    if not all(isinstance(item, int | float) and float(item).is_integer() for item in items):
        return None
    order = from_0(items)
    if sorted(order) != list(range(len(order))) or (items and min(items) not in (0, 1)):
        return None
    return [order.index(i) for i in range(len(order))]


def from_0(items: list[Any]) -> list[int]:
    """Whole numbers counted from the least one, which becomes 0."""
    return [int(item) - int(min(items)) for item in items]
