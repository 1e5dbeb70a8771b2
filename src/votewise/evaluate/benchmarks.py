"""Benchmarks through lm-evaluation-harness, which is called, not imitated.

Needs the [eval] extra. Figures go to ``evaluation.json`` with their standard errors, as the harness gives them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.evaluate.record import record_result

HEADLINES = {"mmlu": "acc,none", "gsm8k": "exact_match,strict-match"}
"""The figure that papers print, by task."""

SECTION = "benchmark"


@dataclass(frozen=True)
class BenchmarkSettings:
    """How to run benchmarks.

    Attributes:
        few_shot: examples in the prompt; None for the task's own number.
        limit: only so many examples of each task: a share below 1, or a number.
        batch_size: a number, or ``auto`` for the largest that fits.
        device: ``cpu``, ``cuda``, ...; None for the harness' choice.
        dtype: the model's numbers.
        chat: whether prompts go through the model's chat template.
        include: a folder with tasks of your own, in the harness' YAML.
        seed: of the choice of examples in prompts, and of everything else that is random.
        resamples: bootstrap resamples for metrics without a standard error in closed form.
    """

    few_shot: int | None = None
    limit: float | None = None
    batch_size: int | str = "auto"
    device: str | None = None
    dtype: str = "auto"
    chat: bool = False
    include: Path | None = None
    seed: int = 0
    resamples: int = 1000


@dataclass(frozen=True)
class Figure:
    """A task's ``metric`` under a ``filter``; ``headline`` marks the one that papers print."""

    task: str
    metric: str
    filter: str
    value: float
    standard_error: float | None
    headline: bool = False


@dataclass(frozen=True)
class BenchmarkResult:
    """What the harness measured: ``figures``, and as JSON by task ``tasks``."""

    model: str
    figures: tuple[Figure, ...]
    tasks: Mapping[str, Any] = field(repr=False)


def run_benchmarks(model: str, tasks: Sequence[str], settings: BenchmarkSettings | None = None) -> BenchmarkResult:
    """Run tasks of lm-evaluation-harness on a model.

    Args:
        model: a folder or a name on the Hub; a folder with a LoRA adapter is loaded on top of its base model.
        tasks: their names, ``mmlu``, ``gsm8k``, ...; groups count as one.
        settings: the defaults, unless given.

    Raises:
        BadInputError: the harness is not installed, a task it does not know, or a model that cannot be loaded.
    """
    settings = settings or BenchmarkSettings()
    try:
        import lm_eval
    except ModuleNotFoundError as error:
        raise BadInputError("benchmarks need lm_eval", expected="pip install 'votewise[eval]'") from error
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
            apply_chat_template=settings.chat,
            bootstrap_iters=settings.resamples,
            log_samples=False,
            random_seed=settings.seed,
            numpy_random_seed=settings.seed,
            torch_random_seed=settings.seed,
            fewshot_random_seed=settings.seed,
        )
    except (OSError, ValueError, KeyError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInputError(f"the benchmarks cannot be run: {line}", source=model) from error
    return BenchmarkResult(model, tuple(figures_of(results, tasks)), _tasks_as_json(results, tasks))


def record_benchmarks(path: Path, result: BenchmarkResult) -> dict[str, dict[str, Any]]:
    """Add the figures to an ``evaluation.json``; other tasks that were run on this model stay."""
    return record_result(path, SECTION, result.model, result.tasks)


def model_arguments(model: str) -> dict[str, Any]:
    """What the harness is told to load: the model, or its base model and the adapter."""
    adapter = Path(model) / "adapter_config.json"
    if not adapter.is_file():
        return {"pretrained": model}
    base = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not base:
        raise BadInputError("does not name its base model", source=str(adapter), expected="base_model_name_or_path")
    return {"pretrained": base, "peft": model}


def figures_of(results: Mapping[str, Any], tasks: Sequence[str]) -> list[Figure]:
    """The figures of these tasks in what the harness returns, under ``metric,filter`` and ``metric_stderr,filter``."""
    figures = []
    for task in tasks:
        found: Mapping[str, Any] = results["results"].get(task, {})
        for key, value in found.items():
            metric, comma, name = key.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = found.get(f"{metric}_stderr,{name}")
            figures.append(
                Figure(
                    task,
                    metric,
                    name,
                    float(value),
                    float(error) if isinstance(error, int | float) else None,
                    HEADLINES.get(task) == key,
                )
            )
    return figures


def _tasks_as_json(results: Mapping[str, Any], tasks: Sequence[str]) -> dict[str, Any]:
    by_task: dict[str, Any] = {}
    for task in tasks:
        figures = figures_of(results, [task])
        by_task[task] = {
            "figures": {
                f"{figure.metric},{figure.filter}": {"value": figure.value, "standard_error": figure.standard_error}
                for figure in figures
            },
            "examples": (results.get("n-samples", {}).get(task) or {}).get("effective"),
            "few_shot": results.get("n-shot", {}).get(task),
            "version": results.get("versions", {}).get(task),
            "lm_eval": results.get("lm_eval_version"),
        }
    return by_task


def _task_manager(tasks: Sequence[str], include: Path | None) -> Any:
    """The harness' list of tasks. Its own thousands take many seconds to read, and are left out if not needed."""
    from lm_eval.tasks import TaskManager

    if include is not None and not include.is_dir():
        raise BadInputError("is no folder", source=str(include), expected="one with tasks in YAML")
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
