"""How a training run of an experiment ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from votewise.arrays import Floats


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a run ended.

    Attributes:
        score: win rate over the model before training, or accuracy of the implicit reward on held-out prompts.
        reliability: (K,) the estimated reliabilities at the end.
        error: mean absolute error of them; NaN if none were learnt.
        stopped: whether training stopped because the votes looked worse than chance. The model is then unchanged.
        trainer: the trainer; None if it stopped.
    """

    score: float
    reliability: Floats
    error: float
    stopped: bool = False
    trainer: Any = field(default=None, repr=False)
