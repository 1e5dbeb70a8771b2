"""The fit behind an estimate: steps and objective belong together, and an earlier fit is a place to start from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from votewise.annotators.em_steps import e_step, log_posterior, m_step
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.fitted import Start
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators

SETTINGS: list[dict[str, Any]] = [
    {"prior": Beta(4, 2)},
    {"prior": Beta(4, 2, outliers=0.1)},
    {"prior": Beta(3, 2), "point": "mode"},
    {"prior": Beta(4, 2), "temperature": "fit"},
]


def evidence(seed: int = 3) -> Any:
    data = simulate_annotators(annotators=12, votes_per_annotator=(20, 60), seed=seed)
    margin = data.truth + np.random.default_rng(seed).normal(size=data.votes.n_pairs)
    return evidence_of(data.votes.with_margins(margin))


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_end_of_em_is_a_maximum_of_the_objective(settings: dict[str, Any]) -> None:
    """Finite differences: the slope is 0 in every direction, and every step away loses."""
    fit = fit_reliability(evidence(), FitSettings(tolerance=1e-10, max_iterations=20_000, **settings))
    model, x = fit.model, fit.run.x

    def value(at: np.ndarray) -> float:
        return log_posterior(model, at, e_step(model, at))

    for direction in np.eye(len(x)):
        ahead, behind = value(x + 1e-3 * direction), value(x - 1e-3 * direction)
        assert (ahead - behind) / 2e-3 == pytest.approx(0, abs=1e-3)
        assert max(ahead, behind) < value(x)
    np.testing.assert_allclose(m_step(model, x, e_step(model, x)), x, atol=1e-6)


def test_a_fit_from_the_end_of_another_is_there_at_once() -> None:
    settings = FitSettings(prior=Beta(4, 2))
    cold = fit_reliability(evidence(), settings)
    warm = fit_reliability(evidence(), settings, start=Start(cold.log_odds, cold.temperature, Beta(9, 9)))
    assert warm.steps < cold.steps
    assert warm.prior == Beta(4, 2)
    np.testing.assert_allclose(warm.log_odds, cold.log_odds, atol=0.01)
