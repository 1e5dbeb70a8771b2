"""Lists of answers in one row, and where the row says which of them are better: ranks, scores, or the best one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.sources.answer_lists.rankings import listed
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.nested import amount, get
from votewise.sources.values import decoded

LISTS = (
    "completions", "responses", "answers", "outputs", "candidates", "generations", "summaries", "replies", "samples",
    "model_responses", "model_outputs",
)  # fmt: skip
ANSWERS = (
    "completion",
    "response",
    "answer",
    "output",
    "text",
    "summary",
    "generation",
    "content",
    "message",
    "messages",
)
RANKS = ("ranks", "rank", "ranking", "rankings")
SCORES = ("scores", "score", "ratings", "rating", "rewards", "overall_scores", "overall_ratings")
BEST = (
    "best_from_0", "best_from_1", "best", "best_index", "best_idx", "best_id", "best_answer", "best_response",
    "chosen_index", "chosen_idx", "chosen_id", "chosen", "preferred", "preferred_index", "preferred_idx", "choice",
    "choice_index", "selected", "selected_index", "selected_idx", "winner", "winner_index", "winner_idx", "pick", "picked",
    "preference", "label",
)  # fmt: skip
MARKS = ("chosen", "is_chosen", "if_chosen", "is_best", "best", "preferred", "is_preferred", "selected", "is_selected")
NET_SCORES = ("pm_score", "net_score", "vote_score")
"""Scores that count more than the mark of one answer: they hold it already."""
INSIDE_SCORES = (
    "overall_score", "fine-grained_score", "fine_grained_score", "overall_rating", "score", "upvotes", "rating", "reward",
)  # fmt: skip
ORDER = "best_first"
"""The name under which ``--columns`` gives a list of the answers from the best to the worst."""
SPELT = re.compile(r"[^<>=≻≈~]+([>≻=≈~]+[^<>=≻≈~]+)+")
"""An order of answers in a text: ``B > A = C``."""
SAMPLE = 20


@dataclass(frozen=True)
class Order:
    """Where a row says which answers are better.

    Attributes:
        kind: ``ranks`` (1 is better than 2), ``scores`` (2 is better than 1), ``marks`` (of the chosen ones), ``best_first``
            (a list in order) or ``best`` (one of them).
        column: the column that has it; the answers' own column where it stands in each answer.
        key: its name in each answer, or None where it has a column of its own.
    """

    kind: str
    column: str
    key: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column that has it."""
        return (self.column,)


def list_column(table: pa.Table) -> str | None:
    """The column with the lists of answers, at least two in some row; None where there is none.

    A few values that are no lists are faults of their rows.
    """
    plain: dict[str, str] = {plain_name(name): name for name in table.column_names}
    for name in LISTS:
        values = [] if name not in plain else [listed(v) for v in _sample(table, plain[name])]
        found = [v for v in values if v is not None]
        if found and 2 * len(found) >= len(values) and max(map(len, found)) > 1 and _mostly_answers(found):
            return plain[name]
    return None


def find_order(table: pa.Table, answers: str | None) -> Order | None:
    """Where the order of these answers is: ranks first, then the best one, then scores; None where nothing says it.

    ``answers`` is their column, None where they are in several, which the table lacks.
    """
    plain = {plain_name(name): name for name in table.column_names if name != answers}
    items = [] if answers is None else [item for value in _sample(table, answers) for item in listed(value) or []]

    def inside(keys: Sequence[str], fits: Any) -> str | None:
        for key in keys:
            values = [get(item, key) for item in items]
            known = [fits(v) for v in values if v is not None]
            # Marks may be anything but truths; a few ranks and scores in words are faults of their rows.
            if known and (all(known) or (fits is _number and 2 * sum(known) >= len(known))):
                return key
        return None

    def lists(names: Sequence[str]) -> str | None:
        return next(
            (plain[n] for n in names if n in plain and any(_is_order(v) for v in _sample(table, plain[n]))), None
        )

    if key := inside(("rank",), _number):
        return Order("ranks", str(answers), key)
    if name := lists((ORDER,)):
        return Order(ORDER, name)
    if name := lists(RANKS):
        return Order("ranks", name)
    if key := inside(NET_SCORES, _number):
        return Order("scores", str(answers), key)
    if key := inside(MARKS, lambda v: isinstance(v, bool)):
        return Order("marks", str(answers), key)
    if name := next((plain[n] for n in BEST if n in plain and _scalar(table, plain[n])), None):
        return Order("best", name)
    if key := inside(INSIDE_SCORES, _number):
        return Order("scores", str(answers), key)
    if name := lists(SCORES):
        return Order("scores", name)
    return None


def text_of(answer: Any) -> Any:
    """The text or the messages of an answer; None where there are none."""
    if not isinstance(answer, Mapping):
        return answer
    if "role" in answer:
        return answer
    return next((get(answer, key) for key in ANSWERS if get(answer, key) is not None), None)


def place(value: Any, kind: str) -> float | None:
    """A rank, or a score with its sign changed, as a place where less is better; None for anything else."""
    found = amount(float(value)) if isinstance(value, str) and _number(value) else amount(value)
    return None if found is None else -found if kind == "scores" else found


def _is_order(value: Any) -> bool:
    return bool(listed(value)) or (isinstance(value, str) and SPELT.fullmatch(value.strip()) is not None)


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _mostly_answers(found: Sequence[Sequence[Any]]) -> bool:
    fits = [all(map(_may_be_answer, answers)) for answers in found]
    return 2 * sum(fits) >= len(fits)


def _may_be_answer(value: Any) -> bool:
    found = text_of(value)
    return isinstance(found, str | list | dict) and not (isinstance(found, str) and _number(found))


def _scalar(table: pa.Table, name: str) -> bool:
    values = _sample(table, name)
    return bool(values) and all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in values)


def _sample(table: pa.Table, name: str) -> list[Any]:
    return [value for value in decoded(table.slice(0, SAMPLE), name) if value is not None]
