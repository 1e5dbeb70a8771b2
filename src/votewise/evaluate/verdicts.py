"""Contests and a judge -> verdicts. A judge that reads answers can be interrupted; the next run then resumes.

The contests of several matchups are judged together, so a reward model scores each answer only once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.evaluate import llm_judge, reward_judge
from votewise.evaluate.inputs import ReadContests
from votewise.evaluate.judges import ColumnJudge, Judge, LanguageJudge, RewardJudge
from votewise.language_models.local import require_models
from votewise.score.score_methods import RewardModel
from votewise.score.scorer import Answer, ModelOptions
from votewise.storage.journal import SUFFIX, Journal
from votewise.storage.staging import temporary_folder

Progress = Callable[[str, int, int, int, float], None]
"""Called with the kind of work, how much is done, how much there is, and how many tokens took how many seconds."""


@dataclass(frozen=True)
class JudgeWork:
    """What there is to judge, if nothing is done yet.

    Attributes:
        matchups: the contests, one set for each matchup.
        scores: answers that a reward model has to score; None for other judges.
        replies: replies that a language model has to write; None for other judges.
    """

    matchups: tuple[Contests, ...] = field(repr=False)
    scores: int | None = None
    replies: int | None = None


@dataclass(frozen=True, eq=False)
class Judged:
    """Contests with verdicts.

    Attributes:
        matchups: contests and verdicts, one set for each matchup.
        scores: model -> a reward model's scores of its answers; empty for other judges.
        journal: what to resume from until the results are written; None if the verdicts were read from a column.
    """

    matchups: list[tuple[Contests, Verdicts]]
    scores: Mapping[str, Floats] = field(repr=False)
    journal: Journal | None = None

    @property
    def verdicts(self) -> list[Verdicts]:
        """The verdicts on each set of contests."""
        return [verdicts for _, verdicts in self.matchups]

    def finish(self) -> None:
        """Delete the journal: the results are written."""
        if self.journal is not None:
            self.journal.finish()


def work_of(matchups: Sequence[Contests], judge: Judge) -> JudgeWork:
    """How much work the judge would have, if nothing is done yet."""
    if isinstance(judge, RewardJudge):
        return JudgeWork(tuple(matchups), scores=len(reward_judge.wanted(matchups)))
    if isinstance(judge, LanguageJudge):
        asked = (question for contests in matchups for question in llm_judge.questions(contests))
        return JudgeWork(tuple(matchups), replies=len(llm_judge.unasked(asked)))
    return JudgeWork(tuple(matchups))


@contextmanager
def verdicts_kept(
    found: Sequence[ReadContests],
    judge: Judge,
    table: Path | None,
    *,
    restart: bool = False,
    progress: Progress | None = None,
) -> Iterator[Judged]:
    """Give the verdicts on contests. What the judge has done is kept until this block ends without an error.

    Args:
        found: contests, with the verdicts that were read if the judge is a column.
        judge: who judges.
        table: the file that the verdicts will be written to inside the block; the journal is beside it. None keeps nothing.
        restart: delete the journal of an interrupted run first.
        progress: called as the work proceeds.

    Raises:
        BadInputError: see ``judge_contests``.
    """
    if isinstance(judge, ColumnJudge):
        yield Judged([(contests, verdicts) for contests, verdicts in found if verdicts is not None], {})
        return
    matchups = [contests for contests, _ in found]
    with temporary_folder() as folder:
        out = Path(folder, "verdicts") if table is None else table
        try:
            judged = judge_contests(matchups, judge, out, restart=restart, progress=progress)
        except KeyboardInterrupt as interruption:
            journal = out.with_name(out.name + SUFFIX)
            if table is not None and journal.exists():
                interruption.add_note(
                    f"Interrupted. Finished work is in {journal}; the same command resumes from there."
                )
            raise
        yield judged
        judged.finish()


def judge_contests(
    matchups: Sequence[Contests],
    judge: RewardJudge | LanguageJudge,
    out: Path,
    *,
    restart: bool = False,
    progress: Progress | None = None,
) -> Judged:
    """Let a judge read the answers of every contest.

    Args:
        matchups: contests, one set for each matchup.
        judge: who judges.
        out: the file that the verdicts will be written to; the journal beside it has them until then.
        restart: delete the journal of an interrupted run first.
        progress: called as the work proceeds.

    Raises:
        BadInputError: there are no answers to read, the model or server cannot be used, or an interrupted run had other
            settings.
    """
    if isinstance(judge, RewardJudge):
        items = reward_judge.wanted(matchups)
        source = RewardModel(judge.model, ModelOptions(judge.batch_size, judge.device, judge.dtype))
        require_models("a reward model")
        with Journal(out, source.settings(), restart=restart) as journal:
            _score(items, source, journal, progress)
            scores = {key: journal.done[key]["score"] for key in items}
        verdicts = [reward_judge.reward_verdicts(contests, scores, judge) for contests in matchups]
        return Judged(_paired(matchups, verdicts), reward_judge.scores_by_model(matchups, verdicts), journal)
    asked = [question for contests in matchups for question in llm_judge.questions(contests)]
    with Journal(out, llm_judge.judge_settings(judge), restart=restart) as journal:
        told = None if progress is None else lambda done, total: progress("Judging", done, total, 0, 0.0)
        llm_judge.ask(asked, judge, journal, progress=told)
        verdicts = [llm_judge.read_replies(contests, journal, judge) for contests in matchups]
    return Judged(_paired(matchups, verdicts), {}, journal)


def _paired(matchups: Sequence[Contests], verdicts: Sequence[Verdicts]) -> list[tuple[Contests, Verdicts]]:
    return list(zip(matchups, verdicts, strict=True))


def _score(items: Mapping[str, Answer], source: RewardModel, journal: Journal, progress: Progress | None) -> None:
    """Score the answers that have no score in the journal yet."""
    keys = list(items)
    done = {i for i, key in enumerate(keys) if key in journal.done}
    clock, seconds, tokens = time.monotonic(), 0.0, 0
    for batch in source.scorer(source.model).scores(list(items.values()), frozenset(done)):
        clock, before = time.monotonic(), clock
        if not batch:
            continue
        journal.extend((keys[found.number], {"score": found.score}) for found in batch)
        done |= {found.number for found in batch}
        seconds, tokens = seconds + clock - before, tokens + sum(found.tokens for found in batch)
        if progress:
            progress("Scoring", len(done), len(keys), tokens, seconds)
