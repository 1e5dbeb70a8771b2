"""Whether a folder may be written to: nobody's files are replaced by, or mixed with, those of another command."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path

from votewise.errors import BadInputError, shorten

TRAINING = "training"
"""The key of ``summary.json`` that only training writes."""


def check_folder_is_free(
    folder: Path | None,
    *,
    names: Iterable[str],
    command: str,
    summary_keys: Collection[str] = (),
    marks: Collection[str] = (),
) -> None:
    """Refuse a folder that has something else in it than an earlier result of the same command; None is always free.

    Hidden files do not count, nor do folders that have such a result in them.

    Args:
        folder: where the results will be written.
        names: of all files that the command, or a killed run of it, may leave; patterns such as ``*.log``.
        command: its name, for the message.
        summary_keys: what ``summary.json`` has in it when the command wrote it; empty where it writes none.
        marks: patterns of files by which an earlier result is known as well, whatever lies beside it.

    Raises:
        BadInputError: there is something else, or the folder cannot be read.
    """
    if folder is None or not folder.is_dir() or _is_result(folder, summary_keys):
        return
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}", source=str(folder)) from error
    if any(_is_one_of(path.name, marks) for path in found):
        return
    # Without its summary a result is what a kill left of one.
    ours = set(names) - {"summary.json"}
    others = [path.name for path in found if not _is_one_of(path.name, ours) and not _is_result(path, summary_keys)]
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        raise BadInputError(
            f"holds something else: {shorten(others[0])}{more}",
            source=str(folder),
            expected=f"a new or empty folder, or an earlier result of `votewise {command}`",
        )


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _is_result(folder: Path, summary_keys: Collection[str]) -> bool:
    """Whether ``folder`` has a ``summary.json`` with these keys and our version in it; never without keys."""
    if not summary_keys:
        return False
    try:
        summary = json.loads((folder / "summary.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(summary, dict) or not isinstance(summary.get("versions"), dict):
        return False
    if TRAINING in summary and TRAINING not in summary_keys:
        return False  # beside a model lies what training believes about annotators, as an audit would write it
    return "votewise" in summary["versions"] and all(key in summary for key in summary_keys)
