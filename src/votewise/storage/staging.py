"""Temporary folders beside an output, which the next run removes if a kill left them behind.

A folder's name has the process that made it, and that process keeps the folder locked while it lives. A folder is left
behind only if its lock is free and no such process runs here: what another live run writes, in another container for
example, is never touched.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: folders cannot be locked, so none is ever taken to be left behind
    fcntl = None  # type: ignore[assignment]

PREFIX = ".votewise-"
"""What the names of all temporary folders start with."""

_NAME = re.compile(rf"{re.escape(PREFIX)}(\d+)-\w+")
_making = threading.Lock()
_cleared: set[Path] = set()


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Give a new temporary folder inside ``parent``, which is removed at the end.

    Raises:
        OSError: when it cannot be made.
    """
    with _making:
        # Once is enough: this process leaves none behind.
        if parent.absolute() not in _cleared:
            _cleared.add(parent.absolute())
            remove_left_behind(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def temporary_folder() -> AbstractContextManager[Path]:
    """Give a new folder in ``TMPDIR``, which is removed at the end; if a kill left it behind, the next run removes it.

    Raises:
        OSError: when it cannot be made.
    """
    return staging_folder(Path(tempfile.gettempdir()))


def remove_left_behind(parent: Path) -> None:
    """Remove the temporary folders that killed processes left in ``parent``."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            named = _NAME.fullmatch(entry.name)
            if named is None or not entry.is_dir(follow_symlinks=False) or _is_another(int(named[1])):
                continue
            lock = _lock(Path(entry.path))
            if lock is not None:
                shutil.rmtree(entry.path, ignore_errors=True)
                os.close(lock)


def _is_another(process: int) -> bool:
    """Whether another process has this number; in a container the next run often has the number of the last."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it runs, and belongs to somebody else
        return True
    return True


def _lock(folder: Path) -> int | None:
    """Lock a folder until the number that is returned is closed; None if another has it, or it cannot be locked."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
