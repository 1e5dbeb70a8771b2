"""Log-probabilities of answers: the one place where a model is run on a batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor


class Scores(NamedTuple):
    """What a model says of B chosen and B rejected answers, the rejected ones after the chosen.

    Attributes:
        logp: (2B,) log-probability of each answer, summed over its tokens, in fp32.
        length: (2B,) tokens of each answer, at least 1.
        mask: (2B, T - 1) which positions are scored, shifted to where they are predicted.
        outputs: the model's outputs per token, for metrics.
    """

    logp: Tensor
    length: Tensor
    mask: Tensor
    outputs: Any


NOT_FOR_MODELS = ("completion_mask", "ref_chosen_logps", "ref_rejected_logps")


def score_answers(model: Any, batch: dict[str, Any], *, router_logits: bool = False) -> Scores:
    """Run ``model`` on a batch of TRL's preference collator; gradients flow.

    Args:
        model: a causal language model with TRL's fused head (``add_fused_lm_head``), wrapped or not.
        batch: ``input_ids``, ``attention_mask`` and ``completion_mask`` (2B, T), whatever else the model takes.
        router_logits: ask a mixture of experts for what its auxiliary loss needs.
    """
    inputs = {name: value for name, value in batch.items() if name not in NOT_FOR_MODELS}
    if router_logits:
        inputs["output_router_logits"] = True
    completion = batch["completion_mask"]
    labels = batch["input_ids"].masked_fill(completion == 0, -100)
    outputs = model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
    mask = completion[:, 1:]
    # Prompt-learning adapters prepend virtual tokens: the positions of the real ones are the last.
    per_token = outputs.log_probs[:, -mask.size(1) :]
    return Scores(per_token.sum(dim=1).float(), completion.sum(dim=1).clamp(min=1), mask, outputs)
