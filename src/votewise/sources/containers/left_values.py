"""The values of a column that stays in its files, read some rows at a time as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from votewise.sources.containers.table_files import TableFiles
from votewise.sources.values import decoded

AT_ONCE = 2_000
"""Rows that are read at once where single ones are asked for."""


class MappedValues(Sequence[Any]):
    """A function of each value of a sequence, called when the value is asked for."""

    def __init__(self, values: Sequence[Any], function: Callable[[Any], Any]) -> None:
        self._values, self._function = values, function

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return map(self._function, self._values)

    def __getitem__(self, index: Any) -> Any:
        found = self._values[index]
        return list(map(self._function, found)) if isinstance(index, slice) else self._function(found)


class LeftValues(Sequence[Any]):
    """A column as a sequence of Python objects; reading it from the first to the last row reads the files once."""

    def __init__(self, files: TableFiles, name: str) -> None:
        self._files, self._name = files, name
        self._start, self._here = 0, list[Any]()
        self._next = self._batches()

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Any]:
        for _, values in self._batches():
            yield from values

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self._start <= index < self._start + len(self._here):
            self._find(index)
        return self._here[index - self._start]

    def _find(self, index: int) -> None:
        """Go on to the batch with this row; back to the first one where it has gone by."""
        if index < self._start:
            self._next = self._batches()
        for start, values in self._next:
            self._start, self._here = start, values
            if index < start + len(values):
                return

    def _batches(self) -> Iterator[tuple[int, list[Any]]]:
        start = 0
        for batch in self._files.batches([self._name]):
            for first in range(0, len(batch), AT_ONCE):
                piece = batch.slice(first, AT_ONCE)
                yield start, decoded(piece, self._name)
                start += len(piece)
