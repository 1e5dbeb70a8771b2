"""Log-probabilities of answers: the one place where a model is run on a batch.

Three steps make it fast, and ``fast_step`` in ``RobustPreferenceConfig`` says how far to go: the vocabulary is projected on
only where a token is scored (``answers``); there is no padding (``packed``); the prompt is computed once for both answers
(``shared``, see ``packing``). ``off`` scores as TRL does.
"""

from __future__ import annotations

import functools
import types
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from votewise.train.packing import PackedAttention, flex_inputs, make_packable, pack

FastStep = Literal["shared", "packed", "answers", "off"]
Projection = Literal["auto", "trl", "torch"]

NOT_FOR_MODELS = ("completion_mask", "ref_chosen_logps", "ref_rejected_logps")

CHUNK = 1 << 26
"""Logits held at a time; beyond this they are computed chunk by chunk, and again when gradients are."""


class TokenStatistics(NamedTuple):
    """What the metrics want to know of N scored tokens: ``owner`` (N,) says whose, the others are numbers per token."""

    owner: Tensor
    entropy: Tensor
    mean_logit: Tensor
    likeliest: Tensor


class Scores(NamedTuple):
    """What a model says of B chosen and B rejected answers, the rejected ones after the chosen.

    Attributes:
        logp: (2B,) log-probability of each answer, summed over its tokens, in fp32.
        length: (2B,) tokens of each answer, at least 1.
        tokens: for metrics; None where they were not asked for.
        auxiliary: auxiliary loss of a mixture of experts; None for others.
    """

    logp: Tensor
    length: Tensor
    tokens: TokenStatistics | None
    auxiliary: Tensor | None


FAST_STEPS: tuple[FastStep, ...] = ("shared", "packed", "answers", "off")
PROJECTIONS: tuple[Projection, ...] = ("auto", "trl", "torch")

TOLERANCE = {torch.float32: (1e-3, 1e-4), torch.float64: (1e-3, 1e-4)}
"""Differences, in nats and as a share of a log-probability, that are rounding; ``LOW_TOLERANCE`` for other numbers."""

LOW_TOLERANCE = (0.1, 0.02)


def choose_step(wanted: FastStep, model: Any, *, auxiliary: bool) -> tuple[FastStep, str | None]:
    """The fastest way to score, up to the ``wanted`` one, that a model allows, and why it is not that one."""
    prompted = any(config.is_prompt_learning for config in getattr(model, "peft_config", {}).values())
    if wanted == "off":
        return "off", None
    if auxiliary or prompted:
        return "off", "its auxiliary loss needs whole rows" if auxiliary else "its adapter prepends tokens of its own"
    why = packable(model) if wanted in ("shared", "packed") else None
    return ("answers" if why else wanted), why


def packable(model: Any) -> str | None:
    """Why a model's batches cannot be packed, in a few words; None where they can, as far as its config tells."""
    config = model.config.get_text_config()
    if config is not model.config:
        return "it is more than a language model"
    kinds = set(getattr(config, "layer_types", None) or ())
    if kinds - {"full_attention", "sliding_attention"}:
        return f"it has layers of the kind {', '.join(sorted(kinds - {'full_attention', 'sliding_attention'}))}"
    if not getattr(model, "_supports_sdpa", False) or getattr(model, "_is_stateful", False):
        return "its tokens do not meet in plain attention"
    for name in ("mamba", "ssm", "rwkv", "linear_attn", "conv_kernel"):
        if any(key.startswith(name) for key in config.to_dict()):
            return "it is a state-space or linear-attention model"
    if getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None):
        return "it is a mixture of experts, whose balance depends on who is in the batch"
    return None


def use_flex(wanted: PackedAttention, model: Any, device: torch.device) -> bool:
    """Whether packed rows go through FlexAttention: on CUDA, for heads that its kernel takes, unless told otherwise."""
    if wanted != "auto":
        return wanted == "flex"
    config = model.config.get_text_config()
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return device.type == "cuda" and size >= 16 and len(set(getattr(model, "hf_device_map", {}).values())) < 2


@torch.no_grad()
def step_is_exact(model: Any, batch: dict[str, Any], how: FastStep) -> tuple[bool, float]:
    """Whether packed rows give the log-probabilities of padded ones, but for rounding; and the largest difference."""
    training = model.training
    model.eval()
    found, expected = score_answers(model, batch, how).logp, score_answers(model, batch, "answers").logp
    model.train(training)
    difference = (found - expected).abs()
    dtype = torch.get_autocast_dtype(found.device.type) if torch.is_autocast_enabled(found.device.type) else None
    absolute, relative = TOLERANCE.get(dtype or next(model.parameters()).dtype, LOW_TOLERANCE)
    return bool((difference <= absolute + relative * expected.abs()).all()), float(difference.max())


def add_scoring(
    model: Any, how: FastStep, *, attention: PackedAttention = "auto", projection: Projection = "auto"
) -> None:
    """Teach a model to return log-probabilities of chosen tokens at chosen positions: ``model(..., scored=, targets=)``.

    Through the model's own forward, so that whatever wraps it (DDP, FSDP, LoRA, checkpointing) goes on working; without
    these arguments it is what it was.

    Args:
        model: the innermost one, without adapters.
        how: ``shared``, ``packed`` or ``answers``.
        attention: of packed rows: ``flex`` (FlexAttention), ``segments`` (one call for each) or ``auto``, by the device.
        projection: on the vocabulary: ``trl`` (its fused head), ``torch`` or ``auto``, by the device.
    """
    if how in ("shared", "packed"):
        make_packable(model)
    usual = model.forward

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
        # The head as a module, for its weights may lie elsewhere until it is called (ZeRO-3, FSDP).
        head, config = self.get_output_embeddings(), self.config.get_text_config()
        scores = _fused_scores if use_fused_head(projection, head, hidden.device) else _token_scores
        return scores(hidden, head, targets, config, statistics)

    model.forward = types.MethodType(forward, model)


def _logit_factor(config: Any) -> float:
    """What an architecture multiplies its logits with, before it caps them."""
    for name in ("logit_scale", "output_multiplier", "lm_head_multiplier"):
        if (factor := getattr(config, name, None)) is not None:
            return float(factor)
    scaling = getattr(config, "logits_scaling", None)
    if scaling is None:
        return 1.0
    return float(scaling) if config.model_type == "hyperclovax" else 1.0 / scaling


def use_fused_head(wanted: Projection, head: Any, device: torch.device) -> bool:
    """Whether the projection is TRL's: where its kernels run, on a head that is nothing but a matrix, unless told."""
    if wanted == "auto":
        return device.type == "cuda" and type(head) is torch.nn.Linear and find_spec("triton") is not None
    return wanted == "trl"


def _fused_scores(hidden: Tensor, head: Any, targets: Tensor, config: Any, more: bool) -> tuple[Tensor, ...]:
    """What ``_token_scores`` gives, from TRL's projection in tiles: no logits are held, and it has its own gradient."""
    from torch.distributed.tensor import DTensor
    from trl.kernels import ChunkedLogProbFunction
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE, maybe_gather_lm_head_ctx

    # Whole, where FSDP or ZeRO-3 have spread it.
    weight, bias = (w.full_tensor() if isinstance(w, DTensor) else w for w in (head.weight, head.bias))
    cap, wanted = getattr(config, "final_logit_softcapping", None), ("entropy", "mean_logits", "is_top1")
    with maybe_gather_lm_head_ctx(weight, bias):
        logp, entropy, _, mean, likeliest = ChunkedLogProbFunction.apply(
            hidden, weight, bias, targets, 1.0, _CHUNKED_LOGPROB_CHUNK_SIZE, cap, _logit_factor(config), wanted * more
        )
    return (logp, entropy.detach(), mean, likeliest.float()) if more else (logp,)


def _token_scores(hidden: Tensor, head: Any, targets: Tensor, config: Any, more: bool) -> tuple[Tensor, ...]:
    """Log-probability of each target; with ``more`` also entropy, mean logit and whether the target is the likeliest."""
    factor, cap = _logit_factor(config), getattr(config, "final_logit_softcapping", None)

    def logits_of(some: Tensor) -> Tensor:
        logits: Tensor = head(some).float()
        logits = logits if factor == 1 else logits * factor
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def logp_of(some: Tensor, said: Tensor) -> Tensor:
        return -torch.nn.functional.cross_entropy(logits_of(some), said, reduction="none")

    size = max(1, CHUNK // config.vocab_size)
    parts = list(zip(torch.split(hidden, size), torch.split(targets, size), strict=True))
    if len(parts) == 1:
        logp = logp_of(hidden, targets)
    else:
        logp = torch.cat([checkpoint(logp_of, some, said, use_reentrant=False) for some, said in parts])
    if not more:
        return (logp,)
    with torch.no_grad():
        statistics = []
        for some, said in parts:
            logits = logits_of(some)
            p = logits.softmax(1)
            entropy = torch.logsumexp(logits, 1) - (p * logits).sum(1)
            statistics.append(torch.stack([entropy, logits.mean(1), (logits.argmax(1) == said).float()]))
        return (logp, *torch.cat(statistics, 1))


def score_answers(
    model: Any, batch: dict[str, Any], how: FastStep, *, statistics: bool = False, router_logits: bool = False
) -> Scores:
    """Run ``model`` on a batch of TRL's preference collator; gradients flow.

    Args:
        model: a causal language model, wrapped or not, that ``add_scoring`` has prepared; for ``off`` TRL's
            ``add_fused_lm_head``.
        batch: ``input_ids``, ``attention_mask`` and ``completion_mask`` (2B, T), whatever else the model takes.
        how: ``shared``, ``packed``, ``answers`` or ``off``.
        statistics: also what the metrics want to know of each token.
        router_logits: with ``off``, ask a mixture of experts for what its auxiliary loss needs.
    """
    completion = batch["completion_mask"]
    length = completion.sum(dim=1).clamp(min=1)
    if how == "off":
        return _score_as_trl(model, batch, length, statistics, router_logits)
    packed = pack(batch, share=how == "shared") if how in ("shared", "packed") else None
    if packed is None and how == "shared":
        _logger().warning_once(
            "The two rows of a pair differ in their prompt: such batches are scored with fast_step=packed."
        )
        packed = pack(batch, share=False)
    if packed is not None:
        inputs = {
            "input_ids": packed.input_ids,
            "position_ids": packed.position_ids,
            # Four dimensions are passed on as they are: who sees whom is told by the segments.
            "attention_mask": torch.ones(1, 1, 1, 1, dtype=torch.bool, device=completion.device),
            "packed_segments": packed.segments,
            "scored": (torch.zeros_like(packed.scored), packed.scored),
            "targets": packed.targets,
        }
        owner = packed.owner
    else:
        owner, column = torch.nonzero(completion[:, 1:], as_tuple=True)
        inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_MODELS}
        inputs |= {"scored": (owner, column), "targets": batch["input_ids"][owner, column + 1]}
    per_token, *more = model(**inputs, statistics=statistics)
    logp = per_token.new_zeros(len(completion), dtype=torch.float32).index_add(0, owner, per_token.float())
    return Scores(logp, length, TokenStatistics(owner, *more) if more else None, None)


@functools.cache
def _logger() -> Any:
    """Of the first process alone. Made when it is needed, for answers are scored without accelerate too."""
    from accelerate.logging import get_logger

    return get_logger(__name__)


def _score_as_trl(model: Any, batch: dict[str, Any], length: Tensor, statistics: bool, router_logits: bool) -> Scores:
    """Score with TRL's fused head, on padded rows."""
    inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_MODELS}
    if router_logits:
        inputs["output_router_logits"] = True
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    outputs = model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
    mask = batch["completion_mask"][:, 1:].bool()
    # Prompt-learning adapters prepend virtual tokens: the positions of the real ones are the last.
    width = mask.size(1)
    found = None
    if statistics and outputs.entropy is not None:
        kept = (outputs.entropy, outputs.mean_logits, outputs.is_top1)
        entropy, mean_logit, likeliest = (values[:, -width:][mask].detach() for values in kept)
        found = TokenStatistics(torch.nonzero(mask)[:, 0], entropy, mean_logit, likeliest.float())
    return Scores(outputs.log_probs[:, -width:].sum(dim=1).float(), length, found, getattr(outputs, "aux_loss", None))
