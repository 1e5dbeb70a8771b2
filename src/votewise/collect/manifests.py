"""What a training set was made of, beside its file and in the database; and whether both still say the same.

A manifest makes the training set reproducible: the same database, until the same moment, with the same settings and the same
version of votewise gives the same file.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, insert, select

from votewise.collect.database import retried
from votewise.collect.folder import Collection
from votewise.collect.schema import export_manifest
from votewise.collect.snapshots import Snapshot
from votewise.errors import BadInputError
from votewise.storage.files import written_whole
from votewise.storage.row_files import write_rows
from votewise.storage.versions import library_versions

SUFFIX = ".manifest.json"
OPTIONS = ("to", "win_rate", "threshold", "min_confidence")
KEYS = ("file", "sha256", "rows", "left_out", "created", "until", "export", "beliefs", "config_versions", "versions")


def manifest_of(file: Path) -> Path:
    """Where the manifest of a training set is: beside it, ``NAME.manifest.json``."""
    return file.with_name(file.name + SUFFIX)


def beliefs_version(source: str, settings: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """What beliefs depend on: the estimator and its settings, and the votes.

    Args:
        source: ``audit`` or ``filter``.
        settings: every argument the estimate was made with.
        snapshot: the votes.

    Returns:
        ``from``, ``settings``, ``votes``, ``votes_sha256``, and ``version``, the SHA-256 of these and of votewise's version.
    """
    plain = json.loads(json.dumps(settings, default=str))
    found = {"from": source, "settings": plain, "votes": len(snapshot.comparisons), "votes_sha256": snapshot.digest}
    kept = json.dumps([found, library_versions()["votewise"]], sort_keys=True)
    return {**found, "version": hashlib.sha256(kept.encode()).hexdigest()}


def write_export(collection: Collection, file: Path, table: pa.Table, facts: dict[str, Any]) -> dict[str, Any]:
    """Write a training set, its manifest and the row of the database: all of them, or none where one fails.

    Args:
        collection: where the votes are from.
        file: the file of rows; an earlier one is replaced, with its manifest.
        table: the rows.
        facts: what the manifest says beside the file's name, SHA-256, rows and time.

    Returns:
        The manifest.
    """
    now = collection.clock()
    with written_whole(manifest_of(file)) as beside, written_whole(file) as partial:
        write_rows(partial, table)
        found = {
            "file": file.name,
            "sha256": hash_of(partial),
            "rows": len(table),
            "created": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            **facts,
            "versions": library_versions(),
        }
        manifest = {name: found[name] for name in KEYS}
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        beside.write_text(text, encoding="utf-8")
        row = insert(export_manifest).values(at=now, file_hash=manifest["sha256"], content=text)
        retried(collection.engine, lambda connection: connection.execute(row))
    return manifest


def hash_of(file: Path) -> str:
    """SHA-256 of a file; BadInputError where it cannot be read."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}", source=str(file)) from None


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest that ``write_export`` wrote; BadInputError for anything else."""
    expected = f"a file NAME{SUFFIX} beside a training set"
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}", source=str(path), expected=expected) from None
    except (ValueError, RecursionError):
        raise BadInputError("is no manifest", source=str(path), expected=expected) from None
    whole = isinstance(found, dict) and {*KEYS} <= {*found} and path.name.endswith(SUFFIX)
    if not whole or not isinstance(found["export"], dict) or found["export"].keys() != {*OPTIONS}:
        raise BadInputError("is no manifest", source=str(path), expected=expected)
    return dict(found)


def is_known(connection: Connection, manifest: dict[str, Any]) -> bool:
    """Whether the database has written down this manifest, word for word."""
    rows = select(export_manifest.c.content).where(export_manifest.c.file_hash == manifest["sha256"])
    return any(json.loads(content) == manifest for content in connection.execute(rows).scalars())
