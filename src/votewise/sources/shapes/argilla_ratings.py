"""Argilla's rating questions: one for each of two answers is a vote, one about a record as a whole is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from votewise.sources.cells import is_real
from votewise.sources.nested import named
from votewise.sources.rows import Rows
from votewise.sources.shapes.argilla_records import Response, questions_of, responses_of

ABOUT_ONE = re.compile(r".*(rating|rate|score|quality|confidence|likert|difficulty|grade|stars).*", re.IGNORECASE)
"""Names of questions whose numbers are no names of answers."""


def rating_couples(rows: Rows) -> dict[str, tuple[str, str]]:
    """The questions that rate the two answers, ``rating_1`` and ``rating_2``, by what both are about."""
    ends: dict[str, list[str]] = {}
    for question in questions_of(rows):
        stem = re.sub(
            r"[\s_.-]*(response|answer|output|completion)?[\s_.-]*(a|b|left|right|one|two|\d+)$", "", question
        )
        if stem and stem != question and _is_numeric(rows, question):
            ends.setdefault(stem, []).append(question)
    return {stem: (sorted(two)[0], sorted(two)[1]) for stem, two in ends.items() if len(two) == 2}


def names_answers(question: str, values: Sequence[Any]) -> bool:
    """Whether numbers in the answers to a question may name the better answer rather than rate something."""
    return not any(is_real(value) for value in values) or ABOUT_ONE.fullmatch(question) is None


def rated(rows: Rows, couple: tuple[str, str], names: Sequence[str]) -> list[list[Response]]:
    """The ratings of two answers as rankings, one per record and user who rated both."""
    found = []
    for one, other in zip(*(responses_of(rows, question) for question in couple), strict=True):
        seconds: Mapping[str | None, Response] = {named(r.user): r for r in other if r.status == "submitted"}
        given = []
        for response in one:
            second = seconds.get(named(response.user))
            if second is None or not (is_real(response.value) and is_real(second.value)):
                continue
            places = [int(response.value < second.value), int(second.value < response.value)]
            order = [{"value": name, "rank": place} for name, place in zip(names, places, strict=True)]
            given.append(Response(order, response.user, response.status, response.where))
        found.append(given)
    return found


def _is_numeric(rows: Rows, question: str) -> bool:
    values = [r.value for found in responses_of(rows, question) for r in found if r.value is not None]
    return bool(values) and all(is_real(value) for value in values)
