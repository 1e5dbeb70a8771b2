"""What an annotation of Label Studio says: which answer is better, by any of the controls that can say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from votewise.sources.meanings.label_words import LABELS, label_key
from votewise.sources.nested import amount, get
from votewise.sources.rows import Rows

VERDICTS = ("pairwise", "choices", "taxonomy", "ranker")
"""Kinds of results that may say which answer is better."""
SIDES = {"left": "a", "right": "b"}


def results_of(annotation: Any) -> list[Any]:
    """The results of an annotation, empty where there are none."""
    results = get(annotation, "result")
    return results if isinstance(results, list) else []


def question_of(rows: Rows, annotations: Iterable[Any]) -> str | None:
    """The control whose results count, where annotations answer several questions; None where there is none.

    Ratings count only where nothing else is a verdict: beside a choice they say how good an answer is.

    Raises:
        BadInputError: there are several, and none was asked for; or the one asked for is not there.
    """
    results = [result for annotation in annotations for result in results_of(annotation)]
    asked = dict.fromkeys(str(get(r, "from_name")) for r in results if get(r, "type") in VERDICTS)
    if not asked:
        asked = dict.fromkeys(_stem(get(r, "from_name")) for r in results if get(r, "type") == "rating")
    if rows.criterion is not None:
        rows.criterion_used = True
        if rows.criterion not in asked:
            raise rows.fail(
                f"asks no question '{rows.criterion}'", expected=f"--criterion and one of: {', '.join(asked)}"
            )
        return rows.criterion
    if len(asked) > 1:
        raise rows.fail(
            f"annotations answer several questions: {', '.join(asked)}",
            expected=f"one of them: --criterion {next(iter(asked))}",
        )
    return next(iter(asked), None)


def meanings_of(rows: Rows, names: Sequence[str]) -> dict[str, str]:
    """What a chosen value means: what the user says, the answers' own names, then our words."""
    own = dict(zip((_key(name) for name in names), "ab", strict=False)) if len(names) == 2 else {}
    return {_key(word): meaning for word, meaning in (LABELS | SIDES).items()} | own | _said(rows)


def chosen_value(result: Any) -> Any:
    """The value of a pairwise result, a choice or a taxonomy: a text, or the list that it is where it holds several."""
    value = get(result, "value")
    chosen = next((get(value, key) for key in ("selected", "choices", "taxonomy") if get(value, key) is not None), None)
    if get(result, "type") == "taxonomy" and isinstance(chosen, list):
        chosen = ["/".join(map(str, path)) if isinstance(path, list) else path for path in chosen]
    if isinstance(chosen, list):
        return ", ".join(map(str, chosen)) if chosen else None
    return chosen


def meaning_of_value(chosen: Any, meanings: Mapping[str, str]) -> str | None:
    """What a chosen value means; None where nobody knows."""
    return meanings.get(_key(chosen)) if isinstance(chosen, str) else None


def rated(results: Sequence[Any], question: str, names: Sequence[str]) -> list[float] | None:
    """The ratings of the two answers by one question; None where they are not rated, or it is open which is which."""
    found: dict[int, float] = {}
    for result in results:
        if get(result, "type") != "rating" or _stem(get(result, "from_name")) != question:
            continue
        number = amount(get(result, "value", "rating"))
        sides = [i for i, name in enumerate(names) if _about(result, name, names)]
        if number is None or len(sides) != 1 or sides[0] in found:
            return None
        found[sides[0]] = number
    return [found[0], found[1]] if len(found) == 2 else None


def ranked(result: Any) -> list[str] | None:
    """The answers' ids from the best to the worst; None where they are sorted into several buckets, or not at all."""
    value = get(result, "value", "ranker")
    if isinstance(value, dict):
        buckets = [ids for name, ids in value.items() if name != "_" and ids]
        value = buckets[0] if len(buckets) == 1 else None
    if not isinstance(value, list) or not value:
        return None
    return [str(item) for item in value]


def _about(result: Any, name: str, names: Sequence[str]) -> bool:
    """Whether a rating is of this answer: its text's control has the answer's name, or the rating's name its end."""
    target = _key(str(get(result, "to_name")))
    if target in {_key(n) for n in names}:
        return target == _key(name)
    ends = {n: re.sub(r".*?([0-9]+|[a-z]|left|right)$", r"\1", _key(n)) for n in names}
    return any(_key(str(get(result, key))).endswith(ends[name]) for key in ("to_name", "from_name"))


def _stem(name: Any) -> str:
    """A control's name without the end that says which answer it is about: ``quality`` of ``quality_1``."""
    return re.sub(r"[\s_.-]*(a|b|left|right|one|two|\d+)$", "", str(name)) or str(name)


def _said(rows: Rows) -> dict[str, str]:
    return {_key(value): meaning for value, meaning in rows.labels.items()}


def _key(label: str) -> str:
    return re.sub(r"[\s_-]", "", label_key(label))
