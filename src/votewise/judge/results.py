"""The votes as a table, what became of every question, and the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.annotators.jury_figures import JuryWorth
from votewise.judge.job import USUAL_REPLY, JudgeJob
from votewise.judge.judge_models import JudgeModel
from votewise.judge.question_templates import read_reply
from votewise.judge.records import cost_of
from votewise.storage.files import write_json, written_whole
from votewise.storage.row_files import write_rows

LABELS = {"1": "a", "2": "b", "tie": "tie"}
"""A verdict -> the label of a row whose response_a is what the judge saw first."""
OTHER = {"a": "b", "b": "a", "tie": "tie"}


@dataclass(frozen=True)
class JudgeCounts:
    """What became of the questions to one judge.

    Attributes:
        judge: its name.
        asked: questions in all.
        votes: replies with a verdict.
        unreadable: replies without one, after the second try.
        failed: questions that the server failed to answer.
        open: questions that were not sent, because of a limit or because the judge could not be asked.
        tokens_in: tokens that it read, in all runs.
        tokens_out: tokens that it wrote.
        cost: of these tokens; None where its prices are not known.
        counted: whether the server counted all of them; else some are estimated from the texts' lengths.
    """

    judge: str
    asked: int
    votes: int = 0
    unreadable: int = 0
    failed: int = 0
    open: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    counted: bool = True


@dataclass(frozen=True, eq=False)
class JudgeResult:
    """Votes of language models.

    Attributes:
        job: the job that was run.
        votes: one row per vote in the plain format, see docs/judges.md; no rows after a dry run.
        counts: what became of the questions, by judge.
        errors: how often each error occurred, the most frequent first.
        stopped: judges that could not be asked at all -> why.
        over_budget: whether questions were not sent because of ``max_cost``.
        resumed: replies that earlier runs had left.
        seconds: of this run.
        summary: everything that is not a table, as in the summary's file; empty after a dry run.
        files: what was written.
        worth: what the jury is worth; None where that was not asked for.
    """

    job: JudgeJob = field(repr=False)
    votes: pa.Table = field(repr=False)
    counts: tuple[JudgeCounts, ...]
    errors: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    over_budget: bool = False
    resumed: int = 0
    seconds: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict, repr=False)
    files: tuple[Path, ...] = ()
    worth: JuryWorth | None = field(default=None, repr=False)

    @property
    def cost(self) -> float | None:
        """What all replies have cost; None where some price is not known."""
        costs = [counts.cost for counts in self.counts]
        return None if None in costs else float(sum(cost for cost in costs if cost is not None))


def planned_result(job: JudgeJob, done: Mapping[str, Mapping[str, Any]] | None = None) -> JudgeResult:
    """The result of a dry run: how many questions, about how many tokens, and about what they cost; nothing is asked.

    Args:
        job: what would be asked.
        done: records of earlier runs, which are not asked again.
    """
    counts = []
    for judge in job.judges:
        questions = list(job.questions(judge))
        new = [question for question in questions if not done or question.key not in done]
        read, wrote = round(sum(map(job.tokens_in, new))), min(USUAL_REPLY, job.options.max_tokens) * len(new)
        cost = judge.cost(read, wrote) if judge.priced else None
        counts.append(
            JudgeCounts(
                judge.name, len(questions), open=len(new), tokens_in=read, tokens_out=wrote, cost=cost, counted=False
            )
        )
    resumed = sum(c.asked - c.open for c in counts)
    return JudgeResult(job, _table(job, []), tuple(counts), resumed=resumed)


def result_of(
    job: JudgeJob,
    done: Mapping[str, Mapping[str, Any]],
    *,
    resumed: int = 0,
    seconds: float = 0.0,
    stopped: Mapping[str, str] | None = None,
    over_budget: bool = False,
) -> JudgeResult:
    """Votes and counts from all replies; the order of the votes depends on the questions alone."""
    rows: list[dict[str, Any]] = []
    counts, errors = [], Counter[str]()
    for judge in job.judges:
        found = _of_judge(job, judge, done, rows)
        counts.append(found)
        errors.update(
            record["error"] for q in job.questions(judge) if (record := done.get(q.key)) and record["text"] is None
        )
    result = JudgeResult(
        job,
        _table(job, rows),
        tuple(counts),
        errors={str(error): number for error, number in errors.most_common()},
        stopped=dict(stopped or {}),
        over_budget=over_budget,
        resumed=resumed,
        seconds=seconds,
        files=tuple(file for file in (job.out, job.summary) if file is not None),
    )
    result.summary.update(_summary(result))
    return result


def write_result(result: JudgeResult) -> None:
    """Write votes and summary, the votes last, because they say that all is done."""
    job = result.job
    if job.out is None or job.summary is None:
        return
    with written_whole(job.summary) as partial:
        write_json(partial, result.summary)
    write_rows(job.out, result.votes)


def _of_judge(
    job: JudgeJob, judge: JudgeModel, done: Mapping[str, Mapping[str, Any]], rows: list[dict[str, Any]]
) -> JudgeCounts:
    """Add the judge's votes to ``rows``, and count."""
    number: Counter[str] = Counter()
    start, cost, counted = len(rows), 0.0, True
    per_pair: Counter[int] = Counter()
    for question in job.questions(judge):
        number["asked"] += 1
        record = done.get(question.key)
        if record is None:
            number["open"] += 1
            continue
        number["tokens_in"] += record["tokens_in"]
        number["tokens_out"] += record["tokens_out"]
        cost += cost_of(judge, record)
        counted &= record["counted"] or record["text"] is None
        if record["text"] is None:
            number["failed"] += 1
            continue
        verdict, reason = read_reply(record["text"])
        if verdict is None:
            number["unreadable"] += 1
            continue
        number["votes"] += 1
        per_pair[question.pair] += 1
        rows.append({"question": question, "judge": judge, "label": LABELS[verdict], "reason": reason})
    for row in rows[start:]:
        row["weight"] = 1.0 / per_pair[row["question"].pair]
    return JudgeCounts(judge.name, **number, cost=cost if judge.priced else None, counted=counted)


def _table(job: JudgeJob, rows: list[dict[str, Any]]) -> pa.Table:
    """The votes in the plain format: in each row response_a is the answer that the judge saw first."""
    pairs = job.pairs
    shown = [pairs.shown(row["question"].pair, swapped=row["question"].swapped) for row in rows]
    at, swap = [row["question"].pair for row in rows], [row["question"].swapped for row in rows]
    columns: dict[str, Any] = {
        "pair": pa.array([pairs.names[i] for i in at], pa.string()),
        "prompt": _texts([texts[0] for texts in shown]),
        "response_a": _texts([texts[1] for texts in shown], shown, 2),
        "response_b": _texts([texts[2] for texts in shown], shown, 1),
        "annotator": pa.array([row["judge"].name for row in rows], pa.string()),
        "label": pa.array([row["label"] for row in rows], pa.string()),
        "weight": pa.array([row["weight"] for row in rows], pa.float64()),
        "order": pa.array(["swapped" if s else "given" for s in swap], pa.string()),
        "repeat": pa.array([row["question"].repeat for row in rows], pa.int64()),
        "reason": pa.array([row["reason"] for row in rows], pa.string()),
        "model": pa.array([row["judge"].model for row in rows], pa.string()),
        "group": pa.array([row["judge"].group for row in rows], pa.string()),
    }
    if any(model is not None for both in pairs.models for model in both):
        both = [pairs.models[i][::-1] if s else pairs.models[i] for i, s in zip(at, swap, strict=True)]
        columns["model_a"] = pa.array([one for one, _ in both], pa.string())
        columns["model_b"] = pa.array([other for _, other in both], pa.string())
    if pairs.gold.any():
        sign = [int(-pairs.gold[i] if s else pairs.gold[i]) for i, s in zip(at, swap, strict=True)]
        columns["gold"] = pa.array([{1: "a", -1: "b"}.get(s) for s in sign], pa.string())
    return pa.table(columns)


def people_votes(job: JudgeJob, judged: pa.Table) -> pa.Table:
    """The votes that the source has on the judged pairs, as rows beside the judges' ones, without a group."""
    pairs, named = job.pairs, {judge.name for judge in job.judges}
    there = set(judged["pair"].to_pylist())
    votes = [
        (int(i), int(sign), who)
        for i, sign, who in zip(pairs.vote_pair, pairs.vote_sign, pairs.vote_by, strict=True)
        if pairs.names[i] in there
    ]
    at = [i for i, _, _ in votes]
    columns = {
        "pair": pa.array([pairs.names[i] for i in at], pa.string()),
        "prompt": _texts([pairs.prompt[i] for i in at], kind=judged["prompt"].type),
        "response_a": _texts([pairs.response_a[i] for i in at], kind=judged["response_a"].type),
        "response_b": _texts([pairs.response_b[i] for i in at], kind=judged["response_b"].type),
        # Whoever voted under a judge's name is not that judge.
        "annotator": pa.array([f"{who} (in the source)" if who in named else who for _, _, who in votes], pa.string()),
        "label": pa.array([{1: "a", -1: "b", 0: "tie"}[sign] for _, sign, _ in votes], pa.string()),
    }
    return pa.table(columns)


def _texts(
    values: list[Any], shown: list[tuple[Any, ...]] | None = None, other: int = 0, kind: pa.DataType | None = None
) -> pa.Array:
    """Texts, or conversations where any is one; both answers are of one kind, which may be given."""
    if kind is not None:
        talk = not pa.types.is_string(kind)
        return pa.array([[{"role": "user", "content": v}] if talk and isinstance(v, str) else v for v in values], kind)
    beside = [] if shown is None else [texts[other] for texts in shown]
    if any(not isinstance(value, str) for value in (*values, *beside)):
        role = "user" if shown is None else "assistant"
        values = [[{"role": role, "content": v}] if isinstance(v, str) else v for v in values]
        return pa.array(values)
    return pa.array(values, pa.string())


def _summary(result: JudgeResult) -> dict[str, Any]:
    job = result.job
    return {
        "source": job.pairs.source,
        "format": job.pairs.format,
        "pairs": len(job.pairs),
        "rows_with_equal_answers": job.pairs.identical,
        "rows_rejected": job.pairs.rejected.rows,
        "judges": [judge.facts() for judge in job.judges],
        "asked": job.settings(),
        "counts": [asdict(counts) for counts in result.counts],
        "cost": result.cost,
        "stopped": result.stopped,
        "over_budget": result.over_budget,
        "errors": result.errors,
    }
