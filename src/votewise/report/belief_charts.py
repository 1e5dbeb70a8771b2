"""Charts of the page on a training run. As in ``charts``, they name no colours, are as wide as the page, hold data only."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from votewise.report.charts import COUNTS_AXIS, Chart, finish, percent_axis


def share_histogram(bins: pa.Table, measure: str, *, title: str) -> Chart:
    """Histogram of numbers from 0 to 1.

    Args:
        bins: one row per bin that holds something: ``low`` and ``high`` (its edges) and the column ``measure``.
        measure: the column that gives the height.
        title: what the numbers are.
    """
    scale = alt.Scale(domain=[0, 1], nice=False)
    bars = (
        alt.Chart(bins)
        .mark_bar(style="kept", binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title=title, scale=scale, axis=percent_axis(tickCount=6)),
            x2="high:Q",
            y=alt.Y(f"{measure}:Q", title=measure.capitalize(), axis=COUNTS_AXIS),
            tooltip=[
                alt.Tooltip("low:Q", title=f"{title} from", format=".1%"),
                alt.Tooltip("high:Q", title="to", format=".1%"),
                alt.Tooltip(f"{measure}:Q", title=measure.capitalize(), format=","),
            ],
        )
    )
    return finish(bars, f"Histogram of {measure} by {title.lower()}")


def over_steps(line: pa.Table, title: str, *, share: bool) -> Chart:
    """A number over the steps of a training run.

    Args:
        line: ``step`` and ``value``, one row per log step.
        title: what the number is.
        share: whether it is a share, drawn in per cent.
    """
    x = alt.X(
        "step:Q", title="Step", scale=alt.Scale(nice=False), axis=alt.Axis(format="~s", tickCount=6, tickMinStep=1)
    )
    # As many digits as the ticks need: most of these lines move by a few per cent.
    axis = alt.Axis(tickCount=5, format="~%") if share else alt.Axis(tickCount=5)
    scale = alt.Scale(zero=not share, nice=True)
    y = alt.Y("value:Q", title=None, scale=scale, axis=axis)
    shown = alt.Tooltip("value:Q", title=title, format=".1%" if share else ".3g")
    base = alt.Chart(line).encode(x=x, y=y, tooltip=[alt.Tooltip("step:Q", title="Step", format=","), shown])
    layers = base.mark_line(style="line", aria=False) + base.mark_point(style="dot", size=24, aria=False)
    return finish(layers, f"{title} over steps")
