"""Long work that can be interrupted: a journal beside the output says what is already done.

A journal has one JSON object per line: first the settings of the run, then one record per finished piece of work under
its key. Half a line at the end, left by a kill or a full disk, is dropped. A run with other settings is refused, because
its results would not belong together. When everything is done the caller writes the output, complete and in the order of
the input, and calls ``finish``: an interrupted and resumed run ends with the same file as an uninterrupted one.

    with Journal(out, settings) as journal:
        for key in keys:
            if key not in journal.done:
                journal.append(key, work(key))
        write_json_lines(out, (journal.done[key] for key in keys))
        journal.finish()
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from votewise.errors import BadInputError, shorten

try:
    import fcntl
except ImportError:  # Windows: nothing stops two runs from writing the same output there
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".journal"
"""Added to the output's name."""


def content_key(*parts: Any) -> str:
    """A short name for JSON values, equal for equal values: 32 hexadecimal digits, the first half of their SHA-256."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Journal:
    """What is done of a long piece of work, as a context manager.

    Attributes:
        path: the journal's file, the output's name and ``.journal``.
        done: records by key, including those of an interrupted run.
        resumed: how many of them the interrupted run had left.

    Args:
        out: the file that the work will end with; its folder is made if it does not exist.
        settings: JSON values that the records depend on: model, seed, the input's fingerprint and so on.
        restart: delete what an interrupted run left.

    Raises:
        BadInputError: an interrupted run had other settings, another run is writing, or the file cannot be written.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any], *, restart: bool = False) -> None:
        self.path = out.with_name(out.name + SUFFIX)
        self.done: dict[str, dict[str, Any]] = {}
        # As they are read back from the file, where (1, 2) is [1, 2].
        self._settings: dict[str, Any] = json.loads(json.dumps(dict(settings), default=str))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self.path.open("a+b")
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._lock()
            if restart:
                self._file.truncate(0)
            self._begin()
        except BaseException:
            self._file.close()
            raise
        self.resumed = len(self.done)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A run that did nothing, because a model's name was misspelt for example, leaves nothing.
        if not self.done:
            self.finish()
        self._file.close()

    def append(self, key: str, record: dict[str, Any]) -> None:
        """Record one finished piece of work; it has been handed to the disk when this returns."""
        self.extend([(key, record)])

    def extend(self, records: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Record several finished pieces of work: those of a batch."""
        records = list(records)
        self._write([[key, record] for key, record in records])
        self.done.update(records)

    def finish(self) -> None:
        """Remove the journal: the output is written."""
        self.path.unlink(missing_ok=True)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInputError(
                "another run is writing here", source=str(self.path), expected="one at a time, or another output"
            ) from error

    def _begin(self) -> None:
        """Read the journal, drop half a line at the end, and compare the settings; write them to a new journal."""
        self._file.seek(0)
        content = self._file.read()
        lines = content.splitlines(keepends=True)
        good, before = 0, self._settings
        for number, line in enumerate(lines, 1):
            value = _parsed(line)
            if value is None:
                if number < len(lines):
                    raise self._unreadable(number)
                break
            if number == 1:
                before = self._settings_in(value)
            else:
                self._take(value, number)
            good += len(line)
        if self.done:
            self._compare(before)
            self._file.truncate(good)
        else:
            self._file.truncate(0)
            self._write([{"settings": self._settings}])

    def _settings_in(self, value: Any) -> dict[str, Any]:
        match value:
            case {"settings": dict() as settings}:
                return settings
        raise self._unreadable(1)

    def _compare(self, before: dict[str, Any]) -> None:
        names = [name for name in {**before, **self._settings} if before.get(name) != self._settings.get(name)]
        if names:
            changes = "; ".join(
                f"{name} was {shorten(before.get(name))} and is {shorten(self._settings.get(name))}" for name in names
            )
            raise BadInputError(
                f"an interrupted run had other settings: {changes}",
                source=str(self.path),
                expected="the same settings to resume it, or --restart to delete it",
            )

    def _take(self, value: Any, number: int) -> None:
        match value:
            case [str() as key, dict() as record]:
                self.done[key] = record
            case _:
                raise self._unreadable(number)

    def _write(self, values: Iterable[Any]) -> None:
        try:
            self._file.write(b"".join(json.dumps(v).encode() + b"\n" for v in values))
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> BadInputError:
        return BadInputError(f"cannot be written: {error.strerror or error}", source=str(self.path))

    def _unreadable(self, number: int) -> BadInputError:
        return BadInputError(
            "is not the journal of an interrupted run",
            source=str(self.path),
            row=number,
            expected="--restart to delete it",
        )


def _parsed(line: bytes) -> Any:
    """A line's value; None where the line is cut off or not JSON."""
    if not line.endswith(b"\n"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None
