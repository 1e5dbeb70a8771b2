"""One optimiser step is one update of the reliabilities, whatever the split into micro-batches and ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import worker

pytestmark = pytest.mark.slow
"""Each is fast; together they train for ten seconds."""

SPLITS: dict[str, dict[str, Any]] = {
    "2x4": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    "4x2": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
}


def assert_same_run(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["steps"] == other["steps"] == 8
    assert one["tokens"] == other["tokens"]
    for name in ("eta", "loss", "variance"):
        if one[name] is not None or other[name] is not None:
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-5, err_msg=name)
    assert one["weights"].keys() == other["weights"].keys()
    for name, weight in one["weights"].items():
        np.testing.assert_allclose(weight, other["weights"][name], rtol=0, atol=1e-5, err_msg=name)
    for name in ("first", "confidence", "metrics"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The runs with all eight rows of a step in one batch."""
    known: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in known:
            known[name] = worker.outcome(tmp_path_factory.mktemp(name), name, per_device_train_batch_size=8)
        return known[name]

    return of


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", worker.DISTRIBUTED)
def test_micro_batches(name: str, split: str, whole: Any, tmp_path: Path) -> None:
    assert_same_run(worker.outcome(tmp_path, name, **SPLITS[split]), whole(name))


WAYS: dict[str, tuple[int, dict[str, str]]] = {
    "two processes": (2, {}),
    "four processes": (4, {}),
    "two processes, weights sharded by FSDP2": (2, worker.FSDP2),
}


@pytest.fixture(scope="module")
def in_ways(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each process found, by way."""
    known: dict[str, list[dict[str, Any]]] = {}

    def of(way: str) -> list[dict[str, Any]]:
        if way not in known:
            processes, settings = WAYS[way]
            known[way] = worker.in_processes(
                "ranks", tmp_path_factory.mktemp("ranks"), processes, worker.DISTRIBUTED, **settings
            )
        return known[way]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", worker.DISTRIBUTED)
def test_several_processes(name: str, way: str, whole: Any, in_ways: Any) -> None:
    found = [of_rank[name] for of_rank in in_ways(way)]
    assert len(found) == WAYS[way][0]
    assert {of_rank["processes"] for of_rank in found} == {len(found)}
    assert {of_rank["sharded"] for of_rank in found} == {WAYS[way][1] == worker.FSDP2}
    for field in ("eta", "first", "variance"):
        assert all(of_rank[field] == found[0][field] for of_rank in found), "every rank holds the whole state"
    assert_same_run(found[0], whole(name))


def test_the_runs_do_differ_in_what_is_compared(whole: Any) -> None:
    """Reliabilities have moved, and differently for each way of learning them."""
    eta = [whole(name)["eta"] for name in ("first", "current", "epoch")]
    assert np.abs(np.array(eta) - 0.9).max(axis=1).min() > 1e-3
    assert np.abs(np.diff(eta, axis=0)).max(axis=1).min() > 1e-3
