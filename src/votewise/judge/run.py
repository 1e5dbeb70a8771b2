"""The run: questions to several judges at the same time, each reply kept in a journal as soon as it is there.

Judges on servers are asked at the same time, each by threads of its own; models on this machine are loaded one after the
other. A judge that cannot be asked at all stops alone: the others finish. The journal stays when all is done, so that a
later run with one more judge, one more repeat or another rubric asks only what is new.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from votewise.errors import BadInputError, many
from votewise.judge.budget import Budget
from votewise.judge.job import JudgeJob, JudgeQuestion
from votewise.judge.judge_models import JudgeModel
from votewise.judge.local_judges import local_replies
from votewise.judge.records import SECOND_TEMPERATURE, TRIES, cost_of, is_open, record_of
from votewise.judge.results import JudgeResult, result_of, write_result
from votewise.language_models.batch_work import BatchProgress, open_journal
from votewise.language_models.completions import Completion
from votewise.language_models.endpoint import Endpoint
from votewise.storage.journal import SUFFIX, Journal

SECOND_SEED = 100_003
"""Added to the seed of the second try."""
RESERVE = 1.5
"""How many times the estimated tokens of a question are set aside, because the estimate may be too low."""


def ask_judges(job: JudgeJob, *, restart: bool = False, progress: BatchProgress | None = None) -> JudgeResult:
    """Ask the judges what they have not said yet, and write their votes.

    Args:
        job: what to ask.
        restart: forget all earlier replies.
        progress: called with what is done, how much of how much, tokens of this run, and its seconds.

    Raises:
        BadInputError: none of the judges can be asked, or a file cannot be written.
    """
    with open_journal(job.out, {"command": "judge"}, restart=restart) as journal:
        run = _Run(job, journal, progress)
        run.ask()
        if len(run.stopped) == len(job.judges):
            raise next(iter(run.stopped.values()))
        result = result_of(
            job,
            journal.done,
            resumed=run.resumed,
            seconds=time.monotonic() - run.begun,
            stopped={name: str(error) for name, error in run.stopped.items()},
            over_budget=run.budget.stopped,
        )
        write_result(result)
    if not len(result.votes) and not result.over_budget:
        why = next(iter(result.errors), "no reply has a verdict")
        where = None if job.out is None else f"; the replies are in {job.out.name}{SUFFIX}"
        raise BadInputError(f"not a single vote on {many(len(job.pairs), 'pair')}: {why}{where or ''}")
    return result


class _Run:
    """What is asked in one run; ``stopped`` has the judges that could not be asked, and why."""

    def __init__(self, job: JudgeJob, journal: Journal, progress: BatchProgress | None) -> None:
        self.job, self.journal, self.progress = job, journal, progress
        self.questions = {judge.name: list(job.questions(judge)) for judge in job.judges}
        known = [(j, journal.done[q.key]) for j in job.judges for q in self.questions[j.name] if q.key in journal.done]
        self.budget = Budget(job.options.max_cost, sum(cost_of(judge, record) for judge, record in known))
        self.total = sum(map(len, self.questions.values()))
        self.finished = self.resumed = sum(not is_open(record) for _, record in known)
        self.tokens, self.begun = 0, time.monotonic()
        self.stopped: dict[str, BadInputError] = {}
        self._stop = threading.Event()

    def ask(self) -> None:
        """Ask everybody, then ask again what has no verdict."""
        self._show()
        for second in (False, True):
            served = [judge for judge in self.job.judges if judge.backend == "endpoint" and self._todo(judge, second)]
            self._ask_servers(served, second=second)
            for judge in self.job.judges:
                todo = self._todo(judge, second) if judge.backend == "transformers" else []
                if todo:
                    self._ask_here(judge, todo, second=second)

    def _todo(self, judge: JudgeModel, second: bool) -> list[JudgeQuestion]:
        """What a judge is to be asked: all that has no reply, or, the second time, those without a verdict."""
        done = self.journal.done
        found = [q for q in self.questions[judge.name] if is_open(done.get(q.key)) and judge.name not in self.stopped]
        said = [q for q in found if q.key in done and done[q.key]["text"] is not None]
        if second:
            return said
        failed = [q for q in found if q.key in done and done[q.key]["text"] is None]
        return [q for q in found if q.key not in done] + failed

    def _ask_servers(self, judges: Sequence[JudgeModel], *, second: bool) -> None:
        found: queue.Queue[
            tuple[JudgeModel, JudgeQuestion, Completion, float] | tuple[JudgeModel, BaseException | None]
        ]
        found = queue.Queue()

        def work(judge: JudgeModel) -> None:
            try:
                for question, completion, reserved in self._replies(judge, second=second):
                    found.put((judge, question, completion, reserved))
                found.put((judge, None))
            except BaseException as error:  # raised again, or kept, where the replies are read
                found.put((judge, error))

        for judge in judges:
            threading.Thread(target=work, args=(judge,), daemon=True).start()
        running = len(judges)
        try:
            while running:
                told = found.get()
                if len(told) == 4:
                    self._keep(*told, second=second)
                    continue
                running -= 1
                judge, error = told
                if isinstance(error, BadInputError):
                    self.stopped[judge.name] = error
                elif error is not None:
                    raise error
        finally:
            self._stop.set() if running else None

    def _replies(self, judge: JudgeModel, *, second: bool) -> Iterator[tuple[JudgeQuestion, Completion, float]]:
        """What a judge on a server replies, in any order; the questions that failed in an earlier run come last."""
        o, todo, done = self.job.options, self._todo(judge, second), self.journal.done
        endpoint = Endpoint(judge.model, judge.base_url, judge.key(), o.timeout, o.retries, o.concurrency)
        # Now, because replies come in while questions are sent.
        before = frozenset() if second else frozenset(q.key for q in todo if q.key in done)
        for repeat in sorted({question.repeat for question in todo}):
            for failed in (False, True):
                some = [q for q in todo if q.repeat == repeat and (q.key in before) == failed]
                if not some:
                    continue
                costs: dict[int, float] = {}
                replies = endpoint.complete(
                    self._feed(judge, some, costs),
                    temperature=self._temperature(second),
                    max_tokens=o.max_tokens,
                    seed=(self._seed(second) + repeat - 1) % 2**31,
                    patience=len(some) + 1 if failed else None,
                )
                # Closed at once, so that no more requests are sent after an interruption.
                with closing(replies):
                    for number, completion in replies:
                        yield some[number], completion, costs[number]

    def _feed(
        self, judge: JudgeModel, questions: Sequence[JudgeQuestion], costs: dict[int, float]
    ) -> Iterator[list[dict[str, str]]]:
        """The questions in words, as long as nobody stops the run and there is money."""
        for number, question in enumerate(questions):
            reserved = judge.cost(RESERVE * self.job.tokens_in(question), self.job.options.max_tokens)
            if self._stop.is_set() or not self.budget.reserve(reserved):
                return
            costs[number] = reserved
            yield self.job.conversation(question)

    def _ask_here(self, judge: JudgeModel, todo: Sequence[JudgeQuestion], *, second: bool) -> None:
        temperature, seed = self._temperature(second), self._seed(second)
        try:
            for question, completion in local_replies(self.job, judge, todo, temperature=temperature, seed=seed):
                self._keep(judge, question, completion, 0.0, second=second)
        except BadInputError as error:
            self.stopped[judge.name] = error

    def _keep(
        self, judge: JudgeModel, question: JudgeQuestion, completion: Completion, reserved: float, *, second: bool
    ) -> None:
        before = self.journal.done.get(question.key)
        record = record_of(completion, self.job.tokens_in(question), before)
        if second and completion.text is None:
            # The first reply stays; the question is asked for the last time.
            record |= {"text": before["text"] if before else None, "tries": TRIES}
        self.journal.append(question.key, record)
        paid = 0.0 if before is None else cost_of(judge, before)
        self.budget.pay(reserved, cost_of(judge, record) - paid)
        self.tokens += record["tokens_out"] - (before["tokens_out"] if before else 0)
        self.finished += not is_open(record)
        self._show()

    def _temperature(self, second: bool) -> float:
        usual = self.job.options.temperature
        return max(usual, SECOND_TEMPERATURE) if second else usual

    def _seed(self, second: bool) -> int:
        return self.job.options.seed + (SECOND_SEED if second else 0)

    def _show(self) -> None:
        if self.progress is None:
            return
        seconds = time.monotonic() - self.begun
        what = "Judging"
        if any(judge.priced and judge.backend == "endpoint" for judge in self.job.judges):
            what += f", cost {self.budget.spent:,.2f}"
        new = self.finished - self.resumed
        if new and self.finished < self.total:
            left = seconds / new * (self.total - self.finished)
            what += f", {left / 60:,.0f} min left" if left >= 90 else f", {left:,.0f} s left"
        self.progress(what, self.finished, self.total, self.tokens, seconds)
