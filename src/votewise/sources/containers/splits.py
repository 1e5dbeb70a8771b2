"""Data sets in splits: one is read at a time, so that test rows never get among training rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from votewise.errors import BadInputError

TRAIN = "train"
KNOWN = ("train", "test", "validation", "valid", "val", "dev", "eval", "evaluation", "training", "testing")
SHARD = re.compile(r"(.+?)[-_.]\d{5}-of-\d{5}(?:-[0-9a-f]{8,})?")
"""The name of one of several files; the Hub once added a hash to it."""


def choose_split(splits: Sequence[str], wanted: str | None, source: str) -> tuple[str, tuple[str, ...]]:
    """The split to read, and what to say about it.

    Raises:
        BadInputError: there is no such split, or several of which none is ``train`` and none was asked for.
    """
    found = sorted(splits, key=lambda name: (not name, name))
    chosen = wanted or (TRAIN if TRAIN in found else found[0] if len(found) == 1 else None)
    if chosen is None or chosen not in found:
        names = ", ".join(name or "files of no split" for name in found)
        problem = f"holds the splits {names}" if wanted is None else f"there is no split '{wanted}'"
        first = next((name for name in found if wanted is None and TRAIN in name), found[0])
        raise BadInputError(problem, source=source, expected=f"one of them: --split {first}")
    others = [name or "files of no split" for name in found if name != chosen]
    return chosen, (f"The split '{chosen}' is read; left out: {', '.join(others)}.",) if others else ()


def split_of(file: Path, folder: Path) -> str | None:
    """The split that a file of a data set belongs to, by its name or its folder's; None where neither tells.

    As for the library ``datasets``, ``votes_train-1.jsonl`` and ``votes/train-data/1.jsonl`` belong to train.
    """
    shard = SHARD.fullmatch(file.stem)
    if shard:
        return shard[1]
    names = [file.stem, *reversed(file.relative_to(folder).parts[:-1])]
    return next((split for name in names if (split := _word(name))), None)


def _word(name: str) -> str | None:
    """The one word of a name that is a split; None where there is none, or several."""
    words = {word for word in re.split(r"[-._ 0-9]+", name) if word.casefold() in KNOWN}
    return words.pop() if len(words) == 1 else None
