"""Both answers to a prompt in one row without padding, with the prompt computed only once.

A padded batch of B pairs has 2 B rows [prompt | answer | padding]. Packed it is one row of B segments

    [prompt | chosen, without its last token | rejected, without its last token]

The rejected answers have the positions that follow the prompt; they see the prompt and themselves, not the chosen answers.
The last token of the prompt predicts the first token of both answers. The log-probability of an answer does not change. This
holds for models whose tokens interact in attention only (``fast_step.packable``); ``step_check`` tries it out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Segment(NamedTuple):
    """One pair in a packed row: its ``start``, and its number of tokens of ``prompt``, ``chosen`` and ``rejected``."""

    start: int
    prompt: int
    chosen: int
    rejected: int


class Packed(NamedTuple):
    """A batch in one row of T tokens, of which N predict a token that is scored.

    Attributes:
        input_ids: (1, T).
        position_ids: (1, T).
        segments: one for each pair.
        scored: (N,) positions whose next token is scored.
        targets: (N,) these next tokens.
        owner: (N,) row of the padded batch, 0 to 2B - 1, that each target belongs to.
    """

    input_ids: Tensor
    position_ids: Tensor
    segments: tuple[Segment, ...]
    scored: Tensor
    targets: Tensor
    owner: Tensor


def pack(batch: dict[str, Any], *, share: bool = True) -> Packed | None:
    """Pack a padded batch; None if the two rows of a pair differ in their prompt, for example because its start was cut.

    Args:
        batch: ``input_ids``, ``attention_mask``, ``completion_mask`` (2B, T): chosen rows, then rejected ones.
        share: compute each pair's prompt once. Otherwise each answer is a segment with its own copy of the prompt.
    """
    device = batch["input_ids"].device
    ids, seen, answer = (batch[k].cpu().numpy() for k in ("input_ids", "attention_mask", "completion_mask"))
    rows = [_split(*row) for row in zip(ids, seen.astype(bool), answer.astype(bool), strict=True)]
    half = len(rows) // 2
    if share:
        if not all(np.array_equal(rows[i][0], rows[half + i][0]) for i in range(half)):
            return None
        groups = [(rows[i][0], [(i, rows[i][1]), (half + i, rows[half + i][1])]) for i in range(half)]
    else:
        groups = [(prompt, [(i, said)]) for i, (prompt, said) in enumerate(rows)]
    tokens: list[Any] = []
    positions: list[Any] = []
    scored: list[Any] = []
    targets: list[Any] = []
    owner: list[Any] = []
    segments = []
    start = 0
    for prompt, answers in groups:
        p, begin = len(prompt), start + len(prompt)
        tokens.append(prompt)
        positions.append(np.arange(p))
        for row, said in answers:
            fed = said[:-1]
            tokens.append(fed)
            positions.append(p + np.arange(len(fed)))
            # Without a prompt nothing predicts the first token.
            before = [start + p - 1] if p and len(said) else []
            scored.append(np.concatenate([np.array(before, np.int64), begin + np.arange(len(fed))]))
            targets.append(said if p else said[1:])
            owner.append(np.full(len(targets[-1]), row))
            begin += len(fed)
        lengths = [max(len(said) - 1, 0) for _, said in answers]
        segments.append(Segment(start, p, lengths[0], lengths[1] if share else 0))
        start = begin

    def on_device(parts: list[Any]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts).astype(np.int64)).to(device, non_blocking=True)

    return Packed(
        on_device(tokens)[None],
        on_device(positions)[None],
        tuple(segments),
        on_device(scored),
        on_device(targets),
        on_device(owner),
    )


def _split(ids: Any, seen: Any, answer: Any) -> tuple[Any, Any]:
    """A row's prompt and answer, without the padding on either side."""
    return ids[seen & ~answer], ids[seen & answer]
