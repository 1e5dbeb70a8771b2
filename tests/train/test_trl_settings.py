"""Every setting of TRL's trainer acts, is translated, or is refused in one line; none is ignored in silence."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from tiny import QUIET, losses_of, make_config, make_model, make_rows, make_tokenizer, make_trainer
from transformers import GPT2Config, GPT2LMHeadModel, TrainingArguments
from trl import DPOConfig, DPOTrainer

from votewise.errors import BadInputError
from votewise.train import RobustPreferenceConfig
from votewise.train.losses import Losses

OWN_OF_TRL = {field.name for field in dataclasses.fields(DPOConfig)} - {
    field.name for field in dataclasses.fields(TrainingArguments)
}

REFUSED: dict[str, tuple[Any, str]] = {
    "use_weighting": (True, "use_weighting has no effect here, got True .expected objective=weighted"),
    "ld_alpha": (0.5, "ld_alpha has no effect here, got 0.5 .expected preference_loss=dpo_norm"),
    "f_divergence_type": ("js_divergence", "f_divergence_type has no effect here"),
    "f_alpha_divergence_coef": (0.7, "f_alpha_divergence_coef has no effect here"),
    "discopop_tau": (0.1, "discopop_tau has no effect here"),
    "padding_free": (True, "padding_free has no effect here, got True .expected fast_step=shared or packed"),
    "label_smoothing": (
        0.1,
        "label_smoothing has no effect with objective=weighted, got 0.1 .expected objective=smoothed",
    ),
    "ref_model_mixup_alpha": (0.5, "ref_model_mixup_alpha has no effect alone, got 0.5 .expected sync_ref_model=True"),
    "ref_model_sync_steps": (10, "ref_model_sync_steps has no effect alone"),
}
"""Setting of TRL -> a value other than its default, and what refuses it beside the other defaults."""

ACT = {
    "model_init_kwargs": "loading a model by its name",
    "trust_remote_code": "loading a model by its name",
    "router_aux_loss_coef": "test_traps",
    "disable_dropout": "test_dropout",
    "dataset_num_proc": "test_preparation",
    "max_length": "test_lengths",
    "truncation_mode": "test_lengths",
    "pad_to_multiple_of": "test_padding",
    "precompute_ref_log_probs": "test_reference_cache",
    "precompute_ref_batch_size": "test_reference_batches",
    "loss_type": "translated",
    "loss_weights": "translated",
    "beta": "test_strength",
    "activation_offloading": "TRL's training step",
    "sync_ref_model": "test_synchronised_reference",
    "pad_token": "test_pad_token",
}
"""Settings of TRL that act, and what shows it."""


def test_every_setting_of_trl_is_accounted_for() -> None:
    """A new one in a newer TRL belongs into one of the two tables."""
    known = set(REFUSED) | set(ACT)
    inherited = {"lr_scheduler_kwargs"} | {field.name for field in dataclasses.fields(TrainingArguments)}
    assert OWN_OF_TRL - known - inherited == set()
    assert known - OWN_OF_TRL <= inherited


@pytest.mark.parametrize("name", REFUSED)
def test_a_setting_without_effect_is_refused(name: str, tmp_path: Path) -> None:
    value, message = REFUSED[name]
    assert value != DPOConfig.__dataclass_fields__[name].default
    with pytest.raises(BadInputError, match=message) as caught:
        make_config(tmp_path, **{name: value})
    assert "\n" not in str(caught.value)


def test_smoothing_of_tokens_is_refused(tmp_path: Path) -> None:
    """Of transformers; its loss of tokens is not used."""
    with pytest.raises(BadInputError, match=r"label_smoothing_factor has no effect here, got 0\.1"):
        make_config(tmp_path, label_smoothing_factor=0.1)


@pytest.mark.parametrize("loss", ["simpo", "cpo"])
def test_a_reference_is_refused_where_nothing_uses_it(loss: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"ref_model has no effect: preference_loss={loss} has no reference model"):
        make_trainer(tmp_path, ref_model=make_model(1), preference_loss=loss)
    for name, value in (("sync_ref_model", True), ("precompute_ref_batch_size", 4)):
        with pytest.raises(BadInputError, match=f"{name} has no effect with preference_loss={loss}"):
            make_config(tmp_path, preference_loss=loss, **{name: value})


# Names of losses

SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"loss_type": "sigmoid"}, {"preference_loss": "dpo"}),
    ({"loss_type": ["ipo"]}, {"preference_loss": "ipo"}),
    ({"loss_type": ["sigmoid_norm"]}, {"preference_loss": "dpo_norm"}),
    ({"loss_type": ["sigmoid_norm"], "beta": 3.0}, {"preference_loss": "dpo_norm", "beta": 3.0}),
    ({"loss_type": "robust", "label_smoothing": 0.2}, {"objective": "rdpo", "label_smoothing": 0.2}),
    ({"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.3]}, {"sft_weight": 0.3}),
    ({"loss_type": ["sft", "ipo"], "loss_weights": [0.3, 1.0]}, {"preference_loss": "ipo", "sft_weight": 0.3}),
    ({"loss_type": ["sigmoid_norm", "sft"]}, {"preference_loss": "dpo_norm", "sft_weight": 1.0}),
]


@pytest.mark.parametrize(("theirs", "ours"), SAME, ids=[str(theirs) for theirs, _ in SAME])
def test_trls_names_are_translated(theirs: dict[str, Any], ours: dict[str, Any], tmp_path: Path) -> None:
    config = make_config(tmp_path, **theirs)
    assert {name: getattr(config, name) for name in ours} == ours
    assert config.beta == theirs.get("beta", 0.1)
    # What was translated can be written down and read again.
    written = json.loads(config.to_json_string())
    assert (written["loss_type"], written["loss_weights"]) == (["sigmoid"], None)
    again = {name: written[name] for name in ("preference_loss", "objective", "sft_weight", "beta", "label_smoothing")}
    assert make_config(tmp_path, **again).loss().name == config.loss().name


@pytest.mark.parametrize(("theirs", "ours"), SAME[:1] + SAME[2:], ids=[str(t) for t, _ in SAME[:1] + SAME[2:]])
def test_translated_losses_are_trls(theirs: dict[str, Any], ours: dict[str, Any], tmp_path: Path) -> None:
    """Loss and gradients of a batch, to rounding."""
    rows = make_rows(8)
    objective = {} if "objective" in ours else {"objective": "plain"}
    reference = make_model(1)
    runs = [
        make_trainer(tmp_path / "ours", rows, ref_model=make_model(1), fast_step="off", **theirs, **objective),
        DPOTrainer(
            make_model(),
            ref_model=reference,
            args=DPOConfig(output_dir=str(tmp_path / "theirs"), **_trl_only() | theirs),
            train_dataset=rows,
            processing_class=make_tokenizer(),
        ),
    ]
    found = []
    for trainer in runs:
        trainer.model.train()
        batch = next(iter(trainer.get_train_dataloader()))
        loss = trainer.compute_loss(trainer.model, batch)
        loss.backward()
        found.append((loss.detach(), {n: p.grad for n, p in trainer.model.named_parameters()}))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=1e-6)
    for name, gradient in found[1][1].items():
        torch.testing.assert_close(found[0][1][name], gradient, rtol=1e-4, atol=1e-6)


def _trl_only() -> dict[str, Any]:
    return {name: value for name, value in QUIET.items() if name != "write_beliefs"}


NOT_HERE = (
    "hinge", "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down", "discopop", "aot", "aot_unpaired",
)  # fmt: skip


@pytest.mark.parametrize("name", NOT_HERE)
def test_other_losses_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=rf"loss_type, got '{name}' \(expected .+\)") as caught:
        make_config(tmp_path, loss_type=[name])
    assert "\n" not in str(caught.value)


def test_all_losses_of_trl_are_known() -> None:
    """Those that its help names."""
    named = re.findall(r"`'(\w+)'`", DPOConfig.__dataclass_fields__["loss_type"].metadata["help"])
    assert len(named) > 10
    assert set(named) == set(NOT_HERE) | {"sigmoid", "ipo", "robust", "sft", "sigmoid_norm"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_type": ["kto"]}, "loss_type, got 'kto' .expected sigmoid, ipo, sigmoid_norm, robust, or sft beside"),
        (
            {"loss_type": ["sft"]},
            "loss_type, got 'sft' .expected sft_weight beside preference_loss, or TRL's SFTTrainer",
        ),
        ({"loss_type": ["sigmoid", "ipo"]}, "expected one loss of a pair"),
        ({"loss_type": ["sigmoid", "bco_pair", "sft"]}, "got 'bco_pair'"),
        (
            {"loss_type": ["sigmoid"], "loss_weights": [0.5]},
            "loss_weights of sigmoid, got 0.5 .expected 1, and sft_weight",
        ),
        ({"loss_type": ["ipo"], "preference_loss": "simpo"}, "loss_type=ipo and preference_loss=simpo contradict"),
        ({"loss_type": ["robust"], "objective": "holder"}, "loss_type=robust and objective=holder contradict"),
    ],
    ids=str,
)
def test_losses_that_cannot_be_translated(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        make_config(tmp_path, **settings)
    assert "\n" not in str(caught.value)


# The likelihood of the better answers


@pytest.mark.parametrize("loss", ["dpo", "dpo_norm", "ipo", "simpo"])
def test_the_likelihood_of_better_answers_is_added(loss: str, tmp_path: Path) -> None:
    """The loss grows by the weight times the mean over all tokens, with the belief in each row."""
    found = []
    for weight in (0.0, 0.5):
        trainer = make_trainer(tmp_path, make_rows(8), preference_loss=loss, sft_weight=weight)
        trainer.model.train()
        batch = next(iter(trainer.get_train_dataloader()))
        found.append(float(trainer.compute_loss(trainer.model, dict(batch)).detach()))
    batch = {name: value for name, value in batch.items() if name != "votewise_row"}
    logits = make_model().eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    logp = torch.log_softmax(logits, -1).gather(2, batch["input_ids"][:, 1:, None])[..., 0]
    mask = batch["completion_mask"][:, 1:]
    (chosen, rejected), (many, few) = (logp * mask).sum(1).chunk(2), mask.sum(1).chunk(2)
    who, margin, _ = trainer._step[-1]
    better = trainer._confidence(Losses(margin, margin, margin), who)
    total = (better * chosen + (1 - better) * rejected).sum() / (better * many + (1 - better) * few).sum()
    assert found[1] - found[0] == pytest.approx(-0.5 * float(total.detach()), rel=1e-4)


def test_the_likelihood_is_logged(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(8), sft_weight=0.5)
    trainer.train()
    assert all(entry["sft_loss"] > 0 for entry in trainer.state.log_history if "loss" in entry)


# What acts


def test_strength(tmp_path: Path) -> None:
    losses = [
        losses_of(run)[-1]
        for beta in (0.05, 5.0)
        if (run := make_trainer(tmp_path, make_rows(8), beta=beta, max_steps=2, per_device_train_batch_size=4)).train()
    ]
    assert abs(losses[0] - losses[1]) > 1e-3


def test_dropout(tmp_path: Path) -> None:
    for off in (True, False):
        config = GPT2Config(
            vocab_size=65, n_embd=16, n_layer=1, n_head=2, n_positions=64, pad_token_id=0, embd_pdrop=0.5
        )
        settings: dict[str, Any] = {"disable_dropout": off, "fast_step": "off"}
        trainer = make_trainer(tmp_path, make_rows(8), model=GPT2LMHeadModel(config), **settings)
        trainer.model.train()
        batch = next(iter(trainer.get_train_dataloader()))
        values = {float(trainer.compute_loss(trainer.model, dict(batch)).detach()) for _ in range(3)}
        assert (len(values) == 1) is off


@pytest.mark.filterwarnings("ignore:The `'keep_end'`:FutureWarning")
def test_lengths(tmp_path: Path) -> None:
    def tokens(**settings: Any) -> Any:
        return next(iter(make_trainer(tmp_path, make_rows(8), **settings).get_train_dataloader()))["input_ids"]

    assert tokens(max_length=8).shape[1] == 8 < tokens(max_length=64).shape[1]
    start, end = (tokens(max_length=8, truncation_mode=mode) for mode in ("keep_start", "keep_end"))
    assert sorted(start.flatten().tolist()) != sorted(end.flatten().tolist())


def test_padding(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(8), pad_to_multiple_of=16)
    assert next(iter(trainer.get_train_dataloader()))["input_ids"].shape[1] % 16 == 0


def test_preparation(tmp_path: Path) -> None:
    one, two = (make_trainer(tmp_path, make_rows(8), dataset_num_proc=n).train_dataset for n in (None, 2))
    assert one["chosen_ids"][:] == two["chosen_ids"][:]


def test_reference_batches(tmp_path: Path) -> None:
    """As many rows at a time as asked for."""
    sizes: list[int] = []
    model = make_model()
    model.model.embed_tokens.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    make_trainer(
        tmp_path,
        make_rows(8),
        model=model,
        precompute_ref_log_probs=True,
        precompute_ref_batch_size=3,
        reference_cache="off",
        fast_step="off",
    )
    assert max(sizes) == 2 * 3


def test_synchronised_reference(tmp_path: Path) -> None:
    reference = make_model(1)
    before = next(reference.parameters()).detach().clone()
    settings: dict[str, Any] = {"sync_ref_model": True, "ref_model_sync_steps": 1, "ref_model_mixup_alpha": 0.5}
    trainer = make_trainer(tmp_path, make_rows(8), ref_model=reference, **settings)
    trainer.train()
    assert not torch.equal(before, next(trainer.ref_model.parameters()))


def test_pad_token(tmp_path: Path) -> None:
    with pytest.warns(FutureWarning, match="pad_token"):
        trainer = make_trainer(tmp_path, make_rows(8), pad_token="w5")
    assert trainer.processing_class.pad_token == "w5"


def test_both_configs_have_the_same_settings_of_trl() -> None:
    ours = {field.name for field in dataclasses.fields(RobustPreferenceConfig)}
    assert ours >= {field.name for field in dataclasses.fields(DPOConfig)}
