"""Columns that hold several people's orders of the answers of one row: ranks or scores of each, or an object of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from votewise.sources.answer_lists.answer_orders import ORDER, SAMPLE, place
from votewise.sources.answer_lists.rankings import listed
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import is_person
from votewise.sources.meanings.vote_columns import PERSON
from votewise.sources.nested import get, named
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.values import decoded

KINDS = {
    "ranks": "ranks",
    "rank": "ranks",
    "scores": "scores",
    "score": "scores",
    "ratings": "scores",
    "rating": "scores",
}
"""Words in a column's name -> what its lists hold, without a doubt."""
OPEN = ("ranking", "rankings", "order")
"""Words of names that may mean ranks, or the answers in order."""
_WORDS = "|".join((*KINDS, *OPEN, ORDER))
WORD = re.compile(rf"(?:({_WORDS})_(?:of_|by_)?(\w+)|(\w+?)_({_WORDS}))")
WHO = re.compile(rf"({PERSON})_?(\d+|[a-z])")
"""Names of people: other names may as well be those of questions, as in ``honesty_scores``."""
TOLD = re.compile(rf"(ranks|scores|{ORDER})_\w+")
"""Names under which ``--columns`` gives each person's orders."""
OBJECTS = ("rankings", "ranks", "rank", "scores", "ratings")
MOST = 5
"""Columns that a message names."""
VALUES = ("ranks", "rank", "ranking", "order", "scores", "ratings")


@dataclass(frozen=True)
class PeopleOrders:
    """Where they are.

    Attributes:
        single: column -> who judged there, None where its name says nobody.
        nested: a column of objects of orders by person, or of lists of objects with a person and an order.
        kind: ``ranks``, ``scores`` or ``best_first``; None where it is open.
    """

    single: Mapping[str, str | None]
    nested: str | None
    kind: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.single, *([self.nested] if self.nested is not None else []))


def find_people_orders(rows: Rows, answers: str) -> PeopleOrders | None:
    """Find columns of several people's orders of the ``answers``; None where there are none."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in rows.head.column_names:
        about = _about(name, rows.source_column(name), told=name in rows.renames) if name != answers else None
        if about is not None and _are_orders(rows, name):
            found[name] = about
    if len(found) > 1 or any(kind is not None for _, kind in found.values()):
        kinds = {kind for _, kind in found.values()}
        return PeopleOrders({n: who for n, (who, _) in found.items()}, None, kinds.pop() if len(kinds) == 1 else None)
    plain = {plain_name(name): name for name in rows.head.column_names if name != answers}
    for name in OBJECTS:
        values = _sample(rows, plain[name]) if name in plain else []
        people = {who for value in values for who, _ in by_person(value)}
        objects = all(isinstance(value, dict) for value in values)
        if people and (not objects or all(WHO.fullmatch(plain_name(str(who))) for who in people)):
            return PeopleOrders({}, plain[name], KINDS.get(name))
    return None


def refuse_open_orders(rows: Rows, answers: str) -> None:
    """Refuse lists of numbers about the answers of which nobody knows whether they are people's.

    Raises:
        BadInputError: with the options that say what they are.
    """
    columns = [name for name in rows.head.column_names if name != answers and _are_orders(rows, name)]
    own = [rows.source_column(name) for name in columns if name not in rows.roles]
    plain = {plain_name(name): name for name in rows.head.column_names if name != answers}
    for name in (plain[n] for n in OBJECTS if n in plain):
        keys = {str(who): None for value in _sample(rows, name) for who, _ in by_person(value)}
        own += [f"{rows.source_column(name)}.{key}" for key in keys]
    if own:
        raise rows.fail(
            f"it is open whose orders of the answers {', '.join(own[:MOST])} hold, and of what kind",
            expected=f"{options(own, 'ranks')} if each is a person's ranks (scores_1, best_first_1 where they are these), "
            f"{column_option('ranks', own[0])} if one column counts",
        )


def options(own: Sequence[str], role: str) -> str:
    """The options that give each of these columns a role of its own, with a number."""
    return " ".join(column_option(f"{role}_{i}", name) for i, name in enumerate(own[:MOST], 1))


def _about(name: str, own: str, *, told: bool) -> tuple[str | None, str | None] | None:
    """Who judged in a column, and the kind of its lists; None where its name does not speak of a person."""
    plain = plain_name(own)
    match = WORD.fullmatch(plain)
    word, who = ("", plain) if match is None else (match[1], match[2]) if match[1] else (match[4], match[3])
    if told and (option := TOLD.fullmatch(name)) is not None:
        who = own.rpartition(".")[2] if match is None else who
        return None if who.isdigit() else who, KINDS.get(option[1], option[1])
    if WHO.fullmatch(who) is None:
        return None
    return own if match is None else who, KINDS.get(word, ORDER if word == ORDER else None)


def by_person(value: Any) -> list[tuple[str | None, Any]]:
    """People and their orders in an object or a list of objects; empty for anything else."""
    if isinstance(value, dict):
        return [(who, order) for who, order in value.items() if order is not None]
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return []
    found = []
    for item in value:
        who = next((named(inner) for key, inner in item.items() if is_person(key) and inner is not None), None)
        order = next((get(item, key) for key in VALUES if get(item, key) is not None), None)
        found.append((who, order))
    return found if all(listed(order) is not None for _, order in found) else []


def _are_orders(rows: Rows, name: str) -> bool:
    """Whether the first values are lists of numbers."""
    values = [listed(value) for value in _sample(rows, name)]
    return bool(values) and all(
        v and all(item is None or place(item, "ranks") is not None for item in v) for v in values
    )


def _sample(rows: Rows, name: str) -> list[Any]:
    """The first values of a column, of all rows: a person may judge the last ones only."""
    return [value for value in decoded(samples(rows, [name], SAMPLE), name) if value is not None]
