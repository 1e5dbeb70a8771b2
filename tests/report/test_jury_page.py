"""The page on a jury."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from votewise.annotators.jury_figures import Figure, JudgeFigures, JuryTogether, JuryWorth
from votewise.report.jury_page import render_jury_report, write_jury_report

AHEAD = Figure(0.03, 0.01, 0.05)
NONE = Figure(float("nan"))


def make_worth(*, reference: str | None = "gold", ahead: Figure = AHEAD, name: str = "m") -> JuryWorth:
    judge = JudgeFigures(
        name,
        "gpt",
        1200,
        Figure(0.8, 0.7, 0.9),
        Figure(0.6, 0.55, 0.65),
        Figure(0.75),
        NONE,
        Figure(-0.1, -0.2, 0.0),
        1.0,
    )
    together = JuryTogether(
        compared=300,
        kish=Figure(1.8, 1.5, 2.2),
        worth=Figure(2.1, 1.7, 2.6),
        correlation=Figure(0.31, 0.2, 0.4),
        within=0.5,
        across=0.3,
        jury=Figure(0.88, 0.85, 0.91),
        majority=Figure(0.86, 0.83, 0.89),
        said=Figure(0.87, 0.84, 0.9),
        best=Figure(0.85, 0.82, 0.88),
        ahead=ahead,
        best_name=name,
        cheapest=(name,),
        cheapest_share=0.96,
        cheapest_cost=0.25,
        open_pairs=120,
        human_votes=410.4,
        probability=np.full(1200, 0.5),
    )
    return JuryWorth((judge,), 1200, reference, together if reference else None, 0.8, False, notes=("A note.",))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.split('<main id="main">')[1].split("<footer>")[0]).split())


def test_it_states_the_figures() -> None:
    text = text_of(render_jury_report(make_worth(), title="votes", facts={"version": "1.0"}))
    assert "1 judge on 1,200 pairs tell as much as 2.1 independent judges would" in text
    assert "right on 88.0% of the 300 pairs where gold says which answer is better" in text
    assert "87.0% 84.0% to 90.0%, mean probability of its verdicts" in text
    assert "that is more than the best single judge reaches (85.0%)" in text
    assert "60.0% 55.0% to 65.0%" in text
    assert "correlate with 0.31 (0.20 to 0.40)" in text
    assert "96.0% of what all tell, for 25.0% of the cost" in text
    assert "About 410 votes of people would settle them" in text
    assert "A note." in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (Figure(-0.03, -0.05, -0.01), "the best single judge alone is right more often"),
        (Figure(0.01, -0.02, 0.03), "is open"),
        (Figure(0.01), "is open"),
    ],
)
def test_whether_the_jury_is_better_depends_on_the_interval(ahead: Figure, said: str) -> None:
    assert said in text_of(render_jury_report(make_worth(ahead=ahead), title="t"))


def test_without_a_reference_only_the_judges_are_there() -> None:
    html = render_jury_report(make_worth(reference=None), title="t")
    assert "What they are worth together is not known" in text_of(html)
    assert 'id="together"' not in html
    assert "which is better is what the other judges say" in text_of(html)


def test_names_are_escaped_and_nothing_is_loaded(tmp_path: Path) -> None:
    path = write_jury_report(tmp_path / "r.html", make_worth(name="<script>alert(1)</script>"), title="<b>x</b>")
    html = path.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in html
    assert "<b>x</b>" not in html
    assert not re.search(r'(src|href)="(?!#|data:)', html)
