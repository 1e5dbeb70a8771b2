"""Keys of reference log-probabilities: of a model with all that its output depends on, and of a pair by its tokens."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor

from votewise.train.packed_attention import PREFIX
from votewise.train.training_rows import ROW

KEY = 16
"""Bytes of a key."""

NOT_SCORED = (ROW, "attention_mask", "ref_chosen_logps", "ref_rejected_logps")

ELSEWHERE = frozenset(
    {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache"}
    | {f"{which}_token_id" for which in ("bos", "eos", "pad")}
)
"""Settings of a model that do not change its output: where it comes from, what its tensors say too, what training sets."""

ADAPTER_ELSEWHERE = frozenset({"base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "peft_version"})
"""Settings of an adapter that do not change the output."""


def pair_keys(batch: dict[str, Any]) -> list[bytes]:
    """A key for each of the B pairs of a collated batch, from its tokens as they are scored, without padding.

    Args:
        batch: ``input_ids``, ``attention_mask``, ``completion_mask`` (2B, T) and other inputs of the model.
    """
    fed = {name: value.cpu().numpy() for name, value in sorted(batch.items()) if isinstance(value, Tensor)}
    seen = fed["attention_mask"].astype(bool)
    digests = [blake2b(digest_size=KEY) for _ in range(len(seen) // 2)]
    for name, values in fed.items():
        if name in NOT_SCORED:
            continue
        for row, digest in enumerate(2 * digests):
            # An input that has no value per token has one per row, or one for the whole batch.
            part = values[row] if len(values) == len(seen) else values
            _feed(digest, name, part[seen[row]] if values.shape[:2] == seen.shape else part)
    return [digest.digest() for digest in digests]


def pair_keys_of_tokens(tokens: dict[str, Any], *, max_length: int | None, truncation_mode: str) -> list[bytes]:
    """The ``pair_keys`` of tokenized pairs, without collating them with TRL's collator first, which is much slower.

    Args:
        tokens: ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``, one array per pair.
        max_length: longest row, in tokens; longer ones are truncated.
        truncation_mode: ``keep_start`` or ``keep_end``.
    """
    cut = slice(None, max_length)
    if max_length is not None and truncation_mode == "keep_end":
        cut = slice(-max_length, None)
    keys = []
    for prompt, *answers in zip(tokens["prompt_ids"], tokens["chosen_ids"], tokens["rejected_ids"], strict=True):
        digest = blake2b(digest_size=KEY)
        for answer in answers:
            _feed(digest, "completion_mask", np.repeat([0, 1], [len(prompt), len(answer)])[cut])
        for answer in answers:
            _feed(digest, "input_ids", np.concatenate([prompt, answer]).astype(np.int64)[cut])
        keys.append(digest.digest())
    return keys


def _feed(digest: Any, name: str, part: npt.NDArray[Any]) -> None:
    digest.update(f"{name} {part.dtype} {part.shape}".encode() + part.tobytes())


def counting_adapters(model: Any, *, own: bool) -> tuple[str, ...]:
    """Names of the adapters that a reference model's output depends on; none for a model without adapters.

    Args:
        model: the model that computes the reference.
        own: whether it is a model of its own, whose active adapters count. A policy that is its own reference counts
            without adapters, or with the one named ``ref``, which TRL makes where training goes on from an adapter.
    """
    if not isinstance(model, PeftModel):
        return ()
    if own:
        return tuple(model.active_adapters)
    return ("ref",) if "ref" in model.peft_config else ()


def model_key(model: Any, weights: bytes | str, *, adapters: tuple[str, ...] = (), **settings: Any) -> str:
    """A key of everything that a model's log-probabilities depend on, in 32 letters.

    Args:
        model: the reference model, with adapters or not.
        weights: digest of its weights.
        adapters: names of the adapters that count; their whole configurations are part of the key.
        settings: other things they depend on; texts and numbers.
    """
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    settings = settings | {f"adapter {i}": _adapter_settings(model, name) for i, name in enumerate(adapters)}
    config = {k: v for k, v in inner.config.to_dict().items() if k not in ELSEWHERE}
    config["attention"] = str(inner.config.get_text_config()._attn_implementation).removeprefix(PREFIX)
    parts = (type(inner).__name__, sorted(config.items()), sorted(settings.items()), transformers.__version__, weights)
    digest = blake2b(repr(parts).encode(), digest_size=KEY)
    code = Path(sys.modules[type(inner).__module__].__file__ or "")
    digest.update(code.read_bytes() if code.is_file() else b"")  # the code of a custom model may change
    return digest.hexdigest()


def _adapter_settings(model: Any, name: str) -> list[tuple[str, str]]:
    """The configuration of an adapter, which says how its weights are used: scale, rank, pattern of layers, variant."""
    told = model.peft_config[name].to_dict()
    kept = {k: sorted(map(str, v)) if isinstance(v, set) else v for k, v in told.items() if k not in ADAPTER_ELSEWHERE}
    return sorted((k, repr(v)) for k, v in kept.items())


def weights_digest(model: Any, adapters: tuple[str, ...] = ()) -> bytes:
    """A digest of the names, types and bytes of a model's weights.

    Args:
        model: of a ``PeftModel`` only the base model counts, so both have the same digest.
        adapters: names of the adapters of the ``PeftModel`` that count as well.
    """
    tensors = {name: x for name, x in model.state_dict(keep_vars=True).items() if isinstance(x, Tensor)}
    if isinstance(model, PeftModel):
        tensors = _without_adapters(model, tensors, adapters)
    distinct = {id(x): x for x in tensors.values()}  # tied weights are read once
    with ThreadPoolExecutor(4) as threads:
        digests = dict(zip(distinct, threads.map(_digest, distinct.values()), strict=True))
    whole = blake2b(digest_size=KEY)
    for name, x in sorted(tensors.items()):
        whole.update(name.encode() + digests[id(x)])
    return whole.digest()


def _without_adapters(model: Any, tensors: dict[str, Tensor], kept: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors of the base model under their names in it, and those of the adapters ``kept``."""
    gone = set(model.peft_config) - set(kept)
    holders = {"modules_to_save"}
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            holders.update(module.adapter_layer_names)
    found = {}
    for name, x in tensors.items():
        parts = name.split(".")
        if not any(a in holders and b in gone for a, b in pairwise(parts)):
            own = [part for part in parts if part not in ("base_layer", "original_module")]
            found[".".join(own).removeprefix("base_model.model.")] = x
    return found


def _digest(tensor: Tensor) -> bytes:
    tensor = getattr(tensor, "ds_tensor", tensor)  # the part of this process, if ZeRO-3 has sharded it
    digest = blake2b(f"{tensor.dtype} {tuple(tensor.shape)}".encode(), digest_size=KEY)
    if not tensor.is_meta:
        numbers: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        digest.update(numbers)
    return digest.digest()
