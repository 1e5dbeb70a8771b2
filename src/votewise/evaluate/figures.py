"""An evaluation -> the figures that evaluation.json and ``--json`` hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.data.win_rates import LengthControlled, MatrixResult, Swaps, WinRateResult


def win_rate_figures(result: WinRateResult) -> dict[str, Any]:
    """All estimates, as JSON values."""
    contests = result.contests
    return {
        "model": contests.model_a,
        "baseline": contests.model_b,
        "judge": result.verdicts.judge,
        "win_rate": result.rate.as_dict(),
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "failed": result.failed,
        "left_out": dict(contests.left_out),
        "level": result.level,
        "length_controlled": _length_controlled(result.length_controlled),
        "swaps": _swaps(result.swaps),
        "by_length": [part.rate.as_dict() | {"start": part.start, "end": part.end} for part in result.by_length],
        "by_domain": [{"domain": part.name} | part.rate.as_dict() for part in result.by_domain],
    }


def matrix_figures(result: MatrixResult) -> dict[str, Any]:
    """All estimates, as JSON values."""
    return {
        "models": list(result.models),
        "judge": result.judge,
        "level": result.level,
        "mean": dict(result.mean),
        "matchups": [win_rate_figures(found) for found in result.matchups.values()],
        "scores": {
            model: {"mean": float(np.mean(scores)), "deviation": float(np.std(scores)), "answers": len(scores)}
            for model, scores in result.scores.items()
        },
    }


def _length_controlled(found: LengthControlled | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return found.rate.as_dict() | {
        "length": found.length,
        "difficulty": found.difficulty,
        "bias": found.bias,
        "deviation": found.deviation,
    }


def _swaps(found: Swaps | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"contests": found.contests, "disagreement": found.disagreement, "first": found.first}
