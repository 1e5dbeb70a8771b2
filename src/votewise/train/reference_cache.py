"""Log-probabilities under the reference model, computed once before training and kept on disk for the next run.

They depend on the model and on the tokens that are scored, and by nothing else are they found again: a folder is named
after everything that says what a model makes of tokens (``model_key``), and in it each pair by its tokens as they are
fed to the model (``pair_keys``). So a change of weights, data, template, lengths or number format finds nothing.
"""

from __future__ import annotations

import sys
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from accelerate.logging import get_logger
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor

from votewise.errors import BadInputError
from votewise.storage.files import cache_folder, written_whole
from votewise.train.packing import PREFIX
from votewise.train.training_rows import ROW

logger = get_logger(__name__)

Logps = npt.NDArray[np.float32]

SHARD = 1024
"""Pairs written at a time: so many are computed again at most after an interruption."""

KEY = 16
"""Bytes of a key."""

NOT_SCORED = (ROW, "attention_mask", "ref_chosen_logps", "ref_rejected_logps")

ELSEWHERE = frozenset(
    {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache"}
    | {f"{which}_token_id" for which in ("bos", "eos", "pad")}
)
"""Settings of a model that say where it is from, what its tensors say themselves, or what training sets on the way."""


def reference_folder(wanted: str | None) -> Path | None:
    """Where log-probabilities are kept; None for nowhere.

    Args:
        wanted: a folder, ``off``, or None for ``reference`` in votewise's own cache.
    """
    if wanted is not None:
        return None if wanted == "off" else Path(wanted).expanduser()
    try:
        return cache_folder() / "reference"
    except BadInputError as error:
        logger.warning(f"Reference log-probabilities are not kept for the next run: {error}")
        return None


class ReferenceCache:
    """Log-probabilities by the key of their pair, in files that are written whole and never changed.

    Whatever the disk does, training goes on: what cannot be read is computed again, what cannot be written is computed
    the next time; each is told once.

    Args:
        folder: of one model; made when there is something to write. None to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._new: list[tuple[bytes, npt.NDArray[np.float32]]] = []

    def read(self, keys: list[bytes]) -> Logps:
        """(n, 2) log-probabilities of chosen and rejected answers, NaN where they are not known."""
        known: dict[bytes, Logps] = {}
        for path in self._files():
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                    names, logps = arrays["keys"], arrays["logps"]
                if names.shape != (len(logps), KEY) or logps.shape[1:] != (2,) or logps.dtype != np.float32:
                    raise ValueError("of another form")
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                logger.warning(f"{path} cannot be read ({error}): what it held is computed again.")
                if not isinstance(error, OSError):  # then it is damaged, and would be tomorrow
                    with suppress(OSError):
                        path.unlink()
                continue
            known |= zip((name.tobytes() for name in names), logps, strict=True)
        missing = np.full(2, np.nan, np.float32)
        return np.array([known.get(key, missing) for key in keys], np.float32).reshape(-1, 2)

    def _files(self) -> list[Path]:
        try:
            return [] if self.folder is None else sorted(self.folder.glob("*.npz"))
        except OSError as error:
            self._give_up(error)
            return []

    def add(self, keys: Iterable[bytes], logps: Logps) -> None:
        """Keep (n, 2) log-probabilities; those that are no numbers are not kept."""
        if self.folder is None:
            return
        self._new += [(key, row) for key, row in zip(keys, logps, strict=True) if np.isfinite(row).all()]
        if len(self._new) >= SHARD:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last time, to a file of its own: other processes may write here too."""
        if self.folder is None or not self._new:
            return
        keys = np.frombuffer(b"".join(key for key, _ in self._new), np.uint8).reshape(-1, KEY)
        logps = np.array([row for _, row in self._new], np.float32)
        self._new = []
        try:
            with written_whole(self.folder / f"{uuid.uuid4().hex}.npz") as path:
                np.savez(path, keys=keys, logps=logps)
        except (OSError, BadInputError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        logger.warning(f"Reference log-probabilities are not kept for the next run: {error}")
        self.folder = None


def pair_keys(batch: dict[str, Any]) -> list[bytes]:
    """A key for each of the B pairs of a collated batch: its tokens as they are scored, without padding.

    Args:
        batch: ``input_ids``, ``attention_mask``, ``completion_mask`` (2B, T) and whatever else the model takes.
    """
    fed = {name: value.cpu().numpy() for name, value in sorted(batch.items()) if isinstance(value, Tensor)}
    seen = fed["attention_mask"].astype(bool)
    digests = [blake2b(digest_size=KEY) for _ in range(len(seen) // 2)]
    for name, values in fed.items():
        if name in NOT_SCORED:
            continue
        for row, digest in enumerate(2 * digests):
            # What is not told by token is told by row, or else it is everybody's.
            part = values[row] if len(values) == len(seen) else values
            _feed(digest, name, part[seen[row]] if values.shape[:2] == seen.shape else part)
    return [digest.digest() for digest in digests]


def pair_keys_of_tokens(tokens: dict[str, Any], *, max_length: int | None, truncation_mode: str) -> list[bytes]:
    """The ``pair_keys`` of what TRL's collator makes of tokenized pairs, many times as fast as by way of it.

    Args:
        tokens: ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``, an array for each pair.
        max_length: tokens that a row is cut to.
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


def model_key(model: Any, weights: bytes | str, **settings: Any) -> str:
    """A key of all that says what log-probabilities a model gives to tokens, in 32 letters.

    Args:
        model: the reference model, with adapters or not.
        weights: digest of its weights.
        settings: what else says so; texts and numbers.
    """
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    config = {k: v for k, v in inner.config.to_dict().items() if k not in ELSEWHERE}
    config["attention"] = str(inner.config.get_text_config()._attn_implementation).removeprefix(PREFIX)
    told = (type(inner).__name__, sorted(config.items()), sorted(settings.items()), transformers.__version__, weights)
    digest = blake2b(repr(told).encode(), digest_size=KEY)
    code = Path(sys.modules[type(inner).__module__].__file__ or "")
    digest.update(code.read_bytes() if code.is_file() else b"")  # a model of the user's own may change in a line
    return digest.hexdigest()


def weights_digest(model: Any, adapter: str | None = None) -> bytes:
    """A digest of names, types and bytes of a model's weights.

    Args:
        model: a ``PeftModel`` stands for what it is without its adapters, so that it has the digest of its base.
        adapter: the one of its adapters that counts.
    """
    tensors = {name: x for name, x in model.state_dict(keep_vars=True).items() if isinstance(x, Tensor)}
    if isinstance(model, PeftModel):
        tensors = _without_adapters(model, tensors, adapter)
    distinct = {id(x): x for x in tensors.values()}  # tied weights are read once
    with ThreadPoolExecutor(4) as threads:
        digests = dict(zip(distinct, threads.map(_digest, distinct.values()), strict=True))
    whole = blake2b(digest_size=KEY)
    for name, x in sorted(tensors.items()):
        whole.update(name.encode() + digests[id(x)])
    return whole.digest()


def _without_adapters(model: Any, tensors: dict[str, Tensor], kept: str | None) -> dict[str, Tensor]:
    """The tensors of the base model under its own names, and those of the adapter ``kept``."""
    gone = set(model.peft_config) - {kept}
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
    tensor = getattr(tensor, "ds_tensor", tensor)  # where ZeRO-3 has spread it: the part of this process
    digest = blake2b(f"{tensor.dtype} {tuple(tensor.shape)}".encode(), digest_size=KEY)
    if not tensor.is_meta:
        numbers: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        digest.update(numbers)
    return digest.digest()
