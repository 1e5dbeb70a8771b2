"""How a training run of an experiment ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from votewise.arrays import Floats


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a run ended.

    Attributes:
        score: win rate over the model before training, or accuracy of the implicit reward on prompts held out.
        reliability: (K,) what was believed of the annotators in the end.
        error: mean absolute error of that; NaN where nothing was learnt.
        stopped: whether training stopped because the votes looked worse than chance. The model is then what it was.
        trainer: the trainer; None where it stopped.
    """

    score: float
    reliability: Floats
    error: float
    stopped: bool = False
    trainer: Any = field(default=None, repr=False)
