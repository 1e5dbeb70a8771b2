"""Charts are valid Vega-Lite, name no colours, and have axes that contain what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.annotators.flags import FLAGS
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.report import charts
from votewise.report.periods import MAX_PERIODS, agreement_by_period
from votewise.report.summary import MAX_POINTS, histogram, points
from votewise.report.theme import PALETTES, vega_config

Audited = tuple[Votes, ReliabilityResult]


@pytest.fixture(scope="module")
def specs(plain: Audited) -> dict[str, dict[str, Any]]:
    votes, result = plain
    periods = agreement_by_period(votes, result)
    assert periods
    return {
        "histogram": charts.reliability_histogram(histogram(result), "votes", description="h").to_dict(),
        "activity": charts.votes_against_reliability(points(result), description="a").to_dict(),
        "calibration": charts.calibration_curve(result.calibration, description="c").to_dict(),
        "time": charts.agreement_over_time(periods.table, description="t").to_dict(),
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


def test_flags_have_the_same_colours_in_page_and_charts() -> None:
    for theme, palette in PALETTES.items():
        assert vega_config(theme)["range"]["category"] == [palette[flag] for flag in FLAGS]
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()


def test_axes_contain_everything_and_a_coin_toss(specs: dict[str, dict[str, Any]], plain: Audited) -> None:
    lowest = plain[1].annotators["reliability"].to_numpy().min()
    for name in ("histogram", "activity"):
        domains = [domain for domain in values(specs[name], "domain") if isinstance(domain[0], float | int)]
        assert domains
        assert all(domain[0] <= min(lowest, 0.4) and domain[1] == 1 for domain in domains)
    low = min(value for value in plain[1].calibration["observed_low"].to_pylist())
    assert all(domain[0] <= low for domain in values(specs["calibration"], "domain"))


def test_without_intervals_only_dots_are_drawn(plain: Audited) -> None:
    drawn = points(plain[1])
    empty = pa.nulls(len(drawn), pa.float64())
    for name in ("low", "high"):
        drawn = drawn.set_column(drawn.column_names.index(name), name, empty)
    spec = charts.votes_against_reliability(drawn, description="a").to_dict()
    assert [mark["type"] for mark in values(spec, "mark")] == ["circle"]
    assert "low" not in values(spec, "field")


def test_many_annotators_are_sampled_evenly_and_flagged_ones_stay() -> None:
    size = 10_000
    votes = np.arange(size) + 1
    flag = np.where(np.arange(size) % 1000 == 0, "adversarial", "reliable")
    half = np.full(size, 0.5)
    table = {
        "annotator": votes.astype(str),
        "votes": votes,
        "reliability": half,
        "low": half,
        "high": half,
        "flag": flag,
    }
    shown = points(result_with(pa.table(table)))
    assert len(shown) == MAX_POINTS
    assert shown["flag"].to_pylist().count("adversarial") == 10
    assert max(shown["votes"].to_pylist()) == size
    assert np.median(shown["votes"].to_numpy()) == pytest.approx(size / 2, rel=0.05)


def test_periods_are_as_short_as_possible(plain: Audited) -> None:
    votes, result = plain
    assert votes.time is not None
    periods = agreement_by_period(votes, result)
    assert periods
    assert len(periods.table) <= MAX_PERIODS
    assert periods.table["label"].to_pylist()[0].startswith("2026-01")
    assert sum(periods.table["votes"].to_pylist()) + periods.left_out == len(votes)
    share = np.average(periods.table["agreement"], weights=periods.table["votes"])
    assert share == pytest.approx(np.nanmean(result.votes["confidence"].to_numpy()))


def result_with(annotators: pa.Table) -> ReliabilityResult:
    """A result with annotators only."""
    empty = pa.table({})
    return ReliabilityResult(annotators, empty, empty, empty, {"family": "none"}, 0.95, 1.0, True, 1, (), (), {})
