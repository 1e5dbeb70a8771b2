"""Writing files completely or not at all."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.storage.staging import staging_folder


def cache_folder() -> Path:
    """Where to keep what can be computed again: ``VOTEWISE_CACHE``, else ``votewise`` in the user's cache folder.

    Raises:
        BadInputError: the user's home folder is unknown.
    """
    folder = os.environ.get("VOTEWISE_CACHE")
    if folder:
        return Path(folder)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "votewise"
    except RuntimeError:
        raise BadInputError(
            "is not set, and there is no home folder", source="VOTEWISE_CACHE", expected="a folder"
        ) from None


def refuse_url(path: Path) -> None:
    """Raise BadInputError for a URL in the place of a file or folder to write: a folder of that name would be made."""
    scheme = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]+):", path.parts[0]) if len(path.parts) > 1 else None
    if scheme is not None:
        raise BadInputError(
            "is a URL, and results are written to this machine's disks",
            source=f"{scheme[0]}//...",
            expected="a path; copy the result from there",
        )


def make_folder(path: Path) -> Path:
    """Make a folder if there is none; BadInputError where that is impossible."""
    refuse_url(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"cannot be made: {error.strerror or error}", source=str(path)) from error
    return path


def folder_to_write(out: str | os.PathLike[str] | None) -> Path | None:
    """The folder for results, None for none; BadInputError where a file has its name."""
    if out is None:
        return None
    folder = Path(out)
    refuse_url(folder)
    if folder.exists() and not folder.is_dir():
        raise BadInputError("is a file", source=str(folder), expected="a folder to write to")
    return folder


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and move it to ``path`` if there was no error.

    Raises:
        BadInputError: when the file or its folder cannot be written.
    """
    refuse_url(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A temporary folder, because a file made by mkstemp would not get the permissions that users expect.
        with staging_folder(path.parent) as folder:
            partial = folder / path.name
            yield partial
            partial.replace(path)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror or error}", source=str(path)) from error


@contextmanager
def written_at_last(path: Path | None) -> Iterator[Path | None]:
    """Give a temporary path beside ``path``; what was written there is moved to ``path`` if all went well until the end.

    For files that are known long before the work that they belong to is done. A folder that was made for it is removed again
    if it is empty. None gives None.

    Raises:
        BadInputError: when the file or its folder cannot be written.
    """
    if path is None:
        yield None
        return
    new = not path.parent.exists()
    make_folder(path.parent)
    try:
        with staging_folder(path.parent) as folder:
            yield folder / path.name
            if (folder / path.name).exists():
                _move(folder / path.name, path)
    finally:
        if new and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _move(partial: Path, path: Path) -> None:
    try:
        partial.replace(path)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror or error}", source=str(path)) from error


@contextmanager
def folder_written_whole(folder: Path, *, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give a temporary folder inside ``folder`` to write to, and move its files to ``folder`` if there was no error.

    An interruption never leaves half a file, and a failure leaves what was there before. ``folder`` is made if it does not
    exist, and removed again if nothing was written to it.

    Args:
        folder: where to put the files.
        stale: names of files of an earlier run, which are removed if there was no error.

    Raises:
        BadInputError: when ``folder`` cannot be written to.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with staging_folder(folder) as staging:
            yield staging
            for file in sorted(staging.iterdir()):
                file.replace(folder / file.name)
        for stale_name in stale:
            (folder / stale_name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror or error}", source=str(folder)) from error
    finally:
        if new and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def write_json(path: Path, value: Any) -> None:
    """Write one value as indented JSON; dates and other objects become texts, NaN is refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line, all or none; dates and times become ISO texts, bytes base64."""
    with written_whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, default=_as_text) + "\n" for row in rows)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
