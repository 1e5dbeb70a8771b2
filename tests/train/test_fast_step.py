"""The fast step gives the log-probabilities and gradients of padded rows, or stands aside."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import transformers as hf  # noqa: E402
from peft import LoraConfig  # noqa: E402
from tiny import losses_of, make_model, make_rows, make_trainer, parameters_of  # noqa: E402
from trl.trainer.dpo_trainer import DataCollatorForPreference  # noqa: E402

from votewise.train import packing  # noqa: E402
from votewise.train.scoring import add_scoring, choose_step, score_answers, step_is_exact  # noqa: E402

WORDS = 60
SIZES = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
GROUPED = SIZES | {"num_key_value_heads": 2}
MODELS: dict[str, Any] = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES)),
    "llama, grouped queries": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**GROUPED)),
    "qwen2": lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**GROUPED)),
    "mistral, sliding window": lambda: hf.MistralForCausalLM(hf.MistralConfig(**GROUPED, sliding_window=5)),
    "gemma": lambda: hf.GemmaForCausalLM(hf.GemmaConfig(**GROUPED, head_dim=8)),
    "gemma2, capped logits": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**GROUPED, head_dim=8, sliding_window=5)),
    "gemma3, two kinds of layers": lambda: hf.Gemma3ForCausalLM(
        hf.Gemma3TextConfig(**GROUPED, head_dim=8, sliding_window=5, sliding_window_pattern=2)
    ),
}
WAYS = ("shared", "packed", "answers")


def make_batch(*, left: bool = False) -> dict[str, Any]:
    """Pairs of all lengths: long and short, one token, no answer, the same answer twice, answers that start alike."""
    rng = np.random.default_rng(0)
    examples = []
    for prompt, chosen, rejected in ((9, 6, 4), (1, 1, 7), (12, 3, 1), (5, 4, 4), (7, 0, 3), (4, 5, 6)):
        lengths = {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
        examples.append({name: rng.integers(1, WORDS, n).tolist() for name, n in lengths.items()})
    examples[3]["rejected_ids"] = list(examples[3]["chosen_ids"])
    examples[5]["rejected_ids"][:3] = examples[5]["chosen_ids"][:3]
    batch = DataCollatorForPreference(pad_token_id=0)(examples)
    if left:
        for row, seen in enumerate(batch["attention_mask"].sum(1).tolist()):
            for name in ("input_ids", "attention_mask", "completion_mask"):
                batch[name][row] = batch[name][row].roll(batch[name].shape[1] - seen)
    return batch


def reference(model: Any, batch: dict[str, Any]) -> Any:
    """Log-probabilities by the textbook, one row at a time and without padding."""
    found = []
    for ids, seen, answer in zip(*(batch[k] for k in ("input_ids", "attention_mask", "completion_mask")), strict=True):
        ids, answer = ids[seen.bool()][None], answer[seen.bool()]
        logp = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        found.append((logp.gather(1, ids[0, 1:, None])[:, 0] * answer[1:]).sum())
    return torch.stack(found)


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
@pytest.mark.parametrize("name", MODELS)
def test_log_probabilities_and_gradients_are_those_of_padded_rows(name: str, left: bool) -> None:
    torch.manual_seed(0)
    plain = MODELS[name]()
    batch = make_batch(left=left)
    expected = reference(plain, batch)
    torch.autograd.backward(expected @ torch.linspace(-1, 1, len(expected)))
    for way in WAYS:
        if left and way == "answers":
            continue  # positions of rows padded on the left are the model's own affair
        model = copy.deepcopy(plain)
        model.zero_grad()
        add_scoring(model, way)
        scores = score_answers(model, batch, way)
        torch.testing.assert_close(scores.logp, expected, rtol=1e-5, atol=1e-4)
        torch.autograd.backward(scores.logp @ torch.linspace(-1, 1, len(expected)))
        ours = torch.cat([p.grad.flatten() for p in model.parameters()])
        theirs = torch.cat([p.grad.flatten() for p in plain.parameters()])
        assert (ours - theirs).norm() < 1e-4 * theirs.norm()


@pytest.mark.parametrize("way", WAYS)
def test_statistics_of_tokens_are_those_of_the_whole_vocabulary(way: str) -> None:
    model, batch = make_model(), make_batch()
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    mask = batch["completion_mask"][:, 1:].bool()
    p = logits.softmax(-1)
    add_scoring(model, way)
    tokens = score_answers(model, batch, way, statistics=True).tokens
    assert tokens is not None
    assert tokens.entropy.sum().item() == pytest.approx(-(p * p.log()).sum(-1)[mask].sum().item(), rel=1e-4)
    assert tokens.mean_logit.sum().item() == pytest.approx(logits.mean(-1)[mask].sum().item(), rel=1e-3, abs=1e-3)
    right = logits.argmax(-1) == batch["input_ids"][:, 1:]
    assert tokens.likeliest.sum().item() == right[mask].sum().item()
    assert (torch.bincount(tokens.owner, minlength=len(mask)) == mask.sum(1)).all()


def test_nothing_is_computed_twice() -> None:
    batch = make_batch()
    packed, apart = packing.pack(batch), packing.pack(batch, share=False)
    assert packed is not None
    assert apart is not None
    prompts, answers = 9 + 1 + 12 + 5 + 7 + 4, [6, 4, 1, 7, 3, 1, 4, 4, 0, 3, 5, 6]
    assert packed.input_ids.numel() == prompts + sum(max(n - 1, 0) for n in answers)
    assert apart.input_ids.numel() == packed.input_ids.numel() + prompts
    assert len(packed.targets) == sum(answers)
    assert batch["input_ids"].numel() > apart.input_ids.numel()


def test_a_vocabulary_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = make_model(), make_batch()
    add_scoring(model, "shared")
    whole = score_answers(model, batch, "shared", statistics=True)
    monkeypatch.setattr("votewise.train.scoring.CHUNK", 7 * model.config.vocab_size)
    parts = score_answers(model, batch, "shared", statistics=True)
    torch.testing.assert_close(parts.logp, whole.logp)
    for here, there in zip(parts.tokens, whole.tokens, strict=True):
        torch.testing.assert_close(here, there)
    torch.autograd.backward(parts.logp.sum())


def test_rows_that_lost_the_start_of_their_prompts_are_not_packed() -> None:
    batch = make_batch()
    batch["input_ids"][6, 0] = 1 + batch["input_ids"][6, 0] % (WORDS - 1)
    assert packing.pack(batch) is None
    assert packing.pack(batch, share=False) is not None


# Traps: each of these ways to get packing wrong changes log-probabilities, and the check of the first batch sees it


def test_chosen_answers_are_hidden_from_rejected_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = make_model(), make_batch()
    add_scoring(model, "shared")
    assert step_is_exact(model, batch, "shared")[0]
    real = packing._causal

    def everything(queries: int, offset: int, *rest: Any) -> Any:
        mask = real(queries, offset, *rest)
        return mask if mask is None else torch.ones_like(mask)

    monkeypatch.setattr(packing, "_causal", everything)
    exact, difference = step_is_exact(model, batch, "shared")
    assert not exact
    assert difference > 0.01


def test_positions_restart_after_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = make_model(), make_batch()
    add_scoring(model, "shared")
    real = packing.pack

    def straight(*args: Any, **kwargs: Any) -> Any:
        packed = real(*args, **kwargs)
        return packed._replace(position_ids=torch.arange(packed.input_ids.shape[1])[None])

    monkeypatch.setattr("votewise.train.scoring.pack", straight)
    assert not step_is_exact(model, batch, "shared")[0]


def test_windows_are_counted_in_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, batch = MODELS["mistral, sliding window"](), make_batch()
    add_scoring(model, "shared")
    assert step_is_exact(model, batch, "shared")[0]
    real = packing._causal
    monkeypatch.setattr(packing, "_causal", lambda q, o, k, window, device: real(q, o, k, None, device))
    assert not step_is_exact(model, batch, "shared")[0]


# Models that cannot


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (
            lambda: hf.MambaForCausalLM(hf.MambaConfig(vocab_size=WORDS, hidden_size=16, num_hidden_layers=1)),
            "attention",
        ),
        (
            lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**GROUPED, num_local_experts=2)),
            "experts",
        ),
        (
            lambda: hf.Qwen3NextForCausalLM(
                hf.Qwen3NextConfig(
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
            ),
            "linear",
        ),
    ],
    ids=["mamba", "mixture of experts", "linear attention"],
)
def test_models_that_cannot_be_packed_are_scored_in_rows(model: Any, word: str) -> None:
    how, why = choose_step("shared", model(), auxiliary=False)
    assert how == "answers"
    assert word in str(why)


def test_an_auxiliary_loss_needs_whole_rows() -> None:
    assert choose_step("shared", make_model(), auxiliary=True)[0] == "off"
    assert choose_step("off", make_model(), auxiliary=False) == ("off", None)
    assert choose_step("shared", make_model(), auxiliary=False) == ("shared", None)


def test_a_model_that_fails_the_check_goes_on_in_rows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = packing._causal
    monkeypatch.setattr(
        packing, "_causal", lambda *args: None if (mask := real(*args)) is None else torch.ones_like(mask)
    )
    trainer = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), logging_steps=1)
    with caplog.at_level(logging.WARNING, logger="votewise"):
        trainer.train()
    assert trainer._how == "answers"
    assert [record.message for record in caplog.records if "fast_step" in record.message]
    rows = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1), logging_steps=1, fast_step="answers")
    rows.train()
    assert losses_of(trainer) == pytest.approx(losses_of(rows), rel=1e-4)


# Whole runs


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"preference_loss": "simpo"},
        {"gradient_checkpointing": True},
        {"peft_config": LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")},
        {"precompute_ref_log_probs": True},
    ],
    ids=["dpo", "simpo", "checkpointing", "lora", "precomputed"],
)
def test_whole_runs_end_alike(settings: dict[str, Any], tmp_path: Path) -> None:
    ends = []
    for way in ("shared", "off"):
        own = {} if "peft_config" in settings else {"ref_model": make_model(1)}
        own = {} if settings.get("preference_loss") == "simpo" else own
        trainer = make_trainer(tmp_path / way, make_rows(24), fast_step=way, logging_steps=1, **own | settings)
        trainer.train()
        assert trainer._how == way
        ends.append((losses_of(trainer), parameters_of(trainer.model), trainer.beliefs.first))
    (losses, trained, margins), (expected, others, known) = ends
    assert losses == pytest.approx(expected, rel=1e-4, abs=1e-5)
    np.testing.assert_allclose(margins, known, rtol=1e-3, atol=1e-3)
    for name, value in others.items():
        torch.testing.assert_close(trained[name], value, rtol=1e-2, atol=2e-3)
