"""Judges that read answers: a reward model, or a language model behind a server. Both can be interrupted and go on.

Contests of several pairs of models are judged in one go, so that a reward model scores each answer once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.evaluate import llm_judge, reward_judge
from votewise.language_models.local import require_models
from votewise.score.score_sources import RewardModel
from votewise.score.scorer import Answer, ModelOptions
from votewise.storage.journal import Journal

if TYPE_CHECKING:
    from votewise.language_models.endpoint import Endpoint

Progress = Callable[[str, int, int, int, float], None]
"""Told what is done, how much of it, of how much, and how many tokens in how many seconds."""


@dataclass(frozen=True)
class LanguageJudge:
    """A language model behind an OpenAI-compatible server that is asked in both orders.

    Attributes:
        endpoint: the server and the model.
        temperature: of its sampling; 0 for the likeliest reply.
        max_tokens: of a reply.
        seed: sent along, for servers that heed it.
    """

    endpoint: Endpoint
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = 0


@dataclass(frozen=True)
class RewardJudge:
    """A reward model: a sequence classifier with one output.

    Attributes:
        model: its folder, or its name on the Hub.
        soft: count logistic(margin) rather than who has the higher score.
        batch_size: answers at a time.
        device: where it runs.
        dtype: its numbers.
    """

    model: str
    soft: bool = False
    batch_size: int = 16
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True, eq=False)
class Judged:
    """Verdicts for each group of contests, a reward model's scores by model, and the journal to end when all is written."""

    verdicts: list[Verdicts]
    scores: Mapping[str, Floats] = field(repr=False)
    journal: Journal

    def finish(self) -> None:
        """Forget what was kept for an interrupted run: the results are written."""
        self.journal.finish()


def work_of(groups: Sequence[Contests], judge: LanguageJudge | RewardJudge) -> int:
    """How many replies or scores a judge would have to give, were nothing done yet."""
    if isinstance(judge, RewardJudge):
        return len(reward_judge.wanted(groups))
    return len(llm_judge.unasked(question for contests in groups for question in llm_judge.questions(contests)))


def judge_contests(
    groups: Sequence[Contests],
    judge: LanguageJudge | RewardJudge,
    out: Path,
    *,
    restart: bool = False,
    progress: Progress | None = None,
) -> Judged:
    """Let a judge read the answers of every contest.

    Args:
        groups: contests, one group for each pair of models.
        judge: who judges.
        out: the file that the verdicts will be written to; until then the journal beside it has them.
        restart: throw away what an interrupted run left.
        progress: told how far the work is.

    Raises:
        BadInputError: no answers to read, a model or server that cannot be used, an interrupted run with other settings.
    """
    if isinstance(judge, RewardJudge):
        return _by_reward(groups, judge, out, restart, progress)
    asked = [question for contests in groups for question in llm_judge.questions(contests)]
    options = {"temperature": judge.temperature, "max_tokens": judge.max_tokens, "seed": judge.seed}
    settings = llm_judge.judge_settings(judge.endpoint, **options)  # type: ignore[arg-type]
    with Journal(out, settings, restart=restart) as journal:
        told = None if progress is None else lambda done, total: progress("Judging", done, total, 0, 0.0)
        llm_judge.ask(
            asked,
            judge.endpoint,
            journal,
            temperature=judge.temperature,
            max_tokens=judge.max_tokens,
            seed=judge.seed,
            progress=told,
        )
        return Judged([llm_judge.read_replies(contests, journal, judge.endpoint) for contests in groups], {}, journal)


def _by_reward(
    groups: Sequence[Contests], judge: RewardJudge, out: Path, restart: bool, progress: Progress | None
) -> Judged:
    items = reward_judge.wanted(groups)
    source = RewardModel(judge.model, ModelOptions(judge.batch_size, judge.device, judge.dtype))
    require_models("a reward model")
    with Journal(out, source.settings(), restart=restart) as journal:
        _score(list(items.values()), list(items), source, journal, progress)
        scores = {key: journal.done[key]["score"] for key in items}
    verdicts = [
        reward_judge.reward_verdicts(contests, scores, model=judge.model, soft=judge.soft) for contests in groups
    ]
    return Judged(verdicts, reward_judge.scores_by_model(groups, verdicts), journal)


def _score(
    answers: Sequence[Answer], keys: Sequence[str], source: RewardModel, journal: Journal, progress: Progress | None
) -> None:
    """Score the answers that have no score in the journal yet."""
    done = {i for i, key in enumerate(keys) if key in journal.done}
    clock, seconds, tokens = time.monotonic(), 0.0, 0
    for batch in source.scorer(source.model).scores(answers, frozenset(done)):
        clock, before = time.monotonic(), clock
        if not batch:
            continue
        journal.extend((keys[found.number], {"score": found.score}) for found in batch)
        done |= {found.number for found in batch}
        seconds, tokens = seconds + clock - before, tokens + sum(found.tokens for found in batch)
        if progress:
            progress("Scoring", len(done), len(keys), tokens, seconds)
