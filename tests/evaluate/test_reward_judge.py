"""A reward model as judge: tiny models with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from contest_files import write
from small import language_model, make_tokenizer, reward_model
from transformers import AutoModelForSequenceClassification

from votewise.data.contests import Contests
from votewise.errors import BadInputError
from votewise.evaluate.inputs import read_several, read_two
from votewise.evaluate.judges import RewardJudge
from votewise.evaluate.reward_judge import preference
from votewise.evaluate.verdicts import judge_contests, work_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(reward_model(tmp_path_factory.mktemp("reward") / "model", chat=True))


def answers(name: str, n: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    words = [" ".join(f"w{w}" for w in rng.integers(0, 40, rng.integers(1, 20))) for _ in range(n)]
    return [{"prompt": f"w{i} w{i + 1}", "answer": text, "model": name} for i, text in enumerate(words)]


@pytest.fixture
def contests(tmp_path: Path) -> Contests:
    a, b = answers("new", 12, 0), answers("old", 12, 1)
    b[3]["answer"] = a[3]["answer"]
    b[5]["answer"] = " ".join(["w1"] * 100)
    files = write(tmp_path / "a.jsonl", a), write(tmp_path / "b.jsonl", b)
    return read_two(*files, column=None)[0]


def test_the_scores_of_the_model_decide(model: str, contests: Contests, tmp_path: Path) -> None:
    judged = judge_contests([contests], RewardJudge(model, batch_size=5, device="cpu"), tmp_path / "out")
    verdicts = judged.verdicts[0]
    tokenizer = make_tokenizer(chat=True)
    network = AutoModelForSequenceClassification.from_pretrained(model).eval()
    assert contests.answers_a is not None
    for i in range(4):
        messages = [
            {"role": "user", "content": contests.prompts[i]},
            {"role": "assistant", "content": contests.answers_a[i]},
        ]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            alone = float(network(input_ids=ids).logits[0, 0])
        assert verdicts.score_a is not None
        assert verdicts.score_a[i] == pytest.approx(alone, abs=1e-4)
    assert verdicts.score_b is not None
    margin = verdicts.score_a - verdicts.score_b
    assert verdicts.preference[3] == 0.5
    known = np.arange(12) != 5
    np.testing.assert_array_equal(verdicts.preference[known], (np.sign(margin[known]) + 1) / 2)
    assert len(judged.scores["new"]) == len(judged.scores["old"]) == 12


def test_an_answer_too_long_for_the_model_has_no_verdict(model: str, contests: Contests, tmp_path: Path) -> None:
    verdicts = judge_contests([contests], RewardJudge(model, device="cpu"), tmp_path / "out").verdicts[0]
    assert np.isnan(verdicts.preference[5])
    assert verdicts.problems[5] == "no score: too long for the reward model, or not a number"
    assert verdicts.problems.count(None) == 11


def test_neither_batches_nor_an_interruption_change_the_verdicts(
    model: str, contests: Contests, tmp_path: Path
) -> None:
    found = [
        judge_contests([contests], RewardJudge(model, soft=True, batch_size=size, device="cpu"), tmp_path / str(size))
        for size in (1, 4, 32)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.verdicts[0].preference, found[0].verdicts[0].preference, atol=1e-4)

    def stop(what: str, done: int, *_: Any) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    judge = RewardJudge(model, soft=True, batch_size=4, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        judge_contests([contests], judge, tmp_path / "out", progress=stop)
    told: list[int] = []
    resumed = judge_contests([contests], judge, tmp_path / "out", progress=lambda what, done, *_: told.append(done))
    assert told[0] > 8
    np.testing.assert_array_equal(resumed.verdicts[0].preference, found[1].verdicts[0].preference)
    with pytest.raises(BadInputError, match="an interrupted run had other settings: reward_model was"):
        judge_contests([contests], RewardJudge("other", device="cpu"), tmp_path / "out")


def test_several_models_are_scored_once_each(model: str, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.jsonl", answers(name, 5, seed)) for seed, name in enumerate("xyz")]
    matchups = [contests for contests, _ in read_several(files, column=None)]
    judge = RewardJudge(model, device="cpu")
    assert work_of(matchups, judge).scores == 15
    judged = judge_contests(matchups, judge, tmp_path / "out")
    assert {name: len(scores) for name, scores in judged.scores.items()} == {"x": 5, "y": 5, "z": 5}
    one, other = judged.verdicts[0], judged.verdicts[1]
    np.testing.assert_array_equal(one.score_a, other.score_a)


def test_soft_hard_and_ties() -> None:
    margin = np.array([-2.0, 0.0, 3.0, np.nan])
    assert np.isnan(preference(np.array([np.inf]), soft=True)).all()
    np.testing.assert_allclose(preference(margin, soft=False), [0, 0.5, 1, np.nan])
    np.testing.assert_allclose(preference(margin, soft=True), [1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-3)), np.nan])


def test_a_language_model_is_not_a_reward_model(contests: Contests, tmp_path: Path) -> None:
    folder = language_model(tmp_path / "language", chat=True)
    with pytest.raises(BadInputError, match="is not a reward model"):
        judge_contests([contests], RewardJudge(str(folder), device="cpu"), tmp_path / "out")
