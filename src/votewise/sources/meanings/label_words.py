"""What values of labels mean by words that are known, and by what the user says: no rows are needed for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from votewise.errors import BadInputError
from votewise.sources.meanings.label_notations import word_of

MEANINGS = ("a", "b", "tie", "both_bad", "both_good", "skip")
"""What a value may mean. Both bad and both good count as ties, and skips as no votes; all are counted apart."""

NEUTRAL = {"tie": "tie", "both_bad": "tie", "both_good": "tie"}

LABELS: dict[str, str] = {
    **dict.fromkeys(
        (
            "a",
            "response_a",
            "response a",
            "model_a",
            "model a",
            "answer_a",
            "answer a",
            "completion_a",
            "winner_model_a",
            "left",
            "first",
        ),
        "a",
    ),
    **dict.fromkeys(
        (
            "b",
            "response_b",
            "response b",
            "model_b",
            "model b",
            "answer_b",
            "answer b",
            "completion_b",
            "winner_model_b",
            "right",
            "second",
        ),
        "b",
    ),
    **dict.fromkeys(("tie", "draw", "equal", "winner_tie"), "tie"),
    **dict.fromkeys(("both_bad", "both bad", "bothbad", "tie (bothbad)", "tie (both bad)"), "both_bad"),
    **dict.fromkeys(("both_good", "both good", "bothgood"), "both_good"),
    **dict.fromkeys(("skip", "skipped", "cancelled", "canceled"), "skip"),
}
"""What is understood without being told, in any case. Numbers are not: 0/1 and 1/2 are both in use."""


WINNERS: dict[str, str] = LABELS | {"tie (inconsistent)": "tie"}
"""What is read as the winner of two models' answers, beside notations."""

SIDES = {value: NEUTRAL.get(meaning, meaning) for value, meaning in WINNERS.items() if meaning != "skip"}
"""Winners as ``a``, ``b`` or ``tie`` alone, without skips."""


NAMED = "(an answer's text, or a model's name)"
"""Stands for values that name an answer in each row by what it says, or by who gave it."""


def parse_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Check what the user says about values: ``{"Left is better": "a", "neither": "skip"}``."""
    found = {}
    for value, meaning in (labels or {}).items():
        if meaning not in MEANINGS:
            raise BadInputError(
                "unknown meaning",
                parameter="label",
                value=f"{value}={meaning}",
                expected=f"{value}= and one of {', '.join(MEANINGS)}",
            )
        found[label_key(value)] = meaning
    return found


def meant_by(value: Any, labels: Mapping[str, str], known: Mapping[str, str]) -> str | None:
    """What one value means by what the user says (``labels``, see ``parse_labels``), then by words; None for neither."""
    key = label_key(str(value))
    return labels.get(key) or word_meaning(key, known) or labels.get(_whole(key))


def word_meaning(key: str, known: Mapping[str, str] = LABELS) -> str | None:
    """What a label, as ``label_key`` gives it, means by these words, also in a notation; None where nobody knows.

    Numbers may have been made floating, as happens to a column with missing values.
    """
    if key in known:
        return known[key]
    word = word_of(key)
    if word in NEUTRAL and known:
        return word
    return known.get(word) if word is not None else known.get(_whole(key))


def _whole(key: str) -> str:
    return key.removesuffix(".0") if key.removesuffix(".0").isdigit() else key


def label_key(value: str) -> str:
    """Bring a label to the form in which it is looked up."""
    return " ".join(value.split()).casefold()
