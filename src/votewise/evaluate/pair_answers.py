"""Answers of two models, from two files or from one -> contests on the prompts that both answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from votewise.data.contests import Contests, Text
from votewise.errors import BadInputError, shorten
from votewise.evaluate.answers import PROMPT, Answers, plain_text, prompt_key, texts
from votewise.sources.opening import load
from votewise.sources.rows import Rows


def pair_answers(a: Answers, b: Answers) -> Contests:
    """Put the answers of two models to the same prompts side by side, in the order of ``a``.

    Raises:
        BadInputError: one model only, or no prompt that both answered.
    """
    if a.model == b.model:
        raise BadInputError(
            f"both answers are by model '{a.model}'", source=b.source, expected="two models with names of their own"
        )
    place = {prompt_key(prompt): row for row, prompt in enumerate(b.prompts)}
    keys = [prompt_key(prompt) for prompt in a.prompts]
    shared = [row for row, key in enumerate(keys) if key in place]
    if not shared:
        raise BadInputError(
            f"no prompt of {a.source} is among these",
            source=b.source,
            expected="two files with answers to the same prompts",
        )
    other = [place[keys[row]] for row in shared]
    answers_a, answers_b = [a.answers[row] for row in shared], [b.answers[row] for row in other]
    domain = [a.domain[row] for row in shared] if a.domain is not None else None
    if domain is None and b.domain is not None:
        domain = [b.domain[row] for row in other]
    left_out = Counter(
        {
            f"answered by {a.model} only": len(a) - len(shared),
            f"answered by {b.model} only": len(b) - len(shared),
            f"{a.model} failed to answer": a.failed,
            f"{b.model} failed to answer": b.failed,
            "unusable rows": a.skipped + (b.skipped if b.source != a.source else 0),
        }
    )
    return Contests(
        model_a=a.model,
        model_b=b.model,
        prompt=np.arange(len(shared)),
        prompts=[a.prompts[row] for row in shared],
        answers_a=answers_a,
        answers_b=answers_b,
        length_a=characters(answers_a),
        length_b=characters(answers_b),
        domain=domain,
        ids={name: [values[row] for row in shared] for name, values in a.ids.items()},
        left_out=+left_out,
    )


def characters(answers: Sequence[Text]) -> npt.NDArray[np.float64]:
    """(n,) lengths of answers in characters."""
    return np.array([len(plain_text(answer)) for answer in answers], np.float64)


def codes(prompts: Sequence[Text]) -> npt.NDArray[np.int64]:
    """(n,) a code for each prompt, equal for equal prompts, numbered as they appear."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(prompt_key(prompt), len(seen)) for prompt in prompts], np.int64)


def with_difficulty(contests: Contests, source: Any) -> Contests:
    """The contests with the difficulty of their prompts, from a table with a column ``difficulty``.

    Prompts are found by the first column that both have: ``prompt_index``, ``prompt_id``, or the prompt itself under
    ``prompt`` or ``instruction``.

    Raises:
        BadInputError: no such columns, a prompt that is missing or there twice, a difficulty that is no number.
    """
    rows = Rows(load(source))
    if not rows.has("difficulty"):
        raise rows.fail("has no column 'difficulty'", expected=f"one; found: {', '.join(rows.table.column_names)}")
    values = rows.number("difficulty")
    rows.reject_where(np.isnan(values), "is no number", column="difficulty", expected="a number")
    named = [name for name in contests.ids if rows.has(name)]
    by_text = [name for name in PROMPT if rows.has(name)]
    if not named and not by_text:
        raise rows.fail(
            "does not say which prompts it is about", expected=f"a column {', '.join([*contests.ids, 'prompt'])}"
        )
    column = [*named, *by_text][0]
    theirs = list(map(str, rows.values(column))) if named else list(map(prompt_key, texts(rows, column)))
    ours = list(map(str, contests.ids[column])) if named else list(map(prompt_key, contests.prompts))
    known: dict[str, float] = {}
    for row, (key, value) in enumerate(zip(theirs, values.tolist(), strict=True)):
        if known.setdefault(key, value) != value:
            rows.reject(row, "has two difficulties", column=column, value=key, expected="one for each prompt")
    missing = [key for key in ours if key not in known]
    if missing:
        raise rows.fail(
            f"lacks the difficulty of {len(missing):,} of {len(ours):,} contests, the first with {column} "
            f"{shorten(missing[0])}",
            expected="one for each prompt",
        )
    return replace(contests, difficulty=np.array([known[key] for key in ours], np.float64))
