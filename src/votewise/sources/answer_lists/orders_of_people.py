"""Several people's orders of the answers of one row: a column of ranks or scores for each, or an object of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, place
from votewise.sources.answer_lists.order_columns import OPEN, PeopleOrders, by_person, options
from votewise.sources.answer_lists.rankings import Couples, by_places, inverse, listed
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows

Judgements = list[tuple[str | None, Couples]]
"""Who judged, or None, and the comparisons that follow, of one row."""


def judgements(rows: Rows, orders: PeopleOrders, answers: Sequence[list[Any]]) -> list[Judgements]:
    """The comparisons of each row by everybody; rows with something odd are rejected.

    Raises:
        BadInputError: it is open whether lists hold ranks, scores, or the answers in order.
    """
    for name in orders.columns:
        rows.use(name, "votes")
    given = _given(rows, orders)
    kind = orders.kind or _settled(rows, orders, answers, given)
    found: list[Judgements] = []
    for i, entries in enumerate(given):
        here: Judgements = []
        for who, value, column in entries:
            items = listed(value)
            if value is None:
                continue
            places = _places(items, kind) if items is not None and len(items) == len(answers[i]) else None
            if places is None:
                expected = f"a list of {len(answers[i])} numbers, one per answer"
                rows.reject(i, "is not an order of the answers", column=column, value=value, expected=expected)
                continue
            here.append((who, by_places(places)))
        found.append(here)
    return found


def _settled(
    rows: Rows, orders: PeopleOrders, answers: Sequence[list[Any]], given: list[list[tuple[Any, Any, str]]]
) -> str:
    """The kind of lists that no name tells: ranks where names speak of a ranking and both readings are the same."""
    names = [plain_name(name) for name in orders.columns]
    about_ranks = all(any(word in OPEN for word in name.split("_")) for name in names)
    lists = [items for entries in given for _, value, _ in entries if (items := listed(value)) is not None]
    both = [(inverse(items), items) for items in lists]
    if about_ranks and any(turned is None for turned, _ in both):
        return "ranks"
    if about_ranks and all(turned == [int(x) - int(min(items)) for x in items] for turned, items in both if turned):
        return "ranks"
    own = [rows.source_column(name) for name in orders.columns]
    roles = ("ranks", "best_first") if about_ranks else ("ranks", "scores", "best_first")
    if orders.nested is not None:
        raise rows.fail(
            "it is open whether its lists hold a rank for each answer, or the answers from the best to the worst",
            column=orders.nested,
            expected="a column ranks_NAME for each person",
        )
    told = "; ".join(f"{role.replace('_', ' ')}: {options(own, role)}" for role in roles)
    raise rows.fail(
        f"it is open what the lists of numbers in {', '.join(own)} say about the answers",
        expected=f"what they are: {told}",
    )


def _places(items: list[Any], kind: str) -> list[float | None] | None:
    """Places, less is better, None for an answer without one; None where the list is no order."""
    if kind == ORDER:
        turned = inverse(items)
        return None if turned is None else [float(at) for at in turned]
    places = [place(item, kind) for item in items]
    return None if any(p is None and item is not None for p, item in zip(places, items, strict=True)) else places


def _given(rows: Rows, orders: PeopleOrders) -> list[list[tuple[str | None, Any, str]]]:
    if orders.nested is not None:
        return [[(*entry, orders.nested) for entry in by_person(value)] for value in rows.values(orders.nested)]
    columns = {name: rows.values(name) for name in orders.single}
    return [[(who, columns[name][i], name) for name, who in orders.single.items()] for i in range(len(rows))]
