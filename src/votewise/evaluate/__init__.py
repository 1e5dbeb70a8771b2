"""How good is a model? Win rates with intervals, by a reward model, a language model or verdicts that are there already.

contests, _ = read_two("policy.jsonl", "base.jsonl", verdicts=False)
judged = judge_contests([contests], RewardJudge("org/reward"), Path("evaluation"))
result = estimate_win_rate(contests, judged.verdicts[0], length_controlled=True)
result.rate.value, result.rate.low, result.rate.high
"""

from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.inputs import read_several, read_two
from votewise.evaluate.judges import LanguageJudge, RewardJudge, judge_contests
from votewise.evaluate.length_control import length_controlled_rate
from votewise.evaluate.matrix import estimate_matrix
from votewise.evaluate.pair_answers import with_difficulty
from votewise.evaluate.rates import win_rate

__all__ = [
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
