"""Whether a folder may be written to: nobody's files are replaced by, or mixed with, those of another command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from votewise.errors import BadInputError, shorten

TRAINING = "training"
"""The key of ``summary.json`` that only training writes."""


def check_folder_is_free(
    folder: Path | None, *, names: Iterable[str], summary_keys: Iterable[str], command: str
) -> None:
    """Refuse a folder that has something else in it than an earlier result of the same command; None is always free.

    Hidden files do not count, nor do folders that have such a result in them.

    Args:
        folder: where the results will be written.
        names: of all files that the command writes.
        summary_keys: what ``summary.json`` has in it when the command wrote it.
        command: its name, for the message.

    Raises:
        BadInputError: there is something else, or the folder cannot be read.
    """
    if folder is None or not folder.is_dir() or _is_result(folder, summary_keys):
        return
    # Without its summary a result is what a kill left of one.
    ours = set(names) - {"summary.json"}
    others = [path.name for path in _shown(folder) if path.name not in ours and not _is_result(path, summary_keys)]
    _refuse(folder, others, command)


def check_folder_by_names(
    folder: Path | None,
    *,
    marks: Sequence[str],
    names: Sequence[str],
    command: str,
    summary_keys: Sequence[str] = (),
) -> None:
    """Refuse a folder that has something else in it, for commands of which several write to one folder.

    Args:
        folder: where the results will be written; None is always free.
        marks: patterns of files by which an earlier result is known, whatever lies beside it.
        names: patterns of other files that the command, or a killed run of it, may have left.
        command: its name, for the message.
        summary_keys: what ``summary.json`` has in it when the command wrote it; empty where it writes none.

    Raises:
        BadInputError: there is something else, or the folder cannot be read.
    """
    if folder is None or not folder.is_dir() or (summary_keys and _is_result(folder, summary_keys)):
        return
    found = [path.name for path in _shown(folder)]
    if not any(_is_one_of(name, marks) for name in found):
        _refuse(folder, [name for name in found if not _is_one_of(name, names)], command)


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _shown(folder: Path) -> list[Path]:
    """What is in a folder and not hidden."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}", source=str(folder)) from error


def _refuse(folder: Path, others: Sequence[str], command: str) -> None:
    """Raise an error about these entries, if there are any."""
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        raise BadInputError(
            f"holds something else: {shorten(others[0])}{more}",
            source=str(folder),
            expected=f"a new or empty folder, or an earlier result of `votewise {command}`",
        )


def _is_result(folder: Path, summary_keys: Iterable[str]) -> bool:
    """Whether ``folder`` has a ``summary.json`` with these keys and our version in it."""
    try:
        summary = json.loads((folder / "summary.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(summary, dict) or not isinstance(summary.get("versions"), dict):
        return False
    if TRAINING in summary and TRAINING not in summary_keys:
        return False  # beside a model lies what training believes about annotators, as an audit would write it
    return "votewise" in summary["versions"] and all(key in summary for key in summary_keys)
