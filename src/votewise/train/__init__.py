"""Robust preference training: needs the ``train`` extra (``pip install 'votewise[train]'``)."""

from votewise.train.config import RobustPreferenceConfig
from votewise.train.losses import Answers, PreferenceLoss
from votewise.train.robust import TrainingBeliefs, WorseThanChanceError
from votewise.train.trainer import RobustPreferenceTrainer

__all__ = [
    "Answers",
    "PreferenceLoss",
    "RobustPreferenceConfig",
    "RobustPreferenceTrainer",
    "TrainingBeliefs",
    "WorseThanChanceError",
]
