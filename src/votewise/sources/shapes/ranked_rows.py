"""One answer per row with its rank, the prompt repeated in the rows of all its answers."""

from __future__ import annotations

import pyarrow as pa

from votewise.errors import BadInputError, many
from votewise.sources.answer_lists.answer_orders import ANSWERS, place
from votewise.sources.answer_lists.ranked_together import check_rankings, ranked_together
from votewise.sources.answer_lists.rankings import NOTE, by_places
from votewise.sources.canonical import BESIDE, JUDGEMENT, Canonical, from_votes, values_beside
from votewise.sources.cells import is_string
from votewise.sources.couple_texts import CoupleTexts
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.meanings.result_columns import answer_columns
from votewise.sources.nested import named
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.texts.prompt_parts import Parts, find_parts, use_parts
from votewise.sources.values import decoded

ONE = (*ANSWERS, "model_response", "model_output", "model_answer", "candidate", "reply")
RANKS = ("ranks", "rank", "human_rank", "preference_rank", "overall_rank", "ranking")
SCORES = ("scores",)
"""Scores count only where they are asked for: each may be somebody else's, about the one answer alone."""
MODELS = ("model", "model_name", "model_id", "generator")

Couple = tuple[int, int, bool]
"""Rows of the worse and of the better answer, and whether they are equal."""


def find_ranked_rows(rows: Rows) -> tuple[str, str, str] | None:
    """The columns of the answer and of its number, and the kind of numbers: ``ranks`` or ``scores``; None without them."""
    plain = {plain_name(name): name for name in rows.head.column_names}
    answers = [plain[name] for name in ONE if name in plain and _may_be_answer(rows, plain[name])]
    if not answers or rows.has("rejected") or answer_columns(rows.head) is not None:
        return None
    told = next((name for name in SCORES if name in rows.renames), None)
    if told is not None:
        return answers[0], told, "scores"
    found = next(
        (plain[n] for n in RANKS if n in plain and plain[n] != answers[0] and _holds_numbers(rows, plain[n])), None
    )
    return None if found is None else (answers[0], found, "ranks")


def read_ranked_rows(rows: Rows) -> Canonical:
    """Read every two answers to one prompt, by one person, as one vote for the one of the lower rank.

    A vote belongs to the row of the worse answer.
    """
    found = find_ranked_rows(rows)
    if found is None:
        raise rows.fail("has no answers with a rank each", expected="the columns prompt, response and rank")
    answer, number, kind = found
    people = people_column(rows, taken=(answer, number))
    who = people_by_row(rows, people)
    more = values_beside(rows, (JUDGEMENT, *BESIDE))
    parts = find_parts(rows, {answer, number, *more, *((people,) if people else ())}, (answer,))
    use_parts(rows, parts)
    rows.use(answer, "answers")
    rows.use(number, "label")
    texts = CoupleTexts(rows, parts, answer)
    numbers = rows.number(number).tolist()
    # NaN stands for an answer without a number.
    given = [None if value != value else value for value in numbers]
    groups = ranked_together(rows, list(zip(texts.asked, who, more.get(JUDGEMENT, who), strict=True)))
    if all(len(members) == 1 for members in groups):
        raise _alone(rows, parts, number, people)
    check_rankings(
        rows, [[(i, given[i]) for i in members] for members in groups], number, kind, texts.answers, JUDGEMENT in more
    )
    couples: list[tuple[Couple, str | None]] = []
    alone = 0
    for members in groups:
        here = by_places([place(given[i], kind) for i in members])
        alone += 0 if here else len(members)
        mark = str(members[0]) if len(here) > 1 else None
        couples += [((members[worse], members[better], tie), mark) for better, worse, tie in here]
    if not couples:
        raise _alone(rows, parts, number, people)
    models = _models(rows)
    votes = [
        {"row": worse, "annotator": who[worse], "label": "tie" if tie else "a", "judgement": mark}
        | {name: column[worse] for name, column in more.items() if name != JUDGEMENT}
        | {"model_a": models[better], "model_b": models[worse]}
        for (worse, better, tie), mark in sorted(couples)
    ]
    votes = texts.added(votes, [better for (_, better, _), _ in sorted(couples)])
    better = "lower rank" if kind == "ranks" else "higher score"
    notes = [f"Votes are about '{rows.source_column(answer)}' of rows with one prompt, by the column "
             f"'{rows.source_column(number)}': a {better} is better."]  # fmt: skip
    notes += [NOTE] if any(mark for _, mark in couples) else []
    notes += [f"Annotators are taken from the column '{people}'."] if people not in (None, "annotator") else []
    notes += [f"Skipped: {many(alone, 'answer')} that nothing can be compared with."] if alone else []
    return from_votes(rows, votes, shown=False, skipped=alone, notes=notes, guarded=True)


def _alone(rows: Rows, parts: Parts, number: str, people: str | None) -> BadInputError:
    """The refusal of a table in which no two answers can be compared."""
    more = [name for name in (*parts.columns, people) if name is not None and name != parts.prompt]
    left_out = [column_option(rows.source_column(name), "") for name in more]
    return rows.fail(
        "has no two answers with a rank each to one prompt" + (" by one person" if people is not None else ""),
        column=number,
        expected="several rows for each prompt"
        + (f"; {' or '.join(left_out)} if that differs between the answers to one prompt" if left_out else ""),
    )


def _models(rows: Rows) -> list[str | None]:
    plain = {plain_name(name): name for name in rows.table.column_names if name not in rows.roles}
    name = next((plain[n] for n in MODELS if n in plain), None)
    return [None] * len(rows) if name is None else [named(value) for value in rows.values(name)]


def _may_be_answer(rows: Rows, name: str) -> bool:
    kind = rows.type_of(name)
    return bool(is_string(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind))


def _holds_numbers(rows: Rows, name: str) -> bool:
    values = [value for value in decoded(samples(rows, [name], 20), name) if value not in (None, "")]
    return bool(values) and all(place(value, "ranks") is not None for value in values)


RANKED_ROWS = Format(
    "ranked-rows",
    "one answer per row with its rank, and the prompt in each",
    (("*",),),
    read_ranked_rows,
    looks=lambda rows: find_ranked_rows(rows) is not None,
    general=True,
    leaves_texts=True,
)
