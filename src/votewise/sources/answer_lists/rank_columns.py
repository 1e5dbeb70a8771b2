"""Columns of answers with a column for the rank or the score of each: ``rank_1`` of ``answer_1``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from votewise.sources.answer_lists.answer_orders import Order, find_order, place
from votewise.sources.meanings.column_names import answer_fields, plain_name
from votewise.sources.meanings.result_columns import answer_columns
from votewise.sources.meanings.scores_as_votes import ends_of
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.values import decoded

KINDS = {"rank": "ranks", "ranking": "ranks", "score": "scores", "rating": "scores", "overall_score": "scores"}
"""Words of the columns' names -> what they hold; ranks go first."""
MOST_SCORED = 2
"""Answers whose scores are read as one vote by another format."""
RIGHT = ("label", "labels")
"""Columns that may name the right one of several answers, as in a quiz."""
FORMS = ("{word}_{end}", "{word}{end}", "{answer}_{word}", "{word}_{answer}", "{end}_{word}")


@dataclass(frozen=True)
class Ranked:
    """Columns of answers, and where the order among them is.

    Attributes:
        answers: the columns of the answers.
        ends: what tells their names apart at the end.
        numbers: the columns of their numbers in the same order; empty where one column says which is better.
        word: the word in the names of these columns.
        order: the one column that says it.
    """

    answers: tuple[str, ...]
    ends: tuple[str, ...]
    numbers: tuple[str | None, ...] = ()
    word: str = ""
    order: Order | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the names of the columns alone say this; one that names the best of them may be about two as well."""
        return self.order is None or self.order.kind != "best"


def find_ranked_columns(rows: Rows) -> Ranked | None:
    """Find columns of answers with a column of ranks, or of three scores and more; None where there are none."""
    couple = answer_columns(rows.head)
    ends = None if couple is None else ends_of(*couple)
    if couple is None or ends is None:
        return None
    stem = plain_name(couple[0]).removesuffix(ends[0])
    fields = [name for name in answer_fields(rows.head.column_names, couple) if plain_name(name).startswith(stem)]
    answers = tuple(name for name in fields if rows.table.column(name).null_count < len(rows))
    found = tuple(plain_name(name).removeprefix(stem).strip("_") for name in answers)
    for word, kind in KINDS.items():
        numbers = _numbers(rows, word, answers, found)
        if sum(name is not None for name in numbers) > 1 and (kind == "ranks" or len(answers) > MOST_SCORED):
            return Ranked(answers, found, numbers, word)
    order = find_order(rows.head.drop_columns(list(answers)), None) if len(answers) > MOST_SCORED else None
    return None if order is None or plain_name(order.column) in RIGHT else Ranked(answers, found, order=order)


def _numbers(rows: Rows, word: str, answers: Sequence[str], ends: Sequence[str]) -> tuple[str | None, ...]:
    """The column of each answer's number, None where there is none."""
    plain = {plain_name(name): name for name in rows.head.column_names if name not in answers}
    for form in FORMS:
        names = [
            plain.get(form.format(word=word, end=end, answer=plain_name(answer)))
            for answer, end in zip(answers, ends, strict=True)
        ]
        if sum(name is not None for name in names) > 1:
            return tuple(name if name is not None and _holds_numbers(rows, name) else None for name in names)
    return ()


def complete(rows: Rows, found: Ranked) -> tuple[str, ...]:
    """The columns of numbers, one for every answer.

    Raises:
        BadInputError: an answer has none.
    """
    known = tuple(name for name in found.numbers if name is not None)
    if len(known) < len(found.answers):
        without = found.answers[found.numbers.index(None)]
        own = rows.source_column(without)
        raise rows.fail(
            f"has no {found.word}, beside {', '.join(map(rows.source_column, known))}",
            column=without,
            expected=f"a {found.word} for every answer; {column_option(own, '')} compares the others",
        )
    return known


def _holds_numbers(rows: Rows, name: str) -> bool:
    values = [value for value in decoded(samples(rows, [name], 20), name) if value is not None]
    return bool(values) and all(place(value, "ranks") is not None for value in values)
