"""Robust preference training: needs the ``train`` extra (``pip install 'votewise[train]'``).

The names below are loaded when first used: what scores answers needs torch and transformers, but not TRL.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from votewise.errors import needs

if TYPE_CHECKING:
    from votewise.train.config import RobustPreferenceConfig
    from votewise.train.data_counts import DataCounts
    from votewise.train.losses import PreferenceLoss, ScoredAnswers
    from votewise.train.running_beliefs import WorseThanChanceError
    from votewise.train.trainer import RobustPreferenceTrainer
    from votewise.train.training_beliefs import TrainingBeliefs

__all__ = [
    "DataCounts",
    "PreferenceLoss",
    "RobustPreferenceConfig",
    "RobustPreferenceTrainer",
    "ScoredAnswers",
    "TrainingBeliefs",
    "WorseThanChanceError",
]

_HOMES = {
    "DataCounts": "data_counts",
    "ScoredAnswers": "losses",
    "PreferenceLoss": "losses",
    "RobustPreferenceConfig": "config",
    "RobustPreferenceTrainer": "trainer",
    "TrainingBeliefs": "training_beliefs",
    "WorseThanChanceError": "running_beliefs",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'votewise.train' has no attribute {name!r}")
    with needs("train", f"votewise.train.{name}"):
        value: object = getattr(import_module(f"votewise.train.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
