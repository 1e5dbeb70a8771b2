"""The charting library in the package is the one that Altair writes for, unchanged."""

from __future__ import annotations

import re
import subprocess
import sys

import altair as alt
import pytest
import vl_convert

from votewise.report import page

pytestmark = pytest.mark.slow
"""They start processes."""


def test_the_charting_library_is_the_one_that_altair_writes_for() -> None:
    version = ".".join(alt.VEGALITE_VERSION.split(".")[:2])
    assert re.search(rf'"{re.escape(alt.VEGALITE_VERSION)}"', page._charting_library())
    # After an upgrade of Altair this test says that VEGA_LITE in hatch_build.py must follow.
    assert page._charting_library() == vl_convert.javascript_bundle(vl_version=version)


def test_pages_need_nothing_to_bundle_with() -> None:
    code = "import sys; sys.modules['vl_convert'] = None; from votewise.report import page; print(page._charting_library())"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "vegaEmbed" in found.stdout


def test_the_licenses_are_beside_it() -> None:
    licenses = page.resources.files("votewise.report").joinpath("vega", "LICENSES.txt").read_text("utf-8")
    for name in ("Vega 6", "Vega-Lite 6", "Vega-Embed 7", "d3-array", "University of Washington"):
        assert name in licenses
