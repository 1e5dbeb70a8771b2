"""What each row says about its list of answers: who judged, and the comparisons that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, Order, place, text_of
from votewise.sources.answer_lists.best_answers import best_answers
from votewise.sources.answer_lists.order_columns import PeopleOrders
from votewise.sources.answer_lists.orders_of_people import Judgements, judgements
from votewise.sources.answer_lists.rankings import Couples, by_best, by_places, from_0, inverse, listed
from votewise.sources.answer_lists.tied_orders import holds_groups, ranks_of_groups
from votewise.sources.containers.left_values import MappedValues
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.nested import get
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

Models = list[list[str | None] | None]
"""The models' names of each row's answers; None where they are not known."""


def judged(
    rows: Rows, order: Order | PeopleOrders, name: str, who: Sequence[str | None], models: Models
) -> list[Judgements]:
    """Who judged each row, with the comparisons that follow."""
    answers: Sequence[list[Any]] = MappedValues(rows.values(name), lambda value: listed(value) or [])
    if isinstance(order, PeopleOrders):
        return judgements(rows, order, answers)
    return [[(person, couples)] for person, couples in zip(who, _orders(rows, order, answers, models), strict=True)]


def _orders(rows: Rows, order: Order, answers: Sequence[list[Any]], models: Models) -> list[Couples]:
    """The comparisons of each row; none where nothing is said, and rows that say something odd are rejected."""
    rows.use(order.column, "answers" if order.key else "label")
    if order.kind == "best":
        best = best_answers(rows, order.column, answers, models)
        return [
            [] if b is None else [(0, 1, True)] if b < 0 else by_best(len(answers[i]), b) for i, b in enumerate(best)
        ]
    if order.kind == "marks":
        chosen = [[bool(get(answer, str(order.key))) for answer in found] for found in answers]
        return [by_places([1 - c for c in marks]) if any(marks) and not all(marks) else [] for marks in chosen]
    values = rows.values(order.column)
    given = [
        [get(answer, order.key) for answer in found] if order.key else listed(value)
        for found, value in zip(answers, values, strict=True)
    ]
    if order.key is None:
        given = _checked(rows, order, answers, given)
    found = []
    for i, items in enumerate(given):
        places = [place(item, order.kind) for item in items or ()]
        known = [p for p, item in zip(places, items or (), strict=True) if item is not None]
        if None in known or (order.kind == "ranks" and None in places):
            expected = f"a number for every answer in {order.kind}"
            rows.reject(i, "is not an order of the answers", column=order.column, value=values[i], expected=expected)
            places = []
        found.append(by_places(places))
    return found


def _checked(
    rows: Rows, order: Order, answers: Sequence[list[Any]], given: list[list[Any] | None]
) -> list[list[Any] | None]:
    """Lists that stand beside the answers as ranks or scores: of the same length, and without two meanings."""
    if order.kind in ("ranks", ORDER) and holds_groups(given):
        return ranks_of_groups(rows, order, answers, given)
    ranks: list[list[Any] | None] = []
    for i, (found, items) in enumerate(zip(answers, given, strict=True)):
        if items is not None and len(items) != len(found):
            expected = f"one entry per answer, {len(found)}"
            rows.reject(i, "has a different length", column=order.column, value=items, expected=expected)
            items = None
        ranks.append(items)
    spelt = [_by_texts(found, items) for found, items in zip(answers, ranks, strict=True)]
    if any(spelt):
        return [s or items for s, items in zip(spelt, ranks, strict=True)]
    if order.kind == ORDER:
        return [_inverted(rows, order, i, items) for i, items in enumerate(ranks)]
    if order.kind != "ranks" or plain_name(order.column) != "ranking":
        return ranks
    turned = [None if items is None else inverse(items) for items in ranks]
    unclear = next((i for i, t in enumerate(turned) if t is not None and t != from_0(ranks[i] or [])), None)
    if unclear is not None and all(t is not None for t, items in zip(turned, ranks, strict=True) if items is not None):
        own = rows.source_column(order.column)
        raise rows.fail(
            f"it is open whether {ranks[unclear]} (row {rows.source.number(unclear):,}) gives each answer its rank, or "
            "lists the answers from the best to the worst",
            column=order.column,
            expected=f"{column_option('ranks', own)} or {column_option(ORDER, own)}",
        )
    return ranks


def _inverted(rows: Rows, order: Order, row: int, items: list[Any] | None) -> list[Any] | None:
    """The rank of each answer, from the answers' numbers in order."""
    ranks = None if items is None else inverse(items)
    if items and ranks is None:
        expected = "the numbers of all answers from the best to the worst, counted from 0 or 1, each once"
        rows.reject(row, "is not an order of the answers", column=order.column, value=items, expected=expected)
    return ranks


def _by_texts(answers: list[Any], items: list[Any] | None) -> list[Any] | None:
    """Ranks, where a list names the answers' texts from the best to the worst."""
    texts = [text_of(answer) for answer in answers]
    if items is None or not all(isinstance(item, str) for item in items) or sorted(map(str, texts)) != sorted(items):
        return None
    return [items.index(text) for text in texts]
