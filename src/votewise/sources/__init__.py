"""Any file, table or URL -> votes."""

from votewise.sources.format import Format
from votewise.sources.read import read_votes
from votewise.sources.registry import FORMATS

__all__ = ["FORMATS", "Format", "read_votes"]
