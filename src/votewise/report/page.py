"""One self-contained HTML page: everything is inlined and escaped, and nothing is loaded.

Data reaches the page in two ways only: as text through Jinja's autoescaping, and as JSON in a block that is not executed.
A content security policy allows only the page's own scripts, by their hashes, and no connections, so a text that is not
escaped by mistake still could neither run nor send anything.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from votewise.annotators.flags import FLAGS
from votewise.errors import VotewiseError, many
from votewise.report.charts import Chart
from votewise.report.text import readable, shorten
from votewise.report.theme import css_variables, vega_config
from votewise.storage.files import written_whole

_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}


def specs_of(charts: Mapping[str, Chart]) -> dict[str, dict[str, Any]]:
    """What Vega-Lite draws, by the charts' names."""
    # Tests check charts against the schema, which takes longer than to make them.
    return {name: chart.to_dict(validate=False) for name, chart in charts.items()}


def prepare(template: str) -> None:
    """Load what pages of this template are made of: ``render`` then needs a third less time."""
    _environment().get_template(template)
    for shared in ("base.html.j2", "macros.html.j2"):
        _environment().get_template(shared)
    _charting_library()


def render(template: str, *, specs: Mapping[str, Any], **context: Any) -> str:
    """Fill ``templates/<template>``.

    Args:
        template: name of a template that extends ``base.html.j2``.
        specs: charts by name, as ``specs_of`` gives them, for the template's ``chart`` macro. Without charts, no charting
            library is inlined.
        context: the template's variables. A missing one raises ``jinja2.UndefinedError``.
    """
    scripts = [_asset("base.js")]
    if specs:
        scripts = [_charting_library(), *scripts]
    early = _asset("theme.js")
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            chart_names=frozenset(specs),
            chart_data=script_json(
                {
                    "specs": dict(specs),
                    "themes": {theme: vega_config(theme) for theme in ("light", "dark")},
                }
            ),
            policy=_policy([early, *scripts]),
            style=Markup(_asset("base.css")),  # noqa: S704 - our own file
            variables={theme: Markup(css_variables(theme)) for theme in ("light", "dark")},  # noqa: S704 - our own constants
            early_script=Markup(early),  # noqa: S704 - our own file
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own file and Vega's
            flags=FLAGS,
        )
    )


def write(path: str | os.PathLike[str], html: str) -> Path:
    """Write a page whole or not at all. Returns the path."""
    target = Path(path)
    with written_whole(target) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")
    return target


def script_json(value: object) -> Markup:
    """JSON that is safe inside ``<script type="application/json">``: it can neither close the block nor open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character that HTML gives a meaning is left


def percent(value: float | None, digits: int = 1) -> str:
    """0.1234 -> ``12.3%``; None and NaN -> an en dash. Shares below 1 are never rounded to 100%, nor those above 0 to 0%."""
    if value is None or value != value:
        return "–"
    text = f"{100 * value:.{digits}f}"
    if value < 1 and float(text) == 100:
        return f"> {100 - 10**-digits:.{digits}f}%"
    if value > 0 and float(text) == 0:
        return f"< {10**-digits:.{digits}f}%"
    return f"{text}%"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("votewise.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters.update(percent=percent, count=lambda n: f"{n:,}", cut=shorten, readable=readable)
    environment.globals.update(many=many)
    return environment


def _visible(value: Any) -> Any:
    """Control characters, which HTML forbids, become the replacement character."""
    return value.translate(_CONTROLS) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _asset(name: str) -> str:
    return resources.files("votewise.report").joinpath("templates", name).read_text(encoding="utf-8")


@functools.cache
def _charting_library() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script of 0.9 MB; the build puts it beside its licenses (``hatch_build.py``)."""
    try:
        packed = resources.files("votewise.report").joinpath("vega", "vega.js.gz").read_bytes()
    except OSError as error:
        raise VotewiseError(
            "the charting library is not there: votewise runs from a copy that was never built."
        ) from error
    return gzip.decompress(packed).decode("utf-8")


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    rules = {
        "default-src": "'none'",
        "script-src": hashes,
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
