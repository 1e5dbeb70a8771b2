"""Orders with ties, written as lists of lists: ``[[2], [1, 3]]``, the best answer first, equal ones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, Order, text_of
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

Items = list[list[Any] | None]
"""What each row says about its answers, or None."""


def holds_groups(given: Items) -> bool:
    """Whether some row's order holds lists."""
    return any(isinstance(item, list) for items in given for item in items or ())


def ranks_of_groups(rows: Rows, order: Order, answers: Sequence[list[Any]], given: Items) -> Items:
    """A rank for each answer, of rows that list the answers in groups; rows with anything else are rejected.

    Raises:
        BadInputError: all groups are of one answer, so that each may hold the rank of the answer in its place.
    """
    found = [_ranks(here, groups) if groups else None for here, groups in zip(answers, given, strict=True)]
    for i, (groups, ranks) in enumerate(zip(given, found, strict=True)):
        if groups and ranks is None:
            expected = "lists that name every answer once, the best ones first, by numbers or texts"
            rows.reject(i, "is not an order of the answers", column=order.column, value=groups, expected=expected)
    if order.kind != ORDER and all(
        len(group) == 1 for groups, r in zip(given, found, strict=True) for group in groups or () if r
    ):
        own = rows.source_column(order.column)
        raise rows.fail(
            "it is open whether its lists of one number give each answer its rank, or list the answers in order",
            column=order.column,
            expected=f"{column_option(ORDER, own)} if they list the answers, else a list of numbers as ranks",
        )
    own = rows.source_column(order.column)
    rows.notes.append(f"The lists in '{own}' name the answers from the best to the worst, and equal ones together.")
    return found


def _ranks(answers: list[Any], groups: list[Any]) -> list[Any] | None:
    """The rank of each answer from 0; None where the groups do not name each of them once.

    >>> _ranks(["x", "y", "z"], [[2], [1, 3]]), _ranks(["x", "y"], [["y"], ["x"]]), _ranks(["x", "y"], [[1]])
    ([1, 0, 1], [1, 0], None)
    """
    if not all(isinstance(group, list) and group for group in groups):
        return None
    rank = [place for place, group in enumerate(groups) for _ in group]
    named = [item for group in groups for item in group]
    texts = [text_of(answer) for answer in answers]
    for first in (0, 1):
        numbers = list(range(first, first + len(answers)))
        if len(named) == len(answers) and all(_is_whole(item) for item in named) and sorted(named) == numbers:
            return [rank[named.index(number)] for number in numbers]
    if len(named) == len(texts) and all(isinstance(text, str) for text in texts) and len(set(texts)) == len(texts):
        return [rank[named.index(text)] for text in texts] if all(text in named for text in texts) else None
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
