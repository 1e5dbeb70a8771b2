"""Are the files of a data set all there, and each of them once? What is missing or there twice changes the votes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from votewise.errors import BadInputError
from votewise.sources.containers.loaded import PACKED

SHARD = re.compile(r"(.+?[-_.])(\d{5})-of-(\d{5})(?:-[0-9a-f]{8,})?(?:\..+)?")
"""The name of one of several files, such as ``train-00000-of-00003.parquet``."""


def incomplete(files: Sequence[Path]) -> Iterator[str]:
    """What is wrong with files whose names say how many there are, if some are missing: ``lacks ...``, a data set each."""
    there: dict[tuple[Path, str, int], set[int]] = defaultdict(set)
    for file in files:
        if shard := SHARD.fullmatch(file.name):
            there[file.parent, shard[1], int(shard[3])].add(int(shard[2]))
    for (_, name, parts), numbers in there.items():
        missing = [number for number in range(parts) if number not in numbers]
        if missing:
            first = f"{name}{missing[0]:05}-of-{parts:05}"
            yield f"lacks {len(missing):,} of the {parts:,} parts that its files' names count, the first of them {first}"


def check_for_copies(files: Sequence[Path], name: str) -> None:
    """Raise BadInputError where one file is there twice: packed and not packed, or under a second name by a link."""
    seen: dict[Path, Path] = {}
    for file in files:
        itself = file.resolve()
        plain = itself.with_suffix("") if itself.suffix.lower() in PACKED else itself
        if plain in seen:
            raise BadInputError(
                f"holds the same file twice, as {seen[plain].name} and as {file.name}, so that its votes would count twice",
                source=name,
                expected=f"one of them, as in {file}",
            )
        seen[plain] = file
