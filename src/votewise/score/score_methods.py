"""How answers get scores: from a reward model, a policy and its reference, or columns."""

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
        """What the scores depend on. Not the batch size: it changes them only by rounding."""
        return {"reward_model": self.model, "dtype": self.options.dtype, "chat": self.options.chat}

    def models(self) -> dict[str, str]:
        """The models to run, by their role."""
        return {"reward model": self.model}

    def scorer(self, model: str) -> Scorer:
        """The scorer of one of these models."""
        from votewise.score.reward import RewardScorer

        return RewardScorer(model, self.options)

    def combine(self, scores: Sequence[float]) -> float:
        """An answer's score from the scores of all models."""
        return scores[0]


@dataclass(frozen=True)
class ImplicitReward:
    """The implicit reward of DPO: beta (log pi(y | x) - log ref(y | x)), summed over the answer's tokens [DPO eq. 5].

    The margin is then DPO's own, beta (delta - delta_ref). Policy and reference run one after the other, so only one of
    them is in memory.
    """

    policy: str
    reference: str
    beta: float
    options: ModelOptions = field(default_factory=ModelOptions)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.beta) and self.beta > 0):
            raise BadInputError("is not a factor", parameter="beta", value=self.beta, expected="above 0")

    def settings(self) -> dict[str, Any]:
        """What the scores depend on, except beta, which is applied at the end, and the batch size."""
        chosen = {"dtype": self.options.dtype, "chat": self.options.chat}
        return {"policy": self.policy, "reference": self.reference, **chosen}

    def models(self) -> dict[str, str]:
        """The models to run, by their role."""
        return {"policy": self.policy, "reference": self.reference}

    def scorer(self, model: str) -> Scorer:
        """The scorer of one of these models."""
        from votewise.score.implicit import LogProbabilities

        return LogProbabilities(model, self.options)

    def combine(self, scores: Sequence[float]) -> float:
        """An answer's score from the scores of all models."""
        policy, reference = scores
        return self.beta * (policy - reference)


@dataclass(frozen=True)
class ColumnScores:
    """Scores that are already in the table."""

    a: str = "score_a"
    b: str = "score_b"

    def settings(self) -> dict[str, Any]:
        """What the scores depend on."""
        return {"columns": [self.a, self.b]}


WAYS = {
    "reward_model": "a reward model",
    "policy": "a policy with its reference",
    "score_columns": "two columns of scores",
}
ScoreMethod = RewardModel | ImplicitReward | ColumnScores


def describe(method: ScoreMethod) -> dict[str, Any]:
    """A method as JSON values, for the summary."""
    return {"kind": type(method).__name__, **asdict(method)}


def choose_method(
    reward_model: str | None,
    policy: str | None,
    reference: str | None,
    *,
    beta: float,
    score_columns: Sequence[str] | None,
    options: ModelOptions,
) -> ScoreMethod:
    """The one method that is given; BadInputError for none or several."""
    given = {"reward_model": reward_model, "policy": policy or reference, "score_columns": score_columns}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise BadInputError(
            f"cannot be combined with {WAYS[chosen[1]]}" if chosen else "there is nothing to score with",
            parameter=chosen[0] if chosen else None,
            expected=f"either {WAYS['reward_model']}, {WAYS['policy']}, or {WAYS['score_columns']}",
        )
    if reward_model is not None:
        return RewardModel(reward_model, options)
    if score_columns is not None:
        if isinstance(score_columns, str) or len(score_columns) != 2:
            raise BadInputError("must be two names", parameter="score_columns", value=score_columns)
        return ColumnScores(*score_columns)
    if policy is None or reference is None:
        missing, other = ("reference", "policy") if reference is None else ("policy", "reference")
        raise BadInputError(f"is needed with a {other}", parameter=missing)
    return ImplicitReward(policy, reference, beta, options)
