"""Attention within the segments of a packed row (``packing``), and how a model's attention layers learn it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from votewise.train.flex_attention import flex_packed_attention
from votewise.train.packing import Segment

PREFIX = "votewise_"
"""Put before the name of the original attention, this is the name of the attention that also accepts packed rows."""

PackedAttention = Literal["auto", "flex", "segments"]
PACKED_ATTENTION: tuple[PackedAttention, ...] = ("auto", "flex", "segments")


class _Scores(NamedTuple):
    """How attention scores are computed: what transformers hands to every attention function."""

    scaling: float | None
    softcap: float | None
    dropout: float


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

    The signature is that of transformers' attention interface, with ``segments`` instead of a mask.

    Args:
        module: the attention layer.
        query: (1, heads, T, size).
        key: (1, key heads, T, size).
        value: (1, key heads, T, size).
        segments: the segments of the row.
        scaling: factor on the scores.
        sliding_window: number of positions that a token sees, its own and those before it; None for all.
        softcap: bound on the scores, applied with tanh as in Gemma 2.
        dropout: share of the attention weights dropped.
    """
    how = _Scores(scaling, softcap, dropout)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    # Split all at once: the gradient of a single slice would be as long as the row.
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
                parts.append(_attend(q, seen_k, seen_v, mask, how))
    return torch.cat(parts, 2).transpose(1, 2).contiguous(), None


def _causal(queries: int, offset: int, keys: int, window: int | None, device: torch.device) -> Tensor | None:
    """(queries, keys) which query sees which key, the first query at ``offset``; None for the plain causal triangle."""
    if offset == 0 and (window is None or keys <= window):
        return None
    q = torch.arange(offset, offset + queries, device=device)[:, None]
    k = torch.arange(keys, device=device)[None]
    return (k <= q) if window is None else (k <= q) & (k > q - window)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, how: _Scores) -> Tensor:
    """Attention of one answer's queries to the keys that they may see."""
    scaling, softcap, dropout = how
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


_USERS: Counter[str] = Counter()
"""How many models use each attention that was registered here."""

_WATCHED: list[list[int | None]] = []


@contextmanager
def windows_seen() -> Generator[list[int | None]]:
    """A list that gets the window of each attention layer that is called with a packed row, None for all positions."""
    windows: list[int | None] = []
    _WATCHED.append(windows)
    try:
        yield windows
    finally:
        _WATCHED.remove(windows)


def make_packable(model: Any) -> Callable[[], None]:
    """Make a model's attention accept packed rows as well; other input is processed as before.

    The new attention stays in place until it is undone, so gradient checkpointing recomputes the same values.

    Returns:
        A function that undoes it: the names of the attention, and what was registered with transformers.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    config = model.config.get_text_config()
    name = config._attn_implementation or "sdpa"
    if name.startswith(PREFIX):
        return lambda: None
    new = PREFIX + name
    before = [(c, c._attn_implementation_internal) for c in _with_parts(config)]
    AttentionInterface.register(new, _accepting_packed_rows(name))
    AttentionMaskInterface.register(new, ALL_MASK_ATTENTION_FUNCTIONS[name])
    _USERS[new] += 1
    config._attn_implementation = new

    def undo() -> None:
        for part, was in before:
            part._attn_implementation_internal = was
        _USERS[new] -= 1
        if not _USERS[new]:
            for interface in (AttentionInterface, AttentionMaskInterface):
                interface._global_mapping.pop(new, None)

    return undo


def _with_parts(config: Any) -> list[Any]:
    """A configuration and all those inside it, whose attention is named together with its own."""
    parts = [getattr(config, name, None) for name in config.sub_configs]
    return [config, *(inner for part in parts if part is not None for inner in _with_parts(part))]


def _accepting_packed_rows(name: str) -> Callable[..., tuple[Tensor, Any]]:
    """The attention called ``name``, which now also accepts packed rows."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def attention(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **kwargs: Any
    ) -> tuple[Tensor, Any]:
        segments, blocks = kwargs.pop("packed_segments", None), kwargs.pop("packed_blocks", None)
        if segments is None:
            # Every architecture defines its own eager attention, in the module of its layers.
            eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
            usual: Any = eager if name == "eager" else ALL_ATTENTION_FUNCTIONS[name]
            found: tuple[Tensor, Any] = usual(module, query, key, value, attention_mask, **kwargs)
            return found
        known: dict[str, Any] = {
            k: kwargs[k] for k in ("scaling", "sliding_window", "softcap", "dropout") if k in kwargs
        }
        for windows in _WATCHED:
            windows.append(known.get("sliding_window"))
        if blocks is not None and not known.get("dropout"):
            known.pop("dropout", None)
            return flex_packed_attention(query, key, value, blocks=blocks, **{"scaling": None} | known)
        return packed_attention(module, query, key, value, segments=segments, **{"scaling": None} | known)

    return attention
