"""Vision models on texts, quantised models and Liger's kernels: each ends as with TRL, or is refused in one line.

Quantised models are tested where bitsandbytes is installed. Liger's kernels need a GPU, so only the refusal is tested here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import transformers as hf  # noqa: E402
from test_as_trl import HERE, LORA, THEIRS, both, plain_rows, train_both  # noqa: E402
from tiny import QUIET, as_chat, make_config, make_tokenizer, make_trainer  # noqa: E402
from transformers.processing_utils import ProcessorMixin  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train import RobustPreferenceTrainer  # noqa: E402
from votewise.train.quantised import refuse_layers_without_gradients  # noqa: E402

pytestmark = pytest.mark.slow

TEXT: dict[str, Any] = {
    "vocab_size": len(make_tokenizer()),
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION |= {"image_size": 8, "patch_size": 4}


def gemma() -> Any:
    text = hf.Gemma3TextConfig(**TEXT, head_dim=8, sliding_window=16)
    config = hf.Gemma3Config(text_config=text, vision_config=dict(VISION), mm_tokens_per_image=4)
    return hf.Gemma3ForConditionalGeneration(config)


def llava() -> Any:
    text, vision = hf.LlamaConfig(**TEXT), hf.CLIPVisionConfig(**VISION)
    return hf.LlavaForConditionalGeneration(hf.LlavaConfig(text_config=text, vision_config=vision, image_token_id=64))


def qwen() -> Any:
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
    vision = {"depth": 1, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "mlp_ratio": 2}
    marks = {"image_token_id": 64, "video_token_id": 63, "vision_start_token_id": 62, "vision_end_token_id": 61}
    config = hf.Qwen2VLConfig(text_config=TEXT | {"rope_parameters": rope}, vision_config=vision, **marks)
    return hf.Qwen2VLForConditionalGeneration(config)


SEEING: dict[str, Callable[[], Any]] = {"gemma3": gemma, "llava": llava, "qwen2_vl": qwen}


class TextProcessor(ProcessorMixin):
    """A processor of texts: those for images need libraries of their own."""

    attributes = ("tokenizer",)
    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer: Any = None, chat_template: Any = None) -> None:
        super().__init__(tokenizer, chat_template=chat_template)

    def __call__(self, text: Any = None, **kwargs: Any) -> Any:
        """A batch in any case, as of all processors."""
        known = {"add_special_tokens", "padding", "return_tensors", "truncation"}
        some = {name: value for name, value in kwargs.items() if name in known}
        return self.tokenizer([text] if isinstance(text, str) else text, **some)


PARTS = (
    "{% for m in messages %}{{ '<' + m['role'] + '> ' }}{% for p in m['content'] %}{{ p['text'] + ' ' }}{% endfor %}"
    "{% if m['role'] == 'assistant' %}{{ '<eos> ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)
"""A template of content in parts, which TRL makes of every message for a processor."""


def seeded(make: Callable[[], Any]) -> Callable[[], Any]:
    def model() -> Any:
        torch.manual_seed(0)
        return make()

    return model


@pytest.mark.parametrize("how", ["tokenizer", "processor", "adapter"])
@pytest.mark.parametrize("name", SEEING)
def test_a_vision_model_that_trains_on_texts_ends_as_with_trl(name: str, how: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"peft_config": LORA} if how == "adapter" else {}
    if how == "processor":
        more["processing_class"] = TextProcessor(make_tokenizer(), PARTS)
    rows = as_chat(plain_rows()) if how == "processor" else plain_rows()
    trainers = both(tmp_path, rows, seeded(SEEING[name]), **more)
    train_both(trainers)
    assert trainers[0].scoring.how == "answers", "no batch of more than a language model is packed"


FORMATS = {"4 bits": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "8 bits": {"load_in_8bit": True}}
WITH_BITSANDBYTES = "bitsandbytes is not installed, which quantises models"


def quantised(folder: Path, bits: str, which: tuple[Any, Any, dict[str, Any]], **more: Any) -> Any:
    """A trainer of a saved model that is quantised when it is loaded, with a new adapter."""
    trainer, config, settings = which
    torch.manual_seed(0)
    wide = hf.LlamaConfig(**TEXT | {"hidden_size": 64, "intermediate_size": 128}, initializer_range=0.2)
    hf.LlamaForCausalLM(wide).save_pretrained(folder / "model")
    args = config(str(folder / trainer.__name__), **settings | more)
    given = {"args": args, "train_dataset": plain_rows(), "processing_class": make_tokenizer()}
    given |= {"quantization_config": hf.BitsAndBytesConfig(**FORMATS[bits]), "peft_config": copy.deepcopy(LORA)}
    return trainer(str(folder / "model"), **given)


OURS, TRLS = (RobustPreferenceTrainer, make_config, QUIET | THEIRS | HERE), (DPOTrainer, DPOConfig, THEIRS)


@pytest.mark.parametrize("precomputed", [False, True])
@pytest.mark.parametrize("bits", FORMATS)
def test_a_quantised_model_with_an_adapter_ends_as_with_trl(
    bits: str, precomputed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To one part in 128, and with plain SGD: TRL keeps adapters of quantised models in bfloat16."""
    pytest.importorskip("bitsandbytes", reason=WITH_BITSANDBYTES)
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)
    settings = {"precompute_ref_log_probs": precomputed, "optim": "sgd", "learning_rate": 0.1}
    trainers = [quantised(tmp_path, bits, which, **settings) for which in (OURS, TRLS)]
    assert {parameter.dtype for parameter in trainers[0].model.parameters()} & {torch.uint8, torch.int8}
    train_both(trainers, rtol=1 / 128, atol=2e-4)
    assert trainers[0].scoring.how == ("shared" if bits == "4 bits" else "answers")


def test_4_bits_are_refused_on_cpus_where_they_have_no_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bitsandbytes", reason=WITH_BITSANDBYTES)
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
    with pytest.raises(BadInputError, match=r"^a model in 4 bits has no gradients on this CPU"):
        quantised(tmp_path, "4 bits", OURS)
    quantised(tmp_path, "8 bits", OURS)


def test_a_layer_without_gradients_is_known_without_its_library() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    refuse_layers_without_gradients(model, torch.device("cpu"))
    model[0].support_avx512bf16_for_cpu = True
    refuse_layers_without_gradients(model, torch.device("cuda"))
    with pytest.raises(BadInputError, match=r"8 bits, or a GPU"):
        refuse_layers_without_gradients(model, torch.device("cpu"))


def test_ligers_kernels_are_refused_where_they_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"^use_liger_kernel .*(liger-kernel|GPU)") as found:
        make_trainer(tmp_path, use_liger_kernel=True)
    assert "\n" not in str(found.value)
