"""Answers and comparisons as tables, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from votewise.generate.job import GenerateJob
from votewise.language_models.completions import Completion
from votewise.storage.row_files import write_rows


@dataclass(frozen=True, eq=False)
class GenerateResult:
    """The answers of one or two models.

    Attributes:
        job: the job that was run.
        answers: ``prompt``, ``answer``, ``model``, ``error``, ``tokens``: one row for each model and prompt; ``answer`` is
            null for a prompt that failed. No rows after a dry run.
        comparisons: ``prompt``, ``model_a``, ``model_b``, ``response_a``, ``response_b``: one row for each prompt that both
            models answered; None with one model.
        answered: number of answers, by model.
        failed: number of failed prompts, by model.
        errors: how often each error occurred, the most frequent first.
        resumed: how many answers an interrupted run had already finished.
        tokens: tokens of the answers of this run.
        seconds: time that the answers of this run took, without loading the models.
        files: the written files: answers and, with two models, comparisons.
    """

    job: GenerateJob = field(repr=False)
    answers: pa.Table = field(repr=False)
    comparisons: pa.Table | None = field(repr=False)
    answered: dict[str, int]
    failed: dict[str, int]
    errors: dict[str, int]
    resumed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    files: tuple[Path, ...] = ()


def result_of(
    job: GenerateJob,
    completions: Mapping[str, Sequence[Completion]],
    *,
    resumed: int = 0,
    tokens: int = 0,
    seconds: float = 0.0,
) -> GenerateResult:
    """Tables and counts of all completions, by model; none of them for a dry run."""
    tables = {model: _answers(job, model, completions.get(model, ())) for model in job.models}
    failed = {model: table["answer"].null_count for model, table in tables.items()}
    errors = Counter(c.error for of_model in completions.values() for c in of_model if c.error is not None)
    return GenerateResult(
        job,
        answers=pa.concat_tables(tables.values()),
        comparisons=_comparisons(*tables.values()) if len(tables) == 2 else None,
        answered={model: len(table) - failed[model] for model, table in tables.items()},
        failed=failed,
        errors=dict(errors.most_common()),
        resumed=resumed,
        tokens=tokens,
        seconds=seconds,
        files=job.files if completions else (),
    )


def write_result(result: GenerateResult) -> None:
    """Write the files of the job; the answers last, because they say that all is done."""
    job = result.job
    if job.comparisons_file is not None:
        write_rows(job.comparisons_file, result.comparisons)
    if job.out is not None:
        write_rows(job.out, result.answers)


def _answers(job: GenerateJob, model: str, completions: Sequence[Completion]) -> pa.Table:
    prompts = pa.array(job.prompts.prompts)
    return pa.table(
        {
            "prompt": prompts[: len(completions)],
            "answer": pa.array([c.text for c in completions], pa.string()),
            "model": pa.array([model] * len(completions), pa.string()),
            "error": pa.array([c.error for c in completions], pa.string()),
            "tokens": pa.array([c.tokens for c in completions], pa.int64()),
        }
    )


def _comparisons(a: pa.Table, b: pa.Table) -> pa.Table:
    """One row for each prompt that both models answered."""
    table = pa.table(
        {
            "prompt": a["prompt"],
            "model_a": a["model"],
            "model_b": b["model"],
            "response_a": a["answer"],
            "response_b": b["answer"],
        }
    )
    return table.filter(pc.and_(a["answer"].is_valid(), b["answer"].is_valid()))
