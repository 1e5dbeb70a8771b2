"""Log-probabilities of answers: the one place where a model is run on a batch.

Three steps make it fast; ``fast_step`` in ``RobustPreferenceConfig`` says how many of them to take. The vocabulary is
projected on only where a token is scored (``answers``); there is no padding (``packed``); the prompt is computed once for
both answers (``shared``, see ``packing``). ``off`` scores as TRL does.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from votewise.train.packing import PackingPlan

FastStep = Literal["shared", "packed", "answers", "off"]
FAST_STEPS: tuple[FastStep, ...] = ("shared", "packed", "answers", "off")

PLAN = "votewise_plan"
"""The ``PackingPlan`` of a batch, if its collator made one."""

NOT_FOR_MODELS = ("completion_mask", "ref_chosen_logps", "ref_rejected_logps", PLAN)


class TokenStatistics(NamedTuple):
    """Numbers of N scored tokens for the metrics, (N,) each; ``owner`` is the row that a token belongs to."""

    owner: Tensor
    entropy: Tensor
    mean_logit: Tensor
    likeliest: Tensor


class Scores(NamedTuple):
    """A model's scores of B chosen answers, then of B rejected answers.

    Attributes:
        logp: (2B,) log-probability of each answer, summed over its tokens, in fp32.
        length: (2B,) tokens of each answer, at least 1.
        tokens: for the metrics; None if not asked for.
        auxiliary: auxiliary loss of a mixture of experts; None for other models.
    """

    logp: Tensor
    length: Tensor
    tokens: TokenStatistics | None
    auxiliary: Tensor | None


def score_answers(
    model: Any, batch: dict[str, Any], how: FastStep, *, statistics: bool = False, router_logits: bool = False
) -> Scores:
    """Run ``model`` on a batch of TRL's preference collator, with gradients.

    Args:
        model: a causal language model, wrapped or not, prepared by ``add_scoring``, or for ``off`` by TRL's
            ``add_fused_lm_head``.
        batch: ``input_ids``, ``attention_mask`` and ``completion_mask`` (2B, T), and other inputs of the model.
        how: ``shared``, ``packed``, ``answers`` or ``off``.
        statistics: also return the numbers of each token that the metrics need.
        router_logits: with ``off``, also return the auxiliary loss of a mixture of experts.
    """
    completion = batch["completion_mask"]
    length = completion.sum(dim=1).clamp(min=1)
    if how == "off":
        return _score_as_trl(model, batch, length, statistics, router_logits)
    owner, per_token, more = score_tokens(model, batch, how, statistics=statistics)
    logp = per_token.new_zeros(len(completion), dtype=torch.float32).index_add(0, owner, per_token.float())
    return Scores(logp, length, TokenStatistics(owner, *more) if more else None, None)


def score_tokens(
    model: Any, batch: dict[str, Any], how: FastStep, *, statistics: bool = False
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The scored tokens of a batch, those of an answer in their order, except for ``how="off"``.

    Returns:
        (N,) row of the padded batch that each token belongs to; (N,) its log-probability; with ``statistics`` its entropy,
        mean logit and whether it is the top token, (N,) each.
    """
    completion = batch["completion_mask"]
    if how == "off":
        outputs = _run_as_trl(model, batch, router_logits=False)
        mask = completion[:, 1:].bool()
        return torch.nonzero(mask)[:, 0], outputs.log_probs[:, -mask.size(1) :][mask], []
    if how in ("shared", "packed"):
        plan = batch.get(PLAN)
        if plan is None or plan.wanted != (how == "shared"):
            plan = PackingPlan(batch, share=how == "shared")
        if plan.wanted and not plan.shared:
            _logger().warning_once(
                "The two rows of a pair differ in their prompt: such batches are scored with fast_step=packed."
            )
        packed = plan.packed.to(completion.device)
        inputs = {
            "input_ids": packed.input_ids,
            "position_ids": packed.position_ids,
            # A mask of four dimensions is passed on unchanged; the segments say which tokens see which.
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
    return owner, per_token, more


@functools.cache
def _logger() -> Any:
    """A logger of the first process only. Made on first use, because answers can be scored without accelerate too."""
    from accelerate.logging import get_logger

    return get_logger(__name__)


def _score_as_trl(model: Any, batch: dict[str, Any], length: Tensor, statistics: bool, router_logits: bool) -> Scores:
    """Score with TRL's fused head, on padded rows."""
    outputs = _run_as_trl(model, batch, router_logits)
    mask = batch["completion_mask"][:, 1:].bool()
    # Prompt-learning adapters prepend virtual tokens: the real tokens have the last positions.
    width = mask.size(1)
    found = None
    if statistics and outputs.entropy is not None:
        kept = (outputs.entropy, outputs.mean_logits, outputs.is_top1)
        entropy, mean_logit, likeliest = (values[:, -width:][mask].detach() for values in kept)
        found = TokenStatistics(torch.nonzero(mask)[:, 0], entropy, mean_logit, likeliest.float())
    return Scores(outputs.log_probs[:, -width:].sum(dim=1).float(), length, found, getattr(outputs, "aux_loss", None))


def _run_as_trl(model: Any, batch: dict[str, Any], router_logits: bool) -> Any:
    inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_MODELS}
    if router_logits:
        inputs["output_router_logits"] = True
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    return model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
