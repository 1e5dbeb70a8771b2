"""Which of several answers a column names as the best one: by its number, its letter, its model or its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from votewise.sources.answer_lists.answer_orders import text_of
from votewise.sources.meanings.label_words import LABELS, NEUTRAL, label_key
from votewise.sources.meanings.labels import meaning_of, refuse_label
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

TIE = -1

FROM = {"best_from_0": 0, "best_from_1": 1}
"""Names under which ``--columns`` says where numbers begin."""

SUMMARIES = ("info", "summaries", "choice", "worker")
"""Columns of openai/summarize_from_feedback, whose choice counts from 0."""


def best_answers(
    rows: Rows,
    column: str,
    answers: Sequence[list[Any]],
    models: list[list[str | None] | None],
    columns: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> list[int | None]:
    """The index of the best answer of each row, ``TIE`` where two are equal, None where there is no verdict.

    Where the answers are in ``columns``, the names of these and their ends name the answers.

    Raises:
        BadInputError: numbers may count from 0 or from 1, and no row tells which.
    """
    values = rows.labels_in(column, null=True).to_pylist()
    own = {label_key(name): i for names in columns for i, name in enumerate(names)}
    start = _start(rows, column, [value for value in values if value is None or label_key(value) not in own], answers)
    found: list[int | None] = []
    for i, value in enumerate(values):
        best = None
        if value is not None and value.strip() and answers[i]:
            index = _index(rows, value, answers[i], models[i], start, own)
            if isinstance(index, str):
                if rows.stop and rows.ok[i]:
                    refuse_label(rows, i, column, [value], "the number, the model or the text of one of the answers")
                rows.reject(i, "unknown label", column=column, value=value, expected="one of the answers")
            else:
                best = index
        found.append(best)
    return found


def _index(
    rows: Rows, value: str, answers: list[Any], models: list[str | None] | None, start: int, own: Mapping[str, int]
) -> int | str | None:
    """An index, ``TIE``, None for no verdict, or the value itself where it is not understood."""
    texts = [text_of(answer) for answer in answers]
    if label_key(value) not in rows.labels:
        if label_key(value) in own and value not in texts:
            return own[label_key(value)]
        if value in texts:
            return texts.index(value)
        if models is not None and models.count(value) == 1:
            return models.index(value)
        if value.strip().lstrip("-").isdigit():
            number = int(value) - start
            return number if 0 <= number < len(answers) else value
        letter = "abcdefghij".find(value.strip().casefold()) if len(value.strip()) == 1 else -1
        if 0 <= letter < len(answers):
            return letter
    meaning = meaning_of(rows, value, LABELS)
    if meaning == "skip" or (meaning in NEUTRAL and len(answers) > 2):
        return None
    if meaning in NEUTRAL:
        return TIE
    return value if meaning is None else "ab".index(meaning)


def _start(rows: Rows, column: str, values: list[str | None], answers: Sequence[list[Any]]) -> int:
    """Where numbers begin: 0 where some row says 0, 1 where some row says the number of its answers."""
    if column in FROM:
        return FROM[column]
    if rows.has(*SUMMARIES) and column == "choice":
        return 0
    known = set(rows.labels)
    numbers = [
        (i, int(value), len(answers[i]))
        for i, value in enumerate(values)
        if value is not None and value.strip().isdigit() and label_key(value) not in known and answers[i]
    ]
    if not numbers or any(number == 0 for _, number, _ in numbers):
        return 0
    if any(number >= many for _, number, many in numbers):
        return 1
    own = rows.source_column(column)
    raise rows.fail(
        "it is open whether its numbers count the answers from 0 or from 1",
        column=column,
        expected=f"{column_option('best_from_0', own)} or {column_option('best_from_1', own)}",
    )
