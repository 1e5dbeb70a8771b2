"""Versions of everything that results depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

LIBRARIES = ("votewise", "numpy", "scipy", "pyarrow", "duckdb", "ibis-framework")


def library_versions() -> dict[str, str]:
    """Versions of Python and of everything that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
