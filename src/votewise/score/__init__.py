"""Scores and margins for pairs of answers: from a reward model, from policy and reference, or from columns."""

from votewise.score.margin_sources import ColumnScores, ImplicitReward, RewardModel, ScoreSource
from votewise.score.pairs import Pairs, read_pairs
from votewise.score.run import Scored, ScoreJob, score_pairs
from votewise.score.scorer import ModelOptions
from votewise.score.temperature import TemperatureFit, fit_temperature

__all__ = [
    "ColumnScores",
    "ImplicitReward",
    "ModelOptions",
    "Pairs",
    "RewardModel",
    "ScoreJob",
    "ScoreSource",
    "Scored",
    "TemperatureFit",
    "fit_temperature",
    "read_pairs",
    "score_pairs",
]
