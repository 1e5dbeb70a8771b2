"""What the votes cannot determine is said."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.identifiability import linked_components
from votewise.data.votes import Votes
from votewise.simulate import SimulatedVotes, simulate_annotators


def codes(result: object, level: str | None = None) -> list[str]:
    return [d.code for d in result.diagnostics if level in (None, d.severity)]  # type: ignore[attr-defined]


def test_groups_are_the_connected_components() -> None:
    chain = Votes.from_arrays([0, 0, 1, 1, 2, 2, 3], [0, 1, 1, 2, 3, 4, 5], [1] * 7)
    components = linked_components(evidence_of(chain))
    assert len(set(components[:3])) == 1
    assert components[3] == components[4]
    assert len(set(components)) == 3


def test_a_long_chain_is_one_group() -> None:
    """Longer than the rounds in which the quick search spreads."""
    n = 100
    pair = np.repeat(np.arange(n), 2)
    annotator = np.arange(2 * n) // 2 + np.arange(2 * n) % 2
    assert not linked_components(evidence_of(Votes.from_arrays(pair, annotator, np.ones(2 * n)))).any()


def test_few_strays_are_a_warning_many_an_error() -> None:
    data = simulate_annotators(annotators=60, seed=1).votes

    def with_strays(number: int) -> list[str]:
        pair = np.concatenate([data.pair, data.n_pairs + np.repeat(np.arange(number), 2)])
        annotator = np.concatenate([data.annotator, 60 + np.tile([0, 1], number)])
        return codes(
            estimate_reliability(Votes.from_arrays(pair, annotator, np.append(data.sign, np.ones(2 * number))))
        )

    assert "small-components" in with_strays(5)
    assert "disconnected" in with_strays(len(data))


def test_margins_connect_all_annotators() -> None:
    votes = Votes.from_arrays([0, 1, 2], [0, 1, 2], [1, -1, 1], margin=[1.0, -2.0, -0.5])
    assert codes(estimate_reliability(votes), "error") == []


def test_votes_made_from_margins_are_noticed() -> None:
    votes = Votes.from_arrays([0, 1, 2], [0, 0, 0], [1, -1, 1], margin=[1.0, -2.0, 0.5])
    assert "votes-follow-margins" in codes(estimate_reliability(votes), "warning")


def test_the_mirror_image_is_mentioned() -> None:
    data = simulate_annotators(annotators=20, seed=1)
    assert "mirror-image" in codes(estimate_reliability(data.votes), "info")


def test_nothing_tells_two_annotators_apart() -> None:
    def simulated(*reliability: float) -> SimulatedVotes:
        return simulate_annotators(
            annotators=len(reliability), votes_per_pair=2, votes_per_annotator=(400, 400), reliability=reliability
        )

    pair = estimate_reliability(simulated(1.0, 0.7).votes)
    first, second = pair.annotators["reliability"].to_pylist()
    assert first == pytest.approx(second)
    assert "two-annotators" in codes(pair, "warning")
    assert "two-annotators" not in codes(estimate_reliability(simulated(1.0, 0.7, 0.8).votes), "warning")
