"""Both answers to a prompt in one row without padding: the prompt is computed once, and nothing is computed for nothing.

A padded batch of B pairs has 2 B rows [prompt | answer | padding]. Packed it is one row of B segments

    [prompt | chosen, all but its last token | rejected, all but its last token]

whose rejected answers take up the positions right after the prompt and see the prompt and themselves, not the chosen
answers. The last token of the prompt predicts the first token of both answers. What an answer's log-probability is does
not change; that holds for models whose tokens meet in attention only (``scoring.packable``).
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

PREFIX = "votewise_"
"""What the attention of a model that can be packed is called, before the name of what it was."""

PackedAttention = Literal["auto", "flex", "segments"]
PACKED_ATTENTION: tuple[PackedAttention, ...] = ("auto", "flex", "segments")

BLOCK = 128
"""Tokens that FlexAttention's block mask tells of at once."""


class Segment(NamedTuple):
    """One pair in a packed row: where it ``start``s, and the tokens of ``prompt``, ``chosen`` and ``rejected`` in it."""

    start: int
    prompt: int
    chosen: int
    rejected: int


class Packed(NamedTuple):
    """A batch in one row of T tokens, N of whose successors are scored.

    Attributes:
        input_ids: (1, T).
        position_ids: (1, T).
        segments: one for each pair.
        scored: (N,) positions whose next token is scored.
        targets: (N,) these next tokens.
        owner: (N,) the row of the padded batch, 0 to 2B - 1, that each belongs to.
    """

    input_ids: Tensor
    position_ids: Tensor
    segments: tuple[Segment, ...]
    scored: Tensor
    targets: Tensor
    owner: Tensor


def pack(batch: dict[str, Any], *, share: bool = True) -> Packed | None:
    """Pack a padded batch; None where the two rows of a pair do not share their prompt, as after cutting off its start.

    Args:
        batch: ``input_ids``, ``attention_mask``, ``completion_mask`` (2B, T): chosen rows, then rejected ones.
        share: compute a pair's prompt once; else each answer has its own, and is a segment without a second answer.
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
    """A row's prompt and answer, without padding, on whichever side that is."""
    return ids[seen & ~answer], ids[seen & answer]


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    segments: tuple[Segment, ...],
    scaling: float | None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    dropout: float = 0.0,
) -> tuple[Tensor, None]:
    """Attention within the segments of a packed row.

    Args:
        module: the attention layer.
        query: (1, heads, T, size).
        key: (1, key heads, T, size).
        value: likewise.
        segments: of the row.
        scaling: factor on the scores.
        sliding_window: how many positions back a token sees, itself included; None for all.
        softcap: bound that scores are bent to, as Gemma 2 has it.
        dropout: share of the attention weights dropped.
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    # Cut up at once: the gradient of each slice on its own would be as long as the row.
    queries = iter(torch.split(query, [n for s in segments for n in (s.prompt + s.chosen, s.rejected)], 2))
    keys, values = (iter(torch.split(x, [n for s in segments for n in s[1:]], 2)) for x in (key, value))
    parts = []
    for _, prompt, chosen, rejected in segments:
        (k, *own_k), (v, *own_v) = ([next(x) for _ in range(3)] for x in (keys, values))
        for i, (answer, before) in enumerate([(chosen, 0), (rejected, prompt)]):
            q = next(queries)
            if q.shape[2]:
                mask = _causal(q.shape[2], before, prompt + answer, sliding_window, query.device)
                seen_k, seen_v = torch.cat([k, own_k[i]], 2), torch.cat([v, own_v[i]], 2)
                parts.append(_attend(q, seen_k, seen_v, mask, scaling, softcap, dropout))
    return torch.cat(parts, 2).transpose(1, 2).contiguous(), None


def _causal(queries: int, offset: int, keys: int, window: int | None, device: torch.device) -> Tensor | None:
    """(queries, keys) who sees whom, the first query at position ``offset``; None for the plain causal triangle."""
    if offset == 0 and (window is None or keys <= window):
        return None
    q = torch.arange(offset, offset + queries, device=device)[:, None]
    k = torch.arange(keys, device=device)[None]
    return (k <= q) if window is None else (k <= q) & (k > q - window)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scaling: float | None,
    softcap: float | None,
    dropout: float,
) -> Tensor:
    if softcap is None:
        return scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None, scale=scaling, dropout_p=dropout
        )
    if mask is None:
        mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device).tril()
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = (softcap * torch.tanh(scores / softcap)).masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1, dtype=torch.float32).to(query.dtype)
    return torch.nn.functional.dropout(weights, dropout) @ value


class Blocks:
    """Who sees whom in a packed row of T tokens, as FlexAttention wants it; each window's mask is made once a batch.

    Token k is seen by the tokens from k to before ``until[k]``: a prompt by all of its segment, a chosen answer by itself
    alone. Whole blocks that none or all of their tokens see are told from the lowest and highest values in each block,
    never token by token.
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
        """The block mask, for all layers that see ``window`` positions back, or everything before."""
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
        told = [torch.from_numpy(x)[None, None].to(self._device) for x in (*_listed(some & ~every), *_listed(every))]
        return BlockMask.from_kv_blocks(
            told[0],
            told[1],
            told[2],
            told[3],
            BLOCK_SIZE=BLOCK,
            mask_mod=seen if window is None else near,
            seq_lengths=(len(self._until), len(self._until)),
        )


def _listed(blocks: Any) -> tuple[Any, Any]:
    """How many blocks of keys each block of queries has, and which: (n,) and (n, n), these first."""
    order = np.argsort(~blocks, axis=1, kind="stable")
    return blocks.sum(1).astype(np.int32), order.astype(np.int32)


def flex_inputs(input_ids: Tensor, position_ids: Tensor, segments: tuple[Segment, ...]) -> dict[str, Any]:
    """A packed row for FlexAttention: filled up to whole blocks, and to few lengths, for each is compiled on its own."""
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
    # Beyond the limit it would silently hold whole matrices of scores.
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
    """What ``packed_attention`` gives, from one kernel; on a CPU, where it has no gradients, for tests only."""
    from torch.nn.attention.flex_attention import flex_attention

    def capped(score: Tensor, batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return cap * torch.tanh(score / cap)

    cap = 1.0 if softcap is None else softcap
    attend: Any = flex_attention if query.device.type == "cpu" else _compiled_flex()
    found = attend(
        query.to(value.dtype),  # norms under autocast leave them in fp32
        key.to(value.dtype),
        value,
        score_mod=None if softcap is None else capped,
        block_mask=blocks.mask(sliding_window),
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return found.transpose(1, 2).contiguous(), None


def make_packable(model: Any) -> None:
    """Let a model's attention understand packed rows too; with any other input it is what it was.

    The attention stays in place from then on, so that what gradient checkpointing computes again is the same.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    config = model.config.get_text_config()
    name = config._attn_implementation or "sdpa"
    if name.startswith(PREFIX):
        return

    def attention(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **kwargs: Any
    ) -> tuple[Tensor, Any]:
        segments, blocks = kwargs.pop("packed_segments", None), kwargs.pop("packed_blocks", None)
        if segments is None:
            # Eager attention is each architecture's own, beside its layers.
            eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
            usual: Any = eager if name == "eager" else ALL_ATTENTION_FUNCTIONS[name]
            found: tuple[Tensor, Any] = usual(module, query, key, value, attention_mask, **kwargs)
            return found
        known: dict[str, Any] = {
            k: kwargs[k] for k in ("scaling", "sliding_window", "softcap", "dropout") if k in kwargs
        }
        if blocks is not None and not known.get("dropout"):
            known.pop("dropout", None)
            return flex_packed_attention(query, key, value, blocks=blocks, **{"scaling": None} | known)
        return packed_attention(module, query, key, value, segments=segments, **{"scaling": None} | known)

    AttentionInterface.register(PREFIX + name, attention)
    AttentionMaskInterface.register(PREFIX + name, ALL_MASK_ATTENTION_FUNCTIONS[name])
    config._attn_implementation = PREFIX + name
