"""Metrics of a training run: summed on the device in every step, and read only when they are logged, so no step waits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from votewise.train.losses import PreferenceLoss, ScoredAnswers
from votewise.train.scoring import Scores


class RunningMeans:
    """Weighted means by name; sums stay on the device until ``read``."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, name: str, values: Tensor, weights: Tensor | None = None) -> None:
        """Add values, each with its weight, or with weight 1."""
        values = values.detach().double()
        if weights is None:
            new = torch.stack([values.sum(), values.new_tensor(float(values.numel()))])
        else:
            weights = weights.detach().double()
            new = torch.stack([(values * weights).sum(), weights.sum()])
        self._sums[name] = self._sums[name] + new if name in self._sums else new

    def count(self, name: str, number: Tensor) -> None:
        """Add to a total; ``read`` returns it as a total instead of a mean."""
        new = torch.stack([number.detach().double(), number.new_zeros((), dtype=torch.float64)])
        self._sums[name] = self._sums[name] + new if name in self._sums else new

    def read(self, accelerator: Any) -> dict[str, float]:
        """The means and totals over all ranks, then start from zero. All ranks must call this."""
        if not self._sums:
            return {}
        names = list(self._sums)
        sums = accelerator.reduce(torch.stack(list(self._sums.values())), reduction="sum").cpu()
        self._sums = {}
        return {
            n: float(total / count if count else total) for n, (total, count) in zip(names, sums.tolist(), strict=True)
        }


def add_tokens(means: RunningMeans, scores: Scores) -> None:
    """Add TRL's metrics of the scored tokens, under TRL's names; nothing if they were not asked for."""
    if (tokens := scores.tokens) is not None:
        # Sums over tokens, so an answer without tokens has no weight.
        first = (tokens.owner < len(scores.logp) // 2).double()
        means.add("entropy", tokens.entropy, torch.ones_like(first))
        means.add("logits/chosen", tokens.mean_logit, first)
        means.add("logits/rejected", tokens.mean_logit, 1 - first)
        means.add("mean_token_accuracy", tokens.likeliest, first)


def add_rewards(
    means: RunningMeans, loss: PreferenceLoss, beta: float, chosen: ScoredAnswers, rejected: ScoredAnswers
) -> None:
    """Add TRL's metrics of the answers, under TRL's names."""
    rewards = [_reward(loss, beta, answers) for answers in (chosen, rejected)]
    means.add("rewards/chosen", rewards[0])
    means.add("rewards/rejected", rewards[1])
    means.add("rewards/accuracies", (rewards[0] > rewards[1]).float())
    means.add("rewards/margins", rewards[0] - rewards[1])
    means.add("logps/chosen", chosen.logp)
    means.add("logps/rejected", rejected.logp)


def _reward(loss: PreferenceLoss, beta: float, answers: ScoredAnswers) -> Tensor:
    return beta * (answers.mean_logp if loss.name == "simpo" else answers.gain)


def add_confidence(means: RunningMeans, weight: Tensor) -> None:
    """Add the (B,) confidence in the chosen answers."""
    means.add("confidence/mean", weight)
    means.add("confidence/square", weight**2)
    means.add("confidence/flipped", (weight < 0.5).float())


def belief_metrics(square: float, mean: float, beliefs: Any) -> dict[str, float]:
    """Metrics of the current beliefs, from the mean confidence and the mean of its square."""
    found = {
        "confidence/std": max(square - mean**2, 0.0) ** 0.5,
        "reliability/lowest": float(beliefs.reliability.min()),
        "reliability/mean": float(beliefs.reliability.mean()),
        "temperature": beliefs.temperature,
    }
    return found if beliefs.variance is None else found | {"residual_variance": beliefs.variance}
