"""Answers of two models, from two files or from one -> contests on the prompts that both answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from votewise.data.contests import Contests, Text
from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.columns import plain_text, prompt_key


def pair_answers(a: Answers, b: Answers) -> Contests:
    """Pair the answers of two models to the same prompts, in the order of ``a``.

    Raises:
        BadInputError: there is only one model, or no prompt that both answered.
    """
    if a.model == b.model:
        raise BadInputError(
            f"both files have answers of model '{a.model}'", source=b.source, expected="two models with different names"
        )
    place = {prompt_key(prompt): row for row, prompt in enumerate(b.prompts)}
    keys = [prompt_key(prompt) for prompt in a.prompts]
    shared = [row for row, key in enumerate(keys) if key in place]
    if not shared:
        raise BadInputError(
            f"has no prompt in common with {a.source}",
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
    """(n,) a code for each prompt, equal for equal prompts, numbered in order of appearance."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(prompt_key(prompt), len(seen)) for prompt in prompts], np.int64)
