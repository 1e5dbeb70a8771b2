"""What TRL's own tests check of its trainer holds here: the same run ends with the same weights, the same data are taken.

Where both can run, both do, from the same weights on the same rows, and the weights at the end are compared. Behaviours that
are refused here on purpose are in docs/training.md ("What TRL's tests check") and in test_trl_settings.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from datasets import Dataset, DatasetDict, IterableDatasetDict
from peft import LoraConfig, get_peft_model
from tiny import QUIET, as_chat, make_config, make_model, make_rows, make_tokenizer, parameters_of
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM, dynamic_module_utils
from trl import DPOConfig, DPOTrainer

from votewise.errors import BadInputError
from votewise.train import RobustPreferenceTrainer

pytestmark = pytest.mark.slow

HERE: dict[str, Any] = {"objective": "plain", "annotator_column": None, "one_row_per": "vote"}
"""Settings with which the trainer does what TRL's does: every row is trusted."""

SGD = {"optim": "sgd", "learning_rate": 0.1}
"""Adam makes large differences of small ones where gradients are near zero, on some processors more than others."""

THEIRS = {name: value for name, value in QUIET.items() if name != "write_beliefs"} | {"max_steps": 3, "seed": 5} | SGD
LORA = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def plain_rows(n: int = 24, seed: int = 0) -> Dataset:
    return make_rows(n, seed=seed).remove_columns("annotator")


def both(folder: Path, rows: Any, model: Callable[[], Any] = make_model, chat: bool = False, **given: Any) -> list[Any]:
    """Our trainer and TRL's. ``given`` are arguments of the trainers, or settings of both."""
    names = ("ref_model", "eval_dataset", "peft_config", "compute_metrics", "processing_class")
    own = {name: given.pop(name) for name in names if name in given}
    made = []
    for trainer, config, settings in (
        (RobustPreferenceTrainer, make_config, QUIET | THEIRS | HERE),
        (DPOTrainer, DPOConfig, THEIRS),
    ):
        arguments = {name: copy.deepcopy(value) for name, value in own.items()}
        policy = model()
        if "ref_model" not in own and "peft_config" not in own and not hasattr(policy, "peft_config"):
            arguments["ref_model"] = copy.deepcopy(policy)
        args: Any = config(str(folder / trainer.__name__), **settings | given)
        arguments.setdefault("processing_class", make_tokenizer(chat))
        made.append(trainer(policy, args=args, train_dataset=rows, **arguments))
    return made


def train_both(trainers: list[Any], *, rtol: float = 1e-3, atol: float = 3e-5) -> None:
    """Train both; both must have moved, and to the same weights."""
    start = parameters_of(trainers[0].model)
    for trainer in trainers:
        trainer.train()
    ours, theirs = (parameters_of(trainer.model) for trainer in trainers)
    moved = [name for name in theirs if not torch.equal(theirs[name], start[name])]
    assert moved
    assert moved == [name for name in ours if not torch.equal(ours[name], start[name])]
    for name in moved:
        torch.testing.assert_close(ours[name], theirs[name], rtol=rtol, atol=atol)


def test_the_same_run(tmp_path: Path) -> None:
    train_both(both(tmp_path, plain_rows()))


# Shapes of data


def without_prompt(rows: Dataset) -> Dataset:
    """The prompt is the beginning of both answers."""
    return rows.map(lambda row: {side: row["prompt"] + row[side] for side in ("chosen", "rejected")}).remove_columns(
        "prompt"
    )


SHAPES: dict[str, tuple[Callable[[], Dataset], bool]] = {
    "texts": (plain_rows, False),
    "conversations": (lambda: as_chat(plain_rows()), True),
    "texts with the prompt in them": (lambda: without_prompt(plain_rows()), False),
    "conversations with the prompt in them": (lambda: without_prompt(as_chat(plain_rows())), True),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("streamed", [False, True])
def test_shapes_of_rows(shape: str, streamed: bool, tmp_path: Path) -> None:
    make, chat = SHAPES[shape]
    rows = make().to_iterable_dataset() if streamed else make()
    train_both(both(tmp_path, rows, chat=chat))


def test_rows_whose_prompt_leaves_no_room_are_left_out(tmp_path: Path) -> None:
    rows = plain_rows(8)
    rows = rows.map(lambda row, i: {"prompt": row["prompt"] * (6 if i == 3 else 1)}, with_indices=True)
    ours, theirs = both(tmp_path, rows, max_length=20)
    assert len(ours.train_dataset) == len(theirs.train_dataset) == 7
    assert sorted(ours.train_dataset["prompt_ids"][:]) == sorted(theirs.train_dataset["prompt_ids"][:])


@pytest.mark.parametrize("wrong", [None, "splits"])
def test_data_of_another_kind_are_refused(wrong: str | None, tmp_path: Path) -> None:
    rows = None if wrong is None else DatasetDict(train=plain_rows())
    with pytest.raises(BadInputError, match=r"train_dataset, got '?(NoneType|DatasetDict)") as caught:
        RobustPreferenceTrainer(make_model(), args=make_config(tmp_path), train_dataset=rows)
    assert "\n" not in str(caught.value)


# Evaluation

HELD_OUT: dict[str, Callable[[], Any]] = {
    "a dataset": lambda: plain_rows(8, 9),
    "a stream": lambda: plain_rows(8, 9).to_iterable_dataset(),
    "splits": lambda: DatasetDict(one=plain_rows(8, 9), two=plain_rows(8, 10)),
    "splits of a stream": lambda: IterableDatasetDict(
        one=plain_rows(8, 9).to_iterable_dataset(), two=plain_rows(8, 10).to_iterable_dataset()
    ),
    "datasets by name": lambda: {"one": plain_rows(8, 9), "two": plain_rows(8, 10)},
    "streams by name": lambda: {name: plain_rows(8, n).to_iterable_dataset() for name, n in (("one", 9), ("two", 10))},
}


def eval_losses(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.endswith("loss")}


@pytest.mark.parametrize("kind", HELD_OUT)
@pytest.mark.parametrize("at_start", [True, False])
def test_held_out_data_of_every_kind(kind: str, at_start: bool, tmp_path: Path) -> None:
    """Given to the trainer, or to ``evaluate``: the losses of TRL."""
    given = {"eval_dataset": HELD_OUT[kind]()} if at_start else {}
    found = []
    for trainer in both(tmp_path, plain_rows(), **given):
        found.append(eval_losses(trainer.evaluate() if at_start else trainer.evaluate(HELD_OUT[kind]())))
    assert len(found[0]) == (1 if kind in ("a dataset", "a stream") else 2)
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_evaluation_while_training(tmp_path: Path) -> None:
    trainers = both(
        tmp_path, plain_rows(), eval_dataset=HELD_OUT["datasets by name"](), eval_strategy="steps", eval_steps=2
    )
    for trainer in trainers:
        trainer.train()
    logs = [[eval_losses(e) for e in t.state.log_history if any("eval" in name for name in e)] for t in trainers]
    assert len(logs[0]) == len(logs[1]) >= 2
    for ours, theirs in zip(*logs, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("kind", ["a stream", "splits of a stream", "streams by name"])
def test_a_stream_has_no_precomputed_reference(kind: str, tmp_path: Path) -> None:
    trainer = both(tmp_path, plain_rows(), precompute_ref_log_probs=True)[0]
    with pytest.raises(BadInputError, match="precompute_ref_log_probs=True does not work with streams"):
        trainer.evaluate(HELD_OUT[kind]())


def test_a_trained_policy_is_no_reference(tmp_path: Path) -> None:
    """Where the policy was its own reference, data that come after training have none; those from the start have theirs."""
    settings: dict[str, Any] = {"ref_model": None, "precompute_ref_log_probs": True}
    for trainer in both(tmp_path, plain_rows(), eval_dataset=plain_rows(8, 9), **settings):
        before = trainer.evaluate()["eval_loss"]
        assert trainer.evaluate(plain_rows(8, 9))["eval_loss"] == pytest.approx(before, rel=1e-5)
        trainer.train()
        assert trainer.evaluate()["eval_loss"] != before
        with pytest.raises(ValueError, match="Cannot compute reference log-probs"):
            trainer.evaluate(plain_rows(8, 10))


# Models and references


def test_a_reference_of_its_own_stays_as_it_is(tmp_path: Path) -> None:
    reference = make_model(1)
    trainers = both(tmp_path, plain_rows(), ref_model=reference)
    train_both(trainers)
    for name, value in parameters_of(trainers[0].ref_model).items():
        torch.testing.assert_close(value, reference.get_parameter(name), rtol=0, atol=0)


def test_a_reference_that_follows(tmp_path: Path) -> None:
    trainers = both(tmp_path, plain_rows(), sync_ref_model=True, ref_model_sync_steps=2)
    train_both(trainers)
    ours, theirs = (parameters_of(trainer.ref_model) for trainer in trainers)
    assert any(not torch.equal(value, make_model().get_parameter(name)) for name, value in ours.items())
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-3, atol=3e-5)


def saved(folder: Path) -> str:
    make_model().save_pretrained(folder / "model")
    make_tokenizer().save_pretrained(folder / "model")
    return str(folder / "model")


def test_a_model_by_its_name_with_a_number_format(tmp_path: Path) -> None:
    settings = QUIET | HERE | {"max_steps": 2, "model_init_kwargs": {"dtype": "bfloat16"}}
    trainer = RobustPreferenceTrainer(
        saved(tmp_path), args=make_config(tmp_path, **settings), train_dataset=plain_rows()
    )
    before = parameters_of(trainer.model)
    trainer.train()
    after = parameters_of(trainer.model)
    assert {value.dtype for value in after.values()} == {torch.bfloat16}
    assert any(not torch.equal(after[name], before[name]) for name in after)


OWN_CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM

Path({marker!r}).touch()


class OwnConfig(LlamaConfig):
    model_type = "own"


class Own(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.mark.parametrize("trusted", [False, True])
def test_code_of_a_model_is_not_run_unasked(trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder, marker = Path(saved(tmp_path)), tmp_path / "code was run"
    told = json.loads((folder / "config.json").read_text()) | {"model_type": "own", "architectures": ["Own"]}
    told["auto_map"] = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "own.py").write_text(OWN_CODE.format(marker=str(marker)))
    args = make_config(tmp_path, trust_remote_code=trusted)
    if trusted:
        trainer = RobustPreferenceTrainer(str(folder), args=args, train_dataset=plain_rows())
        assert type(trainer.model).__name__ == "Own"
    else:
        with pytest.raises(ValueError, match="custom code"):
            RobustPreferenceTrainer(str(folder), args=args, train_dataset=plain_rows())
    assert marker.exists() is trusted


def test_gradient_checkpointing(tmp_path: Path) -> None:
    train_both(both(tmp_path, plain_rows(), gradient_checkpointing=True))


def mixture() -> Any:
    config = Qwen3MoeConfig(
        vocab_size=65, hidden_size=32, intermediate_size=32, moe_intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, num_experts=4, num_experts_per_tok=2, pad_token_id=0,
        eos_token_id=1, bos_token_id=None, max_position_embeddings=64, output_router_logits=True,
    )  # fmt: skip
    torch.manual_seed(0)
    return Qwen3MoeForCausalLM(config)


def test_experts_and_their_auxiliary_loss(tmp_path: Path) -> None:
    trainers = both(tmp_path, plain_rows(), mixture, router_aux_loss_coef=0.1)
    train_both(trainers)
    ours, theirs = ([e["aux_loss"] for e in t.state.log_history if "aux_loss" in e] for t in trainers)
    assert ours == pytest.approx(theirs, rel=1e-4)


# Adapters


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_new_adapter(checkpointing: bool, tmp_path: Path) -> None:
    """Only the adapter moves."""
    torch.manual_seed(0)
    trainers = both(tmp_path, plain_rows(), peft_config=LORA, gradient_checkpointing=checkpointing)
    trainers[0].model.load_state_dict(trainers[1].model.state_dict())
    before = parameters_of(trainers[0].model)
    train_both(trainers)
    after = parameters_of(trainers[0].model)
    assert {name for name in after if not torch.equal(after[name], before[name])} == {n for n in after if "lora_" in n}


def with_adapter() -> Any:
    torch.manual_seed(4)
    model = get_peft_model(make_model(), LORA)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05)
    return model


def test_an_adapter_that_is_trained_further(tmp_path: Path) -> None:
    """Its state before training is the reference, not the base model."""
    trainers = both(tmp_path, plain_rows(), with_adapter)
    train_both(trainers)
    ours, theirs = ([e["rewards/margins"] for e in t.state.log_history if "loss" in e] for t in trainers)
    assert ours[0] == pytest.approx(0, abs=1e-5)
    assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-5)


def test_an_adapter_of_single_parameters(tmp_path: Path) -> None:
    """Weights of experts, which are no modules."""

    def model() -> Any:
        torch.manual_seed(4)
        settings: dict[str, Any] = {"target_parameters": ["mlp.experts.down_proj"], "target_modules": [], "r": 2}
        return get_peft_model(mixture(), LoraConfig(task_type="CAUSAL_LM", **settings))

    trainers = both(tmp_path, plain_rows(), model)
    assert set(trainers[0].model.peft_config) == set(trainers[1].model.peft_config)
    train_both(trainers)


def test_an_adapter_of_the_projection_is_refused(tmp_path: Path) -> None:
    """Log-probabilities are computed from the projection's own weights, so such an adapter would never be trained."""
    adapter = LoraConfig(r=4, target_modules=["q_proj", "lm_head"], task_type="CAUSAL_LM")
    with pytest.raises(ValueError, match="lm_head"):
        both(tmp_path, plain_rows(), peft_config=adapter)


# Metrics and tags


@pytest.mark.filterwarnings("ignore:.return_outputs=True.:FutureWarning")
def test_metrics_of_your_own(tmp_path: Path) -> None:
    def metrics(prediction: Any) -> dict[str, float]:
        return {"mean": float(prediction.predictions.mean())}

    found = [
        t.evaluate()["eval_mean"]
        for t in both(tmp_path, plain_rows(), eval_dataset=plain_rows(8, 9), compute_metrics=metrics)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.parametrize("given", [{}, {"peft_config": LORA}])
def test_tags(given: dict[str, Any], tmp_path: Path) -> None:
    trainer = both(tmp_path, plain_rows(), **given)[0]
    assert {"trl", "votewise"} <= set(trainer.model.model_tags)
