"""One prompt and a list of answers with ranks or scores, or with the best one: comparisons by one judgement each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO
from votewise.data.votes import UNKNOWN
from votewise.errors import many
from votewise.sources.answer_lists.answer_orders import ORDER, Order, find_order, list_column, place, text_of
from votewise.sources.answer_lists.best_answers import best_answers
from votewise.sources.answer_lists.rankings import NOTE, Couples, by_best, by_places, listed
from votewise.sources.canonical import JUDGEMENT, Canonical, from_votes, optional, said
from votewise.sources.containers.left_values import MappedValues
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import people_column
from votewise.sources.nested import get, named
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.rows_part import parts_of
from votewise.sources.texts.messages import conversation, cut
from votewise.sources.texts.prompt_objects import holds_objects
from votewise.sources.texts.prompt_parts import Parts, find_parts, prompts_of, seen_of
from votewise.sources.vote_texts import VoteTexts

MODELS = ("models", "generation_models", "response_models", "model_names")
MORE = ("domain", "time", "weight")
"""Optional columns of the plain format that a row with several answers may have."""


def is_ranked(rows: Rows) -> bool:
    """Tell whether the first rows hold a list of answers and an order among them, and no chosen and rejected one."""
    name = list_column(rows.table)
    return name is not None and not rows.has("rejected") and find_order(rows.table, name) is not None


def read_ranked(rows: Rows) -> Canonical:
    """Read every two answers of different ranks or scores as one vote for the better one, or the best against each other."""
    name = list_column(rows.head)
    order = None if name is None else find_order(rows.head, name)
    if name is None or order is None:
        raise rows.fail(
            "has no list of answers with an order among them",
            expected="a column of answers, and one of ranks, scores or the best one: --columns ranks=NAME, "
            "--columns scores=NAME or --columns best=NAME",
        )
    people = people_column(rows, taken=(name,))
    who = [None] * len(rows) if people is None else rows.identifier(people, null=True).to_pylist()
    taken = {name, order.column, *((people,) if people else ())}
    more = {
        n: pa.array(c, from_pandas=True).to_pylist()
        for n, c in optional(rows, without=(JUDGEMENT,)).items()
        if n in MORE
    }
    parts = find_parts(rows, taken | set(more))
    here = list(_asked(rows, parts, name)) if rows.source.stand_ins is None else None
    # All rows are looked at before it is known whether some talk: all faults are noted.
    every = _asked(rows, parts, name) if here is None else here
    talks = sum(not isinstance(value, str) for asked in every for value in asked.texts if value is not None) > 0
    orders, models = _orders(rows, order, name), _models(rows, name)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    skipped = several = 0
    for i, asked in enumerate(_asked(rows, parts, name) if here is None else here):
        if not rows.ok[i]:
            continue
        couples = orders[i]
        texts = _texts(rows, i, name, asked.answers, talks) if couples else []
        skipped += not couples
        several += len(couples) > 1
        shared = {"row": i, "annotator": who[i] or UNKNOWN, **{n: column[i] for n, column in more.items()}}
        if len(couples) > 1:
            shared["judgement"] = str(i)
        for better, worse, tie in couples if texts else ():
            p, a, b = _cut(asked.prompt, texts[better], texts[worse], talks)
            vote = shared | {"label": "tie" if tie else "a"}
            vote |= kept.keep({"prompt": p, "response_a": a, "response_b": b, ALSO: asked.seen})
            names = models[i]
            votes.append(vote | ({"model_a": names[better], "model_b": names[worse]} if names else {}))
    kept.finish()
    notes = [_said(rows, order, name)] + ([NOTE] if several else [])
    notes += [f"Annotators are taken from the column '{people}'."] if people not in (None, "annotator") else []
    notes += [f"Skipped: {many(skipped, 'row')} in which nothing says which answer is better."] if skipped else []
    return from_votes(rows, votes, shown=False, skipped=skipped, notes=notes, guarded=True)


@dataclass(frozen=True)
class Asked:
    """One row: what was asked, what a model sees beside that as JSON, and the answers' texts or messages."""

    prompt: Any
    seen: str | None
    answers: list[Any]

    @property
    def texts(self) -> tuple[Any, ...]:
        """All of it but what is beside."""
        return (self.prompt, *self.answers)


def _asked(rows: Rows, parts: Parts, name: str) -> Iterator[Asked]:
    """All rows in their order, some of which are in memory at a time where they are left in files."""
    used = (*parts.columns, name)
    if parts.prompt is not None:
        holds_objects(rows, parts.prompt)
    rows.use(name)
    for part in parts_of(rows, used) if rows.source.stand_ins is not None else (rows,):
        seen = seen_of(part, parts) or [None] * len(part)
        for i, (prompt, told, value) in enumerate(zip(prompts_of(part, parts), seen, part.values(name), strict=True)):
            answers = listed(value)
            if answers is None and value is not None:
                part.reject(i, "is not a list", column=name, value=value, expected="a list of answers")
            yield Asked(prompt, told, [text_of(answer) for answer in answers or []])


def _models(rows: Rows, name: str) -> list[list[str | None] | None]:
    """The models' names of each row's answers; None where they are not known."""
    column = next((n for n in rows.table.column_names if plain_name(n) in MODELS), None)
    apart = rows.values(column) if column is not None else [None] * len(rows)
    found: list[list[str | None] | None] = []
    for value, beside in zip(rows.values(name), apart, strict=True):
        inside = [named(get(answer, "model")) for answer in listed(value) or []]
        names = listed(beside)
        known = names is not None and len(names) == len(inside)
        found.append(inside if any(inside) else [named(n) for n in names or ()] if known else None)
    return found


def _orders(rows: Rows, order: Order, name: str) -> list[Couples]:
    """The comparisons of each row; none where nothing is said, and rows that say something odd are rejected."""
    answers: Sequence[list[Any]] = MappedValues(rows.values(name), lambda value: listed(value) or [])
    rows.use(order.column, "answers" if order.key else "label")
    if order.kind == "best":
        best = best_answers(rows, order.column, answers, _models(rows, name))
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
        return [None if items is None else _inverse(items) or items for items in ranks]
    if order.kind != "ranks" or plain_name(order.column) != "ranking":
        return ranks
    turned = [None if items is None else _inverse(items) for items in ranks]
    unclear = next((i for i, t in enumerate(turned) if t is not None and t != _from_0(ranks[i] or [])), None)
    if unclear is not None and all(t is not None for t, items in zip(turned, ranks, strict=True) if items is not None):
        own = rows.source_column(order.column)
        raise rows.fail(
            f"it is open whether {ranks[unclear]} (row {rows.source.number(unclear):,}) gives each answer its rank, or "
            "lists the answers from the best to the worst",
            column=order.column,
            expected=f"{column_option('ranks', own)} or {column_option(ORDER, own)}",
        )
    return ranks


def _by_texts(answers: list[Any], items: list[Any] | None) -> list[Any] | None:
    """Ranks, where a list names the answers' texts from the best to the worst."""
    texts = [text_of(answer) for answer in answers]
    if items is None or not all(isinstance(item, str) for item in items) or sorted(map(str, texts)) != sorted(items):
        return None
    return [items.index(text) for text in texts]


def _from_0(items: list[Any]) -> list[int]:
    return [int(item) - int(min(items)) for item in items]


def _inverse(items: list[Any]) -> list[int] | None:
    """The rank of each answer, from a list of the answers' numbers in order; None where it is no such list."""
    if not all(isinstance(item, int | float) and float(item).is_integer() for item in items):
        return None
    order = _from_0(items) if items else []
    if sorted(order) != list(range(len(order))) or (items and min(items) not in (0, 1)):
        return None
    return [order.index(i) for i in range(len(order))]


def _texts(rows: Rows, row: int, name: str, given: list[Any], talks: bool) -> list[Any]:
    """The answers as texts, or all as conversations; none where one is neither."""
    found = [conversation(value) if not isinstance(value, str) else said(value) if talks else value for value in given]
    if any(value is None for value in found):
        rows.reject(row, "is not an answer", column=name, value=given[found.index(None)], expected="a text or messages")
        return []
    return found


def _cut(prompt: Any, a: Any, b: Any, talks: bool) -> tuple[Any, Any, Any]:
    if not talks:
        return prompt, a, b
    return cut(said(prompt, "user") if isinstance(prompt, str) else prompt, a, b)


def _said(rows: Rows, order: Order, name: str) -> str:
    """What the comparisons are made of, in words."""
    own = rows.source_column(order.column)
    where = f"'{order.key}' in '{own}'" if order.key else f"the column '{own}'"
    words: Mapping[str, str] = {
        "ranks": "a lower rank is better", "scores": "a higher score is better", "marks": "a chosen answer is better",
        ORDER: "the best one is first", "best": "the one named there is better than each other one",
    }  # fmt: skip
    return f"Votes are about the answers in '{name}', by {where}: {words[order.kind]}."


RANKED = Format(
    "ranked",
    "one prompt and a list of answers with ranks, scores or the best one",
    (("*",),),
    read_ranked,
    looks=is_ranked,
    general=True,
    leaves_texts=True,
)
