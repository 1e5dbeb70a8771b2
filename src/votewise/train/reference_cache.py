"""Log-probabilities under the reference model, computed once before training and kept on disk for later runs.

They depend only on the model and on the scored tokens. Each model has a folder, named after everything that its output
depends on (``model_key``), and in it each pair is found by its tokens as they are fed to the model (``pair_keys``). So other
weights, data, templates, lengths or number formats find nothing.
"""

from __future__ import annotations

import uuid
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from accelerate.logging import get_logger

from votewise.errors import BadInputError
from votewise.storage.files import cache_folder, written_whole
from votewise.train.reference_keys import KEY

logger = get_logger(__name__)

Logps = npt.NDArray[np.float32]

SHARD = 1024
"""Pairs per file. After an interruption at most this many are computed again."""


def reference_folder(wanted: str | None) -> Path | None:
    """Where log-probabilities are kept; None if they are not kept.

    Args:
        wanted: a folder, ``off``, or None for ``reference`` in votewise's cache folder.
    """
    if wanted is not None:
        return None if wanted == "off" else Path(wanted).expanduser()
    try:
        return cache_folder() / "reference"
    except BadInputError as error:
        logger.warning(f"Reference log-probabilities are not kept for the next run: {error}")
        return None


class ReferenceCache:
    """Log-probabilities by the key of their pair, in files that are written completely and never changed.

    Problems with the disk do not stop training: what cannot be read is computed again, what cannot be written is computed
    by the next run. Each problem gives one warning.

    Args:
        folder: of one model; made when there is something to write. None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._new: list[tuple[bytes, npt.NDArray[np.float32]]] = []

    def read(self, keys: list[bytes]) -> Logps:
        """(n, 2) log-probabilities of chosen and rejected answers, NaN if not known."""
        known: dict[bytes, Logps] = {}
        for path in self._files():
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                    names, logps = arrays["keys"], arrays["logps"]
                if names.shape != (len(logps), KEY) or logps.shape[1:] != (2,) or logps.dtype != np.float32:
                    raise ValueError("unexpected content")
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                logger.warning(f"{path} cannot be read ({error}): its content is computed again.")
                if not isinstance(error, OSError):  # then the file itself is damaged
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
        """Keep (n, 2) log-probabilities, except those that are not finite."""
        if self.folder is None:
            return
        self._new += [(key, row) for key, row in zip(keys, logps, strict=True) if np.isfinite(row).all()]
        if len(self._new) >= SHARD:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last call to a new file, because other processes may write here too."""
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
