"""Ways to get a fast or a robust step wrong without any error from the libraries, with one test for each.

Of the fast step: what the trap does to log-probabilities, and that the check of the first batch sees it; or that a model
which does not allow packing is scored in rows, with a line that says why.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import transformers as hf  # noqa: E402
from architectures import GROUPED, MODELS, SIZES, WORDS, make_batch, reference  # noqa: E402
from peft import LoraConfig, PromptTuningConfig, get_peft_model  # noqa: E402
from tiny import losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train import packed_attention, packing, scoring, step_check  # noqa: E402
from votewise.train.answer_scores import add_scoring  # noqa: E402
from votewise.train.fast_step import choose_step  # noqa: E402
from votewise.train.scoring import score_answers  # noqa: E402
from votewise.train.step_check import Differs, difference  # noqa: E402

pytestmark = pytest.mark.slow

NATS = 0.01
"""What every trap exceeds; rounding stays below a hundredth of it."""


class Tampered(torch.nn.Module):
    """A model whose packed rows get other inputs."""

    def __init__(self, model: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        super().__init__()
        self.model, self.change = model, change

    def forward(self, **inputs: Any) -> Any:
        return self.model(**(self.change(inputs) if "packed_segments" in inputs else inputs))


def seen(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Differs | None:
    """What the check of the first batch finds in a model whose packed rows are fed so.

    Without a name the model is ``make_model``'s.
    """
    torch.manual_seed(0)
    model, batch = MODELS.get(name, make_model)(), make_batch()
    add_scoring(model, "shared")
    assert difference(model, batch, "shared") is None
    return difference(Tampered(model, change), batch, "shared")


def who_sees_whom(segments: Any, length: int, window: int | None, *, in_positions: bool) -> Any:
    """(1, 1, T, T) by brute force."""
    mask = torch.zeros(length, length, dtype=torch.bool)
    for s in segments:
        middle = s.start + s.prompt + s.chosen
        for first, answer in ((s.start + s.prompt, s.chosen), (middle, s.rejected)):
            tokens = torch.tensor([*range(s.start, s.start + s.prompt), *range(first, first + answer)])
            at = torch.arange(len(tokens)) if in_positions else tokens
            apart = at[:, None] - at
            here = (apart >= 0) if window is None else (apart >= 0) & (apart < window)
            mask[tokens[:, None], tokens] = here
    return mask[None, None]


def with_mask(window: int | None, *, in_positions: bool = True) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        inputs = dict(inputs)
        segments, length = inputs.pop("packed_segments"), inputs["input_ids"].shape[1]
        return inputs | {"attention_mask": who_sees_whom(segments, length, window, in_positions=in_positions)}

    return change


# The fast step


def test_trap_positions_that_restart_without_a_mask() -> None:
    """transformers then takes the row for independent sequences, and a rejected answer loses its prompt."""

    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in inputs.items() if k != "packed_segments"} | {"attention_mask": None}

    found = seen("", change)
    assert found
    assert found.nats > NATS


def test_trap_a_mask_of_two_dimensions() -> None:
    """Every token before is seen, including those of other pairs."""

    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        mask = torch.ones_like(inputs["input_ids"])
        return {k: v for k, v in inputs.items() if k != "packed_segments"} | {"attention_mask": mask}

    found = seen("", change)
    assert found
    assert found.nats > NATS


def test_trap_a_plain_mask_of_four_dimensions_where_a_window_slides() -> None:
    """Right for a model that sees everything; for one with a window it is handed on as it is, without the window."""
    assert seen("", with_mask(None)) is None
    found = seen("mistral, sliding window", with_mask(None))
    assert found
    assert found.nats > NATS


def test_trap_windows_counted_in_tokens_of_the_row() -> None:
    """They are counted in positions: a rejected answer is as near to its prompt as the chosen one."""
    assert seen("mistral, sliding window", with_mask(5)) is None
    found = seen("mistral, sliding window", with_mask(5, in_positions=False))
    assert found
    assert found.nats > NATS


def test_trap_windows_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, batch = MODELS["mistral, sliding window"](), make_batch()
    add_scoring(model, "shared")
    real = packed_attention._causal
    monkeypatch.setattr(packed_attention, "_causal", lambda q, o, k, window, device: real(q, o, k, None, device))
    assert difference(model, batch, "shared")


def test_trap_chosen_answers_that_rejected_ones_see(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = make_model(), make_batch()
    add_scoring(model, "shared")
    assert difference(model, batch, "shared") is None
    real = packed_attention._causal

    def everything(queries: int, offset: int, *rest: Any) -> Any:
        mask = real(queries, offset, *rest)
        return mask if mask is None else torch.ones_like(mask)

    monkeypatch.setattr(packed_attention, "_causal", everything)
    found = difference(model, batch, "shared")
    assert found
    assert found.nats > NATS


def test_trap_positions_that_go_straight_on() -> None:
    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        return inputs | {"position_ids": torch.arange(inputs["input_ids"].shape[1])[None]}

    found = seen("", change)
    assert found
    assert found.nats > NATS


def test_trap_the_last_token_of_a_prompt_has_two_successors() -> None:
    """One-token answers: only the prediction of the prompt's last token is scored, for both answers."""
    model, batch = make_model(), make_batch()
    rows = [1, 7]  # the pair with a prompt of one token, whose chosen answer has one token
    add_scoring(model, "shared")
    packed = packing.pack({k: v[rows] for k, v in batch.items()})
    assert packed is not None
    assert packed.scored.tolist() == [0, 0, 1, 2, 3, 4, 5, 6]
    assert packed.owner.tolist() == [0] + 7 * [1]
    expected = reference(make_model(), batch)
    torch.testing.assert_close(score_answers(model, batch, "shared").logp, expected, rtol=1e-5, atol=1e-4)


def test_trap_flash_attention_takes_no_mask_of_four_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """votewise's attention replaces it for packed rows; other rows still use it."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    masks: list[Any] = []

    def flash(module: Any, q: Any, k: Any, v: Any, mask: Any, **kwargs: Any) -> Any:
        masks.append(mask)
        return sdpa_attention_forward(module, q, k, v, mask, **kwargs)

    AttentionInterface.register("our_flash", flash)
    AttentionMaskInterface.register("our_flash", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model, batch = make_model(), make_batch()
    model.config._attn_implementation = "our_flash"
    add_scoring(model, "shared")
    expected = score_answers(model, batch, "answers").logp
    assert len(masks) == 2, "once in each layer"
    torch.testing.assert_close(score_answers(model, batch, "shared").logp, expected, rtol=1e-5, atol=1e-4)
    assert len(masks) == 2


def test_trap_flex_attention_has_no_gradients_on_a_cpu(tmp_path: Path) -> None:
    """So it is not the default there. If asked for, it is refused in one line before training."""
    rows = make_rows(8)
    make_trainer(tmp_path, rows, ref_model=make_model(1)).train()
    with pytest.raises(BadInputError, match="packed_attention=flex has no gradients on a CPU"):
        make_trainer(tmp_path, rows, ref_model=make_model(1), packed_attention="flex")


# Models and data that cannot


def linear_attention() -> Any:
    config = hf.Qwen3NextConfig(
        **GROUPED,
        head_dim=8,
        linear_num_value_heads=2,
        linear_num_key_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        num_experts=2,
        num_experts_per_tok=1,
        moe_intermediate_size=16,
        shared_expert_intermediate_size=16,
        layer_types=["linear_attention", "full_attention"],
    )
    return hf.Qwen3NextForCausalLM(config)


def sees_images() -> Any:
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 8, "patch_size": 4}
    text = hf.Gemma3TextConfig(**GROUPED, head_dim=8)
    config = hf.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    return hf.Gemma3ForConditionalGeneration(config)


CANNOT: dict[str, tuple[Callable[[], Any], str]] = {
    "mamba": (
        lambda: hf.MambaForCausalLM(hf.MambaConfig(vocab_size=WORDS, hidden_size=16, num_hidden_layers=1)),
        "attention",
    ),
    "mixture of experts": (lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**GROUPED, num_local_experts=2)), "experts"),
    "linear attention": (linear_attention, "linear"),
    "vision": (sees_images, "more than a language model"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_trap_models_whose_tokens_meet_elsewhere_are_scored_in_rows(name: str) -> None:
    make, word = CANNOT[name]
    how, why = choose_step("shared", make(), auxiliary=False)
    assert how == "answers"
    assert word in str(why)


@pytest.mark.parametrize("name", ["mamba", "mixture of experts", "prompt learning", "auxiliary loss"])
def test_trap_whole_runs_of_such_models_say_so_and_end_as_trls_scoring(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sizes = GROUPED | {"vocab_size": make_model().config.vocab_size}
    experts = {"num_local_experts": 2, "router_aux_loss_coef": 0.1, "output_router_logits": name == "auxiliary loss"}
    prompts = PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM")
    makes: dict[str, Callable[[], Any]] = {
        "mamba": lambda: hf.MambaForCausalLM(
            hf.MambaConfig(vocab_size=sizes["vocab_size"], hidden_size=16, num_hidden_layers=1, pad_token_id=0)
        ),
        "mixture of experts": lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**sizes, num_local_experts=2)),
        "auxiliary loss": lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**sizes, **experts)),
        "prompt learning": make_model,
    }
    ends = []
    for way in ("shared", "off"):
        torch.manual_seed(0)
        model = makes[name]()
        own = {"peft_config": prompts} if name == "prompt learning" else {"ref_model": copy.deepcopy(model)}
        own |= (
            {} if name == "auxiliary loss" else {"router_aux_loss_coef": None if name != "mixture of experts" else 0.0}
        )
        with caplog.at_level(logging.WARNING, logger="votewise"):
            trainer = make_trainer(tmp_path, make_rows(16), model=model, fast_step=way, **own)
            trainer.train()
        assert trainer.scoring.how == (
            "answers" if name in ("mamba", "mixture of experts") and way == "shared" else "off"
        )
        ends.append((losses_of(trainer), parameters_of(trainer.model)))
    said = [
        record.message for record in caplog.records if "fast_step=shared does not suit this model" in record.message
    ]
    assert len(said) == 1
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-4, abs=1e-5)


def test_trap_an_auxiliary_loss_needs_whole_rows() -> None:
    assert choose_step("shared", make_model(), auxiliary=True)[0] == "off"
    assert choose_step("off", make_model(), auxiliary=False) == ("off", None)
    assert choose_step("shared", make_model(), auxiliary=False) == ("shared", None)


def test_trap_virtual_tokens_before_the_row() -> None:
    model = get_peft_model(make_model(), PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM"))
    how, why = choose_step("shared", model, auxiliary=False)
    assert how == "off"
    assert "tokens of its own" in str(why)
    lora = get_peft_model(make_model(), LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    assert choose_step("shared", lora, auxiliary=False) == ("shared", None)


@pytest.mark.filterwarnings("ignore:The `'keep_end'` truncation mode is deprecated:FutureWarning")
def test_trap_prompts_that_lost_their_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With truncation_mode="keep_end" the two rows of a pair may keep different parts of its prompt."""
    batch = make_batch()
    batch["input_ids"][6, 0] = 1 + batch["input_ids"][6, 0] % (WORDS - 1)
    assert packing.pack(batch) is None
    assert packing.pack(batch, share=False) is not None
    ends = []
    scoring._logger().warning_once.cache_clear()
    for way in ("shared", "off"):
        settings = {"truncation_mode": "keep_end", "max_length": 7, "fast_step": way}
        trainer = make_trainer(tmp_path, make_rows(16), ref_model=make_model(1), **settings)
        collated = next(iter(trainer.get_train_dataloader()))
        assert collated["input_ids"].shape[1] == 7
        assert packing.pack(collated) is None
        with caplog.at_level(logging.WARNING, logger="votewise"):
            trainer.train()
        ends.append(losses_of(trainer))
    assert ends[0] == pytest.approx(ends[1], rel=1e-4)
    assert len([record for record in caplog.records if "differ in their prompt" in record.message]) == 1


def test_trap_a_model_that_fails_the_check_goes_on_in_rows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = packed_attention._causal
    monkeypatch.setattr(
        packed_attention, "_causal", lambda *args: None if (mask := real(*args)) is None else torch.ones_like(mask)
    )
    trainer = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), logging_steps=1)
    with caplog.at_level(logging.WARNING, logger="votewise"):
        trainer.train()
    assert trainer.scoring.how == "answers"
    assert len([record.message for record in caplog.records if "fast_step" in record.message]) == 1
    rows = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), logging_steps=1, fast_step="answers")
    rows.train()
    assert losses_of(trainer) == pytest.approx(losses_of(rows), rel=1e-4)


@pytest.mark.parametrize("bf16", [True, False])
def test_trap_rounding_of_short_numbers_is_no_wrong_mask(
    bf16: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A twentieth of a nat is rounding where the model computes in bf16, although its weights are in fp32."""
    real = step_check.score_tokens

    def apart(model: Any, batch: Any, how: Any, **settings: Any) -> Any:
        owner, logp, more = real(model, batch, how, **settings)
        return owner, logp + 0.05 * (how == "shared"), more

    monkeypatch.setattr(step_check, "score_tokens", apart)
    trainer = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), bf16=bf16)
    trainer.train()
    assert trainer.scoring.how == ("shared" if bf16 else "answers")


# The trainer around it


def test_trap_the_row_numbers_reach_the_loss_and_no_model(tmp_path: Path) -> None:
    fed: list[set[str]] = []
    policy, other = make_model(), make_model(1)
    for model in (policy, other):
        model.model.register_forward_pre_hook(lambda _, args, kwargs: fed.append(set(kwargs)), with_kwargs=True)
    trainer = make_trainer(tmp_path, make_rows(8), model=policy, ref_model=other)
    batch = next(iter(trainer.get_train_dataloader()))
    assert sorted(batch["votewise_row"]) == list(range(8))
    trainer.train()
    assert len(fed) > 2
    assert not [names for names in fed if any("votewise" in name or "ref_" in name for name in names)]


def test_trap_label_smoothing_is_not_ignored(tmp_path: Path) -> None:
    """TRL's own sigmoid loss silently ignores it."""
    losses = [
        losses_of(run)
        for noise in (0.0, 0.3)
        if (run := make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), objective="smoothed",
                                label_smoothing=noise)).train()
    ]  # fmt: skip
    assert abs(losses[0][0] - losses[1][0]) > 1e-3


@pytest.mark.parametrize("loss", ["dpo", "ipo", "simpo", "cpo"])
def test_trap_an_empty_answer_divides_by_no_tokens(loss: str, tmp_path: Path) -> None:
    """Under SimPO the mean over its tokens would be NaN, and so would the model be after a step."""
    trainer = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1) if loss in ("dpo", "ipo") else None,
                           preference_loss=loss)  # fmt: skip
    batch = next(iter(trainer.get_train_dataloader()))
    empty = batch["completion_mask"].clone()
    batch["attention_mask"][:3] -= empty[:3]
    batch["completion_mask"][:3] = 0
    trainer.model.train()
    trainer.compute_loss(trainer.model, batch).backward()
    assert all(torch.isfinite(p.grad).all() for p in trainer.model.parameters())


def test_trap_a_random_model_without_a_path_is_its_own_reference(tmp_path: Path) -> None:
    """TRL would look for its weights in a place without any."""
    assert make_model(**{}).config._name_or_path == ""
    trainer = make_trainer(tmp_path, make_rows(8), processing_class=make_tokenizer())
    trainer.train()
    assert trainer.ref_model is not None
    for name, value in parameters_of(make_model()).items():
        assert torch.equal(dict(trainer.ref_model.named_parameters())[name], value), name


def test_trap_windows_of_the_test_models_do_slide() -> None:
    """What the tests above rest on: rows are longer than the window, and a head size that FlexAttention's kernel takes."""
    assert make_batch()["attention_mask"].sum(1).max() > 5 == MODELS["mistral, sliding window"]().config.sliding_window
    assert SIZES["hidden_size"] // SIZES["num_attention_heads"] == 8
