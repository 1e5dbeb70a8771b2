"""Pairs of answers and language models as judges -> their votes.

``votewise.judge(...)`` is ``votewise judge``; see ``votewise.workflows.judge``.
"""

from votewise.judge.judge_models import JudgeModel
from votewise.judge.results import JudgeCounts, JudgeResult

__all__ = ["JudgeCounts", "JudgeModel", "JudgeResult"]
