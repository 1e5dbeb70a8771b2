"""How a worker of a human evaluation job compares two models' answers, in any of the ways there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from votewise.sources.answer_lists.answer_orders import place
from votewise.sources.answer_lists.rankings import Couples, by_best, by_places
from votewise.sources.meanings.label_words import NEUTRAL, meant_by
from votewise.sources.nested import get, named
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows

RESULT = "humanEvaluationResult"
CHOICE, RANK, SCALE = "comparisonChoice", "comparisonRank", "comparisonLikertScale"


def comparisons(answer: Any) -> Iterator[tuple[str, Any]]:
    """The kind and the entry of everything in which a worker compares answers."""
    given = get(answer, "answerContent", "evaluationResults")
    for kind in (CHOICE, RANK, SCALE):
        for entry in listed_in(get(given, kind)):
            yield kind, entry


def listed_in(value: Any) -> list[Any]:
    """The entries of a list, none of anything else."""
    return value if isinstance(value, list) else []


def couples_of(rows: Rows, row: int, where: str, kind: str, entry: Any, ids: list[str]) -> Couples | None:
    """The comparisons of one entry by the models' places in ``ids``, empty without a result; None where it is not clear."""
    result = get(entry, "result")
    if result is None:
        return []
    if kind == CHOICE:
        best = named(get(result, "modelResponseId"))
        if best in ids:
            rows.tell(RESULT, f"{CHOICE} {best}", "a" if best == ids[0] else "b")
            return by_best(len(ids), ids.index(best))
        return [] if best is None else _unknown(rows, row, where, result, f"one of {', '.join(ids)}")
    if kind == RANK:
        places = {named(get(item, "modelResponseId")): place(get(item, "rank"), "ranks") for item in listed_in(result)}
        if not set(places) <= set(ids) or None in places.values() or len(places) < len(listed_in(result)):
            return _unknown(rows, row, where, result, "a rank for each model")
        return by_places([places.get(key) for key in ids])
    sides = [named(get(entry, f"{side}ModelResponseId")) for side in ("left", "right")]
    if not set(sides) <= set(ids) or sides[0] == sides[1]:
        return _unknown(rows, row, where, entry, "leftModelResponseId and rightModelResponseId")
    meaning = meant_by(result, rows.labels, {})
    if meaning is None:
        option = label_option(str(result))
        expected = f"{option} if it prefers the left answer (b, tie, both_bad, skip), as the job's scale says"
        return _unknown(rows, row, where, result, expected)
    rows.tell(RESULT, str(result), meaning)
    if meaning in ("both_bad", "both_good", "skip"):
        rows.meanings[meaning] += 1
    a, b = (ids.index(str(side)) for side in sides)
    return [] if meaning == "skip" else [(b, a, False)] if meaning == "b" else [(a, b, meaning in NEUTRAL)]


def _unknown(rows: Rows, row: int, where: str, value: Any, expected: str) -> Couples | None:
    rows.reject(row, "is not understood", column=where, value=value, expected=expected, whole=False)
    return None
