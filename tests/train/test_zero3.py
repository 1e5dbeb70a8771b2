"""Runs whose weights DeepSpeed's ZeRO-3 splits over processes are the runs of one process.

DeepSpeed is no dependency of the tests: ``make test-zero`` installs it beside the environment and runs this file.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import worker
from safetensors.torch import load_file
from test_distributed import assert_same_run
from transformers import LlamaForCausalLM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("deepspeed") is None, reason="deepspeed is not installed; see make test-zero"),
]

WAYS = {2: (*worker.DISTRIBUTED, *worker.HEADS), 4: ("first", "lora", "fused", "chunks")}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where the runs of so many processes saved their models, and what each process found."""
    known: dict[int, tuple[Path, list[dict[str, Any]]]] = {}

    def of(processes: int) -> Any:
        if processes not in known:
            folder = tmp_path_factory.mktemp("zero3")
            known[processes] = folder, worker.in_processes("ranks", folder, processes, WAYS[processes], **worker.ZERO3)
        return known[processes]

    return of


@pytest.mark.parametrize(("processes", "name"), [(n, name) for n, names in WAYS.items() for name in names])
def test_same_as_in_one_process(processes: int, name: str, split: Any, tmp_path: Path) -> None:
    found = [of_rank[name] for of_rank in split(processes)[1]]
    assert [(run["processes"], run["sharded"]) for run in found] == [(processes, True)] * processes
    assert all(run["eta"] == found[0]["eta"] for run in found), "every rank holds the whole state"
    one = worker.outcome(tmp_path, name, per_device_train_batch_size=8)
    assert_same_run(found[0], one)


def test_saved_model_is_whole(split: Any) -> None:
    """A model that ``from_pretrained`` reads, with the weights of the run."""
    folder, found = split(2)
    saved = LlamaForCausalLM.from_pretrained(folder / "first")
    for name, weight in saved.named_parameters():
        assert weight.flatten().tolist() == found[0]["first"]["weights"][name], name


def test_saved_adapter_is_whole(split: Any) -> None:
    folder, found = split(2)
    saved = load_file(folder / "lora" / "adapter_model.safetensors")
    assert saved
    for name, weight in saved.items():
        own = name.replace(".weight", ".default.weight")
        assert weight.flatten().tolist() == found[0]["lora"]["weights"][own], name


def test_reference_is_computed_once(tmp_path: Path) -> None:
    """By all processes together; the second run asks the reference model nothing."""
    found = worker.in_processes("kept", tmp_path, **worker.ZERO3)
    alone = worker.kept_runs(tmp_path / "alone")
    for rank in found:
        assert rank["asked"] == [15, 0], "half of 24 pairs and 3 of 5, one of which the other process had too"
        for here, there in zip(rank["columns"], alone["columns"], strict=True):
            np.testing.assert_allclose(here, there, rtol=0, atol=1e-5)
        np.testing.assert_allclose(rank["loss"], alone["loss"], rtol=0, atol=1e-5)
