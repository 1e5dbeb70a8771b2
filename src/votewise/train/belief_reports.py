"""Histograms of reliability and confidence for the reporters that draw them: TensorBoard, Weights & Biases, trackio.

Numbers reach every reporter through ``Trainer.log``; histograms have no common way, so each reporter gets them in its own.
None of the three is imported here: a reporter that is in use has imported its package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from accelerate.logging import get_logger
from transformers import TrainerCallback

from votewise.train.metrics import BINS, BinCounts, bins_of
from votewise.train.running_beliefs import RunningBeliefs

logger = get_logger(__name__)

EDGES = np.linspace(0.0, 1.0, BINS + 1)
"""(BINS + 1,) edges of the bins."""


class BeliefReports(TrainerCallback):
    """Gives histograms to the reporters at each log step. One that fails is named in a warning and gets no more.

    Args:
        beliefs: current beliefs about the votes.
        reporters: gives the trainer's callbacks, in which reporters are found.

    Attributes:
        confidence: confidences of the rows since the last log step, by bin; None if there were none.
    """

    def __init__(self, beliefs: RunningBeliefs, reporters: Callable[[], Iterable[Any]]) -> None:
        self.beliefs, self.reporters = beliefs, reporters
        self.confidence: BinCounts | None = None
        self._failed: set[str] = set()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Give the histograms of this step to all reporters that have histograms."""
        confidence, self.confidence = self.confidence, None
        if confidence is None or not state.is_world_process_zero:
            return
        histograms = {"confidence": confidence, "reliability": bins_of(self.beliefs.reliability)}
        for reporter in self.reporters():
            name = type(reporter).__name__
            if name in self._failed:
                continue
            try:
                _send(reporter, name, histograms, state.global_step)
            except Exception as error:
                self._failed.add(name)
                logger.warning(f"{name} gets no histograms of beliefs: {type(error).__name__}: {error}")


def _send(reporter: Any, name: str, histograms: dict[str, BinCounts], step: int) -> None:
    if hasattr(getattr(reporter, "tb_writer", None), "add_histogram_raw"):
        _to_tensorboard(reporter.tb_writer, histograms, step)
    elif name == "WandbCallback" and getattr(wandb := sys.modules.get("wandb"), "run", None) is not None:
        _to_tracker(wandb, histograms, step)
    elif name == "TrackioCallback" and hasattr(trackio := sys.modules.get("trackio"), "Histogram"):
        _to_tracker(trackio, histograms, step)


def _to_tensorboard(writer: Any, histograms: dict[str, BinCounts], step: int) -> None:
    middle = (EDGES[:-1] + EDGES[1:]) / 2
    for name, counts in histograms.items():
        used = np.flatnonzero(counts)
        writer.add_histogram_raw(
            f"train/{name}/histogram",
            min=float(EDGES[used[0]]) if len(used) else 0.0,
            max=float(EDGES[used[-1] + 1]) if len(used) else 0.0,
            num=int(counts.sum()),
            sum=float(counts @ middle),
            sum_squares=float(counts @ middle**2),
            bucket_limits=EDGES[1:].tolist(),
            bucket_counts=counts.tolist(),
            global_step=step,
        )


def _to_tracker(package: Any, histograms: dict[str, BinCounts], step: int) -> None:
    """Into the running run of a package with the interface of ``wandb``, under the step that transformers logs."""
    found = {
        f"train/{name}/histogram": package.Histogram(np_histogram=(counts, EDGES))
        for name, counts in histograms.items()
    }
    package.log(found | {"train/global_step": step})
