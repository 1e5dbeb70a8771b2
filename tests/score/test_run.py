"""A whole run: columns, temperature, summary, interruptions, and the margins in an audit and in training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import expit
from small import language_model, reward_model

from shell import process
from votewise import estimate_reliability, read_votes
from votewise.errors import BadInputError
from votewise.score import (
    ColumnScores,
    ImplicitReward,
    ModelOptions,
    RewardModel,
    ScoreJob,
    ScoreMethod,
    read_pairs,
    score_pairs,
)
from votewise.score.implicit import LogProbabilities
from votewise.score.reward import RewardScorer

OPTIONS = ModelOptions(batch_size=8, device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    reward_model(folder / "reward", chat=True)
    for seed, name in enumerate(("policy", "reference"), 1):
        language_model(folder / name, chat=True, seed=seed)
    return folder


@pytest.fixture(params=["reward", "implicit"])
def source(request: pytest.FixtureRequest, folder: Path) -> ScoreMethod:
    if request.param == "reward":
        return RewardModel(str(folder / "reward"), OPTIONS)
    return ImplicitReward(str(folder / "policy"), str(folder / "reference"), 0.5, OPTIONS)


def rows(pairs: int = 15, votes: int = 2) -> list[dict[str, Any]]:
    """Several votes on each pair; every second vote has the two answers swapped."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(pairs):
        prompt, a, b = (" ".join(f"w{j}" for j in rng.integers(0, 40, rng.integers(1, 9))) for _ in range(3))
        for k in range(votes):
            x, y = (a, b) if k % 2 == 0 else (b, a)
            label = "ab"[rng.integers(2)]
            made.append(
                {"prompt": f"{prompt} w{i}", "response_a": x, "response_b": y, "annotator": f"k{k}", "label": label}
                | {"mine": {"n": i}}
            )
    return made


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_get_three_columns_and_keep_theirs(source: ScoreMethod, tmp_path: Path) -> None:
    votes = rows()
    job = ScoreJob(read_pairs(votes), source, tmp_path / "scored.jsonl")
    reports: list[Any] = []
    result = score_pairs(job, progress=lambda *args: reports.append(args))
    found = lines(job.out)
    assert [{k: v for k, v in row.items() if k in votes[0]} for row in found] == votes
    assert list(found[0]) == [*votes[0], "score_a", "score_b", "margin"]
    assert [row["margin"] for row in found] == [row["score_a"] - row["score_b"] for row in found]
    # The same answers have the same scores when they are swapped.
    assert [row["score_a"] for row in found[::2]] == [row["score_b"] for row in found[1::2]]
    assert len({row["score_a"] for row in found}) == 30
    assert (result.counts.answers, result.counts.unscored, result.counts.resumed) == (30, 0, 0)
    models = 1 if isinstance(source, RewardModel) else 2
    assert [args[1:3] for args in reports] == [(8, 30), (16, 30), (24, 30), (30, 30)] * models
    assert result.counts.tokens == reports[-1][3] > 0
    table = ScoreJob(read_pairs(votes), source, tmp_path / "scored.parquet")
    score_pairs(table)
    assert pq.read_table(table.out).to_pylist() == found
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "scored-summary.json", "scored.jsonl", "scored.parquet",
    ]  # fmt: skip


def test_the_implicit_reward_is_the_one_of_dpo(folder: Path, tmp_path: Path) -> None:
    pairs, names = read_pairs(rows(5, 1)), {}
    for name in ("policy", "reference"):
        scorer = LogProbabilities(str(folder / name), OPTIONS)
        from votewise.score.run import different_answers

        answers, _, a, b = different_answers(pairs)
        logp = {f.number: f.score for batch in scorer.scores(answers, set()) for f in batch}
        names[name] = np.array([logp[i] for i in a]), np.array([logp[i] for i in b])
    job = ScoreJob(
        pairs, ImplicitReward(str(folder / "policy"), str(folder / "reference"), 0.3, OPTIONS), tmp_path / "s.jsonl"
    )
    result = score_pairs(job)
    delta = names["policy"][0] - names["policy"][1]
    delta_ref = names["reference"][0] - names["reference"][1]
    np.testing.assert_allclose(result.margin, 0.3 * (delta - delta_ref), rtol=1e-12)


@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_same_file(
    source: ScoreMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = read_pairs(rows())
    whole = ScoreJob(pairs, source, tmp_path / "whole.jsonl")
    score_pairs(whole)
    scorer = RewardScorer if isinstance(source, RewardModel) else LogProbabilities
    batches = 4 if isinstance(source, RewardModel) else 8
    usual = scorer._run
    for stop in range(batches):
        left = [stop]

        def interrupted(self: Any, batch: Any, left: list[int] = left) -> Any:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return usual(self, batch)

        monkeypatch.setattr(scorer, "_run", interrupted)
        job = ScoreJob(pairs, source, tmp_path / f"{stop}.jsonl")
        with pytest.raises(KeyboardInterrupt):
            score_pairs(job)
        assert not job.out.exists()
        left[0] = batches - stop
        assert score_pairs(job).counts.resumed == sum([8, 8, 8, 6, 8, 8, 8, 6][:stop])
        assert job.out.read_bytes() == whole.out.read_bytes()


@pytest.mark.slow
def test_a_killed_run_resumes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "votes.json").write_text(json.dumps(rows()))
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from votewise.score import *\n"
        "job = ScoreJob(read_pairs('votes.json'), RewardModel(sys.argv[1], ModelOptions(8, 'cpu')), Path('s.jsonl'))\n"
        "score_pairs(job, progress=lambda what, done, *_: os.kill(os.getpid(), signal.SIGKILL) if done == 16 else None)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(folder / "reward")], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    source = RewardModel(str(folder / "reward"), OPTIONS)
    pairs = read_pairs(tmp_path / "votes.json")
    assert score_pairs(ScoreJob(pairs, source, tmp_path / "s.jsonl")).counts.resumed == 16
    whole = ScoreJob(pairs, source, tmp_path / "whole.jsonl")
    score_pairs(whole)
    assert (tmp_path / "s.jsonl").read_bytes() == whole.out.read_bytes()
    assert not (tmp_path / "s.jsonl.journal").exists()


def test_other_settings_are_refused(folder: Path, tmp_path: Path) -> None:
    pairs, out = read_pairs(rows()), tmp_path / "s.jsonl"

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    reward = str(folder / "reward")
    with pytest.raises(KeyboardInterrupt):
        score_pairs(ScoreJob(pairs, RewardModel(reward, OPTIONS), out), progress=stop)
    plain = RewardModel(reward, ModelOptions(8, "cpu", chat=False))
    with pytest.raises(BadInputError, match="chat was True and is False"):
        score_pairs(ScoreJob(pairs, plain, out))
    with pytest.raises(BadInputError, match=r"answers was '30 .*' and is '10 "):
        score_pairs(ScoreJob(read_pairs(rows(5)), RewardModel(reward, OPTIONS), out))
    assert score_pairs(ScoreJob(pairs, plain, out), restart=True).counts.resumed == 0


def scored_votes(scale: float = 3.0, n: int = 4000) -> list[dict[str, Any]]:
    """Votes that follow sigmoid of a third of the difference of scores."""
    rng = np.random.default_rng(1)
    score = rng.normal(scale=scale, size=(n, 2))
    label = np.where(rng.random(n) < expit((score[:, 0] - score[:, 1]) / 3), "a", "b")
    return [
        {"pair": f"p{i // 2}", "annotator": f"k{i % 2}", "label": label[i], "first": score[i - i % 2, 0]}
        | {"second": score[i - i % 2, 1]}
        for i in range(n)
    ]


def test_columns_and_a_temperature(tmp_path: Path) -> None:
    votes = scored_votes()
    # Both votes on a pair have the first one's scores, so only the first votes follow their scores.
    votes = [vote for vote in votes if vote["annotator"] == "k0"]
    source = ColumnScores("first", "second")
    plain = ScoreJob(read_pairs(votes, texts=False), source, tmp_path / "plain.jsonl")
    result = score_pairs(plain)
    np.testing.assert_allclose(result.margin, [v["first"] - v["second"] for v in votes])
    assert (result.temperature, result.calibration_after) == (None, None)
    assert result.calibration_before is not None
    job = ScoreJob(plain.pairs, source, tmp_path / "fitted.jsonl", fit_temperature=True)
    fitted = score_pairs(job)
    assert fitted.temperature is not None
    assert fitted.temperature.temperature == pytest.approx(1 / 3, abs=4 * (fitted.temperature.standard_error or 0))
    np.testing.assert_allclose(fitted.margin, fitted.temperature.temperature * result.margin)
    assert fitted.calibration_after is not None
    assert fitted.calibration_after.log_loss < result.calibration_before.log_loss
    assert fitted.calibration_after.error < 0.05 < result.calibration_before.error
    summary = json.loads(job.summary.read_text())
    assert summary["temperature"]["temperature"] == fitted.temperature.temperature
    assert summary["temperature"]["standard_error"] == fitted.temperature.standard_error
    assert summary["calibration_after"]["log_loss"] == fitted.calibration_after.log_loss
    assert summary["scores"] == {"kind": "ColumnScores", "a": "first", "b": "second"}
    assert (summary["rows"], summary["rows_without_margin"]) == (2000, 0)


def test_an_earlier_margin_keeps_its_name_and_nulls_stay_null(tmp_path: Path) -> None:
    votes = [
        {"pair": "p", "annotator": "k", "label": "a", "margin": 9.0, "x": 1.5, "y": 1.0},
        {"pair": "q", "annotator": "k", "label": "b", "margin": 9.0, "x": None, "y": 1.0},
    ]
    job = ScoreJob(read_pairs(votes, texts=False), ColumnScores("x", "y"), tmp_path / "s.jsonl")
    score_pairs(job)
    assert [(row["score_a"], row["score_b"], row["votewise_margin"]) for row in lines(job.out)] == [
        (1.5, 1.0, 0.5), (None, 1.0, None),
    ]  # fmt: skip
    assert list(lines(job.out)[0]) == [*votes[0], "score_a", "score_b", "votewise_margin"]
    assert {row["margin"] for row in lines(job.out)} == {9.0}
    assert read_votes(job.out).margin.tolist() == [0.5, 0.0]  # type: ignore[union-attr]
    assert json.loads(job.summary.read_text())["rows_without_margin"] == 1


def test_a_temperature_that_cannot_be_used_leaves_margins(tmp_path: Path) -> None:
    votes = [{"pair": f"p{i}", "annotator": "k", "label": "a", "x": 2.0, "y": 1.0} for i in range(4)]
    job = ScoreJob(read_pairs(votes, texts=False), ColumnScores("x", "y"), tmp_path / "s.jsonl", True)
    result = score_pairs(job)
    assert result.margin.tolist() == [1.0] * 4
    assert result.calibration_after is None
    assert json.loads(job.summary.read_text())["temperature"]["problem"].startswith("all 4 votes agree with the scores")


def test_audit_and_training_use_the_margins(folder: Path, tmp_path: Path) -> None:
    from votewise.train.training_rows import training_rows

    job = ScoreJob(read_pairs(rows(15, 3)), RewardModel(str(folder / "reward"), OPTIONS), tmp_path / "s.parquet")
    result = score_pairs(job)
    votes = read_votes(job.out)
    assert votes.n_pairs == 15
    assert votes.margin is not None
    assert votes.margin.tolist() == result.margin[::3].tolist()
    with_margins, without = (estimate_reliability(v, prior=None) for v in (votes, read_votes(rows(15, 3))))
    assert not np.allclose(with_margins.pairs["p_a"], without.pairs["p_a"])
    assert len(training_rows(votes, one_row_per="pair").dataset) == 15
    # The same for preferences without annotators, whose margin is that of the chosen answer.
    chosen = [{"prompt": r["prompt"], "chosen": r["response_a"], "rejected": r["response_b"]} for r in rows(15, 1)]
    preferences = ScoreJob(read_pairs(chosen), RewardModel(str(folder / "reward"), OPTIONS), tmp_path / "p.jsonl")
    margins = score_pairs(preferences).margin
    assert read_votes(preferences.out).margin.tolist() == margins.tolist()  # type: ignore[union-attr]


def test_answers_that_are_too_long_are_counted(folder: Path, tmp_path: Path) -> None:
    votes = [*rows(3, 1), {**rows(1, 1)[0], "response_b": " ".join(["w1"] * 70)}]
    job = ScoreJob(read_pairs(votes), RewardModel(str(folder / "reward"), OPTIONS), tmp_path / "s.jsonl")
    result = score_pairs(job)
    assert result.counts.unscored == 1
    assert np.isnan(result.margin).tolist() == [False, False, False, True]
    found = lines(job.out)
    assert found[3]["score_b"] is None
    assert found[3]["score_a"] == found[0]["score_a"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"out": Path("s.csv")}, "s.csv: unknown kind of file"),
        ({"method": RewardModel("m")}, "there are no answers to score"),
        ({"fit_temperature": True}, "there are no votes to fit a temperature to"),
    ],
)
def test_impossible_jobs_are_refused(settings: dict[str, Any], message: str) -> None:
    pairs = read_pairs([{"x": 1.0, "y": 2.0}], texts=False)
    with pytest.raises(BadInputError, match=message):
        ScoreJob(**{"pairs": pairs, "method": ColumnScores("x", "y"), "out": Path("s.jsonl")} | settings)
    with pytest.raises(BadInputError, match=r"^beta: is not a factor, got 0"):
        ImplicitReward("p", "r", 0.0)


@pytest.mark.slow
def test_neither_trl_nor_datasets_is_needed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "votes.json").write_text(json.dumps(rows(4, 1)))
    block = "import sys; sys.modules.update(dict.fromkeys(('trl', 'datasets', 'accelerate', 'peft', 'openai')))"
    models = ["--policy", folder / "policy", "--reference", folder / "reference", "--device", "cpu"]
    command = process("score", "votes.json", *models, "--out", "s.jsonl", before=block)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    assert len(lines(tmp_path / "s.jsonl")) == 4


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_it_is_named(tmp_path: Path, missing: str) -> None:
    (tmp_path / "votes.json").write_text(json.dumps(rows(1, 1)))
    block = f"import sys; sys.modules['{missing}'] = None"
    command = process("score", "votes.json", "--reward-model", "m", "--out", "s.jsonl", before=block)
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "scoring needs" in ended.stderr
    assert "pip install 'votewise[score]'" in ended.stderr
