"""Contests between two models, and the verdicts of a judge on them.

A contest is one prompt with an answer of model A and an answer of model B. A judge gives each contest a preference from 0
(B's answer is better) to 1 (A's answer is better), where 1/2 is a tie, or no verdict at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats
from votewise.errors import BadInputError

Text = str | list[dict[str, str]]
"""A prompt or an answer: a text, or a conversation, which is a list of messages ``{role, content}``."""


@dataclass(frozen=True, eq=False)
class Contests:
    """n contests between model A, which is evaluated, and model B, the baseline.

    Attributes:
        model_a, model_b: names of the two models.
        prompt: (n,) code of each contest's prompt, 0 to the number of prompts - 1; equal prompts share a code.
        prompts: (n,) the prompts.
        answers_a, answers_b: (n,) the answers; None if only the verdicts on them are known.
        length_a, length_b: (n,) characters of the answers; None if unknown.
        domain: (n,) names of domains; None without domains.
        difficulty: (n,) difficulty of each prompt for the models, in log-odds; None if unknown.
        ids: column, like ``prompt_index`` -> (n,) names of the prompts; empty if there is no such column.
        left_out: reason -> how many prompts or rows did not become contests.
    """

    model_a: str
    model_b: str
    prompt: npt.NDArray[np.int64]
    prompts: Sequence[Text] = field(repr=False)
    answers_a: Sequence[Text] | None = field(default=None, repr=False)
    answers_b: Sequence[Text] | None = field(default=None, repr=False)
    length_a: Floats | None = field(default=None, repr=False)
    length_b: Floats | None = field(default=None, repr=False)
    domain: Sequence[str | None] | None = field(default=None, repr=False)
    difficulty: Floats | None = field(default=None, repr=False)
    ids: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.prompt)

    @property
    def n_prompts(self) -> int:
        """Number of different prompts."""
        return int(self.prompt.max()) + 1 if len(self.prompt) else 0

    @property
    def length_difference(self) -> Floats | None:
        """(n,) length of A's answer minus length of B's, in characters; None if unknown."""
        return None if self.length_a is None or self.length_b is None else self.length_a - self.length_b


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdicts of a judge on n contests.

    Attributes:
        judge: who judged, in words: ``reward model NAME``, ``column 'winner'``.
        preference: (n,) from 0 (B's answer is better) to 1 (A's answer is better); NaN where there is no verdict.
        problems: (n,) why there is no verdict; None where there is one.
        score_a, score_b: (n,) a reward model's scores; None for other judges.
        as_shown, as_swapped: (n,) preferences with A's answer shown first, and with B's answer shown first; None for judges
            that do not see an order.
        comments: (n,) what the judge wrote with A's answer shown first, and with B's answer shown first; None for judges
            that do not write.
        settings: name -> value of everything that the verdicts depend on.
    """

    judge: str
    preference: Floats = field(repr=False)
    problems: Sequence[str | None] = field(repr=False)
    score_a: Floats | None = field(default=None, repr=False)
    score_b: Floats | None = field(default=None, repr=False)
    as_shown: Floats | None = field(default=None, repr=False)
    as_swapped: Floats | None = field(default=None, repr=False)
    comments: Sequence[tuple[str | None, str | None]] | None = field(default=None, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.preference[np.isfinite(self.preference)]
        if len(known) and not ((known >= 0) & (known <= 1)).all():
            worst = known[(known < 0) | (known > 1)][0]
            raise BadInputError("a preference is outside [0, 1]", value=float(worst), expected="0 to 1, 0.5 for a tie")

    @property
    def judged(self) -> Bools:
        """(n,) whether there is a verdict."""
        return np.isfinite(self.preference)
