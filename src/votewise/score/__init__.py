"""Scores and margins of pairs of answers: from a reward model, from a policy and its reference, or from columns.

``votewise.score(...)`` runs all of it in one call: see ``votewise.workflows.score``.
"""

from votewise.score.job import ScoreJob
from votewise.score.pairs import Pairs, read_pairs
from votewise.score.results import ScoreResult
from votewise.score.run import score_pairs
from votewise.score.score_methods import ColumnScores, ImplicitReward, RewardModel, ScoreMethod
from votewise.score.scorer import ModelOptions
from votewise.score.temperature import TemperatureFit, fit_temperature

__all__ = [
    "ColumnScores",
    "ImplicitReward",
    "ModelOptions",
    "Pairs",
    "RewardModel",
    "ScoreJob",
    "ScoreMethod",
    "ScoreResult",
    "TemperatureFit",
    "fit_temperature",
    "read_pairs",
    "score_pairs",
]
