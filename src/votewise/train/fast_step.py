"""Which way of scoring answers a model allows, as far as its configuration says; ``step_check`` tries it out."""

from __future__ import annotations

from typing import Any

from votewise.train.quantised import in_8_bits
from votewise.train.scoring import FastStep


def choose_step(
    wanted: FastStep, model: Any, *, auxiliary: bool, compiled: bool = False
) -> tuple[FastStep, str | None]:
    """The fastest way to score that a model allows, at most ``wanted``, and why it is not ``wanted``.

    Args:
        wanted: the way that the settings ask for.
        model: with its adapters.
        auxiliary: whether the run needs the auxiliary loss of a mixture of experts.
        compiled: whether the model will be compiled.
    """
    prompted = any(config.is_prompt_learning for config in getattr(model, "peft_config", {}).values())
    if wanted == "off":
        return "off", None
    if auxiliary or prompted:
        return "off", "its auxiliary loss needs whole rows" if auxiliary else "its adapter prepends tokens of its own"
    why = None
    if wanted in ("shared", "packed"):
        # The code for a packed row depends on where each answer begins.
        why = "torch_compile would compile each batch anew" if compiled else packable(model)
    return ("answers" if why else wanted), why


def packable(model: Any) -> str | None:
    """Why a model's batches cannot be packed, in a few words; None if its config gives no reason."""
    config = model.config.get_text_config()
    if config is not model.config:
        return "it is more than a language model"
    if in_8_bits(model):
        return "its layers in 8 bits round by what else is in the batch"
    kinds = set(getattr(config, "layer_types", None) or ())
    if kinds - {"full_attention", "sliding_attention"}:
        return f"it has layers of the kind {', '.join(sorted(kinds - {'full_attention', 'sliding_attention'}))}"
    named = ("_supports_sdpa", "_supports_flash_attn", "_supports_flex_attn", "_supports_attention_backend")
    if not any(getattr(model, name, False) for name in named) or getattr(model, "_is_stateful", False):
        return "its tokens do not interact in plain attention"
    for name in ("mamba", "ssm", "rwkv", "linear_attn", "conv_kernel"):
        if any(key.startswith(name) for key in config.to_dict()):
            return "it is a state-space or linear-attention model"
    if getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None):
        return "it is a mixture of experts, whose balance depends on the other rows of the batch"
    return None
