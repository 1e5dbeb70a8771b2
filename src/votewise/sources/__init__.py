"""Any file, table or URL -> votes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from votewise.sources.format import Format
    from votewise.sources.read import read_votes
    from votewise.sources.registry import FORMATS

__all__ = ["FORMATS", "Format", "read_votes"]

_HOMES = {
    "FORMATS": "votewise.sources.registry",
    "Format": "votewise.sources.format",
    "read_votes": "votewise.sources.read",
}


def __getattr__(name: str) -> object:
    """Load a name when it is first used: whoever needs one module of this package does not wait for all of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'votewise.sources' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
