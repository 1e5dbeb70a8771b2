"""The EM loop on maps whose behaviour is known."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.inference.em import EMOptions, extrapolate, run_em


def linear_map(rate: float):
    """x -> rate x, climbing -x^2: EM with a linear convergence rate, maximum at 0."""
    return lambda x: (rate * x, -float(x @ x))


@pytest.mark.parametrize("accelerate", [False, True])
def test_converges_to_the_maximum(accelerate: bool) -> None:
    run = run_em(linear_map(0.9), np.array([3.0, -2.0]), EMOptions(tolerance=1e-8, accelerate=accelerate))
    assert run.converged
    np.testing.assert_allclose(run.x, 0, atol=1e-6)
    assert all(b >= a - 1e-12 for a, b in zip(run.history, run.history[1:], strict=False))


def test_acceleration_saves_steps_on_a_slow_map() -> None:
    slow, x = linear_map(0.999), np.array([1.0])
    plain = run_em(slow, x, EMOptions(tolerance=1e-6, max_iterations=20000, accelerate=False))
    fast = run_em(slow, x, EMOptions(tolerance=1e-6, max_iterations=20000))
    assert plain.converged
    assert fast.converged
    assert fast.iterations * 20 < plain.iterations


def test_extrapolation_solves_a_linear_map_at_once() -> None:
    x = np.array([1.0])
    np.testing.assert_allclose(extrapolate(x, 0.9 * x, 0.81 * x), 0, atol=1e-12)


def test_a_bad_extrapolation_is_not_taken() -> None:
    def step(x: np.ndarray) -> tuple[np.ndarray, float]:
        # The objective drops sharply beyond 1, so jumps that overshoot must be refused.
        return x + 0.1 * np.maximum(0.99 - x, 0), float(x[0]) if x[0] <= 1 else -1e9

    run = run_em(step, np.array([0.0]), EMOptions(tolerance=1e-6))
    assert run.converged
    assert min(run.history) == 0.0


def test_a_falling_objective_is_reported() -> None:
    with pytest.warns(RuntimeWarning, match="objective fell") as caught:
        run_em(lambda x: (x + 1, -float(x[0])), np.array([0.0]), EMOptions(max_iterations=3, accelerate=False))
    assert caught[0].filename == __file__


def test_the_budget_is_kept_and_progress_reported() -> None:
    seen: list[int] = []
    run = run_em(
        linear_map(0.99),
        np.array([1.0]),
        EMOptions(max_iterations=7, accelerate=False, on_iteration=lambda i, _: seen.append(i)),
    )
    assert not run.converged
    assert run.iterations == 7
    assert seen == list(range(1, 8))


def test_a_round_that_gains_next_to_nothing_is_the_last() -> None:
    """Along a flat direction x keeps moving while the objective hardly changes."""
    run = run_em(
        lambda x: (x + 1.0, -float(np.exp(-x[0]))), np.array([0.0]), EMOptions(tolerance=1e-6, least_gain=1e-3)
    )
    assert run.converged
    assert run.iterations < 20
    assert run.history[-1] > -0.01
