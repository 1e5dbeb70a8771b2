"""The page on what a training run believes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from votewise.report.beliefs_page import LISTED, MAX_STEPS, TrainingView, render_beliefs_report, write_beliefs_report


def make_view(annotators: int = 3, steps: int = 4, **changes: Any) -> TrainingView:
    history = [
        {"step": 10.0 * (i + 1), "noise_rate": 0.2, "effective": 0.5, "lowest": 0.3, "temperature": 1.5}
        for i in range(steps)
    ]
    settings: dict[str, Any] = {
        "step": (40, 100),
        "names": [f"worker {k}" for k in range(annotators)],
        "votes": np.arange(annotators) + 1.0,
        "reliability": np.linspace(0.4, 0.9, annotators),
        "confidence": np.array([0.0, 0.4, 1.0, 1.0, np.nan]),
        "temperature": 0.75,
        "rows": 8,
        "history": history,
        "facts": {"preference_loss": "dpo", "version": "1.0"},
    }
    return TrainingView(**settings | changes)


def specs_in(html: str) -> dict[str, Any]:
    found = re.search(r'id="chart-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    specs: dict[str, Any] = json.loads(found.group(1))["specs"]
    return specs


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.split('<main id="main">')[1].split("<footer>")[0]).split())


def test_it_states_the_numbers() -> None:
    text = text_of(render_beliefs_report(make_view(), title="Training of out"))
    noise = (1 * 0.6 + 2 * 0.35 + 3 * 0.1) / 6
    assert f"{noise:.1%} of the votes of 3 annotators are wrong" in " ".join(text.split())
    assert "step 40 of 100" in text
    assert "The 4 rows seen so far are worth about 3 rows" in text, "1 + 0.04 + 1 + 1"
    assert "Rows seen 4 of 8" in text
    assert "Flipped 2" in text
    assert "Temperature 0.75" in text
    assert "Preference loss dpo" in text


def test_charts_hold_the_bins_and_the_history() -> None:
    specs = specs_in(render_beliefs_report(make_view(), title="t"))
    assert set(specs) == {"annotators", "votes", "confidence", "noise_rate", "effective", "lowest", "temperature"}
    (rows,) = specs["confidence"]["datasets"].values()
    assert sum(row["rows"] for row in rows) == 4
    (line,) = specs["temperature"]["datasets"].values()
    assert [(point["step"], point["value"]) for point in line] == [(10, 1.5), (20, 1.5), (30, 1.5), (40, 1.5)]


def test_names_are_escaped() -> None:
    names = ["<script>alert(1)</script>", "a & b", "x" * 99]
    html = render_beliefs_report(make_view(names=names, facts={"objective": "<b>"}), title="<i>")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<i>" not in html.split("<main")[1].split("<dl")[0]
    assert "<b>" not in html.split('id="run"')[1]


def test_many_annotators_and_steps_are_sampled_and_it_says_so() -> None:
    html = render_beliefs_report(make_view(annotators=500, steps=5_000), title="t")
    assert "40 of 500 annotators are listed: the 20 least and the 20 most reliable" in text_of(html)
    assert html.count('<tr><th scope="row"') == 2 * LISTED
    (line,) = specs_in(html)["lowest"]["datasets"].values()
    assert len(line) <= MAX_STEPS
    assert line[-1]["step"] == 50_000


def test_before_anything_was_seen() -> None:
    nothing = {"names": [], "votes": np.empty(0), "reliability": np.empty(0), "confidence": np.empty(0), "history": []}
    html = render_beliefs_report(make_view(rows=None, **nothing), title="t")
    assert specs_in(html) == {}
    assert "No vote has been seen yet" in text_of(html)
    assert "Nothing has been logged at two steps yet" in text_of(html)


def test_what_was_not_logged_is_not_drawn() -> None:
    history = [
        {"step": float(s), "noise_rate": 0.1, "effective": np.nan, "lowest": 0.2, "temperature": 1.0} for s in (1, 2)
    ]
    assert "effective" not in specs_in(render_beliefs_report(make_view(history=history), title="t"))


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_beliefs_report(tmp_path / "beliefs.html", make_view(), title="first")
    before = path.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(Exception, match="disk full"):
        write_beliefs_report(path, make_view(), title="second")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["beliefs.html"]
