"""One prompt and several answers with ranks: every two answers of different rank are a comparison, all by one judgement."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from votewise.data.votes import UNKNOWN
from votewise.sources.canonical import Canonical, from_votes, said
from votewise.sources.format import Format
from votewise.sources.messages import conversation
from votewise.sources.nested import amount, get
from votewise.sources.people import people_column
from votewise.sources.prompt_parts import find_parts, prompts_of
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

LISTS = ("completions", "responses", "answers", "outputs", "candidates")
ANSWERS = ("completion", "response", "answer", "output", "text", "content", "message", "messages")
JUDGEMENT = "One ranking gives several comparisons, marked as one judgement: they are not independent votes."


def is_ranked(table: Any) -> bool:
    """Tell whether the first rows hold a list of answers with ranks."""
    name = _list_column(table.column_names)
    if name is None:
        return False
    values = [value for value in decoded(table.slice(0, 5), name) if value]
    return bool(values) and all(
        isinstance(v, list) and all(isinstance(get(a, "rank"), int | float) for a in v) for v in values
    )


def read_ranked(rows: Rows) -> Canonical:
    """Read every two answers of different ranks as one vote for the one of the lower rank."""
    name = str(_list_column(rows.table.column_names))
    people = people_column(rows, taken=(name,))
    who = [None] * len(rows) if people is None else rows.identifier(people, null=True).to_pylist()
    parts = find_parts(rows, {name, *((people,) if people else ())})
    prompts = prompts_of(rows, parts)
    votes: list[dict[str, Any]] = []
    several = False
    for i, answers in enumerate(rows.values(name)):
        ranked = []
        for answer in answers if isinstance(answers, list) else ():
            text, rank = _text(answer), amount(get(answer, "rank"))
            if text is None or rank is None:
                rows.reject(i, "is not an answer with a rank", column=name, value=answer, expected="a text and a rank")
                break
            ranked.append((rank, text))
        couples = [(x, y) if x[0] < y[0] else (y, x) for x, y in combinations(ranked, 2) if x[0] != y[0]]
        several |= len(couples) > 1
        prompt = said(prompts[i], "user") if isinstance(prompts[i], str) else prompts[i]
        votes += [
            {
                "row": i,
                "annotator": who[i] or UNKNOWN,
                "label": "a",
                "prompt": prompt,
                "response_a": a[1],
                "response_b": b[1],
            }
            for a, b in couples
        ]
    return from_votes(rows, votes, shown=False, notes=(JUDGEMENT,) if several else ())


def _list_column(names: list[str]) -> str | None:
    return next((name for name in LISTS if name in names), None)


def _text(answer: Any) -> Any:
    value = next((get(answer, key) for key in ANSWERS if get(answer, key) is not None), None)
    return said(value) if isinstance(value, str) else conversation(value)


RANKED = Format("ranked", "one prompt and a list of answers with ranks", (("*",),), read_ranked, looks=is_ranked)
