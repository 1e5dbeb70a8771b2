"""What each row says about its list of answers: who judged, and the comparisons that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, Order, place
from votewise.sources.answer_lists.best_answers import best_answers
from votewise.sources.answer_lists.named_answers import Names, groups_in, ranks_by_name
from votewise.sources.answer_lists.order_columns import PeopleOrders
from votewise.sources.answer_lists.orders_of_people import Judgements, judgements
from votewise.sources.answer_lists.rankings import Couples, by_best, by_places, from_0, inverse, listed
from votewise.sources.answer_lists.tied_orders import Items, holds_groups, items_of, ranks_of_groups
from votewise.sources.containers.left_values import MappedValues
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.nested import get
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

Models = list[list[str | None] | None]
"""The models' names of each row's answers; None where they are not known."""


def judged(
    rows: Rows,
    order: Order | PeopleOrders,
    answers: Sequence[list[Any]],
    who: Sequence[str | None],
    models: Models,
    columns: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> list[Judgements]:
    """Who judged each row, with the comparisons that follow.

    Args:
        rows: the source's rows.
        order: where the rows say which answers are better.
        answers: (n,) the answers of each row.
        who: (n,) who judged, None where nobody is named.
        models: (n,) the answers' models.
        columns: names of the answers' columns, and what tells these apart at the end, where they are in columns.
    """  # fmt: skip
    if isinstance(order, PeopleOrders):
        return judgements(rows, order, answers)
    return [
        [(person, couples)] for person, couples in zip(who, _orders(rows, order, answers, models, columns), strict=True)
    ]


def _orders(
    rows: Rows, order: Order, answers: Sequence[list[Any]], models: Models, columns: tuple[Sequence[str], Sequence[str]]
) -> list[Couples]:
    """The comparisons of each row; none where nothing is said, and rows that say something odd are rejected."""
    rows.use(order.column, "answers" if order.key else "label")
    if order.kind == "best":
        best = best_answers(rows, order.column, answers, models, columns)
        return [
            [] if b is None else [(0, 1, True)] if b < 0 else by_best(len(answers[i]), b) for i, b in enumerate(best)
        ]
    if order.kind == "marks":
        chosen = [[bool(get(answer, str(order.key))) for answer in found] for found in answers]
        return [by_places([1 - c for c in marks]) if any(marks) and not all(marks) else [] for marks in chosen]
    values = rows.values(order.column)
    given = [
        [get(answer, order.key) for answer in found] if order.key else items_of(value, listed)
        for found, value in zip(answers, values, strict=True)
    ]
    if order.key is None:
        names = MappedValues(range(len(rows)), lambda i: Names(answers[i], models[i], *columns))
        spelt = any(groups_in(value) is not None for value in values)
        given = _checked(rows, order, names, given, spelt)
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


def _checked(rows: Rows, order: Order, names: Sequence[Names], given: Items, spelt: bool) -> Items:
    """Lists that stand beside the answers as ranks or scores: of the same length, and without two meanings."""
    if order.kind in ("ranks", ORDER) and (spelt or holds_groups(given)):
        return ranks_of_groups(rows, order, names, given, spelt=spelt)
    ranks: Items = []
    for i, items in enumerate(given):
        number = None if items is None else len(names[i].answers)
        if items is not None and len(items) != number:
            expected = f"one entry per answer, {number}"
            rows.reject(i, "has a different length", column=order.column, value=items, expected=expected)
            items = None
        ranks.append(items)
    named = [None if order.kind == "scores" else _by_name(names[i], items) for i, items in enumerate(ranks)]
    if any(named):
        own = rows.source_column(order.column)
        rows.notes.append(f"'{own}' names the answers from the best to the worst.")
        return [r or items for r, items in zip(named, ranks, strict=True)]
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


def _by_name(names: Names, items: list[Any] | None) -> list[Any] | None:
    """Ranks, where a list names the answers in order, by texts, models or columns; letters may be marks as well."""
    if not items or not all(isinstance(item, str) and not item.strip().isdigit() for item in items):
        return None
    return ranks_by_name([[item] for item in items], names, letters=False)
