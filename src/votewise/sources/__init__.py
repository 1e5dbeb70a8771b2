"""Any file, table or URL -> votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from votewise.lazy_names import lazy_names

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

__getattr__ = lazy_names(__name__, _HOMES)
