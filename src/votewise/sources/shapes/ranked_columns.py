"""Two answers and more in columns of their own, with a rank or a score in a column for each: ``rank_1`` of ``answer_1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from votewise.data.identity import ALSO
from votewise.errors import many
from votewise.sources.answer_lists.answer_orders import place
from votewise.sources.answer_lists.judged_rows import judged
from votewise.sources.answer_lists.rank_bounds import beyond
from votewise.sources.answer_lists.rank_columns import KINDS, Ranked, complete, find_ranked_columns
from votewise.sources.answer_lists.rankings import NOTE, Couples, by_places
from votewise.sources.canonical import Canonical, from_votes, values_beside
from votewise.sources.containers.left_values import MappedValues
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.nested import named
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.rows_part import parts_of
from votewise.sources.texts.one_kind import one_kind
from votewise.sources.texts.prompt_objects import holds_objects
from votewise.sources.texts.prompt_parts import Parts, find_parts, prompts_of, seen_of, use_parts
from votewise.sources.vote_texts import VoteTexts

MODELS = ("model", "model_name", "generator")


def is_ranked_columns(rows: Rows) -> bool:
    """Tell whether a table holds them, and nothing better and worse."""
    found = None if rows.has("rejected") else find_ranked_columns(rows)
    return found is not None and found.is_plain


def read_ranked_columns(rows: Rows) -> Canonical:
    """Read every two answers of different ranks as one vote for the better one."""
    found = find_ranked_columns(rows)
    if found is None:
        expected = "columns such as answer_1 and answer_2 with rank_1 and rank_2"
        raise rows.fail("has no columns of answers with a rank each", expected=expected)
    numbers = complete(rows, found) if found.order is None else found.order.columns
    people = people_column(rows, taken=(*found.answers, *numbers))
    who = people_by_row(rows, people)
    more = values_beside(rows)
    models = _models(rows, found)
    orders = _orders(rows, found, numbers, models)
    parts = find_parts(rows, {*found.answers, *numbers, *more, *((people,) if people else ())})
    use_parts(rows, parts)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    skipped = several = 0
    for i, (asked, seen, answers) in enumerate(_rows(rows, parts, found)):
        _check_answers(rows, i, found, answers, orders[i])
        couples = orders[i] if rows.ok[i] else []
        skipped += bool(rows.ok[i]) and not couples
        several += len(couples) > 1
        shared = {"row": i, "annotator": who[i], **{n: column[i] for n, column in more.items()}}
        shared |= {"judgement": str(i)} if len(couples) > 1 else {}
        for better, worse, tie in couples:
            p, a, b = one_kind(asked, answers[better], answers[worse])
            vote = shared | {"label": "tie" if tie else "a"}
            vote |= kept.keep({"prompt": p, "response_a": a, "response_b": b, ALSO: seen})
            votes.append(vote | {"model_a": models[i][better], "model_b": models[i][worse]})
    kept.finish()
    return from_votes(
        rows, votes, shown=False, skipped=skipped, notes=_notes(found, numbers, people, skipped, several), guarded=True
    )


def _notes(found: Ranked, numbers: Sequence[str], people: str | None, skipped: int, several: int) -> list[str]:
    better = {"ranks": ": a lower rank is better", "scores": ": a higher score is better"}
    how = "" if found.order is not None else better[KINDS[found.word]]
    notes = [f"Votes are about {', '.join(found.answers)}, by {', '.join(numbers)}{how}."]
    notes += [NOTE] if several else []
    notes += [f"Annotators are taken from the column '{people}'."] if people not in (None, "annotator") else []
    notes += [f"Skipped: {many(skipped, 'row')} in which nothing says which answer is better."] if skipped else []
    return notes


def _orders(rows: Rows, found: Ranked, numbers: Sequence[str], models: list[list[str | None]]) -> list[Couples]:
    """The comparisons of each row, by the places of the answers."""
    if found.order is None:
        return [by_places(places) for places in _places(rows, found, numbers)]
    columns = [rows.values(name) for name in found.answers]
    answers: Sequence[list[Any]] = MappedValues(range(len(rows)), lambda i: [column[i] for column in columns])
    names = [plain_name(name) for name in found.answers], found.ends
    each = judged(rows, found.order, answers, [None] * len(rows), [list(row) for row in models], names)
    return [couples for row in each for _, couples in row]


def _places(rows: Rows, found: Ranked, numbers: Sequence[str]) -> list[list[float | None]]:
    """The place of each row's answers, less is better.

    Raises:
        BadInputError: a rank is greater than the number of answers, and nobody said that they are ranks.
    """
    kind = KINDS[found.word]
    columns = [rows.number(name).tolist() for name in numbers]
    for name in numbers:
        rows.use(name, "label")
    # NaN stands for an answer without a number.
    given = [[None if value != value else value for value in values] for values in zip(*columns, strict=True)]
    strange = beyond(given) if kind == "ranks" and not set(numbers) & set(rows.renames) else None
    if strange is not None:
        own = [rows.source_column(name) for name in numbers]
        ends = found.ends
        ranks, scores = (
            " ".join(column_option(f"{word}_{end}", name) for end, name in zip(ends, own, strict=True))
            for word in ("rank", "score")
        )
        raise rows.fail(
            f"holds ranks that are greater than the number of answers (row {rows.source.number(strange):,})",
            column=numbers[0],
            expected=f"{scores} if a higher number is better, {ranks} if a lower one is",
        )
    return [[place(value, kind) for value in values] for values in given]


def _models(rows: Rows, found: Ranked) -> list[list[str | None]]:
    """The names of each row's models, None where they are not known."""
    plain = {plain_name(name): name for name in rows.head.column_names}
    for word in MODELS:
        names = [plain.get(f"{word}_{end}") for end in found.ends]
        if all(name is not None for name in names):
            columns = [rows.values(str(name)) for name in names]
            return [[named(value) for value in values] for values in zip(*columns, strict=True)]
    return [[None] * len(found.answers)] * len(rows)


def _check_answers(rows: Rows, row: int, found: Ranked, answers: Sequence[Any], couples: Couples) -> None:
    """Note an answer that is compared and has no text."""
    for at in dict.fromkeys(i for better, worse, _ in couples for i in (better, worse)):
        if answers[at] in (None, []):
            name, expected = found.answers[at], "a text or messages"
            rows.reject(row, "is missing and has a rank", column=name, value=answers[at], expected=expected)


def _rows(rows: Rows, parts: Parts, found: Ranked) -> Iterator[tuple[Any, str | None, tuple[Any, ...]]]:
    """Prompt, what a model sees beside it, and the answers of every row; some are in memory at a time."""
    if parts.prompt is not None:
        holds_objects(rows, parts.prompt)
    for name in found.answers:
        rows.use(name, "answers")
    used = dict.fromkeys((*parts.columns, *found.answers))
    for part in parts_of(rows, used) if rows.source.stand_ins is not None else (rows,):
        seen = seen_of(part, parts) or [None] * len(part)
        answers = zip(*(part.values(name) for name in found.answers), strict=True)
        yield from zip(prompts_of(part, parts), seen, answers, strict=True)


RANKED_COLUMNS = Format(
    "ranked-columns",
    "several answers in columns of their own, with a rank or a score in a column for each",
    (("*",),),
    read_ranked_columns,
    looks=is_ranked_columns,
    general=True,
    leaves_texts=True,
)
