"""Tables in, Altair charts out. Charts do not name colours (``theme`` does) and are as wide as their place in the page.

Only numbers, flags and annotators' names get into a chart, always as data, never as part of an expression.
"""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pyarrow as pa

from votewise.annotators.flags import FLAGS

HEIGHT = 280

Chart = alt.Chart | alt.LayerChart

COUNTS_AXIS = alt.Axis(labelExpr="format(datum.value, '~s')", tickCount=5, tickMinStep=1)
"""An axis of whole numbers of things, in thousands (k) and millions (M) where they are many."""


def percent_axis(**options: Any) -> alt.Axis:
    """An axis of shares, labelled in whole per cent."""
    return alt.Axis(format=".0%", **options)


def _flag_colour() -> alt.Color:
    return alt.Color("flag:N", scale=alt.Scale(domain=list(FLAGS)), legend=None)


def share_scale(values: list[float | None]) -> alt.Scale:
    """From a round tenth below every value, and low enough to show a coin toss (50%), to 100%."""
    return alt.Scale(domain=[min(0.4, _tenth_below(values)), 1])


def _tenth_below(values: list[float | None]) -> float:
    """The largest of 0, 0.1, 0.2, ... that is below every value that is not null."""
    smallest = min((value for value in values if value is not None), default=0.0)
    return max(0.0, math.floor(smallest * 10 - 1e-9) / 10)


def finish(chart: Any, description: str, height: int = HEIGHT) -> Chart:
    """The chart as wide as its place in the page and ``height`` pixels high, with a ``description`` for screen readers."""
    size = alt.AutoSizeParams(type="fit-x", contains="padding")
    finished: Chart = chart.properties(width="container", height=height, description=description, autosize=size)
    return finished


def reliability_histogram(bins: pa.Table, measure: str, *, description: str) -> Chart:
    """Stacked histogram of reliability, coloured by flag.

    Args:
        bins: one row per bin and flag: ``low`` and ``high`` (edges of the bin), ``flag``, ``annotators`` and ``votes``.
        measure: the column that gives the height: ``annotators`` or ``votes``.
        description: what the chart shows, for screen readers.
    """
    scale = share_scale(bins["low"].to_pylist())
    bars = (
        alt.Chart(bins)
        .transform_calculate(rank=f"indexof({list(FLAGS)!r}, datum.flag)")
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title="Reliability", scale=scale, axis=percent_axis(tickCount=6)),
            x2="high:Q",
            y=alt.Y(f"{measure}:Q", stack="zero", title=measure.capitalize(), axis=COUNTS_AXIS),
            color=_flag_colour(),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("flag:N", title="Flag"),
                alt.Tooltip("low:Q", title="Reliability from", format=".1%"),
                alt.Tooltip("high:Q", title="to", format=".1%"),
                alt.Tooltip("annotators:Q", title="Annotators", format=","),
                alt.Tooltip("votes:Q", title="Votes", format=","),
            ],
        )
    )
    return finish(bars, description)


def votes_against_reliability(points: pa.Table, *, description: str) -> Chart:
    """One dot per annotator: number of votes (log scale) against reliability, with its interval.

    Args:
        points: one row per annotator: ``annotator``, ``votes``, ``position`` (where it is drawn along the axis: the number
            of votes, moved a little so that equal numbers do not hide each other), ``reliability``, ``low`` and ``high``
            (null without intervals), ``flag``, ``always`` (whether the interval is always drawn, or only when pointed at).
        description: what the chart shows, for screen readers.
    """
    hover = alt.selection_point(name="hover", on="pointerover", clear="pointerout", empty=False)
    tooltip = [
        alt.Tooltip("annotator:N", title="Annotator"),
        alt.Tooltip("flag:N", title="Flag"),
        alt.Tooltip("votes:Q", title="Votes", format=","),
        alt.Tooltip("reliability:Q", title="Reliability", format=".1%"),
    ]
    x_scale = alt.Scale(type="log", nice=False, padding=12)
    x = alt.X("position:Q", title="Votes (log scale)", scale=x_scale, axis=alt.Axis(format="~s"))
    drawn = points["reliability"].to_pylist() + points.filter(points["always"])["low"].to_pylist()
    y_scale = share_scale(drawn)
    y = alt.Y("reliability:Q", title="Reliability", scale=y_scale, axis=percent_axis(tickCount=5))
    spoken = "datum.annotator + ', ' + datum.flag + ', ' + datum.votes + ' votes, ' + format(datum.reliability, '.0%')"
    base = alt.Chart(points).transform_calculate(spoken=spoken).encode(x=x, color=_flag_colour())
    layers = []
    if points["low"].null_count < len(points):
        tooltip += [
            alt.Tooltip("low:Q", title="Interval from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
        ]
        width = alt.when(hover).then(alt.value(2.5)).when("datum.always").then(alt.value(1.5)).otherwise(alt.value(0))
        opacity = alt.when(hover).then(alt.value(1)).otherwise(alt.value(0.4))
        y_low = alt.Y("low:Q", title="Reliability", scale=y_scale)
        rules = base.mark_rule(aria=False, clip=True).encode(y=y_low, y2="high:Q", opacity=opacity, strokeWidth=width)
        layers.append(rules)
    size = alt.when(hover).then(alt.value(120)).otherwise(alt.value(30))
    opacity = alt.when(hover | "datum.always").then(alt.value(1)).otherwise(alt.value(0.6))
    dots = base.mark_circle().encode(y=y, size=size, opacity=opacity, tooltip=tooltip, description="spoken:N")
    return finish(alt.layer(*layers, dots.add_params(hover)), description, height=360)


def calibration_curve(calibration: pa.Table, *, description: str) -> Chart:
    """Predicted against observed share, with intervals and the diagonal where both are equal.

    Args:
        calibration: the table of that name in a ``ReliabilityResult``.
        description: what the chart shows, for screen readers.
    """
    floor = _tenth_below(
        [v for name in ("predicted", "observed", "observed_low") for v in calibration[name].to_pylist()]
    )
    scale = alt.Scale(domain=[floor, 1], nice=False)
    x = alt.X("predicted:Q", title="Predicted probability", scale=scale, axis=percent_axis(tickCount=6))
    y = alt.Y("observed:Q", title="Observed share", scale=scale, axis=percent_axis(tickCount=6))
    tooltip = [
        alt.Tooltip("predicted:Q", title="Predicted", format=".1%"),
        alt.Tooltip("observed:Q", title="Observed", format=".1%"),
        alt.Tooltip("observed_low:Q", title="Interval from", format=".1%"),
        alt.Tooltip("observed_high:Q", title="to", format=".1%"),
        alt.Tooltip("votes:Q", title="Votes", format=","),
    ]
    ends = alt.Chart(pa.table({"predicted": [floor, 1.0], "observed": [floor, 1.0]}))
    diagonal = ends.mark_line(style="reference", aria=False).encode(x=x, y=y)
    base = alt.Chart(calibration).encode(x=x)
    y_low = alt.Y("observed_low:Q", title="Observed share", scale=scale)
    rules = base.mark_rule(style="interval", aria=False, clip=True).encode(y=y_low, y2="observed_high:Q")
    size = alt.Size("votes:Q", scale=alt.Scale(type="sqrt", zero=True, range=[0, 260]), legend=None)
    dots = base.mark_point(style="dot").encode(y=y, size=size, tooltip=tooltip)
    return finish(alt.layer(diagonal, rules, dots), description, height=400)


def agreement_over_time(periods: pa.Table, *, description: str) -> Chart:
    """Estimated share of right votes in each period, with its interval.

    Args:
        periods: one row per period: ``time`` (its start, milliseconds since 1970), ``label`` (its name), ``votes``,
            ``agreement``, ``low``, ``high``.
        description: what the chart shows, for screen readers.
    """
    x = alt.X("time:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(labelOverlap=True, tickCount=6))
    scale = alt.Scale(domain=[_tenth_below(periods["low"].to_pylist()), 1])
    y = alt.Y("agreement:Q", title="Estimated share of right votes", scale=scale, axis=percent_axis(tickCount=5))
    tooltip = [
        alt.Tooltip("label:N", title="Period"),
        alt.Tooltip("votes:Q", title="Votes", format=","),
        alt.Tooltip("agreement:Q", title="Estimated right", format=".1%"),
        alt.Tooltip("low:Q", title="Interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    base = alt.Chart(periods)
    band = base.mark_area(style="band", aria=False).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(style="line", aria=False).encode(x=x, y=y)
    dots = base.mark_point(style="dot", size=44).encode(x=x, y=y, tooltip=tooltip)
    return finish(alt.layer(band, line, dots), description)
