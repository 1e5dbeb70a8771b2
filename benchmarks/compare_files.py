"""How far two files that votewise wrote are apart: Parquet and JSON lines cell by cell, JSON leaf by leaf."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TOLERANCE = 1e-12
UNSTABLE = {"created", "versions", "version", "seconds", "runtime", "elapsed"}
"""Keys of JSON whose values differ from run to run; so do those that end in _runtime, _per_second or _seconds."""
WORDING = {"message", "problem"}
"""Keys of sentences for a person: they may be reworded."""
SKIPPED = {".bin", ".md", ".log"}
"""Files without results: pickled settings, the model's card."""

Leaves = Iterator[tuple[str, Any]]


@dataclass
class Difference:
    """What differs between two files or folders.

    Attributes:
        files: how many were compared.
        largest: the largest difference of two numbers, relative where they exceed one.
        other: every other difference, in words.
    """

    files: int = 0
    largest: float = 0.0
    other: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs by more than TOLERANCE."""
        return self.largest <= TOLERANCE and not self.other


def compare_folders(before: Path, after: Path) -> Difference:
    """Compare all files below two folders; a file that is in one alone is a difference."""
    found = Difference()
    names = [
        {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} for folder in (before, after)
    ]
    found.other += [f"only before: {name}" for name in sorted(names[0] - names[1])]
    found.other += [f"only after: {name}" for name in sorted(names[1] - names[0])]
    for name in sorted(names[0] & names[1]):
        if Path(name).suffix not in SKIPPED:
            found.files += 1
            _compare(name, before / name, after / name, found)
    return found


def _compare(name: str, before: Path, after: Path, found: Difference) -> None:
    leaves = READERS.get(before.suffix)
    if leaves is None:
        if before.read_bytes() != after.read_bytes():
            found.other.append(f"{name}: bytes differ")
        return
    one, two = dict(leaves(before)), dict(leaves(after))
    missing = sorted(one.keys() ^ two.keys())
    if missing:
        places = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        found.other.append(f"{name}: in one file alone: {places}")
    for place in one.keys() & two.keys():
        size = distance(one[place], two[place])
        if math.isinf(size):
            found.other.append(f"{name}: {place}: {one[place]!r} became {two[place]!r}"[:200])
        else:
            found.largest = max(found.largest, size)


def distance(one: Any, two: Any) -> float:
    """0 for equal values, infinity for values that are not two numbers."""
    if type(one) is type(two) and (one == two or (one != one and two != two)):
        return 0.0
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    if not numbers or not (math.isfinite(one) and math.isfinite(two)):
        return math.inf
    return abs(one - two) / max(1.0, abs(one), abs(two))


def _leaves(value: Any, place: str = "") -> Leaves:
    """All values that are not lists or objects, each with its place; empty lists and objects count as values."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if not (key in UNSTABLE | WORDING or re.search(r"_(runtime|per_second|seconds)$", str(key))):
                yield from _leaves(inner, f"{place}.{key}")
    elif isinstance(value, list | tuple) and len(value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{number}]")
    else:
        yield place, value


def _parquet(file: Path) -> Leaves:
    table = pq.read_table(file)
    yield "rows", len(table)
    for column in table.schema:
        yield f"type of {column.name}", str(column.type)
        for row, value in enumerate(table[column.name].to_pylist()):
            yield from _leaves(value, f"{column.name}[{row}]")
    yield "order of columns", tuple(table.column_names)


def _json(file: Path) -> Leaves:
    return _leaves(json.loads(file.read_text(encoding="utf-8")))


def _json_lines(file: Path) -> Leaves:
    return _leaves([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()])


def _weights(file: Path) -> Leaves:
    from safetensors.numpy import load_file

    for name, array in load_file(file).items():
        yield f"type of {name}", f"{array.dtype} {array.shape}"
        yield from _leaves(array.ravel().tolist(), name)


def _page(file: Path) -> Leaves:
    """The numbers behind a report's charts; its sentences may be reworded."""
    found = re.search(r'id="chart-data">(.*?)</script>', file.read_text(encoding="utf-8"), re.DOTALL)
    specs = json.loads(found[1])["specs"] if found else {}
    for number, spec in enumerate(specs.values(), 1):
        # Charts may be renamed, and Altair names data by a hash of their content.
        yield from _leaves(list(spec.get("datasets", {}).values()), f"chart {number}")


READERS: dict[str, Callable[[Path], Leaves]] = {
    ".parquet": _parquet,
    ".json": _json,
    ".jsonl": _json_lines,
    ".safetensors": _weights,
    ".html": _page,
}
