"""``votewise.demo`` without files: what the command prints and writes is in the result."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import votewise
from votewise.errors import BadInputError


def test_the_quick_demo_returns_beliefs_beside_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stages: list[str] = []

    class Noted:
        def stage(self, description: str) -> None:
            stages.append(description)

        def step(self, what: str, steps: int, movement: float) -> None: ...

    result = votewise.demo(quick=True, progress=Noted())
    assert result.data is not None
    assert result.summary is not None
    assert len(result.reliability.annotators) == len(result.data.names) == 40
    assert result.summary["gold"]["accuracy"] > result.summary["gold"]["majority_accuracy"]
    assert (result.story, result.files) == (None, ())
    assert stages == ["Simulating votes", "Judging annotators"]
    assert list(tmp_path.iterdir()) == []


def test_the_seed_decides() -> None:
    one, same, other = (votewise.demo(quick=True, seed=seed).reliability.annotators for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


@pytest.mark.slow
def test_the_story_is_told_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl")
    from votewise.demo import story

    small = {"votes": 128, "annotators": 6, "texts": 3_000}
    monkeypatch.setattr(story, "tell_story", partial(story.tell_story, **small))
    result = votewise.demo(worlds=1, loss="cpo")
    assert result.story is not None
    assert (result.data, result.summary, result.files) == (None, None, ())
    np.testing.assert_array_equal(
        result.reliability.annotators["reliability"], result.story.trainer.reliability["reliability"]
    )


def test_no_world_is_refused() -> None:
    pytest.importorskip("trl")
    with pytest.raises(BadInputError, match="worlds: no world, got 0"):
        votewise.demo(worlds=0)


@pytest.mark.parametrize("quick", [True, False])
def test_a_folder_with_something_else_is_refused(quick: bool, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"mine": 1}')
    (tmp_path / "votes.parquet").write_text("mine")
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadInputError, match=r"holds something else: 'summary.json' and 1 more"):
        votewise.demo(quick=quick, out=tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "summary.json": '{"mine": 1}', "votes.parquet": "mine", "thesis.tex": "mine",
    }  # fmt: skip
