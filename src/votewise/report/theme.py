"""The colours of all reports: CSS variables for the page and Vega configurations for its charts, light and dark.

A flag has the same colour everywhere: in charts, chips and bars. The five colours differ in lightness as well as in hue,
so they can be told apart by colour-blind readers and in grey print; colour alone never carries a meaning. The ramp runs from
the colour of casual to that of reliable, and away from the page's lightness in both themes.
"""

from __future__ import annotations

from typing import Any

from votewise.annotators.flags import FLAGS

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

PALETTES: dict[str, dict[str, str]] = {
    "light": {
        "page": "#ffffff",
        "panel": "#f6f7f9",
        "line": "#e2e5ea",
        "strong-line": "#c3c9d2",
        "text": "#1b1f27",
        "muted": "#5b6472",
        "accent": "#2a63b0",
        "soft": "#dbe7f6",
        "bad": "#bf3f27",
        "bad-soft": "#fcefeb",
        "reliable": "#2a63b0",
        "unsure": "#b6bec9",
        "casual": "#e3a021",
        "adversarial": "#c9452b",
        "position-biased": "#6b2463",
        "new": "#3f978f",
        "worse": "#e6b054",
        "better": "#6c9fdd",
        "ramp-1": "#e8b94f",
        "ramp-2": "#9fb96a",
        "ramp-3": "#45a391",
        "ramp-4": "#2a76b0",
        "ramp-5": "#233f80",
    },
    "dark": {
        "page": "#14171c",
        "panel": "#1c2027",
        "line": "#2c323b",
        "strong-line": "#454d59",
        "text": "#e7eaef",
        "muted": "#a0a9b6",
        "accent": "#79aef0",
        "soft": "#22324a",
        "bad": "#f08a72",
        "bad-soft": "#35211d",
        "reliable": "#5c97e0",
        "unsure": "#7d8796",
        "casual": "#edb447",
        "adversarial": "#e4674c",
        "position-biased": "#d59ad0",
        "new": "#58b8ae",
        "worse": "#8a6220",
        "better": "#2f66aa",
        "ramp-1": "#8f6a24",
        "ramp-2": "#7d8c3f",
        "ramp-3": "#3f9d84",
        "ramp-4": "#58aadf",
        "ramp-5": "#bcdcff",
    },
}

_MEASURES = (("users", "accent", [1, 0]), ("rows", "new", [7, 3]), ("right", "casual", [2, 2]))
"""Lines drawn together: their style, their colour and their dashes."""


def css_variables(theme: str) -> str:
    """The palette of one theme (``light`` or ``dark``) as CSS declarations, ``--page: #ffffff; ...``."""
    return " ".join(f"--{name}: {colour};" for name, colour in PALETTES[theme].items())


def vega_config(theme: str) -> dict[str, Any]:
    """The Vega-Lite configuration of one theme.

    Charts name no colours: they refer to the category range (the flags, in the order of ``FLAGS``), to the ramp and to the
    styles defined here (``line``, ``band``, ``dot``, ``kept``, ...), so one chart works in both themes. They have no
    legends: the page explains the colours once, in HTML.
    """
    colour = PALETTES[theme]
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "range": {
            "category": [colour[flag] for flag in FLAGS],
            "ramp": [colour[f"ramp-{step}"] for step in range(1, 6)],
        },
        "axis": {
            "labelColor": colour["muted"],
            "titleColor": colour["muted"],
            "gridColor": colour["line"],
            "domain": False,
            "ticks": False,
            "labelFontSize": 12,
            "labelPadding": 8,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 12,
        },
        "axisX": {"grid": False, "domain": True, "domainColor": colour["strong-line"], "labelOverlap": True},
        "axisY": {
            "titleAngle": 0,
            "titleAlign": "left",
            "titleAnchor": "end",
            "titleX": -34,
            "titleY": -18,
            "minExtent": 34,
        },
        "style": {
            "line": {"color": colour["accent"], "strokeWidth": 2},
            "band": {"color": colour["accent"], "opacity": 0.16},
            "dot": {"color": colour["accent"], "filled": True, "opacity": 1},
            "interval": {"color": colour["accent"], "strokeWidth": 1.5, "opacity": 0.6},
            "reference": {"color": colour["strong-line"], "strokeWidth": 1.5, "strokeDash": [4, 4]},
            "boundary": {"color": colour["text"], "strokeWidth": 1.5, "strokeDash": [5, 4]},
            "pointer": {"color": colour["muted"], "strokeWidth": 1},
            "clicks": {"color": colour["muted"]},
            "kept": {"color": colour["accent"]},
            "dropped": {"color": colour["unsure"]},
            "prior": {"color": colour["text"], "strokeWidth": 2},
            **{name: {"color": colour[use], "strokeWidth": 2, "strokeDash": dash} for name, use, dash in _MEASURES},
            **{f"{name}-dot": {"color": colour[use], "filled": True, "opacity": 1} for name, use, _ in _MEASURES},
        },
    }
