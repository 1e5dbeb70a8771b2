"""Metrics of a training run: summed on the device in every step, and read only when they are logged, so no step waits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
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


BINS = 40
"""Bins of equal width that numbers from 0 to 1 are counted in."""

BinCounts = npt.NDArray[np.int64]
"""(BINS,) how many numbers lie in each bin."""


class RunningBins:
    """Counts of numbers from 0 to 1 by bin; they stay on the device until ``read``."""

    def __init__(self) -> None:
        self._counts: Tensor | None = None

    def add(self, values: Tensor) -> None:
        """Add (n,) values; without a synchronisation, so ``torch.bincount`` does not serve."""
        where = (values.detach() * BINS).long().clamp(0, BINS - 1)
        new = torch.zeros(BINS, dtype=torch.int64, device=values.device).index_add_(0, where, torch.ones_like(where))
        self._counts = new if self._counts is None else self._counts + new

    def read(self, accelerator: Any) -> BinCounts | None:
        """The counts over all ranks, then start from zero; None if nothing was added. All ranks must call this."""
        counts, self._counts = self._counts, None
        return None if counts is None else accelerator.reduce(counts, reduction="sum").cpu().numpy()


def bins_of(values: npt.NDArray[np.float64]) -> BinCounts:
    """Counts of (n,) numbers from 0 to 1 by bin."""
    return np.histogram(values, bins=BINS, range=(0.0, 1.0))[0].astype(np.int64)


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
    reliability = beliefs.reliability
    if not len(reliability):  # nobody's vote has arrived yet
        return {"confidence/std": max(square - mean**2, 0.0) ** 0.5}
    quantiles = {f"reliability/q{100 * q:.0f}": float(np.quantile(reliability, q)) for q in (0.1, 0.5, 0.9)}
    found = {
        "confidence/std": max(square - mean**2, 0.0) ** 0.5,
        # The mean of (2w - 1)^2: 1 where every row is sure, 0 where all are coin tosses.
        "confidence/effective": min(max(4 * square - 4 * mean + 1, 0.0), 1.0),
        "reliability/lowest": float(reliability.min()),
        "reliability/mean": float(reliability.mean()),
        **quantiles,
        "noise_rate": beliefs.noise_rate,
        "temperature": beliefs.temperature,
    }
    return found if beliefs.variance is None else found | {"residual_variance": beliefs.variance}
