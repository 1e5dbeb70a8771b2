"""Which way of scoring answers a model allows, and the check on the first batch that the fast way is exact."""

from __future__ import annotations

from typing import Any

import torch

from votewise.train.scoring import FastStep, score_answers

TOLERANCE = {torch.float32: (1e-3, 1e-4), torch.float64: (1e-3, 1e-4)}
"""Differences that count as rounding: in nats, and as a share of the log-probability. For other number formats: below."""

LOW_TOLERANCE = (0.1, 0.02)


def choose_step(wanted: FastStep, model: Any, *, auxiliary: bool) -> tuple[FastStep, str | None]:
    """The fastest way to score that a model allows, at most ``wanted``, and why it is not ``wanted``."""
    prompted = any(config.is_prompt_learning for config in getattr(model, "peft_config", {}).values())
    if wanted == "off":
        return "off", None
    if auxiliary or prompted:
        return "off", "its auxiliary loss needs whole rows" if auxiliary else "its adapter prepends tokens of its own"
    why = packable(model) if wanted in ("shared", "packed") else None
    return ("answers" if why else wanted), why


def packable(model: Any) -> str | None:
    """Why a model's batches cannot be packed, in a few words; None if its config gives no reason."""
    config = model.config.get_text_config()
    if config is not model.config:
        return "it is more than a language model"
    kinds = set(getattr(config, "layer_types", None) or ())
    if kinds - {"full_attention", "sliding_attention"}:
        return f"it has layers of the kind {', '.join(sorted(kinds - {'full_attention', 'sliding_attention'}))}"
    if not getattr(model, "_supports_sdpa", False) or getattr(model, "_is_stateful", False):
        return "its tokens do not interact in plain attention"
    for name in ("mamba", "ssm", "rwkv", "linear_attn", "conv_kernel"):
        if any(key.startswith(name) for key in config.to_dict()):
            return "it is a state-space or linear-attention model"
    if getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None):
        return "it is a mixture of experts, whose balance depends on the other rows of the batch"
    return None


@torch.no_grad()
def step_is_exact(model: Any, batch: dict[str, Any], how: FastStep) -> tuple[bool, float]:
    """Whether packed rows give the same log-probabilities as padded rows, except rounding; and the largest difference."""
    training = model.training
    model.eval()
    found, expected = score_answers(model, batch, how).logp, score_answers(model, batch, "answers").logp
    model.train(training)
    difference = (found - expected).abs()
    dtype = torch.get_autocast_dtype(found.device.type) if torch.is_autocast_enabled(found.device.type) else None
    absolute, relative = TOLERANCE.get(dtype or next(model.parameters()).dtype, LOW_TOLERANCE)
    return bool((difference <= absolute + relative * expected.abs()).all()), float(difference.max())
