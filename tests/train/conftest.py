"""Training tests run on one core, without telemetry, and ignore the warnings of libraries listed below.

Warnings are errors in this project; these are raised inside of transformers and TRL, about their own settings.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before the libraries are imported.
os.environ["HF_HUB_OFFLINE"] = "1"  # no telemetry either
os.environ["TOKENIZERS_PARALLELISM"] = "false"

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)

THIRD_PARTY = ("ignore:`(is_)?gradient_checkpointing(_kwargs|_enable|_disable)?` is deprecated:FutureWarning",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for warning in THIRD_PARTY:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is kept between tests, or written to the user's cache."""
    monkeypatch.setenv("VOTEWISE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session", autouse=True)
def quick() -> Iterator[None]:
    """No progress bars, and garbage collection after a run skips the libraries' objects."""
    import datasets

    datasets.disable_progress_bars()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
