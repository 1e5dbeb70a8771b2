"""Charts of the filter report: colours from the theme alone, intervals drawn, axes that hold everything."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from votewise.report import filter_charts as charts
from votewise.report import filter_summary as fs
from votewise.report.filter_dots import dots
from votewise.report.theme import PALETTES, vega_config


@pytest.fixture(scope="module")
def specs(one_domain: Any) -> dict[str, dict[str, Any]]:
    judged = fs.JudgedUsers(one_domain.counts, one_domain.result, one_domain.kept)
    curve = fs.retention_curve(judged)
    rate = {"name": "x", "share": 0.1, "comparisons": 9, "win_rate": 0.2, "low": 0.15, "high": 0.3}
    domains = pa.Table.from_pylist([rate])
    prior = fs.prior_curve(one_domain.result.density)
    return {
        "attentiveness": charts.attentiveness_histogram(fs.histogram(judged), prior, description="c").to_dict(),
        "users": charts.users_by_clicks(dots(judged), description="u").to_dict(),
        "retention": charts.retention(curve, curve.slice(50, 1), description="r").to_dict(),
        "domains": charts.win_rates(domains, description="d").to_dict(),
    }


def values(spec: object, key: str) -> list[Any]:
    """Every value under ``key``, at any depth."""
    if isinstance(spec, dict):
        return [found for name, item in spec.items() for found in ([item] if name == key else values(item, key))]
    return [found for item in spec for found in values(item, key)] if isinstance(spec, list) else []


def test_colours_come_from_the_theme_alone(specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        own = {key: spec[key] for key in spec if key not in ("datasets", "config")}
        assert "#" not in str(own).replace(spec["$schema"], ""), name
        assert spec["width"] == "container"
        assert spec["description"]


def test_every_style_is_defined_in_both_themes(specs: dict[str, dict[str, Any]]) -> None:
    used = {style for spec in specs.values() for style in values(spec, "style") if isinstance(style, str)}
    assert used >= {"kept", "dropped", "prior", "users", "rows", "right", "boundary"}
    for theme, palette in PALETTES.items():
        assert used <= vega_config(theme)["style"].keys()
        assert vega_config(theme)["range"]["ramp"] == [palette[f"ramp-{step}"] for step in range(1, 6)]


def test_nothing_untrusted_is_part_of_an_expression(specs: dict[str, dict[str, Any]]) -> None:
    for spec in specs.values():
        assert not values(spec, "calculate")
        assert not values(spec, "filter")


def test_win_rates_below_one_half_are_on_the_axis(specs: dict[str, dict[str, Any]]) -> None:
    domains = [domain for domain in values(specs["domains"], "domain") if isinstance(domain[0], float | int)]
    assert domains
    assert all(domain[0] < 0.1 and domain[1] == 1 for domain in domains)


def test_kept_users_are_discs_and_dropped_ones_rings(specs: dict[str, dict[str, Any]]) -> None:
    for layer in specs["users"]["layer"]:
        if layer["mark"]["type"] == "point":
            kept = {row["kept"] >= 0.5 for row in specs["users"]["datasets"][layer["data"]["name"]]}
            assert kept == {layer["mark"]["filled"]}
