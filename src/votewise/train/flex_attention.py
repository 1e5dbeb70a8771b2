"""Attention within the segments of a packed row (``packing``) by PyTorch's FlexAttention, in one kernel."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from votewise.train.packing import Segment

BLOCK = 128
"""Tokens per block of FlexAttention's block mask."""


class Blocks:
    """Which tokens of a packed row see which, in FlexAttention's form; the mask of each window is made once per batch.

    Token k is seen by the tokens from k to before ``until[k]``: a prompt by its whole segment, a chosen answer by itself
    only. Blocks that are seen by no token or by every token are found from the lowest and highest values in each block,
    without looking at single tokens.
    """

    def __init__(self, segments: tuple[Segment, ...], length: int, device: torch.device) -> None:
        self._until = np.arange(1, length + 1, dtype=np.int32)  # padding sees itself
        self._position = np.zeros(length, np.int32)
        for start, prompt, chosen, rejected in segments:
            middle = start + prompt + chosen
            end = middle + rejected
            self._until[start:middle], self._until[start : start + prompt], self._until[middle:end] = middle, end, end
            self._position[start:middle] = np.arange(prompt + chosen)
            self._position[middle:end] = prompt + np.arange(rejected)
        self._device = device
        self._masks: dict[int | None, Any] = {}

    def mask(self, window: int | None) -> Any:
        """The block mask for all layers that see ``window`` positions, or all positions if None."""
        if window not in self._masks:
            self._masks[window] = self._make(window)
        return self._masks[window]

    def _make(self, window: int | None) -> Any:
        from torch.nn.attention.flex_attention import BlockMask

        until, position = (torch.from_numpy(x).to(self._device) for x in (self._until, self._position))

        def seen(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
            return (k <= q) & (q < until[k])

        def near(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
            return (k <= q) & (q < until[k]) & (position[q] - position[k] < reach)

        reach = 0 if window is None else window
        n = len(self._until) // BLOCK
        last, at = self._until.reshape(n, BLOCK), self._position.reshape(n, BLOCK)
        first = BLOCK * np.arange(n)[:, None]
        some = (first >= first.T) & (last.max(1) > first)
        every = (first > first.T) & (last.min(1) > first + BLOCK - 1)
        if window is not None:
            some &= at.min(1)[:, None] - at.max(1) < window
            every &= at.max(1)[:, None] - at.min(1) < window
        lists = [torch.from_numpy(x)[None, None].to(self._device) for x in (*_listed(some & ~every), *_listed(every))]
        return BlockMask.from_kv_blocks(
            lists[0],
            lists[1],
            lists[2],
            lists[3],
            BLOCK_SIZE=BLOCK,
            mask_mod=seen if window is None else near,
            seq_lengths=(len(self._until), len(self._until)),
        )


def _listed(blocks: Any) -> tuple[Any, Any]:
    """(n,) number of key blocks that each query block sees, and (n, n) which ones, those first."""
    order = np.argsort(~blocks, axis=1, kind="stable")
    return blocks.sum(1).astype(np.int32), order.astype(np.int32)


def flex_inputs(input_ids: Tensor, position_ids: Tensor, segments: tuple[Segment, ...]) -> dict[str, Any]:
    """A packed row for FlexAttention: padded to whole blocks, and to few lengths, because each length is compiled anew."""
    n = input_ids.shape[1]
    step = max(BLOCK, 1 << max((n - 1).bit_length() - 4, 0))
    fill = (0, -n % step)
    return {
        "input_ids": torch.nn.functional.pad(input_ids, fill),
        "position_ids": torch.nn.functional.pad(position_ids, fill),
        "packed_segments": segments,
        "packed_blocks": Blocks(segments, n + fill[1], input_ids.device),
    }


@functools.cache
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    compiler: Any = torch.compile
    # Beyond this limit FlexAttention silently falls back to whole matrices of scores.
    return compiler(flex_attention, recompile_limit=64)


def flex_packed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    blocks: Blocks,
    scaling: float | None,
    sliding_window: int | None = None,
    softcap: float | None = None,
) -> tuple[Tensor, None]:
    """The result of ``packed_attention`` from one kernel; on a CPU it has no gradients and is for tests only.

    The signature is that of transformers' attention interface, with ``blocks`` instead of a mask.
    """
    from torch.nn.attention.flex_attention import flex_attention

    def capped(score: Tensor, batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return cap * torch.tanh(score / cap)

    cap = 1.0 if softcap is None else softcap
    attend: Any = flex_attention if query.device.type == "cpu" else _compiled_flex()
    found = attend(
        query.to(value.dtype),  # under autocast, norms leave it in fp32
        key.to(value.dtype),
        value,
        score_mod=None if softcap is None else capped,
        block_mask=blocks.mask(sliding_window),
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return found.transpose(1, 2).contiguous(), None
