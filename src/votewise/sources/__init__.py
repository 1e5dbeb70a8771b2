"""Any file, table or URL -> votes, through one door."""

from votewise.sources.read import read_votes
from votewise.sources.registry import FORMATS, Format

__all__ = ["FORMATS", "Format", "read_votes"]
