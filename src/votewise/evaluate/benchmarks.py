"""Benchmarks, run by lm-evaluation-harness.

Needs the [eval] extra. The figures and their standard errors are those of the harness; they go to ``evaluation.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError, needs
from votewise.evaluate.benchmark_figures import BenchmarkResult, figures_of, tasks_as_json
from votewise.evaluate.record import record_result

SECTION = "benchmark"


@dataclass(frozen=True)
class BenchmarkSettings:
    """How to run benchmarks.

    Attributes:
        few_shot: number of examples in the prompt; None for the task's own number.
        limit: number of examples of each task to run, or, below 1, their share; None for all.
        batch_size: a number, or ``auto`` for the largest that fits into memory.
        device: ``cpu``, ``cuda``, ...; None lets the harness choose.
        dtype: number format of the model.
        chat_template: whether to apply the model's chat template to the prompts.
        include: a folder with further tasks, in the YAML format of the harness.
        seed: of the choice of examples in prompts, and of everything else that is random.
        resamples: number of bootstrap resamples, for metrics whose standard error has no formula.
    """

    few_shot: int | None = None
    limit: float | None = None
    batch_size: int | str = "auto"
    device: str | None = None
    dtype: str = "auto"
    chat_template: bool = False
    include: Path | None = None
    seed: int = 0
    resamples: int = 1000


def run_benchmarks(model: str, tasks: Sequence[str], settings: BenchmarkSettings | None = None) -> BenchmarkResult:
    """Run tasks of lm-evaluation-harness on a model.

    Args:
        model: a folder, or a name on the Hub; a LoRA adapter in a folder is loaded on top of its base model.
        tasks: names of tasks, or of groups of tasks: ``mmlu``, ``gsm8k``, ...
        settings: how to run them; None for the defaults.

    Raises:
        BadInputError: the harness is not installed, does not know a task, or cannot load the model.
    """
    settings = settings or BenchmarkSettings()
    with needs("eval", "a benchmark"):
        import lm_eval
        import torch  # noqa: F401 - the harness imports it when the model is loaded
    manager = _task_manager(tasks, settings.include)
    try:
        results: Any = lm_eval.simple_evaluate(
            model="hf",
            model_args=model_arguments(model) | {"dtype": settings.dtype},
            tasks=list(tasks),
            task_manager=manager,
            num_fewshot=settings.few_shot,
            limit=settings.limit,
            batch_size=settings.batch_size,
            device=settings.device,
            apply_chat_template=settings.chat_template,
            bootstrap_iters=settings.resamples,
            log_samples=False,
            random_seed=settings.seed,
            numpy_random_seed=settings.seed,
            torch_random_seed=settings.seed,
            fewshot_random_seed=settings.seed,
        )
    except (OSError, ValueError, KeyError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInputError(f"cannot run the benchmarks: {line}", source=model) from error
    return BenchmarkResult(model, tuple(figures_of(results, tasks)), tasks_as_json(results, tasks))


def record_benchmarks(path: Path, result: BenchmarkResult) -> dict[str, dict[str, Any]]:
    """Add the figures to an ``evaluation.json``; it keeps the figures of other tasks on this model."""
    return record_result(path, SECTION, result.model, result.tasks)


def model_arguments(model: str) -> dict[str, Any]:
    """What the harness has to load: the model, or a base model and the adapter."""
    adapter = Path(model) / "adapter_config.json"
    if not adapter.is_file():
        return {"pretrained": model}
    base = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not base:
        raise BadInputError("does not name the base model", source=str(adapter), expected="base_model_name_or_path")
    return {"pretrained": base, "peft": model}


def _task_manager(tasks: Sequence[str], include: Path | None) -> Any:
    """The tasks of the harness. Reading its own thousands of tasks takes many seconds, so it is skipped if not needed."""
    from lm_eval.tasks import TaskManager

    if include is not None and not include.is_dir():
        raise BadInputError("is not a folder", source=str(include), expected="a folder with tasks in YAML")
    if include is not None:
        own = TaskManager(include_path=str(include), include_defaults=False)
        if set(tasks) <= set(own.all_tasks):
            return own
    manager = TaskManager(include_path=None if include is None else str(include))
    unknown = sorted(set(tasks) - set(manager.all_tasks))
    if unknown:
        from difflib import get_close_matches

        alike = get_close_matches(unknown[0], manager.all_tasks, n=3)
        raise BadInputError(
            f"lm_eval has no task '{unknown[0]}'",
            expected=", ".join(alike) if alike else "a name from `lm-eval ls tasks`",
        )
    return manager
