"""Runs of the trainer on a tiny model: its beliefs, logs and files, and that it works with everything TRL works with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from tiny import (  # noqa: E402
    as_chat,
    losses_of,
    make_config,
    make_model,
    make_rows,
    make_tokenizer,
    make_trainer,
    parameters_of,
)
from transformers import TrainerCallback  # noqa: E402

import votewise.train.trainer as trainer_module  # noqa: E402
from votewise.annotators.estimate import estimate_reliability  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402
from votewise.report.audit_files import write_audit  # noqa: E402
from votewise.train import PreferenceLoss, RobustPreferenceTrainer, ScoredAnswers, WorseThanChanceError  # noqa: E402
from votewise.train.answer_scores import add_scoring  # noqa: E402
from votewise.train.losses import LOSSES, Losses, balance  # noqa: E402
from votewise.train.scoring import score_answers  # noqa: E402
from votewise.train.training_rows import ROW, votes_of_dataset  # noqa: E402

WRITTEN = ("report.html", "annotators.parquet", "votes.parquet", "pairs.parquet", "summary.json")


def state_of(trainer: Any) -> dict[str, Any]:
    return {name: value.copy() for name, value in trainer.beliefs.state().items()}


def assert_same_state(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name in one | other:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@contextmanager
def recorded_confidences(trainer: Any) -> Iterator[list[tuple[Any, Losses, Any, Any]]]:
    """For every micro-batch: rows, losses, weights, and the reliabilities behind the weights."""
    found: list[Any] = []
    real = trainer._confidence

    def record(losses: Losses, who: Any) -> Any:
        weight = real(losses, who)
        found.append((who, Losses(*(x.detach() for x in losses[:3])), weight, trainer.beliefs.log_odds.copy()))
        return weight

    trainer._confidence = record
    yield found
    del trainer._confidence


def by_votes(trainer: Any, who: list[int], log_odds: Any) -> Any:
    """Evidence of the votes for the chosen answers, added up one vote at a time."""
    votes, rows = trainer.rows.votes, trainer.rows
    return torch.tensor(
        [
            sum(
                float(rows.side[row]) * float(votes.sign[v]) * log_odds[votes.annotator[v]]
                for v in np.flatnonzero(votes.pair == rows.pair[row])
            )
            for row in who
        ]
    )


# What is believed


@pytest.mark.slow
@pytest.mark.parametrize("one_row_per", ["pair", "vote"])
@pytest.mark.parametrize(("margins", "temperature"), [("first", 0.5), ("first", 3.0), ("current", 0.5)])
def test_confidence_is_the_evidence_rule_at_the_current_margin(
    margins: str, temperature: float, one_row_per: str, tmp_path: Path
) -> None:
    """In two epochs, with all votes on a pair or with each alone [RE-PO eq. 4]; temperatures above 1 are not applied."""
    trainer = make_trainer(
        tmp_path,
        make_rows(16, votes_per_pair=3),
        num_train_epochs=2,
        reliability_margins=margins,
        temperature=str(temperature),
        one_row_per=one_row_per,
    )
    factor = 0.5 if (margins, temperature) == ("first", 0.5) else 1.0
    with recorded_confidences(trainer) as found:
        trainer.train()
    assert len(found) == (4 if one_row_per == "pair" else 12)
    assert set(trainer.rows.side) == {-1, 1}
    for who, losses, weight, log_odds in found:
        expected = torch.sigmoid(factor * losses.margin + by_votes(trainer, who, log_odds))
        torch.testing.assert_close(weight, expected.float(), rtol=1e-5, atol=1e-6)
    assert found[-1][1].margin.abs().max() > 0.01


@pytest.mark.parametrize("loss", ["dpo", "simpo", "cpo"])
def test_without_a_reference_overconfident_margins_count_in_full_in_the_loss(loss: str, tmp_path: Path) -> None:
    """But not in what is reported, and not where a temperature was given."""
    settings = {"preference_loss": loss, "objective": "weighted"}
    for given, factor in (("fit", 0.25 if loss == "dpo" else 1.0), ("0.25", 0.25)):
        trainer = make_trainer(tmp_path, make_rows(16, votes_per_pair=3), temperature=given, **settings)
        trainer.beliefs.temperature = 0.25
        margin = torch.linspace(-3, 3, 5)
        who = list(range(5))
        weight = trainer._confidence(Losses(margin, margin, margin), who)
        expected = torch.sigmoid(factor * margin + by_votes(trainer, who, trainer.beliefs.log_odds))
        torch.testing.assert_close(weight, expected.float(), rtol=1e-5, atol=1e-6)
        trainer.beliefs.first[:] = 3.0
        at_first = 0.25 * torch.tensor(3.0 * trainer.rows.side)
        everyone = list(range(len(trainer.rows.side)))
        reported = torch.sigmoid(at_first + by_votes(trainer, everyone, trainer.beliefs.log_odds))
        np.testing.assert_allclose(trainer.confidence_so_far(), reported, rtol=1e-5)


def test_of_one_annotator_without_a_reference_no_row_is_moved_against_its_vote(tmp_path: Path) -> None:
    """The confidence is that of the margin at which the loss stands still, and so is above its own weight there."""
    one = make_rows(16, reliability=(0.7,))
    trainer = make_trainer(tmp_path, one, preference_loss="simpo", objective="weighted")
    assert trainer.beliefs.filtered
    u = torch.linspace(-6, 6, 7, dtype=torch.float64, requires_grad=True)
    losses = Losses(*(-torch.nn.functional.logsigmoid(x) for x in (u - 1, -u - 1)), u)
    weight = trainer._confidence(losses, list(range(7)))
    expected = torch.sigmoid(balance(losses) + by_votes(trainer, list(range(7)), trainer.beliefs.log_odds))
    torch.testing.assert_close(weight, expected.to(weight.dtype))
    (slope,) = torch.autograd.grad((weight * losses.forward + (1 - weight) * losses.reverse).sum(), u)
    assert (slope < 0).all()


def test_second_epochs_keep_reliabilities_and_move_confidences(tmp_path: Path) -> None:
    """By default: reliabilities from first-seen margins, confidences from the current ones."""
    trainer = make_trainer(tmp_path, make_rows(24, votes_per_pair=3), num_train_epochs=3)
    assert set(trainer.rows.side) == {-1, 1}
    with recorded_confidences(trainer) as found:
        trainer.train()
    log_odds = [entry[3] for entry in found]
    assert not np.array_equal(log_odds[0], log_odds[2])
    for later in log_odds[4:]:
        np.testing.assert_array_equal(later, log_odds[3])
    np.testing.assert_array_equal(trainer.beliefs.log_odds, log_odds[3])
    first = {row: float(m) for who, losses, _, _ in found[:3] for row, m in zip(who, losses.margin, strict=True)}
    for row, margin in first.items():
        pair, side = trainer.rows.pair[row], trainer.rows.side[row]
        assert trainer.beliefs.first[pair] == pytest.approx(side * margin)
    last = {row: float(m) for who, losses, _, _ in found[-3:] for row, m in zip(who, losses.margin, strict=True)}
    assert max(abs(last[row] - first[row]) for row in first) > 0.01


def test_the_published_way_goes_on_learning(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(16), num_train_epochs=2, reliability_margins="current")
    with recorded_confidences(trainer) as found:
        trainer.train()
    assert not np.array_equal(found[2][3], found[3][3])


def test_the_published_way_once_an_epoch(tmp_path: Path) -> None:
    """[RE-PO eq. 6], at the end of each epoch: the mean confidence of each annotator's votes in it."""
    trainer = make_trainer(
        tmp_path, make_rows(16), num_train_epochs=2, reliability_margins="current", reliability_update="epoch"
    )
    with recorded_confidences(trainer) as found:
        trainer.train()
    votes = trainer.rows.votes
    for epoch, after in ((found[:2], found[2][3]), (found[2:], trainer.beliefs.log_odds)):
        confidence = np.zeros(len(votes))
        for who, _, weight, _ in epoch:
            for row, w in zip(who, weight.tolist(), strict=True):
                (vote,) = np.flatnonzero(votes.pair == trainer.rows.pair[row])
                confidence[vote] = w if votes.sign[vote] == trainer.rows.side[row] else 1 - w
        mean = np.bincount(votes.annotator, confidence) / np.bincount(votes.annotator)
        np.testing.assert_allclose(1 / (1 + np.exp(-after)), mean, rtol=1e-6)


def test_a_squared_loss_is_read_with_a_variance(tmp_path: Path) -> None:
    """IPO, weighted: margins over 2 v, v starting at 1 / (4 beta^2) and following the weighted residuals."""
    beta = 0.5
    trainer = make_trainer(tmp_path, make_rows(16), preference_loss="ipo", beta=beta, ref_model=make_model(1))
    with recorded_confidences(trainer) as found:
        trainer.train()
    variance = 1 / (4 * beta**2)
    for step, (who, losses, weight, log_odds) in enumerate(found):
        expected = torch.sigmoid(losses.margin / (2 * variance) + by_votes(trainer, who, log_odds))
        torch.testing.assert_close(weight, expected.float(), rtol=1e-4, atol=1e-5)
        residual = float((weight * losses.forward + (1 - weight) * losses.reverse).mean())
        variance = residual if step == 0 else 0.9 * variance + 0.1 * residual
    assert trainer.beliefs.variance == pytest.approx(variance, rel=1e-5)
    assert trainer.state.log_history[-2]["residual_variance"] == pytest.approx(variance, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("margins", ["first", "current"])
def test_evaluation_changes_no_beliefs(margins: str, tmp_path: Path) -> None:
    """Neither on other data, before and during training, nor on the training data themselves."""
    other = make_rows(6, seed=7).remove_columns("annotator")
    settings = {"reliability_margins": margins, "num_train_epochs": 2}
    trainer = make_trainer(tmp_path, eval_dataset=other, eval_strategy="steps", eval_steps=1, **settings)
    before = state_of(trainer)
    trainer.evaluate()
    trainer.evaluate(eval_dataset=trainer.train_dataset)
    assert_same_state(state_of(trainer), before)
    trainer.train()
    after = state_of(trainer)
    trainer.evaluate(eval_dataset=trainer.train_dataset)
    trainer.predict(trainer.train_dataset)
    assert_same_state(state_of(trainer), after)
    alone = make_trainer(tmp_path, **settings)
    alone.train()
    assert_same_state(state_of(alone), after)


@pytest.mark.slow
def test_five_votes_a_pair_take_a_fifth_of_the_steps(tmp_path: Path) -> None:
    rows = make_rows(16, reliability=(0.9, 0.9, 0.7, 0.6, 0.3), votes_per_pair=5)
    steps = {}
    for one_row_per in ("pair", "vote"):
        trainer = make_trainer(tmp_path, rows, one_row_per=one_row_per)
        trainer.train()
        steps[one_row_per] = trainer.state.global_step
        assert trainer.reliability["votes"].to_pylist() == [16] * 5
    assert steps == {"pair": 2, "vote": 10}


def test_blind_objectives_count_each_vote_as_it_fell(tmp_path: Path) -> None:
    """With one row per pair, plain has the gradient of one row per vote: the share of votes weights both directions."""
    rows = make_rows(4, votes_per_pair=3)
    norms = []
    for one_row_per, size in (("pair", 4), ("vote", 12)):
        trainer = make_trainer(
            tmp_path,
            rows,
            one_row_per=one_row_per,
            objective="plain",
            ref_model=make_model(1),
            per_device_train_batch_size=size,
        )
        trainer.train()
        norms.append((losses_of(trainer)[0], trainer.state.log_history[0]["grad_norm"]))
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


# Tables and files


def test_reliability_is_a_table_and_confidence_per_vote(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(24, votes_per_pair=2))
    trainer.train()
    table, votes = trainer.reliability, trainer.rows.votes
    names = ["annotator", "votes", "reliability", "low", "high", "trained_with", "moved", "flag"]
    assert table.column_names == names
    assert table["annotator"].to_pylist() == votes.annotator_ids.to_pylist()
    np.testing.assert_allclose(table["trained_with"], trainer.beliefs.reliability)
    assert trainer.confidence.shape == (48,)
    expected = estimate_reliability(votes, margins=trainer.beliefs.first, temperature="fit")
    np.testing.assert_array_equal(table["reliability"], expected.annotators["reliability"])
    np.testing.assert_array_equal(trainer.confidence, expected.votes["confidence"])


def test_what_was_found_is_written_beside_the_model(tmp_path: Path) -> None:
    """The files of an audit, with the report."""
    trainer = make_trainer(tmp_path, make_rows(24, votes_per_pair=2), write_beliefs=True)
    trainer.train()
    trainer.save_model()
    assert (tmp_path / "model.safetensors").is_file()
    assert all((tmp_path / name).is_file() for name in WRITTEN)
    annotators, votes = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("annotators", "votes"))
    assert annotators["reliability"].to_pylist() == trainer.reliability["reliability"].to_pylist()
    np.testing.assert_array_equal(votes["confidence"], trainer.confidence)
    assert len(votes) == 48
    assert "ann1" in (tmp_path / "report.html").read_text(encoding="utf-8")


class Stop(TrainerCallback):
    """Raises at the end of a step."""

    def __init__(self, step: int, error: type[BaseException]) -> None:
        self.step, self.error = step, error

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_still_writes_it(error: type[BaseException], tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(24), write_beliefs=True, callbacks=[Stop(2, error)])
    with pytest.raises(error):
        trainer.train()
    assert trainer.beliefs.seen == 16
    assert all((tmp_path / name).is_file() for name in WRITTEN)
    table = pq.read_table(tmp_path / "annotators.parquet")
    assert table["reliability"].to_pylist() == trainer.reliability["reliability"].to_pylist()


def test_nothing_is_written_when_told_not_to_or_where_nothing_was_seen(tmp_path: Path) -> None:
    make_trainer(tmp_path / "not").train()
    trainer = make_trainer(tmp_path / "nothing", write_beliefs=True)
    trainer.get_train_dataloader = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer.train()
    assert not list(tmp_path.rglob("*.parquet"))


# Logs


class Listener(TrainerCallback):
    """A tracker."""

    def __init__(self) -> None:
        self.logs: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.logs.append(dict(logs))


def test_trackers_get_what_is_believed(tmp_path: Path) -> None:
    """Mean and spread of confidence, share of flipped votes, lowest reliability, temperature; over all micro-batches."""
    listener = Listener()
    trainer = make_trainer(
        tmp_path,
        make_rows(32),
        ref_model=make_model(1),
        beta=1.0,
        callbacks=[listener],
        gradient_accumulation_steps=2,
        logging_steps=2,
    )
    trainer.beliefs.start_at(np.array([0.9, 0.6, 0.2]))
    with recorded_confidences(trainer) as found:
        trainer.train()
    weight = torch.cat([w for _, _, w, _ in found]).double()
    (logs,) = (entry for entry in listener.logs if "loss" in entry)
    assert logs["confidence/mean"] == pytest.approx(float(weight.mean()))
    assert logs["confidence/std"] == pytest.approx(float(weight.std(correction=0)), rel=1e-4)
    assert logs["confidence/flipped"] == float((weight < 0.5).double().mean())
    assert 0 < logs["confidence/flipped"] < 1
    assert logs["reliability/lowest"] == trainer.beliefs.reliability.min()
    assert logs["temperature"] == trainer.beliefs.temperature
    assert all(math.isfinite(value) for value in logs.values())


def test_evaluation_logs_trls_metrics_and_the_loss_of_the_votes(tmp_path: Path) -> None:
    """Held-out rows have the plain loss; reliabilities are not used."""
    other = make_rows(6, seed=7).remove_columns("annotator")
    trainer = make_trainer(tmp_path, eval_dataset=other, ref_model=make_model(1))
    found = trainer.evaluate()
    plain = make_trainer(tmp_path, eval_dataset=other, ref_model=make_model(1), objective="plain").evaluate()
    assert found["eval_loss"] == plain["eval_loss"]
    assert {"eval_rewards/accuracies", "eval_rewards/margins", "eval_logps/chosen", "eval_entropy"} <= set(
        trainer.state.log_history[-1]
    )


def test_own_metrics_get_the_logits(tmp_path: Path) -> None:
    """Held-out data with ``compute_metrics``, as in TRL: logits at every token."""
    shapes = []

    def metrics(prediction: Any) -> dict[str, float]:
        shapes.append((prediction.predictions.shape, prediction.label_ids.shape))
        return {"own": 1.5}

    other = make_rows(6, seed=7).remove_columns("annotator")
    trainer = make_trainer(tmp_path, eval_dataset=other, compute_metrics=metrics)
    assert trainer.evaluate()["eval_own"] == 1.5
    ((logits, tokens),) = shapes
    assert logits == (*tokens, trainer.model.config.vocab_size)


# No reference model


@pytest.mark.parametrize("loss", ["simpo", "cpo"])
def test_losses_without_a_reference_build_and_run_none(
    loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a reference model was asked")

    monkeypatch.setattr(RobustPreferenceTrainer, "compute_ref_log_probs", never)
    monkeypatch.setattr("trl.trainer.dpo_trainer.create_model_from_path", never)
    monkeypatch.setattr(trainer_module, "copy", SimpleNamespace(deepcopy=never))
    model = make_model()
    runs = 0

    def counted(*args: Any) -> None:
        nonlocal runs
        runs += 1

    model.model.register_forward_hook(counted)
    held_out = make_rows(6, seed=7).remove_columns("annotator")
    trainer = make_trainer(tmp_path, model=model, preference_loss=loss, eval_dataset=held_out, fast_step="answers")
    assert trainer.ref_model is None
    assert runs == 0
    for prepared in trainer.scoring.prepared.values():
        prepared.use_unchecked()  # the check runs the model once for each row
    trainer.train()
    assert runs == trainer.state.global_step == 2
    trainer.evaluate()
    # Data that were not there at the start need no reference either.
    assert trainer.evaluate(eval_dataset=make_rows(6, seed=8).remove_columns("annotator"))["eval_loss"] > 0
    assert runs == 4
    assert "ref_chosen_logps" not in trainer.train_dataset.column_names


def test_a_model_without_a_path_is_copied_as_its_own_reference(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    start = parameters_of(make_model())
    trainer.train()
    for name, value in parameters_of(trainer.ref_model).items():
        assert torch.equal(value, start[name])
    assert any(not torch.equal(value, start[name]) for name, value in parameters_of(trainer.model).items())


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_precomputed_references_are_the_same_run(loss: str, tmp_path: Path) -> None:
    runs = []
    for precompute in (False, True):
        trainer = make_trainer(
            tmp_path, preference_loss=loss, precompute_ref_log_probs=precompute, ref_model=make_model(1)
        )
        trainer.train()
        runs.append((losses_of(trainer), trainer.beliefs.reliability))
    assert runs[0][0] == pytest.approx(runs[1][0], rel=1e-5)
    np.testing.assert_allclose(runs[0][1], runs[1][1], atol=1e-5)


# What it works with


LEARNING = [(loss, objective) for loss in LOSSES for objective in ("gibbs", "weighted")]


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "objective"), [*LEARNING, ("dpo", "smoothed"), ("dpo", "plain")])
def test_every_loss_learns(loss: str, objective: str, tmp_path: Path) -> None:
    """With right votes that are known to be reliable, the implicit reward learns to prefer even words in held-out pairs.

    Over 3 seeds the gain was 0.16 or more.
    """
    trainer = make_trainer(
        tmp_path,
        make_rows(32, reliability=(1.0,)),
        preference_loss=loss,
        objective=objective,
        label_smoothing=0.1 if objective == "smoothed" else 0.0,
        reliability_init=0.95,
        reliability_update="frozen",
        num_train_epochs=3,
        eval_dataset=make_rows(32, reliability=(1.0,), seed=9).remove_columns("annotator"),
        per_device_eval_batch_size=32,
    )
    before = trainer.evaluate()
    trainer.train()
    after = trainer.evaluate()
    assert all(math.isfinite(value) for value in losses_of(trainer))
    assert after["eval_rewards/margins"] > before["eval_rewards/margins"] + 0.1


@pytest.mark.parametrize("objective", ["rdpo", "holder", "ropo", "drdpo"])
def test_baselines_of_dpo_run(objective: str, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, objective=objective, label_smoothing=0.2 if objective == "rdpo" else 0.0)
    trainer.train()
    assert all(math.isfinite(value) for value in losses_of(trainer))


def test_lora(tmp_path: Path) -> None:
    """The reference is the model without its adapter: margins start at zero, and only the adapter is trained."""
    trainer = make_trainer(
        tmp_path, peft_config=LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    )
    start = parameters_of(trainer.model)
    trainer.train()
    assert trainer.ref_model is None
    assert losses_of(trainer)[0] == pytest.approx(math.log(2), abs=1e-6)
    assert losses_of(trainer)[1] != losses_of(trainer)[0]
    moved = {name for name, value in parameters_of(trainer.model).items() if not torch.equal(value, start[name])}
    assert moved
    assert all("lora_" in name for name in moved)
    assert trainer.beliefs.seen == 16


@pytest.mark.slow
@pytest.mark.parametrize("reentrant", [True, False])
def test_gradient_checkpointing_changes_nothing(reentrant: bool, tmp_path: Path) -> None:
    runs = []
    for settings in (
        {},
        {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": reentrant}},
    ):
        trainer = make_trainer(tmp_path, ref_model=make_model(1), **settings)
        trainer.train()
        runs.append((losses_of(trainer), trainer.beliefs.log_odds))
    assert runs[0][0] == pytest.approx(runs[1][0], rel=1e-6)
    np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_bf16(loss: str, tmp_path: Path) -> None:
    """Autocast as in TRL's default: losses like those in fp32, log-probabilities summed in fp32."""
    runs = []
    for bf16 in (False, True):
        reference = None if loss in ("simpo", "cpo") else make_model(1)
        trainer = make_trainer(tmp_path, preference_loss=loss, bf16=bf16, ref_model=reference)
        with recorded_confidences(trainer) as found:
            trainer.train()
        assert all(losses.margin.dtype == torch.float32 for _, losses, _, _ in found)
        runs.append(losses_of(trainer))
    assert runs[0] == pytest.approx(runs[1], rel=0.05)
    assert runs[0] != runs[1]


def test_chat_templates(tmp_path: Path) -> None:
    """Conversations are formatted by the tokenizer's template, and only the answer is scored."""
    rows = as_chat(make_rows(8, seed=2))
    tokenizer = make_tokenizer(chat=True)
    trainer = make_trainer(tmp_path, rows, processing_class=tokenizer)
    batch = next(iter(trainer.get_train_dataloader()))
    for i, row in enumerate(batch[ROW]):
        source = trainer.rows.dataset[row]
        text = tokenizer.decode(batch["input_ids"][i][batch["attention_mask"][i].bool()])
        answer = tokenizer.decode(batch["input_ids"][i][batch["completion_mask"][i].bool()])
        prompt, chosen = source["prompt"][0]["content"], source["chosen"][0]["content"]
        assert text == f"<user> {prompt} <assistant> {chosen} <eos>"
        assert answer == f"{chosen} <eos>"
    trainer.train()
    assert trainer.beliefs.seen == 8


def test_votes_as_the_dataset(tmp_path: Path) -> None:
    rows = make_rows(16, votes_per_pair=2)
    votes = votes_of_dataset(rows, annotator_column="annotator")
    runs = []
    for dataset in (votes, rows):
        trainer = make_trainer(tmp_path, dataset)
        trainer.train()
        runs.append((losses_of(trainer), trainer.beliefs.log_odds))
    assert runs[0][0] == runs[1][0]
    np.testing.assert_array_equal(runs[0][1], runs[1][1])


def test_rows_that_trl_drops_do_not_shift_the_others(tmp_path: Path) -> None:
    """A row whose prompt is longer than max_length is dropped; all other rows keep their votes."""
    rows = make_rows(9)
    rows = Dataset.from_list([{**row, "prompt": "w1 " * 30 if i == 3 else row["prompt"]} for i, row in enumerate(rows)])
    trainer = make_trainer(tmp_path, rows, max_length=20)
    assert trainer.train_dataset[ROW][:] == [0, 1, 2, 4, 5, 6, 7, 8]
    trainer.train()
    np.testing.assert_array_equal(np.isnan(trainer.beliefs.first), np.arange(9) == 3)
    assert len(trainer.reliability) == 3


def test_an_own_loss_can_be_trained_with_and_saved(tmp_path: Path) -> None:
    """Even a local function, which cannot be pickled."""
    strength = 0.5

    def hinge(preferred: ScoredAnswers, others: ScoredAnswers) -> Any:
        return torch.relu(1 - strength * (preferred.gain - others.gain))

    trainer = make_trainer(tmp_path, preference_loss=hinge, save_strategy="steps", save_steps=1)
    trainer.train()
    assert trainer.beliefs.seen == 16
    assert (tmp_path / "checkpoint-2" / "trainer_state.json").is_file()


def test_answers_without_a_token_stay_finite() -> None:
    """TRL's SimPO gives NaN there."""
    model = make_model()
    add_scoring(model, "shared")
    tokens = torch.randint(5, 60, (2, 6))
    mask = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]])
    batch = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "completion_mask": mask}
    scores = score_answers(model, batch, "answers")
    assert scores.length.tolist() == [3, 1]
    assert scores.logp[1] == 0
    assert (scores.logp / scores.length).isfinite().all()


# Where it starts, and where it stops


def test_an_audit_is_where_reliabilities_start(tmp_path: Path) -> None:
    rows = make_rows(40, votes_per_pair=2)
    votes = votes_of_dataset(rows, annotator_column="annotator")
    result = estimate_reliability(votes)
    write_audit(tmp_path / "audit", votes, result, title=None)
    known = dict(
        zip(result.annotators["annotator"].to_pylist(), result.annotators["reliability"].to_pylist(), strict=True)
    )
    others = Dataset.from_dict({**rows[:], "annotator": [n.replace("ann2", "new") for n in rows["annotator"]]})
    trainer = make_trainer(tmp_path, others, beliefs=str(tmp_path / "audit"), reliability_update="frozen")
    names = trainer.rows.votes.annotator_ids.to_pylist()
    expected = [0.9 if name == "new" else known[name] for name in names]
    np.testing.assert_allclose(trainer.beliefs.reliability, expected)
    trainer.train()
    np.testing.assert_allclose(trainer.beliefs.reliability, expected)


def test_an_audit_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"annotators.parquet is missing \(expected a folder of `votewise audit`\)"):
        make_trainer(tmp_path, beliefs=str(tmp_path))


def longer_is_better(preferred: ScoredAnswers, others: ScoredAnswers) -> Any:
    """A policy that knows the truth, which is the longer answer; with some gradient for the model."""
    known = (preferred.length - others.length) * 1.5
    return -torch.nn.functional.logsigmoid(known + 1e-3 * (preferred.logp - others.logp))


def rows_by_length(right: float, n: int = 160) -> Dataset:
    """The longer answer is truly better; a share ``right`` of the votes says so."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[str]] = {"prompt": [], "chosen": [], "rejected": [], "annotator": []}
    for i in range(n):
        answers = [" ".join(["w3"] * k) for k in (rng.integers(4, 7), rng.integers(1, 4))]
        chosen, rejected = answers if rng.random() < right else answers[::-1]
        values = f"w{i % 60} w{i // 60} ", chosen, rejected, f"ann{i % 5}"
        for name, value in zip(rows, values, strict=True):
            rows[name].append(value)
    return Dataset.from_dict(rows)


@pytest.mark.slow
def test_a_crowd_worse_than_chance_stops_the_run_and_is_reported(tmp_path: Path) -> None:
    """One vote in five is right and the policy knows it: 4 standard deviations are passed with p > 0.9999."""
    settings: dict[str, Any] = {"preference_loss": PreferenceLoss("own", longer_is_better, reference=False)}
    trainer = make_trainer(tmp_path, rows_by_length(0.2), write_beliefs=True, **settings)
    with pytest.raises(WorseThanChanceError, match=r"worse than chance.*allow_worse_than_chance=True"):
        trainer.train()
    assert 0 < trainer.state.global_step < 20
    assert (tmp_path / "annotators.parquet").is_file()
    told = make_trainer(tmp_path, rows_by_length(0.2), allow_worse_than_chance=True, **settings)
    told.train()
    assert told.state.global_step == 20
    assert told.beliefs.reliability.max() < 0.5
    good = make_trainer(tmp_path, rows_by_length(0.8), **settings)
    good.train()
    assert good.beliefs.reliability.min() > 0.5


def test_settings_and_data_of_another_kind(tmp_path: Path) -> None:
    from trl import DPOConfig

    with pytest.raises(BadInputError, match=r"args, got 'DPOConfig' \(expected a RobustPreferenceConfig\)"):
        RobustPreferenceTrainer(make_model(), args=DPOConfig(str(tmp_path), use_cpu=True, bf16=False))
    with pytest.raises(BadInputError, match=r"train_dataset, got 'list' \(expected a votewise.Votes or a datasets.Dat"):
        RobustPreferenceTrainer(make_model(), args=make_config(tmp_path), train_dataset=[1, 2])
