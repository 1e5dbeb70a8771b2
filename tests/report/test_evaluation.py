"""The pages on win rates: complete, escaped, of bounded size, and working in a browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import MatrixResult, WinRateResult
from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.matrix import estimate_matrix
from votewise.report.contest_gallery import BUDGET, PER_KIND, build_contest_gallery
from votewise.report.matrix_page import render_matrix_report
from votewise.report.score_bars import BINS, score_bars
from votewise.report.win_rate_page import render_win_rate_report

EVIL = "<script>document.title='HACKED'</script></style></script><img src=x onerror=alert(1)>{{ 7*7 }}\"'&<!--"


def played(
    n: int = 120,
    a: str = "new",
    b: str = "old",
    *,
    evil: bool = False,
    seed: int = 0,
    reward: bool = False,
    **more: Any,
) -> tuple[Contests, Verdicts]:
    """Contests of two models with every kind of verdict."""
    rng = np.random.default_rng(seed)
    word = EVIL if evil else "word "
    answers = [[f"{m}{i} " + word * int(k) for i, k in enumerate(rng.integers(1, 40, n))] for m in (a, b)]
    lengths = [np.array([len(t) for t in side], float) for side in answers]
    contests = Contests(
        a,
        b,
        np.arange(n),
        [f"{EVIL if evil else 'question'} {i}" for i in range(n)],
        *answers,
        *lengths,
        domain=[EVIL if evil else ("sums", "tales")[i % 2] for i in range(n)],
        left_out={EVIL if evil else "answered by old only": 3},
        **more,
    )
    if reward:
        scores = rng.normal(size=(2, n))
        return contests, Verdicts(
            "reward model r", (np.sign(scores[0] - scores[1]) + 1) / 2, [None] * n, score_a=scores[0], score_b=scores[1]
        )
    shown, swapped = rng.choice([0.0, 0.5, 1.0], (2, n))
    shown[::10] = np.nan
    shown[1::10] = swapped[1::10]
    said = EVIL if evil else "no reply"
    problems = [said if i % 10 == 0 else None for i in range(n)]
    comments = [(f"{said} shown", f"{said} swapped")] * n
    judge = f"language model {EVIL if evil else 'judge'}"
    return contests, Verdicts(judge, (shown + swapped) / 2, problems, None, None, shown, swapped, comments)


def result_of(evil: bool = False, **more: Any) -> WinRateResult:
    name = EVIL if evil else "new"
    return estimate_win_rate(*played(a=name, evil=evil, **more), length_controlled=True)


def matrix_of(evil: bool = False, models: int = 4, reward: bool = True) -> MatrixResult:
    names = [f"m{i}{EVIL if evil else ''}" for i in range(models)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    matchups = [played(40, a, b, evil=evil, seed=i, reward=reward) for i, (a, b) in enumerate(pairs)]
    scores = {name: np.random.default_rng(i).normal(size=40) for i, name in enumerate(names)} if reward else None
    return estimate_matrix(matchups, scores=scores)


def test_the_page_says_what_was_found(page_of: Callable[[str], Any]) -> None:
    result = result_of()
    page = page_of(render_win_rate_report(result, title="new against old", facts={"date": "2026-11-21", "source": "x"}))
    rate = result.rate
    assert f"{100 * rate.value:.1f}%" in page.words
    assert f"{100 * rate.low:.1f}% to {100 * rate.high:.1f}%" in page.words
    assert result.length_controlled is not None
    assert f"{100 * result.length_controlled.rate.value:.1f}%" in page.words
    assert result.swaps is not None
    assert f"{100 * result.swaps.disagreement:.1f}%" in page.words
    assert "3 answered by old only" in page.words
    assert "no reply" in page.words
    for part in (*result.by_length, *result.by_domain):
        assert part.name in page.words


def test_the_page_without_lengths_answers_domains_or_orders(page_of: Callable[[str], Any]) -> None:
    contests = Contests("a", "b", np.arange(3), ["p", "q", "r"])
    verdicts = Verdicts("column 'w'", np.array([1.0, 1.0, 1.0]), [None] * 3)
    page = page_of(render_win_rate_report(estimate_win_rate(contests, verdicts), title="t"))
    assert "100.0%" in page.words
    assert "Does the longer answer win?" not in page.words
    assert "There are only 3 prompts" in page.words


@pytest.mark.parametrize("what", ["win rate", "matrix"])
def test_texts_of_the_data_stay_texts(what: str, page_of: Callable[[str], Any]) -> None:
    facts = {"source": EVIL, EVIL: "x"}
    if what == "win rate":
        html, plain = (
            render_win_rate_report(result_of(evil=evil), title=EVIL if evil else "t", facts=facts if evil else {})
            for evil in (True, False)
        )
    else:
        html, plain = (
            render_matrix_report(matrix_of(evil=evil), title=EVIL if evil else "t", facts=facts if evil else {})
            for evil in (True, False)
        )
    evil_page, plain_page = page_of(html), page_of(plain)
    assert evil_page.elements["script"] == plain_page.elements["script"]
    assert evil_page.elements["img"] == 0
    assert "{{ 7*7 }}" in evil_page.words
    assert not [a for a in evil_page.attributes if a[1].startswith("on")]


def test_the_page_is_the_same_for_the_same_result() -> None:
    assert render_win_rate_report(result_of(), title="t") == render_win_rate_report(result_of(), title="t")


def test_every_kind_of_verdict_is_in_the_gallery() -> None:
    result = result_of()
    gallery = build_contest_gallery([result])
    kinds = {kind: (total, shown) for kind, total, shown in gallery.kinds}
    assert set(kinds) == {"won", "lost", "tie", "swapped", "failed"}
    assert sum(total for total, _ in kinds.values()) == 120
    assert kinds["failed"] == (12, 12)
    assert [card.kind for card in gallery.cards[:5]] == ["won", "lost", "tie", "swapped", "failed"]
    assert len({card.number for card in gallery.cards}) == len(gallery.cards)


def test_the_gallery_is_an_even_sample_within_its_budget() -> None:
    result = estimate_win_rate(*played(2000, reward=True))
    gallery = build_contest_gallery([result])
    for kind in ("won", "lost"):
        margins = [abs(c.score_a - c.score_b) for c in gallery.cards if c.kind == kind]
        assert len(margins) == PER_KIND
        assert margins == sorted(margins, reverse=True)
        assert margins[-1] < 0.05 < 3 < margins[0]
    long = result.contests
    texts = ["<" * 20_000] * 2000
    huge = Contests("a", "b", long.prompt, texts, texts, texts, long.length_a, long.length_b)
    cards = build_contest_gallery([estimate_win_rate(huge, result.verdicts)]).cards
    assert 0 < sum(card.size for card in cards) < BUDGET
    assert len(render_win_rate_report(estimate_win_rate(huge, result.verdicts), title="t")) < 3_000_000


def test_histograms_of_scores_share_one_scale() -> None:
    scale = score_bars({"a": np.r_[np.zeros(50), np.full(50, 1.0)], "b": np.r_[np.full(100, 1.0), np.nan]})
    assert scale is not None
    a, b = scale.models
    assert (len(a.heights), scale.low, scale.high) == (BINS, 0.0, 1.0)
    assert (a.heights[0], a.heights[-1], b.heights[-1]) == (0.5, 0.5, 1.0)
    assert (a.mean, a.place, b.answers) == (0.5, 0.5, 100)
    assert score_bars({"a": np.array([np.nan])}) is None
    assert score_bars({"a": np.array([2.0, 2.0])}) is not None


def test_the_matrix_page_has_every_pair_both_ways(page_of: Callable[[str], Any]) -> None:
    result = matrix_of()
    page = page_of(render_matrix_report(result, title="t", facts={"date": "2026-11-21"}))
    for a in result.models:
        for b in result.models:
            rate = result.rate(a, b)
            if rate is not None:
                assert f"{100 * rate.value:.0f}%" in page.words
    assert page.elements["td"] >= 16
    assert "Scores" in page.words
    assert page.elements["article"] >= len(result.matchups)
    assert "Scores" not in page_of(render_matrix_report(matrix_of(reward=False), title="t")).words


def test_the_contests_can_be_searched_and_filtered(
    tmp_path: Path, visit: Callable[..., AbstractContextManager[Any]]
) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_win_rate_report(result_of(), title="t"), encoding="utf-8")
    with visit(path.as_uri()) as page:
        cards = page.locator("#contest-cards .card:visible")
        assert cards.count() == 6
        page.locator("#contests .more").click()
        assert cards.count() == 12
        page.locator("[data-filter=failed]").click()
        assert {cards.nth(i).get_attribute("data-flag") for i in range(cards.count())} == {"failed"}
        assert cards.count() == 6
        page.locator("[data-filter='']").click()
        page.locator("#contests input").fill("question 7 ")
        page.locator("#contests input").fill("new77 ")
        assert cards.count() == 1
        page.locator("#contests input").fill("nothing of the sort")
        assert cards.count() == 0
        assert page.locator("[data-nothing]").is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1120])
@pytest.mark.parametrize("what", ["win rate", "matrix"])
def test_pages_fit_their_window(
    what: str, width: int, theme: str, tmp_path: Path, visit: Callable[..., AbstractContextManager[Any]]
) -> None:
    long = {"a": "organisation/a-model-with-a-very-long-name-indeed-v2.1"}
    html = (
        render_win_rate_report(estimate_win_rate(*played(**long), length_controlled=True), title="t" * 80)
        if what == "win rate"
        else render_matrix_report(matrix_of(models=9), title="nine")
    )
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    with visit(path.as_uri(), viewport={"width": width, "height": 800}, color_scheme=theme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
