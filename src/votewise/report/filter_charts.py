"""Charts of the filter report. As in ``charts``, they name no colours, are as wide as the page and contain data only."""

from __future__ import annotations

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.report.charts import Chart, finish, percent_axis, share_scale
from votewise.report.filter_dots import Dots

_UNIT = alt.Scale(domain=[0, 1], nice=False)


def attentiveness_histogram(bins: pa.Table, prior: pa.Table, *, description: str) -> Chart:
    """Users by posterior mean, kept ones at the bottom, with the curve of the fitted prior.

    Args:
        bins: what ``filter_summary.histogram`` returns.
        prior: what ``filter_summary.prior_curve`` returns.
        description: what the chart shows, for readers who cannot see it.
    """
    x = alt.X("low:Q", bin="binned", title="Attentiveness", scale=_UNIT, axis=alt.Axis(tickCount=6))
    tooltip = [
        alt.Tooltip("low:Q", title="Attentiveness from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("users:Q", title="Users", format=","),
        alt.Tooltip("kept_users:Q", title="of them kept", format=","),
    ]
    base = alt.Chart(bins).encode(x=x, x2="high:Q", tooltip=tooltip)
    y_title = "Share of users"
    kept = base.mark_bar(style="kept", binSpacing=1).encode(
        y=alt.Y("kept:Q", title=y_title, axis=percent_axis(tickCount=5))
    )
    dropped = base.mark_bar(style="dropped", binSpacing=1).encode(y=alt.Y("kept:Q", title=y_title), y2="all:Q")
    curve = alt.Chart(prior).mark_line(style="prior", aria=False)
    line = curve.encode(x=alt.X("attentiveness:Q", scale=_UNIT), y=alt.Y("share:Q", title=y_title))
    return finish(alt.layer(kept, dropped, line), description, height=320)


def users_by_clicks(dots: Dots, *, description: str) -> Chart:
    """One dot per cell of users: comparisons against share of clicks for A, coloured by attentiveness, hollow if dropped.

    Args:
        dots: what ``filter_dots.dots`` returns.
        description: what the chart shows, for readers who cannot see it.
    """
    kind = {"type": "log"} if dots.log else {"type": "linear", "zero": False}
    scale = alt.Scale(**kind, nice=False, padding=16)
    title = "Comparisons per user" + (" (log scale)" if dots.log else "")
    x = alt.X("position:Q", title=title, scale=scale, axis=alt.Axis(format="~s", tickCount=8))
    y_scale = alt.Scale(domain=[0, 1], nice=False, padding=10)
    y = alt.Y("share:Q", title="Share of clicks for A", scale=y_scale, axis=percent_axis(tickCount=5))
    colour = alt.Color("attentiveness:Q", scale=alt.Scale(domain=[0, 1]), legend=None)
    size = alt.Size("users:Q", scale=alt.Scale(type="sqrt", range=[14, 320]), legend=None)
    tooltip = [
        alt.Tooltip("comparisons:N", title="Comparisons"),
        alt.Tooltip("share:Q", title="Clicks for A", format=".1%"),
        alt.Tooltip("users:Q", title="Users", format=","),
        alt.Tooltip("attentiveness:Q", title="Attentiveness", format=".2f"),
        alt.Tooltip("low:Q", title="Interval from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("kept:Q", title="Kept", format=".0%"),
    ]
    encoding = {"x": x, "y": y, "size": size, "color": colour, "tooltip": tooltip}
    kept = pc.greater_equal(dots.table["kept"], 0.5)
    rings, discs = dots.table.filter(pc.invert(kept)), dots.table.filter(kept)
    layers: list[alt.Chart] = []
    if len(rings):
        layers.append(alt.Chart(rings).mark_point(filled=False, strokeWidth=1.5, opacity=1).encode(**encoding))
    if len(discs):
        layers.append(alt.Chart(discs).mark_point(filled=True, opacity=0.9).encode(**encoding))
    if len(dots.boundary):
        layers.append(alt.Chart(dots.boundary).mark_line(style="boundary", aria=False).encode(x=x, y=y))
    return finish(alt.layer(*layers), description, height=400)


def retention(curve: pa.Table, chosen: pa.Table, *, description: str) -> Chart:
    """Shares kept and right clicks among the kept as the threshold moves, with the chosen rule as three dots.

    Args:
        curve: what ``filter_summary.retention_curve`` returns.
        chosen: at most one row with the same columns, for the rule that was applied.
        description: what the chart shows, for readers who cannot see it.
    """
    x = alt.X("threshold:Q", title="Threshold on attentiveness", scale=_UNIT, axis=alt.Axis(tickCount=6))
    tooltip = [
        alt.Tooltip("threshold:Q", title="Threshold", format=".2f"),
        alt.Tooltip("users:Q", title="Users kept", format=".1%"),
        alt.Tooltip("rows:Q", title="Comparisons kept", format=".1%"),
        alt.Tooltip("right:Q", title="Right clicks", format=".1%"),
    ]
    rule = alt.Chart(chosen).mark_rule(style="reference", aria=False).encode(x=x)
    layers: list[alt.Chart] = [rule]
    for name in ("users", "rows", "right"):
        y = alt.Y(f"{name}:Q", title="Share", scale=_UNIT, axis=percent_axis(tickCount=5))
        layers.append(alt.Chart(curve).mark_line(style=name, aria=False).encode(x=x, y=y))
        layers.append(alt.Chart(chosen).mark_point(style=f"{name}-dot", size=90).encode(x=x, y=y, tooltip=tooltip))
    near = alt.selection_point(
        name="near", on="pointermove", clear="pointerout", nearest=True, empty=False, fields=["threshold"]
    )
    pointer = alt.Chart(curve).mark_rule(style="pointer", aria=False)
    opacity = alt.when(near).then(alt.value(1)).otherwise(alt.value(0))
    layers.append(pointer.encode(x=x, opacity=opacity, tooltip=tooltip).add_params(near))
    return finish(alt.layer(*layers), description, height=320)


def win_rates(domains: pa.Table, *, description: str) -> Chart:
    """One line per domain: the win rate of A with its interval, and the share of clicks for A as a tick.

    Args:
        domains: ``name``, ``win_rate``, ``low`` and ``high`` (its interval), ``share`` (of clicks for A), ``comparisons``.
        description: what the chart shows, for readers who cannot see it.
    """
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=130, grid=False))
    drawn = [value for name in ("win_rate", "low", "share") for value in domains[name].to_pylist()]
    title, scale = "In favour of A", share_scale(drawn)
    x = alt.X("win_rate:Q", title=title, scale=scale, axis=percent_axis(tickCount=6, grid=True, labelSeparation=8))
    tooltip = [
        alt.Tooltip("name:N", title="Domain"),
        alt.Tooltip("win_rate:Q", title="Win rate of A", format=".1%"),
        alt.Tooltip("low:Q", title="Interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("share:Q", title="Clicks for A", format=".1%"),
        alt.Tooltip("comparisons:Q", title="Comparisons", format=","),
    ]
    coin = alt.Chart(pa.table({"win_rate": [0.5]})).mark_rule(style="reference", aria=False).encode(x=x)
    base = alt.Chart(domains).encode(y=y, tooltip=tooltip)
    spans = base.mark_rule(style="interval", aria=False).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    ticks = base.mark_tick(style="clicks", thickness=2, size=16, aria=False).encode(x=alt.X("share:Q", title=title))
    rates = base.mark_point(style="dot", size=80).encode(x=x)
    return finish(alt.layer(coin, spans, ticks, rates), description, height=70 + 30 * len(domains))
