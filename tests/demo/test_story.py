from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from shell import shell
from votewise.demo import story
from votewise.demo.methods import BETA_FACTORS, CLEAN, DPO_ONLY, LOSS_SETTINGS, METHODS, OURS, PLAIN
from votewise.demo.story import tell_story
from votewise.demo.world import World, corrected_votes, make_world, train_on
from votewise.errors import BadInputError

SMALL = {"votes": 256, "annotators": 6, "texts": 6_000}


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(**SMALL, seed=1)


@pytest.mark.slow
def test_clean_labels_are_the_truth(world: World) -> None:
    votes = corrected_votes(world.cast)
    np.testing.assert_array_equal(votes.sign, world.cast.truth[votes.pair])
    assert not world.cast.correct.all()


@pytest.mark.slow
def test_a_run_trains_a_copy_and_is_decided_by_its_seed(world: World) -> None:
    before = [parameter.clone() for parameter in world.model.parameters()]
    one, two = (train_on(world, OURS, per_device_train_batch_size=32, seed=3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(before, world.model.parameters(), strict=True))
    assert any((a != b).any() for a, b in zip(before, one.trainer.model.parameters(), strict=True))
    np.testing.assert_array_equal(one.right, two.right)
    np.testing.assert_array_equal(one.trainer.beliefs.log_odds, two.trainer.beliefs.log_odds)
    assert one.right.shape == ((~world.facts.voted).sum(),)


@pytest.mark.slow
def test_clean_labels_have_no_error_of_reliability(world: World) -> None:
    assert np.isnan(train_on(world, CLEAN).error)
    assert 0 <= train_on(world, OURS).error <= 1


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["cpo"])
def test_the_story_tells_of_every_method(loss: str) -> None:
    stages: list[str] = []
    told = tell_story(worlds=1, loss=loss, on_stage=stages.append, **SMALL)
    expected = [method.name for method in METHODS if loss == "dpo" or method not in DPO_ONLY]
    assert list(told.endings) == expected
    assert len(stages) == 3 * len(expected) + 1
    assert told.usual_beta == LOSS_SETTINGS[loss]["beta"]
    for name, answers in told.endings.items():
        rates = {beta: float(shares.mean()) for beta, shares in answers.shares.items()}
        assert list(rates) == [told.usual_beta * factor for factor in BETA_FACTORS]
        assert answers.rate(answers.best)[0] == max(rates.values())
        assert answers.lost == pytest.approx(max(rates.values()) - min(rates.values()))
        assert answers.rate(told.usual_beta)[1] >= 0
        best = {
            n: max(float(s.mean()) for s in told.endings[n].shares.values()) for n in (name, PLAIN.name, CLEAN.name)
        }
        gap = best[CLEAN.name] - best[PLAIN.name]
        closed = (best[name] - best[PLAIN.name]) / gap if gap > 0 else np.nan
        np.testing.assert_allclose(told.closed(name), closed)
    assert told.trainer.beliefs.seen == SMALL["votes"]


def test_no_world_is_refused() -> None:
    with pytest.raises(BadInputError, match="worlds"):
        tell_story(worlds=0)


@pytest.mark.slow
def test_the_command_prints_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "tell_story", partial(tell_story, **SMALL))
    ended = shell("demo", "--worlds", 1, "--out", tmp_path)
    assert ended.code == 0, ended
    assert "RE-PO as published" in ended.out
    assert "best beta" in ended.out
    assert "…" not in ended.out  # the table fits a terminal of 80 columns
    assert "adversarial" in ended.out
    assert {path.name for path in tmp_path.iterdir()} >= {"report.html", "annotators.parquet", "votes.parquet"}
