"""Orders with ties: ``[[2], [1, 3]]`` and ``B > A = C``, the best answer first, equal ones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, Order
from votewise.sources.answer_lists.named_answers import Names, groups_in, ranks_by_name
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

Items = list[list[Any] | None]
"""What each row says about its answers, or None."""


def holds_groups(given: Items) -> bool:
    """Whether some row's order holds lists."""
    return any(isinstance(item, list) for items in given for item in items or ())


def ranks_of_groups(rows: Rows, order: Order, names: Sequence[Names], given: Items, *, spelt: bool = False) -> Items:
    """A rank for each answer, of rows that list the answers in groups; rows with anything else are rejected.

    Args:
        rows: the source's rows.
        order: where the groups are.
        names: (n,) what they may call each row's answers.
        given: (n,) the groups.
        spelt: whether some row writes them with ``>``, so that they cannot be ranks.

    Raises:
        BadInputError: all groups are of one number, so that each may be the rank of the answer in its place.
    """
    own = rows.source_column(order.column)
    found: Items = []
    open_numbers = order.kind != ORDER and not spelt
    for i, groups in enumerate(given):
        right = groups is not None and all(isinstance(group, list) and group for group in groups)
        ranks = ranks_by_name(groups, names[i]) if groups and right else None
        found.append(ranks)
        if groups and ranks is None:
            expected = "lists that name every answer once, the best ones first, by numbers, texts or models"
            rows.reject(i, "is not an order of the answers", column=order.column, value=groups, expected=expected)
        elif groups:
            open_numbers &= all(len(group) == 1 and not isinstance(group[0], str) for group in groups)
    if open_numbers and any(ranks is not None for ranks in found):
        raise rows.fail(
            "it is open whether its lists of one number give each answer its rank, or list the answers in order",
            column=order.column,
            expected=f"{column_option(ORDER, own)} if they list the answers, else a list of numbers as ranks",
        )
    rows.notes.append(f"'{own}' names the answers from the best to the worst, and equal ones together.")
    return found


def items_of(value: Any, listed: Any) -> Any:
    """The groups that a text spells with ``>``, else what ``listed`` makes of a value."""
    return groups_in(value) or listed(value)
