"""Long work that can be interrupted: a journal beside the output says what is already done.

A journal has one JSON value per line, each with a checksum: first the settings of the run, then one record per finished
piece of work under its key. Half a line at the end, left by a kill or a full disk, is dropped. Lines that are damaged, or
that another program wrote, are moved to a file beside the journal, which is said on stderr; the other records count. A run
with other settings is refused, because its results would not belong together.

When everything is done the caller writes the output, complete and in the order of the input, and calls ``finish``: an
interrupted and resumed run ends with the same file as an uninterrupted one.

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
import logging
import zlib
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

DAMAGED = ".damaged"
"""Added to the journal's name, for what could not be read in it."""


def content_key(*parts: Any) -> str:
    """A short name for JSON values, equal for equal values: 32 hexadecimal digits, the first half of their SHA-256."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def journal_records(out: Path) -> dict[str, dict[str, Any]]:
    """The records of the journal beside ``out``, by key; none without one. Damaged lines are left out."""
    try:
        lines = out.with_name(out.name + SUFFIX).read_bytes().splitlines(keepends=True)
    except OSError:
        return {}
    return dict(found for line in lines[1:] if (found := _record_in(line)) is not None)


class Journal:
    """What is done of a long piece of work, as a context manager.

    Attributes:
        path: the journal's file, the output's name and ``.journal``.
        done: records by key, including those of an interrupted run.
        resumed: how many of them the interrupted run had left.
        damaged: the file that has what could not be read in the journal; None if everything could.

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
        self.damaged: Path | None = None
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
        self._write(_checked(key, record) for key, record in records)
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
        """Read the journal, set aside what is damaged, and compare the settings; write them to a new journal."""
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        before = _settings_in(lines[0]) if lines else None
        # A file of nothing but zeros is not what a kill leaves: a disk has lost a whole journal.
        lost = len(lines) == 1 and lines[0].startswith(b"\0")
        if lines and _cut_off(lines[-1]) and not lost:
            del lines[-1]
        records = [_record_in(line) for line in lines[1:]] if before is not None else []
        if before is not None and any(records):
            self._compare(before)
        good = 0 if before is None else 1 + next((i for i, found in enumerate(records) if not found), len(records))
        if good < len(lines):
            self._set_aside(lines, good)
        self._shorten(sum(len(line) for line in lines[:good]))
        again = [line for line, found in zip(lines[good:], records[max(good - 1, 0) :], strict=False) if found]
        self.done = dict(found for found in records if found)
        if self.done:
            self._write_lines(again)
        else:
            self._shorten(0)
            self._write([{"settings": self._settings, "check": _checksum(self._settings)}])

    def _set_aside(self, lines: list[bytes], good: int) -> None:
        """Copy the lines from the first damaged one on to a file beside the journal, and say so."""
        number = 1
        path = self.path.with_name(self.path.name + DAMAGED)
        while path.exists():
            number += 1
            path = self.path.with_name(f"{self.path.name}{DAMAGED}-{number}")
        try:
            path.write_bytes(b"".join(lines[good:]))
        except OSError as error:
            raise self._unwritable(error) from error
        self.damaged = path
        logging.getLogger("votewise").warning(
            "%s: line %d cannot be read as the journal of an interrupted run; what cannot be read is now in %s, and the "
            "work resumes without it",
            self.path,
            good + 1,
            path.name,
        )

    def _shorten(self, length: int) -> None:
        try:
            self._file.truncate(length)
        except OSError as error:
            raise self._unwritable(error) from error

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

    def _write(self, values: Iterable[Any]) -> None:
        self._write_lines(json.dumps(value).encode() + b"\n" for value in values)

    def _write_lines(self, lines: Iterable[bytes]) -> None:
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> BadInputError:
        return BadInputError(f"cannot be written: {error.strerror or error}", source=str(self.path))


def _checksum(*values: Any) -> str:
    """Eight hexadecimal digits that change with any damage to JSON values."""
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"


def _checked(key: str, record: dict[str, Any]) -> list[Any]:
    """What a line says about a finished piece of work."""
    record = json.loads(json.dumps(record))  # as it is read back
    return [key, record, _checksum(key, record)]


def _settings_in(line: bytes) -> dict[str, Any] | None:
    """The settings in a journal's first line, None where it is damaged; earlier versions wrote no checksum."""
    match _parsed(line):
        case {"settings": dict() as settings, "check": check} if check == _checksum(settings):
            return settings
        case {"settings": dict() as settings, **others} if not others:
            return settings
    return None


def _record_in(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Key and record in a line, None where it is damaged."""
    match _parsed(line):
        case [str() as key, dict() as record]:
            return key, record
        case [str() as key, dict() as record, check] if check == _checksum(key, record):
            return key, record
    return None


def _cut_off(line: bytes) -> bool:
    """Whether a journal's last line is the beginning of one of ours, as a kill or a full disk leaves it."""
    if line.endswith(b"\n"):
        return not line.strip(b"\0\n")
    starts = (b'{"settings"', b'["')
    return any(line.startswith(start) or start.startswith(line) for start in starts) or not line.strip(b"\0")


def _parsed(line: bytes) -> Any:
    """A line's value; None where the line is cut off or not JSON."""
    if not line.endswith(b"\n"):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
