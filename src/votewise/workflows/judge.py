"""Pairs of answers and language models as judges -> votes: ``votewise judge``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import BATCH_SIZE, CONCURRENCY, JUDGE_TOKENS, RETRIES, TIMEOUT
from votewise.language_models.choices import DtypeName
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.judge.judge_models import JudgeModel
    from votewise.judge.results import JudgeResult

JudgeBackend = Literal["endpoint", "transformers"]
__all__ = ["DtypeName", "JudgeBackend", "judge"]


def judge(
    pairs: Any,
    *,
    judge: str | JudgeModel | Sequence[str | JudgeModel] = (),
    judges: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    backend: JudgeBackend = "endpoint",
    group: Mapping[str, str] | None = None,
    rubric: str | os.PathLike[str] | None = None,
    prompt: str | os.PathLike[str] | None = None,
    one_order: bool = False,
    repeats: int = 1,
    temperature: float = 0.0,
    max_tokens: int = JUDGE_TOKENS,
    seed: int = 0,
    max_cost: float | None = None,
    limit: int | None = None,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
    concurrency: int = CONCURRENCY,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    dtype: DtypeName = "auto",
    restart: bool = False,
    dry_run: bool = False,
    report: bool = True,
    progress: Progress | None = None,
) -> JudgeResult:
    """Ask language models which answer of each pair is better, in both orders, and keep what they say as votes.

    With ``out``, replies are kept in a journal beside that file. An interrupted run is resumed when it is started again,
    and ends with the same votes; a run with another judge, more repeats or other words asks only what is new.

    Args:
        pairs: votes in any format, or a table with ``response_a`` and ``response_b`` such as the comparisons that
            ``votewise.generate`` returns. Each pair is judged once, however many votes it has.
        judge: one judge or several: ``MODEL``, ``NAME=MODEL``, ``NAME=MODEL@URL``, or ``votewise.judge.JudgeModel``.
        judges: a TOML file of further judges, with servers, groups and prices; see docs/judges.md.
        out: a .jsonl or .parquet file for the votes, with a summary beside it; None writes nothing.
        base_url: the server of judges that name none; None for OPENAI_BASE_URL, or OpenAI's own server.
        backend: what runs the judges given by ``judge`` without a server: ``endpoint``, or ``transformers`` for models on
            this machine.
        group: group -> pattern of names of judges or models, ``{"openai": "gpt-*"}``: judges of one group are expected to
            share mistakes. By default a judge's group is the family that its model's name tells.
        rubric: a text file that says what makes an answer better, in place of ours.
        prompt: a text file with the whole question, in place of ours, with the placeholders ``{prompt}``, ``{first}``,
            ``{second}`` and, if wanted, ``{rubric}``.
        one_order: show each pair in one order only, the one it is given in.
        repeats: how often each question is asked, to measure how consistent a judge is.
        temperature: 0 for the likeliest reply.
        max_tokens: the most tokens of a reply.
        seed: together with the question it decides what is drawn; each repeat has its own.
        max_cost: ask nothing that could bring the cost of all replies above this; needs the prices of all judges.
        limit: limit the number of pairs.
        format: name of the format, or ``auto``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``, where the pairs are those of votes.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        timeout: seconds to wait for a reply of a server.
        retries: how often a failed request is tried again.
        concurrency: how many requests are sent to each server at a time.
        batch_size: how many questions a model on this machine reads at a time.
        device: where models on this machine run: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        dtype: number format of their weights; ``auto`` for the one that they were saved in.
        restart: forget all earlier replies, and start from the beginning.
        dry_run: check everything, read the pairs, and count questions, tokens and cost; ask nobody, write nothing.
        report: whether to measure the jury, and to write a page on it beside the votes; see ``votewise.jury``.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: pairs that cannot be read, a setting out of range, no judge that can be asked, or a file that cannot
            be written.
    """
    from votewise.judge.asked_pairs import read_asked_pairs
    from votewise.judge.job import AskOptions, JudgeJob
    from votewise.judge.judge_models import JudgeModel, choose_judges
    from votewise.judge.question_templates import read_template
    from votewise.judge.results import planned_result
    from votewise.judge.run import ask_judges
    from votewise.sources.containers.naming import short_name
    from votewise.sources.reader import SourceReader, rejected_file
    from votewise.storage.files import written_at_last
    from votewise.storage.journal import journal_records

    progress = progress or SILENT
    given = [judge] if isinstance(judge, str | JudgeModel) else list(judge)
    chosen = choose_judges(given, judges, base_url=base_url, group=group, backend=backend)
    template = read_template(_path(prompt), _path(rubric))
    options = AskOptions(
        both_orders=not one_order,
        repeats=repeats,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=seed,
        timeout=timeout,
        retries=retries,
        concurrency=concurrency,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        max_cost=max_cost,
    )
    progress.stage(f"Reading {short_name(pairs)}")
    told: dict[str, Any] = {"label": label, "criterion": criterion, "split": split, "one_annotator": one_annotator}
    reader = SourceReader(columns=columns, on_error=on_error, **told)
    asked = read_asked_pairs(pairs, reader, format=format, limit=limit)
    job = JudgeJob(asked, chosen, _path(out), template, options)
    kept = None if job.out is None or dry_run or on_error != "skip" else rejected_file(job.out)
    # A later refusal leaves no file of rejected rows behind.
    with written_at_last(kept) as aside:
        rejected = reader.write_rejected(aside)
        job = replace(job, pairs=replace(asked, rejected=replace(rejected, file=kept)))
        if dry_run:
            return planned_result(job, {} if job.out is None or restart else journal_records(job.out))
        progress.stage("Asking the judges")
        result = ask_judges(job, restart=restart, progress=progress.count)
        if not report or not len(result.votes):
            return result
        progress.stage("Measuring the jury")
        return _with_worth(result)


def _with_worth(result: JudgeResult) -> JudgeResult:
    """The result with what the jury is worth, and the page on it; people are those who voted on the same pairs."""
    import pyarrow as pa

    from votewise._version import __version__
    from votewise.judge.results import people_votes
    from votewise.report.jury_page import write_jury_report
    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name
    from votewise.workflows.jury import measure_jury

    job = result.job
    table = pa.concat_tables([result.votes, people_votes(job, result.votes)], promote_options="default")
    costs = {counts.judge: counts.cost for counts in result.counts if counts.cost is not None and counts.votes}
    known = len(costs) == sum(counts.votes > 0 for counts in result.counts)
    worth = measure_jury(read_votes(table, format="plain"), cost=costs if known else None)
    if job.report is None:
        return replace(result, worth=worth)
    facts = {"source": job.pairs.source, "version": __version__, **job.settings()}
    page = write_jury_report(job.report, worth, title=short_name(job.pairs.source), facts=facts)
    return replace(result, worth=worth, files=(*result.files, page))


def _path(file: str | os.PathLike[str] | None) -> Path | None:
    return None if file is None else Path(file)
