"""Metrics of a training run, summed where they arise and read when they are logged, so that no step waits for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class RunningMeans:
    """Weighted means under names; sums stay on the device until ``read``."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, name: str, values: Tensor, weights: Tensor | None = None) -> None:
        """Add values, each counted once, or as often as its weight says."""
        values = values.detach().double()
        if weights is None:
            new = torch.stack([values.sum(), values.new_tensor(float(values.numel()))])
        else:
            weights = weights.detach().double()
            new = torch.stack([(values * weights).sum(), weights.sum()])
        self._sums[name] = self._sums[name] + new if name in self._sums else new

    def count(self, name: str, number: Tensor) -> None:
        """Add to a total, which is read as a total."""
        new = torch.stack([number.detach().double(), number.new_zeros((), dtype=torch.float64)])
        self._sums[name] = self._sums[name] + new if name in self._sums else new

    def read(self, accelerator: Any) -> dict[str, float]:
        """The means and totals over all ranks, which must all call this; then start anew."""
        if not self._sums:
            return {}
        names = list(self._sums)
        sums = accelerator.reduce(torch.stack(list(self._sums.values())), reduction="sum").cpu()
        self._sums = {}
        return {
            n: float(total / count if count else total) for n, (total, count) in zip(names, sums.tolist(), strict=True)
        }
