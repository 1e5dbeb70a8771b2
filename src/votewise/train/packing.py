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

Rows = list[tuple[Any, Any]]
"""The tokens of the prompt and of the answer of each row, as arrays."""


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

    def to(self, device: torch.device) -> Packed:
        """The same on a device; from pinned memory nothing waits for it."""
        moved = (x.to(device, non_blocking=True) if isinstance(x, Tensor) else x for x in self)
        return Packed(*moved)  # type: ignore[arg-type]


class PackingPlan:
    """How a batch is packed, made where the batch is made: later, its tokens on a GPU could only be read by waiting for it.

    Attributes:
        packed: on the CPU.
        wanted: whether each pair's prompt was to be computed once.
        shared: whether it is, because the two rows of each pair have the same prompt.
    """

    def __init__(self, batch: dict[str, Any], *, share: bool) -> None:
        rows = _rows(batch)
        self.wanted, self.shared = share, share and _prompts_are_equal(rows)
        self.packed = _joined(rows, share=self.shared)

    def pin_memory(self) -> PackingPlan:
        """For PyTorch's data loader, which calls this where copies to a GPU shall not wait."""
        self.packed = Packed(*(x.pin_memory() if isinstance(x, Tensor) else x for x in self.packed))  # type: ignore[arg-type]
        return self


def pack(batch: dict[str, Any], *, share: bool = True) -> Packed | None:
    """Pack a padded batch, on the CPU; None if the rows of a pair differ in their prompt, for example because it was cut.

    Args:
        batch: ``input_ids``, ``attention_mask``, ``completion_mask`` (2B, T): chosen rows, then rejected ones.
        share: compute each pair's prompt once. Otherwise each answer is a segment with its own copy of the prompt.
    """
    rows = _rows(batch)
    return None if share and not _prompts_are_equal(rows) else _joined(rows, share=share)


def _rows(batch: dict[str, Any]) -> Rows:
    """The prompt and the answer of each row, without padding."""
    ids, seen, answer = (batch[k].cpu().numpy() for k in ("input_ids", "attention_mask", "completion_mask"))
    return [_split(*row) for row in zip(ids, seen.astype(bool), answer.astype(bool), strict=True)]


def _prompts_are_equal(rows: Rows) -> bool:
    half = len(rows) // 2
    return all(np.array_equal(rows[i][0], rows[half + i][0]) for i in range(half))


def _joined(rows: Rows, *, share: bool) -> Packed:
    """All rows in one, with or without a common prompt for the two of a pair."""
    half = len(rows) // 2
    if share:
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

    def joined(parts: list[Any]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts).astype(np.int64))

    return Packed(
        joined(tokens)[None],
        joined(positions)[None],
        tuple(segments),
        joined(scored),
        joined(targets),
        joined(owner),
    )


def _split(ids: Any, seen: Any, answer: Any) -> tuple[Any, Any]:
    """A row's prompt and answer, without the padding on either side."""
    return ids[seen & ~answer], ids[seen & answer]
