"""Beliefs in a checkpoint: a file with arrays beside the model's own files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from accelerate.logging import get_logger
from transformers import TrainerState
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from votewise.errors import BadInputError
from votewise.storage.files import written_whole
from votewise.train.running_beliefs import RunningBeliefs

logger = get_logger(__name__)

FILE = "votewise_beliefs.npz"
STATE = "trainer_state.json"


def save_beliefs(folder: Path, beliefs: RunningBeliefs) -> None:
    """Write the beliefs into a checkpoint's folder, completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / FILE) as path, path.open("wb") as file:
        np.savez(file, **beliefs.state())  # type: ignore[arg-type]


def read_beliefs(folder: Path, beliefs: RunningBeliefs) -> None:
    """Restore the beliefs of a checkpoint; without any, for example in a checkpoint of TRL's own trainer, start fresh.

    Raises:
        BadInputError: the file is damaged, or belongs to other votes.
    """
    path = folder / FILE
    if not path.exists():
        logger.warning(f"{folder} has no {FILE}: training continues from its weights with fresh reliabilities.")
        return
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            state = {name: arrays[name] for name in arrays.files}
        beliefs.load(state)
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, BadInputError):
            raise
        raise BadInputError("is damaged", source=str(path), expected="an earlier checkpoint") from error


def last_whole_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint in ``folder``; None if there is none.

    The trainer's state is written last. If it is missing or cut off, writing was interrupted.
    """
    found = []
    for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        number = path.name.removeprefix(f"{PREFIX_CHECKPOINT_DIR}-")
        if not number.isdigit():
            continue
        try:
            json.loads((path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            logger.warning(f"{path} is incomplete and is skipped.")
            continue
        found.append((int(number), path))
    return str(max(found)[1]) if found else None


def place_in_stream(folder: Path, accumulated: int) -> tuple[int, int]:
    """Passes over a stream that a checkpoint has behind it, and micro-batches of the pass that it is in.

    Transformers takes the length of a run for that of a pass, so it would skip more batches than a pass has.

    Args:
        folder: of the checkpoint.
        accumulated: micro-batches per optimiser step.
    """
    state = TrainerState.load_from_json(str(folder / STATE))
    passes = int(state.epoch or 0)
    return passes, round(((state.epoch or 0) - passes) * state.max_steps * accumulated)
