"""Models that return log-probabilities of chosen tokens, without logits at the other positions."""

from __future__ import annotations

import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from votewise.train.flex_attention import flex_inputs
from votewise.train.packed_attention import PackedAttention, make_packable
from votewise.train.scoring import FastStep
from votewise.train.target_logp import target_logp

Projection = Literal["auto", "trl", "torch"]
PROJECTIONS: tuple[Projection, ...] = ("auto", "trl", "torch")

CHUNK = 1 << 27
"""Most logits held at a time (0.5 GB). Beyond this they are computed in chunks, and again for the gradients."""


def add_scoring(
    model: Any, how: FastStep, *, attention: PackedAttention = "auto", projection: Projection = "auto"
) -> Callable[[], None]:
    """Make a model return log-probabilities of chosen tokens at chosen positions: ``model(..., scored=, targets=)``.

    This replaces the model's ``forward``, so wrappers (DDP, FSDP, LoRA, checkpointing) keep working. Calls without these
    arguments behave as before.

    Args:
        model: the language model itself, without adapters or wrappers.
        how: ``shared``, ``packed`` or ``answers``.
        attention: of packed rows: ``flex`` (FlexAttention), ``segments`` (one call per segment) or ``auto`` (by device).
        projection: on the vocabulary: ``trl`` (its fused head), ``torch`` or ``auto`` (by device).

    Returns:
        A function that undoes it. A ``forward`` that was wrapped since (by accelerate, for mixed precision) stays, and
        calls the original one.
    """
    unpack = make_packable(model) if how in ("shared", "packed") else None
    before, usual = model.__dict__.get("forward"), model.forward

    def forward(
        self: Any, *args: Any, scored: Any = None, targets: Any = None, statistics: bool = False, **kwargs: Any
    ) -> Any:
        if scored is None:
            return usual(*args, **kwargs)
        if "packed_segments" in kwargs and use_flex(attention, self, scored[0].device):
            given = (kwargs.pop(name) for name in ("input_ids", "position_ids", "packed_segments"))
            kwargs |= flex_inputs(*given)
        outputs = getattr(self, self.base_model_prefix)(*args, use_cache=False, **kwargs)
        hidden = outputs.last_hidden_state[scored]
        # The head as a module, because its weights may be elsewhere until it is called (ZeRO-3, FSDP).
        head, config = self.get_output_embeddings(), self.config.get_text_config()
        scores = _fused_scores if use_fused_head(projection, head, hidden.device) else _token_scores
        return scores(hidden, head, targets, config, statistics)

    new = model.forward = types.MethodType(forward, model)

    def undo() -> None:
        if unpack is not None:
            unpack()
        if model.__dict__.get("forward") is new:
            if before is None:
                del model.forward
            else:
                model.forward = before

    return undo


def use_flex(wanted: PackedAttention, model: Any, device: torch.device) -> bool:
    """Whether to use FlexAttention for packed rows; ``auto``: on CUDA, if its kernel supports the size of the heads."""
    if wanted != "auto":
        return wanted == "flex"
    if device.type != "cuda" or len(set(getattr(model, "hf_device_map", {}).values())) > 1:
        return False
    config = model.config.get_text_config()
    try:
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    except (AttributeError, RuntimeError, ValueError):
        return False  # sizes that differ between layers
    return bool(size >= 16)


def _logit_factor(config: Any) -> float:
    """Factor that an architecture applies to its logits before capping them."""
    for name in ("logit_scale", "output_multiplier", "lm_head_multiplier"):
        if (factor := getattr(config, name, None)) is not None:
            return float(factor)
    scaling = getattr(config, "logits_scaling", None)
    if scaling is None:
        return 1.0
    return float(scaling) if config.model_type == "hyperclovax" else 1.0 / scaling


def use_fused_head(wanted: Projection, head: Any, device: torch.device) -> bool:
    """Whether to use TRL's projection; ``auto``: where its kernels run, if the head is a plain matrix."""
    if wanted == "auto":
        return device.type == "cuda" and type(head) is torch.nn.Linear and find_spec("triton") is not None
    return wanted == "trl"


def _fused_scores(hidden: Tensor, head: Any, targets: Tensor, config: Any, more: bool) -> tuple[Tensor, ...]:
    """The result of ``_token_scores`` from TRL's tiled projection, which holds no logits and has its own gradient."""
    from torch.distributed.tensor import DTensor

    from votewise.train.trl_adapter import chunked_logps

    cap, wanted = getattr(config, "final_logit_softcapping", None), ("entropy", "mean_logits", "is_top1")

    def scores_of(some: Tensor) -> tuple[Any, ...]:
        # Gathered, if FSDP has sharded it.
        weight, bias = (w.full_tensor() if isinstance(w, DTensor) else w for w in (head.weight, head.bias))
        return chunked_logps(some, (weight, bias), targets, cap=cap, factor=_logit_factor(config), more=wanted * more)

    found = _called_as(head, scores_of, hidden) if split_by_zero(head) else scores_of(hidden)
    logp, entropy, _, mean, likeliest = found
    return (logp, entropy.detach(), mean, likeliest.float()) if more else (logp,)


def _token_scores(hidden: Tensor, head: Any, targets: Tensor, config: Any, more: bool) -> tuple[Tensor, ...]:
    """Log-probability of each target; with ``more`` also entropy, mean logit and whether the target is the top token."""
    factor, cap = _logit_factor(config), getattr(config, "final_logit_softcapping", None)

    def logits_of(some: Tensor) -> Tensor:
        logits: Tensor = head(some).float()
        logits = logits if factor == 1 else logits * factor
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def logp_of(some: Tensor, said: Tensor) -> Tensor:
        return target_logp(logits_of(some), said)

    size = max(1, CHUNK // config.vocab_size)
    parts = _parts(hidden, targets, size, head)
    if len(parts) == 1:
        logp = logp_of(hidden, targets)
    else:
        logp = torch.cat([checkpoint(logp_of, some, said, use_reentrant=False) for some, said in parts])
    if not more:
        return (logp,)
    fewer = max(1, size // 3)  # three arrays of the logits' size are held at a time
    with torch.no_grad():
        statistics = []
        for some, said in _parts(hidden, targets, fewer, head):
            logits = logits_of(some)
            p = logits.softmax(1)
            entropy = torch.logsumexp(logits, 1) - (p * logits).sum(1)
            statistics.append(torch.stack([entropy, logits.mean(1), (logits.argmax(1) == said).float()]))
        return (logp, *torch.cat(statistics, 1))


def split_by_zero(head: Any) -> bool:
    """Whether ZeRO-3 has split the weights of a head: they are whole only while the head runs, forwards and backwards."""
    return hasattr(getattr(head, "weight", None), "ds_id")


def _called_as(head: Any, forward: Callable[[Tensor], Any], hidden: Tensor) -> Any:
    """What ``forward`` returns when it takes the place of the head's own, so that ZeRO-3 gathers the head's weights."""
    usual = head.__dict__.get("forward")
    head.forward = forward
    try:
        return head(hidden)
    finally:
        if usual is None:
            del head.forward
        else:
            head.forward = usual


def _parts(hidden: Tensor, targets: Tensor, size: int, head: Any) -> list[tuple[Tensor, Tensor]]:
    """At most ``size`` rows at a time; with ZeRO-3 as many parts in all processes, the last ones empty.

    All processes take part whenever one of them needs the head's weights.
    """
    parts = list(zip(torch.split(hidden, size), torch.split(targets, size), strict=True))
    if split_by_zero(head):
        most = torch.tensor(len(parts), device=hidden.device)
        torch.distributed.all_reduce(most, torch.distributed.ReduceOp.MAX)
        parts += [(hidden[:0], targets[:0])] * (int(most) - len(parts))
    return parts
