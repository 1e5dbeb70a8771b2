"""What votes can be read from: ``votewise formats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def formats() -> pa.Table:
    """List the formats that ``read_votes`` recognises.

    Returns:
        One row per format, in the order in which they are tried: ``name`` (what ``format=`` takes) and ``description``.
    """
    import pyarrow as pa

    from votewise.sources.registry import FORMATS

    return pa.table({"name": list(FORMATS), "description": [shape.description for shape in FORMATS.values()]})
