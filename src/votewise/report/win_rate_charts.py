"""The chart of a win rate against the difference in length: bins of contests, and the fitted curve."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from votewise.report.charts import Chart, finish, percent_axis


def rate_by_length(bins: pa.Table, curve: pa.Table, *, description: str) -> Chart:
    """Win rates with intervals at the bins' mean differences, the fitted curve, and the line of 50%.

    Args:
        bins: one row per bin: ``difference`` (its mean, characters), ``start`` and ``end`` of the bin, ``rate``,
            ``low``, ``high``, ``contests``.
        curve: ``difference`` and the fitted ``rate``; without rows if nothing was fitted.
        description: what the chart shows, for screen readers.
    """
    ends = [*bins["start"].to_pylist(), *bins["end"].to_pylist(), 0.0]
    low, high = min(ends), max(ends)
    room = max((high - low) * 0.02, 1.0)
    x_scale = alt.Scale(domain=[low - room, high + room], nice=False)
    y_scale = alt.Scale(domain=[0, 1])
    x = alt.X(
        "difference:Q",
        title="Length of A minus length of B, in characters",
        scale=x_scale,
        axis=alt.Axis(format=",d", tickCount=7),
    )
    y = alt.Y("rate:Q", title="Win rate of A", scale=y_scale, axis=percent_axis(tickCount=5))
    even = alt.Chart(pa.table({"difference": [low - room, high + room], "rate": [0.5, 0.5]}))
    layers = [even.mark_line(style="reference", aria=False).encode(x=x, y=y)]
    equal = alt.Chart(pa.table({"difference": [0.0, 0.0], "rate": [0.0, 1.0]}))
    layers.append(equal.mark_line(style="reference", aria=False).encode(x=x, y=y))
    base = alt.Chart(bins).encode(x=x)
    y_low = alt.Y("low:Q", title="Win rate of A", scale=y_scale)
    layers.append(base.mark_rule(style="interval", aria=False, clip=True).encode(y=y_low, y2="high:Q"))
    if len(curve):
        layers.append(alt.Chart(curve).mark_line(style="prior", aria=False, clip=True).encode(x=x, y=y))
    tooltip = [
        alt.Tooltip("start:Q", title="Longer by", format=",.0f"),
        alt.Tooltip("end:Q", title="to", format=",.0f"),
        alt.Tooltip("rate:Q", title="Win rate", format=".1%"),
        alt.Tooltip("low:Q", title="Interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("contests:Q", title="Contests", format=","),
    ]
    layers.append(base.mark_point(style="dot", size=90).encode(y=y, tooltip=tooltip))
    return finish(alt.layer(*layers), description, height=320)
