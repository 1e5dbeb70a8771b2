"""One prompt and a list of answers with ranks or scores, or with the best one: comparisons by one judgement each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from votewise.data.identity import ALSO
from votewise.data.votes import UNKNOWN
from votewise.errors import many
from votewise.sources.answer_lists.answer_orders import ORDER, Order, find_order, list_column, text_of
from votewise.sources.answer_lists.judged_rows import Models, judged
from votewise.sources.answer_lists.order_columns import PeopleOrders, find_people_orders, refuse_open_orders
from votewise.sources.answer_lists.rankings import NOTE, listed
from votewise.sources.canonical import Canonical, from_votes, said, values_beside
from votewise.sources.containers.left_values import MappedValues
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.nested import get, named
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.rows_part import parts_of
from votewise.sources.texts.messages import conversation, cut
from votewise.sources.texts.prompt_objects import holds_objects
from votewise.sources.texts.prompt_parts import Parts, find_parts, prompts_of, seen_of, use_parts
from votewise.sources.vote_texts import VoteTexts

MODELS = ("models", "generation_models", "response_models", "model_names")


def is_ranked(rows: Rows) -> bool:
    """Tell whether the first rows hold a list of answers and an order among them, and no chosen and rejected one."""
    name = list_column(rows.table)
    if name is None or rows.has("rejected"):
        return False
    return find_order(rows.table, name) is not None or find_people_orders(rows, name) is not None


def refuse_orders_in_doubt(rows: Rows) -> None:
    """Refuse a list of answers with lists of numbers beside it whose meaning is open, with the options that say it."""
    name = list_column(rows.head)
    if name is not None and not rows.has("rejected"):
        refuse_open_orders(rows, name)


def read_ranked(rows: Rows) -> Canonical:
    """Read every two answers of different ranks or scores as one vote for the better one, or the best against each other."""
    name, order = _found(rows)
    by_people = order if isinstance(order, PeopleOrders) else None
    people = None if by_people is not None else people_column(rows, taken=(name,))
    who = people_by_row(rows, people)
    taken = {name, *order.columns, *((people,) if people else ())}
    more = values_beside(rows)
    parts = find_parts(rows, taken | set(more))
    use_parts(rows, parts)
    here = list(_asked(rows, parts, name)) if rows.source.stand_ins is None else None
    # All rows are looked at before it is known whether some talk: all faults are noted.
    every = _asked(rows, parts, name) if here is None else here
    talks = sum(not isinstance(value, str) for asked in every for value in asked.texts if value is not None) > 0
    models = _models(rows, name)
    answers: Sequence[list[Any]] = MappedValues(rows.values(name), lambda value: listed(value) or [])
    orders = judged(rows, order, answers, who, models)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    skipped = several = 0
    for i, asked in enumerate(_asked(rows, parts, name) if here is None else here):
        if not rows.ok[i]:
            continue
        texts = _texts(rows, i, name, asked.answers, talks) if any(couples for _, couples in orders[i]) else []
        skipped += not orders[i]
        for number, (person, couples) in enumerate(orders[i]):
            skipped += not couples
            several += len(couples) > 1
            shared = {"row": i, "annotator": person or UNKNOWN, **{n: column[i] for n, column in more.items()}}
            if len(couples) > 1:
                shared["judgement"] = f"{i}.{number}" if by_people is not None else str(i)
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


def _found(rows: Rows) -> tuple[str, Order | PeopleOrders]:
    """The column of the answers, and where their order is."""
    name = list_column(rows.head)
    by_people = None if name is None else find_people_orders(rows, name)
    alone = None if name is None else find_order(rows.head, name)
    order: Order | PeopleOrders | None = by_people or alone
    if by_people is not None and alone is not None and alone.column not in by_people.columns:
        own = rows.source_column(alone.column)
        raise rows.fail(
            f"holds several people's orders beside the one in '{own}'",
            column=by_people.columns[0],
            expected=" ".join(column_option(rows.source_column(n), "") for n in by_people.columns)
            + f" if '{own}' counts"
            + (f", {column_option(own, '')} if theirs do" if alone.column != name else ""),
        )
    if name is None or order is None:
        raise rows.fail(
            "has no list of answers with an order among them",
            expected="a column of answers, and one of ranks, scores or the best one: --columns ranks=NAME, "
            "--columns scores=NAME or --columns best=NAME",
        )
    return name, order


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


def _models(rows: Rows, name: str) -> Models:
    """The models' names of each row's answers; None where they are not known."""
    column = next((n for n in rows.table.column_names if plain_name(n) in MODELS), None)
    apart = rows.values(column) if column is not None else [None] * len(rows)
    found: Models = []
    for value, beside in zip(rows.values(name), apart, strict=True):
        inside = [named(get(answer, "model")) for answer in listed(value) or []]
        names = listed(beside)
        known = names is not None and len(names) == len(inside)
        found.append(inside if any(inside) else [named(n) for n in names or ()] if known else None)
    return found


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


def _said(rows: Rows, order: Order | PeopleOrders, name: str) -> str:
    """What the comparisons are made of, in words."""
    if isinstance(order, PeopleOrders):
        own = ", ".join(rows.source_column(column) for column in order.columns)
        return f"Votes are about the answers in '{name}', by each person's order in: {own}."
    own = rows.source_column(order.column)
    where = f"'{order.key}' in '{own}'" if order.key else f"the column '{own}'"
    words: Mapping[str, str] = {
        "ranks": "a lower rank is better", "scores": "a higher score is better", "marks": "a chosen answer is better",
        ORDER: "the best one is first", "best": "the one named there is better than each other one",
    }  # fmt: skip
    if any(note.startswith(f"'{own}' names the answers") for note in rows.notes):
        return f"Votes are about the answers in '{name}', by {where}."
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
