"""Where scores come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from votewise.errors import BadInputError
from votewise.score.scorer import ModelOptions, Scorer


@dataclass(frozen=True)
class RewardModel:
    """A sequence classifier with one output: the score is that output."""

    model: str
    options: ModelOptions = field(default_factory=ModelOptions)

    def settings(self) -> dict[str, Any]:
        """What the scores depend on. Not the batch size: it changes them by rounding only."""
        return {"reward_model": self.model, "dtype": self.options.dtype, "chat": self.options.chat}

    def models(self) -> dict[str, str]:
        """The models that are run, by what they are."""
        return {"reward model": self.model}

    def scorer(self, model: str) -> Scorer:
        """What runs one of them."""
        from votewise.score.reward import RewardScorer

        return RewardScorer(model, self.options)

    def combine(self, scores: Sequence[float]) -> float:
        """An answer's score from what the models gave it."""
        return scores[0]


@dataclass(frozen=True)
class ImplicitReward:
    """The implicit reward of DPO: beta (log pi(y | x) - log ref(y | x)), summed over the answer's tokens [DPO eq. 5].

    The margin is then DPO's own, beta (delta - delta_ref). Policy and reference are run one after the other, so that only
    one of them is in memory.
    """

    policy: str
    reference: str
    beta: float = 0.1
    options: ModelOptions = field(default_factory=ModelOptions)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.beta) and self.beta > 0):
            raise BadInputError("no factor", source="--beta", value=self.beta, expected="above 0")

    def settings(self) -> dict[str, Any]:
        """What the scores depend on, but for beta, which comes in at the end, and the batch size."""
        chosen = {"dtype": self.options.dtype, "chat": self.options.chat}
        return {"policy": self.policy, "reference": self.reference, **chosen}

    def models(self) -> dict[str, str]:
        """The models that are run, by what they are."""
        return {"policy": self.policy, "reference": self.reference}

    def scorer(self, model: str) -> Scorer:
        """What runs one of them."""
        from votewise.score.implicit import LogProbabilities

        return LogProbabilities(model, self.options)

    def combine(self, scores: Sequence[float]) -> float:
        """An answer's score from what the models gave it."""
        policy, reference = scores
        return self.beta * (policy - reference)


@dataclass(frozen=True)
class ColumnScores:
    """Scores that the table has already."""

    a: str = "score_a"
    b: str = "score_b"

    def settings(self) -> dict[str, Any]:
        """What the scores depend on."""
        return {"columns": [self.a, self.b]}


ScoreSource = RewardModel | ImplicitReward | ColumnScores


def describe(source: ScoreSource) -> dict[str, Any]:
    """A source as JSON values, for a summary."""
    return {"kind": type(source).__name__, **asdict(source)}
