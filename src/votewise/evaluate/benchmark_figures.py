"""What lm-evaluation-harness returns -> figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

HEADLINES = {"mmlu": "acc,none", "gsm8k": "exact_match,strict-match"}
"""Task -> the figure that papers report."""


@dataclass(frozen=True)
class BenchmarkFigure:
    """A task's ``metric`` after a ``filter`` of the replies; ``headline`` marks the figure that papers report."""

    task: str
    metric: str
    filter: str
    value: float
    standard_error: float | None
    headline: bool = False


FIGURE_COLUMNS = pa.schema(
    [
        ("task", pa.string()),
        ("metric", pa.string()),
        ("filter", pa.string()),
        ("value", pa.float64()),
        ("standard_error", pa.float64()),
        ("headline", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class BenchmarkResult:
    """What the harness measured: ``figures``, and the same by task as JSON values, ``tasks``."""

    model: str
    figures: tuple[BenchmarkFigure, ...]
    tasks: Mapping[str, Any] = field(repr=False)

    @property
    def table(self) -> pa.Table:
        """The figures, one per row."""
        return pa.Table.from_pylist([vars(figure) for figure in self.figures], schema=FIGURE_COLUMNS)


def figures_of(results: Mapping[str, Any], tasks: Sequence[str]) -> list[BenchmarkFigure]:
    """The figures of these tasks; the harness returns them as ``metric,filter`` and ``metric_stderr,filter``."""
    figures = []
    for task in tasks:
        found: Mapping[str, Any] = results["results"].get(task, {})
        for key, value in found.items():
            metric, comma, name = key.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = found.get(f"{metric}_stderr,{name}")
            figures.append(
                BenchmarkFigure(
                    task,
                    metric,
                    name,
                    float(value),
                    float(error) if isinstance(error, int | float) else None,
                    HEADLINES.get(task) == key,
                )
            )
    return figures


def tasks_as_json(results: Mapping[str, Any], tasks: Sequence[str]) -> dict[str, Any]:
    """Task -> its figures, and how it was run, as JSON values."""
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
