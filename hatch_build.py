"""Builds the charting library of the reports into the package: vl-convert has it, and only the build needs vl-convert."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VEGA_LITE = "6.4"
"""The version of Vega-Lite that Altair writes charts for; a test compares it with the Altair that is installed."""

TARGET = Path("src/votewise/report/vega/vega.js.gz")


class ChartingLibrary(BuildHookInterface):
    """Runs before a wheel is built, and before an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write Vega, Vega-Lite and Vega-Embed, which are one script of 0.9 MB, into the package."""
        import vl_convert

        script = vl_convert.javascript_bundle(vl_version=VEGA_LITE)
        Path(self.root, TARGET).write_bytes(gzip.compress(script.encode(), mtime=0))
