"""Benchmarks of lm-evaluation-harness on a model: ``votewise evaluate benchmark``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.errors import BadInputError
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class BenchmarkEvaluation:
    """Benchmarks of one model.

    Attributes:
        table: ``task``, ``metric``, ``filter``, ``value``, ``standard_error`` (null if unknown), and ``headline``: whether
            it is the figure that papers report.
        figures: the same by task as JSON values, with versions and settings, as in ``evaluation.json``.
        files: what was written; empty without ``out``.
    """

    table: pa.Table
    figures: dict[str, Any] = field(repr=False)
    files: tuple[Path, ...] = ()


def evaluate_benchmark(
    tasks: str | Sequence[str],
    *,
    model: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    few_shot: int | None = None,
    limit: float | None = None,
    batch_size: int | Literal["auto"] | str = "auto",
    device: str | None = None,
    dtype: str = "auto",
    chat_template: bool = False,
    include: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> BenchmarkEvaluation:
    """Run benchmarks on a model, with lm-evaluation-harness.

    Args:
        tasks: names of tasks or of groups of tasks, as a list or separated by commas: ``mmlu,gsm8k``.
        model: folder of a model, with or without a LoRA adapter, or its name on the Hub.
        out: folder of the evaluation.json that the figures are added to; None writes nothing.
        few_shot: number of examples in the prompt; None for the task's own number.
        limit: number of examples of each task to run, or, below 1, their share; None for all.
        batch_size: examples at a time, or ``auto`` for the largest number that fits into memory.
        device: where the model runs; None for a GPU if there is one.
        dtype: number format of the model.
        chat_template: whether to apply the model's chat template to the prompts.
        include: folder with further tasks, in the YAML format of the harness.
        seed: seed of everything random.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: the harness is not installed or does not know a task, the model cannot be loaded, or a setting is out
            of range.
    """
    from votewise.evaluate import benchmarks
    from votewise.evaluate.evaluation_files import check_folder
    from votewise.evaluate.record import FILE
    from votewise.storage.files import folder_to_write

    progress = progress or SILENT
    folder = folder_to_write(out)
    check_folder(folder)
    settings = benchmarks.BenchmarkSettings(
        few_shot=few_shot,
        limit=limit,
        batch_size=_batch_size(batch_size),
        device=device,
        dtype=dtype,
        chat_template=chat_template,
        include=None if include is None else Path(include),
        seed=seed,
    )
    given = tasks.split(",") if isinstance(tasks, str) else tasks
    names = [name.strip() for name in given if name.strip()]
    progress.stage(f"Running {', '.join(names)}")
    result = benchmarks.run_benchmarks(str(model), names, settings)
    if folder is None:
        return BenchmarkEvaluation(result.table, dict(result.tasks))
    benchmarks.record_benchmarks(folder / FILE, result)
    return BenchmarkEvaluation(result.table, dict(result.tasks), (folder / FILE,))


def _batch_size(value: int | str) -> int | str:
    if isinstance(value, int) or value == "auto":
        return value
    if not value.isdecimal():
        raise BadInputError("not a number", parameter="batch_size", value=value, expected="a number or auto")
    return int(value)
