"""The fast step gives the log-probabilities and gradients of padded rows, or is not used."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import transformers as hf  # noqa: E402
from architectures import GROUPED, MODELS, SIZES, WORDS, make_batch, reference  # noqa: E402
from peft import LoraConfig  # noqa: E402
from tiny import losses_of, make_model, make_rows, make_trainer, parameters_of  # noqa: E402

from votewise.train import flex_attention, packed_attention, packing, scoring  # noqa: E402
from votewise.train.answer_scores import add_scoring, use_flex, use_fused_head  # noqa: E402
from votewise.train.scoring import score_answers  # noqa: E402

pytestmark = pytest.mark.slow
"""Each is fast; together they train for a quarter of a minute."""

WAYS = ("shared", "packed", "answers")


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
    monkeypatch.setattr("votewise.train.answer_scores.CHUNK", 7 * model.config.vocab_size)
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


def test_a_plan_made_with_the_batch_is_used_and_no_token_is_read_again(tmp_path: Path) -> None:
    """On a GPU, reading the tokens of a batch would mean waiting for all steps before."""

    class Unreadable(torch.Tensor):
        def cpu(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("the device was waited for")

    trainer = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1))
    batch = next(iter(trainer.get_train_dataloader()))
    assert isinstance(batch[scoring.PLAN], packing.PackingPlan)
    model = make_model()
    add_scoring(model, "shared")
    bare = {name: value for name, value in batch.items() if name not in (scoring.PLAN, "votewise_row")}
    expected = score_answers(model, bare, "shared").logp
    hidden = {name: value.as_subclass(Unreadable) for name, value in bare.items()}
    with pytest.raises(AssertionError, match="waited for"):
        score_answers(model, hidden, "shared")
    planned = hidden | {scoring.PLAN: batch[scoring.PLAN]}
    assert torch.equal(score_answers(model, planned, "shared").logp, expected)


def test_a_plan_for_another_way_is_made_anew() -> None:
    batch = make_batch()
    model = make_model()
    add_scoring(model, "shared")
    expected = score_answers(model, batch, "packed").logp
    batch[scoring.PLAN] = packing.PackingPlan(batch, share=True)
    torch.testing.assert_close(score_answers(model, batch, "packed").logp, expected)


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
        assert trainer.scoring.how == way
        ends.append((losses_of(trainer), parameters_of(trainer.model), trainer.beliefs.first))
    (losses, trained, margins), (expected, others, known) = ends
    assert losses == pytest.approx(expected, rel=1e-4, abs=1e-5)
    np.testing.assert_allclose(margins, known, rtol=1e-3, atol=1e-3)
    for name, value in others.items():
        torch.testing.assert_close(trained[name], value, rtol=1e-2, atol=2e-3)


# FlexAttention and TRL's projection, which CUDA takes; here without their compiled kernels

EAGER_FLEX = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


@EAGER_FLEX
@pytest.mark.parametrize("way", ["shared", "packed"])
@pytest.mark.parametrize("name", MODELS)
def test_flex_attention_gives_the_log_probabilities_of_segments(
    name: str, way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    batch, found, attended = make_batch(), {}, []
    plain, real = MODELS[name](), packed_attention.flex_packed_attention
    monkeypatch.setattr(
        packed_attention,
        "flex_packed_attention",
        lambda *a, **k: attended.append(k.get("sliding_window")) or real(*a, **k),
    )
    for attention in ("segments", "flex"):
        model = copy.deepcopy(plain)
        add_scoring(model, way, attention=attention)
        with torch.no_grad():
            found[attention] = score_answers(model, batch, way).logp
        assert len(attended) == (2 if attention == "flex" else 0), "once in each layer"
    torch.testing.assert_close(found["flex"], found["segments"], rtol=1e-5, atol=1e-5)


@EAGER_FLEX
@pytest.mark.parametrize("window", [None, 5, 100, 1000])
def test_block_masks_say_who_sees_whom(window: int | None) -> None:
    """Compared token by token with a brute-force mask; a block is marked empty or full only if it is."""
    from torch.nn.attention.flex_attention import create_mask

    rng = np.random.default_rng(0)
    segments, start = [], 0
    for prompt, chosen, rejected in [
        (300, 140, 290),
        (0, 3, 2),
        (1, 0, 130),
        (128, 128, 128),
        *rng.integers(0, 60, (9, 3)),
    ]:
        segments.append(packing.Segment(start, int(prompt), int(chosen), int(rejected)))
        start += int(prompt + chosen + rejected)
    length = -(-start // 128) * 128
    expected = np.eye(length, dtype=bool)
    for s in segments:
        for first, answer in ((s.start + s.prompt, s.chosen), (s.start + s.prompt + s.chosen, s.rejected)):
            tokens = np.r_[s.start : s.start + s.prompt, first : first + answer]
            at = np.arange(len(tokens))
            seen = (at[:, None] >= at) & (at[:, None] - at < (window or length))
            expected[np.ix_(tokens, tokens)] |= seen
    mask = flex_attention.Blocks(tuple(segments), length, torch.device("cpu")).mask(window)
    found = create_mask(mask.mask_mod, None, None, length, length, "cpu")[0, 0].numpy()
    np.testing.assert_array_equal(found, expected)
    n = length // 128
    blocks = expected.reshape(n, 128, n, 128).swapaxes(1, 2).reshape(n, n, -1)
    told = {"partial": (mask.kv_num_blocks, mask.kv_indices), "full": (mask.full_kv_num_blocks, mask.full_kv_indices)}
    said = {name: np.zeros((n, n), bool) for name in told}
    for name, (count, indices) in told.items():
        for row in range(n):
            said[name][row, indices[0, 0, row, : count[0, 0, row]].numpy()] = True
    assert not (said["partial"] & said["full"]).any()
    assert blocks[said["full"]].all()
    assert not blocks[~(said["partial"] | said["full"])].any()
    assert said["full"].any() or window in (5, 100), "a block and the one before are wider than the window"
    assert (~(said["partial"] | said["full"])).mean() > 0.5, "most of the row is skipped"


@pytest.mark.parametrize("n", [1, 127, 128, 129, 5000, 100_000])
def test_rows_for_flex_attention_have_few_lengths(n: int) -> None:
    ids = torch.ones(1, n, dtype=torch.long)
    inputs = flex_attention.flex_inputs(ids, ids, (packing.Segment(0, n, 0, 0),))
    length = inputs["input_ids"].shape[1]
    assert inputs["position_ids"].shape == (1, length)
    assert length % flex_attention.BLOCK == 0
    assert n <= length < max(n + flex_attention.BLOCK, 1.125 * n + 1)
    assert inputs["input_ids"].sum() == n
    many = {
        flex_attention.flex_inputs(*[torch.ones(1, k, dtype=torch.long)] * 2, ())["input_ids"].shape[1]
        for k in range(8200, 16000, 50)
    }
    assert len(many) <= 8


@pytest.mark.parametrize("name", ["llama", "gemma2, capped logits"])
def test_trls_projection_gives_the_log_probabilities_and_gradients_of_ours(name: str) -> None:
    torch.manual_seed(0)
    plain, batch, ends = MODELS[name](), make_batch(), []
    for projection in ("torch", "trl"):
        model = copy.deepcopy(plain)
        add_scoring(model, "shared", projection=projection)
        scores = score_answers(model, batch, "shared", statistics=True)
        torch.autograd.backward(scores.logp @ torch.linspace(-1, 1, len(scores.logp)))
        ends.append((scores, torch.cat([p.grad.flatten() for p in model.parameters()])))
    (ours, gradient), (theirs, other) = ends
    torch.testing.assert_close(theirs.logp, ours.logp, rtol=1e-5, atol=1e-5)
    assert (gradient - other).norm() < 1e-5 * gradient.norm()
    for here, there in zip(ours.tokens, theirs.tokens, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)


FACTORS: dict[str, Any] = {
    "cohere": lambda: hf.CohereForCausalLM(hf.CohereConfig(**GROUPED, logit_scale=0.25)),
    "granite": lambda: hf.GraniteForCausalLM(hf.GraniteConfig(**GROUPED, logits_scaling=4.0)),
    "hyperclovax": lambda: hf.HyperCLOVAXForCausalLM(hf.HyperCLOVAXConfig(**GROUPED, logits_scaling=4.0)),
}


@pytest.mark.parametrize("name", FACTORS)
def test_logits_that_a_model_scales_are_scaled(name: str) -> None:
    torch.manual_seed(0)
    model, batch = FACTORS[name](), make_batch()
    expected = reference(model, batch)
    for projection in ("torch", "trl"):
        ours = copy.deepcopy(model)
        add_scoring(ours, "answers", projection=projection)
        torch.testing.assert_close(score_answers(ours, batch, "answers").logp, expected, rtol=1e-5, atol=1e-4)


def test_kernels_are_chosen_by_the_device() -> None:
    model, head = make_model(), torch.nn.Linear(4, 4)
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert not use_flex("auto", model, cpu)
    assert not use_flex("auto", model, cuda), "heads of 8 numbers are too small for its kernel"
    assert use_flex("auto", hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES | {"head_dim": 16})), cuda)
    assert use_flex("flex", model, cpu)
    assert not use_flex("segments", model, cuda)
    assert not use_fused_head("auto", head, cpu)
    assert use_fused_head("trl", head, cpu)
    assert not use_fused_head("torch", head, cuda)
    if importlib.util.find_spec("triton"):
        assert use_fused_head("auto", head, cuda)
    assert not use_fused_head("auto", torch.nn.Sequential(head), cuda), "a head with more to it than a matrix"
