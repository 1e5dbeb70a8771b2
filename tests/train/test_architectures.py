"""Models that the fast step does not suit, among some that it does: equal to TRL, or refused, and left as they came."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import transformers as hf  # noqa: E402
from architectures import GROUPED, SIZES, make_batch  # noqa: E402
from tiny import QUIET, losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS  # noqa: E402
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402
from trl.trainer.utils import add_fused_lm_head  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train import packed_attention, step_check  # noqa: E402
from votewise.train.step_check import Prepared, difference, untouched_logps  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = make_model().config.vocab_size
PLAIN, FEW = (sizes | {"vocab_size": WORDS, "initializer_range": 0.2} for sizes in (SIZES, GROUPED))


class NameComparing(hf.LlamaForCausalLM):
    """A model that looks at the name of its attention, as some do to choose a mask."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model.register_forward_pre_hook(self._look, with_kwargs=True)

    def _look(self, module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if self.config._attn_implementation not in ("sdpa", "eager"):
            kwargs["input_ids"] = kwargs["input_ids"].flip(1)
        return args, kwargs


def modernbert() -> Any:
    config = hf.ModernBertDecoderConfig(**PLAIN, local_attention=6, layer_types=["full_attention", "sliding_attention"],
                                        cls_token_id=1, sep_token_id=1, bos_token_id=1, eos_token_id=1)  # fmt: skip
    return hf.ModernBertDecoderForCausalLM(config)


FALCON = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "pad_token_id": 0}
MAMBA = {"vocab_size": WORDS, "hidden_size": 16, "num_hidden_layers": 1, "pad_token_id": 0}
MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "llama": (lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**PLAIN)), "shared"),
    "mistral, sliding window": (lambda: hf.MistralForCausalLM(hf.MistralConfig(**FEW, sliding_window=5)), "shared"),
    "gpt2, which compares the name": (
        lambda: hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=WORDS, n_embd=32, n_layer=2, n_head=4)), "shared"),
    "falcon, which compares the name": (
        lambda: hf.FalconForCausalLM(hf.FalconConfig(**FALCON, initializer_range=0.2)), "answers"),
    "a model that compares the name": (lambda: NameComparing(hf.LlamaConfig(**PLAIN)), "answers"),
    "mamba": (lambda: hf.MambaForCausalLM(hf.MambaConfig(**MAMBA)), "answers"),
    "mixtral": (lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**FEW, num_local_experts=2)), "off"),
}  # fmt: skip


def made(name: str) -> Any:
    torch.manual_seed(0)
    return MODELS[name][0]()


def attributes(model: Any) -> dict[str, Any]:
    """Everything that is set on a model and its parts, but tensors: of functions the name, of hooks the number."""
    found: dict[str, Any] = {"config": (model.config.to_dict(), model.config._attn_implementation_internal)}
    for name, part in model.named_modules():
        for key, value in vars(part).items():
            if key.endswith(("_hooks", "_hooks_with_kwargs")):
                found[f"{name}.{key}"] = len(value)
            elif not (key in ("_parameters", "_buffers", "_modules", "model_tags") or isinstance(value, torch.Tensor)):
                found[f"{name}.{key}"] = getattr(value, "__qualname__", repr(value) if key != "config" else None)
    return found


def registered() -> set[str]:
    return {*ALL_ATTENTION_FUNCTIONS, *ALL_MASK_ATTENTION_FUNCTIONS}


@pytest.mark.parametrize("name", MODELS)
def test_whole_runs_are_trls(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same losses and parameters after three steps; a model that is not packed is left with the attention it had."""
    how, rows, before = MODELS[name][1], make_rows(24), registered()
    settings: dict[str, Any] = {"beta": 0.3, "optim": "sgd", "learning_rate": 0.05}
    other = made(name)
    with torch.no_grad():
        for p in other.parameters():
            p += 0.02 * torch.randn_like(p)
    quiet = {key: value for key, value in QUIET.items() if key != "write_beliefs"}
    args = DPOConfig(output_dir=str(tmp_path / "trl"), **quiet | settings)
    given = {"processing_class": make_tokenizer(), "ref_model": copy.deepcopy(other)}
    theirs = DPOTrainer(made(name), args=args, train_dataset=rows.remove_columns("annotator"), **given)
    theirs.train()
    with caplog.at_level(logging.WARNING, logger="votewise"):
        ours = make_trainer(tmp_path, rows, model=made(name), ref_model=other, objective="plain", **settings)
        ours.train()
    assert ours.scoring.how == how
    told = [record.message for record in caplog.records if "does not suit this model" in record.message]
    assert len(told) == (how != "shared")
    assert losses_of(ours) == pytest.approx(losses_of(theirs), rel=1e-5, abs=1e-5)
    for key, value in parameters_of(theirs.model).items():
        torch.testing.assert_close(parameters_of(ours.model)[key], value, rtol=1e-4, atol=1e-5)
    if how != "shared":
        assert registered() == before
        found, expected = attributes(ours.model), attributes(theirs.model)
        if how == "answers":  # what scores only the answers stays
            found.pop(".forward"), expected.pop(".forward")
        assert found == expected


def test_a_model_whose_head_trl_leaves_out_is_refused(tmp_path: Path) -> None:
    """TRL applies the output embeddings to the last hidden state; modernbert-decoder has a layer between."""
    torch.manual_seed(0)
    with pytest.raises(
        BadInputError, match=r"ModernBertDecoderForCausalLM cannot be trained: scored as TRL scores it"
    ) as e:
        make_trainer(tmp_path, make_rows(8), model=modernbert()).train()
    assert "\n" not in str(e.value)


def test_a_fall_back_leaves_no_trace() -> None:
    model = made("falcon, which compares the name")
    before, names = attributes(model), registered()
    prepared = Prepared(model, "shared")
    differ = prepared.settle(model, make_batch())
    assert [d.how for d in differ] == ["shared"]
    assert differ[0].nats > 0.01
    assert prepared.how == "answers"
    prepared.undo()
    assert attributes(model) == before
    assert registered() == names


def test_a_way_that_ends_with_an_error_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model, before = make_model(), registered()
    monkeypatch.setattr(packed_attention, "_attend", lambda *_: 1 / 0)
    prepared = Prepared(model, "shared")
    differ = prepared.settle(model, make_batch())
    assert "ZeroDivisionError" in differ[0].why
    assert prepared.how == "answers"
    assert registered() == before


def test_processes_agree() -> None:
    prepared = Prepared(model := make_model(), "shared")
    asked: list[bool] = []
    # The second question is about the way that was asked for; the first one, whether all numbers are finite.
    differ = prepared.settle(model, make_batch(), lambda exact: asked.append(exact) or len(asked) != 2)
    assert asked == [True, True, True, True]
    assert "another process" in differ[0].why
    assert prepared.how == "answers"


def test_a_window_that_layers_do_not_tell_is_noticed_in_short_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows shorter than the window have the right log-probabilities even if the window is forgotten."""
    real = packed_attention._accepting_packed_rows

    def forgetful(name: str) -> Any:
        attention = real(name)
        return lambda *inputs, sliding_window=None, **others: attention(*inputs, **others)

    for accepting, how in ((real, "shared"), (forgetful, "answers")):
        monkeypatch.setattr(packed_attention, "_accepting_packed_rows", accepting)
        model = hf.MistralForCausalLM(hf.MistralConfig(**FEW, sliding_window=50))
        prepared = Prepared(model, "shared")
        differ = prepared.settle(model, make_batch())
        assert prepared.how == how
        prepared.undo()
    assert "how far they see" in differ[0].why
    assert differ[0].nats < 1e-4


def test_windows_are_counted() -> None:
    kinds = hf.Gemma3TextConfig(**GROUPED, head_dim=8, sliding_window=5, sliding_window_pattern=2)
    assert step_check._windows_are_told(kinds, [5, None])
    assert not step_check._windows_are_told(kinds, [None, None])
    assert step_check._windows_are_told(hf.MistralConfig(**GROUPED, sliding_window=5), [5, 5])
    assert not step_check._windows_are_told(hf.MistralConfig(**GROUPED, sliding_window=5), [5, None])
    assert step_check._windows_are_told(hf.LlamaConfig(**SIZES), [None, None])


@pytest.mark.parametrize(("number", "shift", "exact"), [
    (torch.float32, 5e-5, True), (torch.float32, 5e-4, False), (torch.bfloat16, 0.05, True), (torch.bfloat16, 0.5, False),
])  # fmt: skip
def test_what_counts_as_rounding_depends_on_the_number_format(number: Any, shift: float, exact: bool) -> None:
    expected = -torch.arange(1.0, 9.0)
    assert step_check._compare(expected + shift, expected, number)[0] == exact


def test_one_token_that_is_wrong_is_enough() -> None:
    """Even if the sums over answers agree."""
    model, batch = make_model(), make_batch()
    expected = untouched_logps(model, batch)
    prepared = Prepared(model, "answers")
    assert difference(model, batch, "answers", expected) is None
    expected[0] += 0.01
    expected[1] -= 0.01
    found = difference(model, batch, "answers", expected)
    assert found
    assert found.nats == pytest.approx(0.01, rel=0.01)
    prepared.undo()


@pytest.mark.parametrize(("much", "how"), [(0.002, "answers"), (5.0, "refused")])
def test_rounding_that_a_recurrence_amplifies_is_no_reason_to_refuse(much: float, how: str) -> None:
    """A batch of another size may round otherwise; ways that run on whole batches are compared with whole batches too."""

    class Amplifying(hf.LlamaForCausalLM):
        def forward(self, input_ids: Any = None, **inputs: Any) -> Any:
            outputs = super().forward(input_ids, **inputs)
            outputs.logits[:, :, 3] += much * (len(input_ids) == 1)
            return outputs

    model = Amplifying(hf.LlamaConfig(**PLAIN))
    add_fused_lm_head(model)
    prepared = Prepared(model, "answers")
    if how == "refused":
        with pytest.raises(BadInputError, match=r"Amplifying cannot be trained: scored as TRL scores it, a token"):
            prepared.settle(model, make_batch())
    else:
        assert prepared.settle(model, make_batch()) == []
        assert prepared.how == how


def test_parts_of_a_model_keep_their_mode() -> None:
    model = make_model().train()
    model.model.layers[0].eval()
    untouched_logps(model, make_batch())
    assert model.training
    assert not model.model.layers[0].training
    assert model.model.layers[1].training


def test_compiled_runs_end_as_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here without Inductor, whose compiler takes minutes; packed rows would be compiled anew in every batch."""
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "no")  # restored at the end; transformers sets it for good
    ends = []
    for settings in ({}, {"torch_compile": True, "torch_compile_backend": "eager"}):
        torch._dynamo.reset()
        trainer = make_trainer(tmp_path, make_rows(24), ref_model=make_model(1), **settings)
        trainer.train()
        assert hasattr(trainer.model_wrapped, "_orig_mod") == bool(settings)
        ends.append((trainer.scoring.how, losses_of(trainer)))
    assert [how for how, _ in ends] == ["shared", "answers"]
    assert ends[1][1] == pytest.approx(ends[0][1], rel=1e-5)
    monkeypatch.undo()
    after = make_trainer(tmp_path, make_rows(8), ref_model=make_model(1))
    after.train()
    assert not hasattr(after.model_wrapped, "_orig_mod"), "later tests are not compiled"
