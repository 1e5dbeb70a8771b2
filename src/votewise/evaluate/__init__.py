"""How good is a model? Win rates with intervals, decided by a reward model, a language model or a column of verdicts.

``votewise.evaluate_win_rate`` and ``votewise.evaluate_matrix`` do all of this in one call. Step by step:

    contests, _ = read_two("policy.jsonl", "base.jsonl", column=None)
    judged = judge_contests([contests], RewardJudge("org/reward"), Path("evaluation/verdicts"))
    result = estimate_win_rate(contests, judged.verdicts[0], length_controlled=True)
    result.rate.value, result.rate.low, result.rate.high
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from votewise.lazy_names import lazy_names

if TYPE_CHECKING:
    from votewise.evaluate.difficulty import with_difficulty
    from votewise.evaluate.estimate import estimate_win_rate
    from votewise.evaluate.inputs import read_several, read_two
    from votewise.evaluate.judges import ColumnJudge, LanguageJudge, RewardJudge
    from votewise.evaluate.length_control import length_controlled_rate
    from votewise.evaluate.matrix import estimate_matrix
    from votewise.evaluate.rates import win_rate
    from votewise.evaluate.verdicts import judge_contests

__all__ = [
    "ColumnJudge",
    "LanguageJudge",
    "RewardJudge",
    "estimate_matrix",
    "estimate_win_rate",
    "judge_contests",
    "length_controlled_rate",
    "read_several",
    "read_two",
    "win_rate",
    "with_difficulty",
]

_HOMES = {
    "ColumnJudge": "votewise.evaluate.judges",
    "LanguageJudge": "votewise.evaluate.judges",
    "RewardJudge": "votewise.evaluate.judges",
    "estimate_matrix": "votewise.evaluate.matrix",
    "estimate_win_rate": "votewise.evaluate.estimate",
    "judge_contests": "votewise.evaluate.verdicts",
    "length_controlled_rate": "votewise.evaluate.length_control",
    "read_several": "votewise.evaluate.inputs",
    "read_two": "votewise.evaluate.inputs",
    "win_rate": "votewise.evaluate.rates",
    "with_difficulty": "votewise.evaluate.difficulty",
}

__getattr__ = lazy_names(__name__, _HOMES)
