"""The report in a real browser: headless Chromium through Playwright, skipped where either is absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.report.audit_page import write_audit_report

pytestmark = pytest.mark.slow

Visit = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def address(hostile: tuple[Votes, ReliabilityResult], tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    return write_audit_report(path, *hostile, title="Hostile votes").as_uri()


@pytest.fixture
def opened(visit: Visit, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page at desktop size in light colours, or as the test asks."""
    with visit(address, **getattr(request, "param", {"viewport": {"width": 1280, "height": 900}})) as page:
        yield page


def first_column(page: Any) -> list[str]:
    return list(page.locator("#annotator-table tbody tr th").all_inner_texts())


def test_charts_are_drawn_with_marks(opened: Any) -> None:
    assert opened.locator("[data-chart]").count() == 5
    for index in range(5):
        assert opened.locator("[data-chart]").nth(index).locator("svg path").count() > 5


def test_hostile_texts_are_seen_and_do_nothing(opened: Any) -> None:
    assert opened.title() == "Hostile votes"
    assert "<script>document.title='HACKED'</script>" in opened.locator("#suspicious").inner_text()
    assert opened.locator("#suspicious img").count() == 0


def test_table_sorts_searches_and_filters(opened: Any) -> None:
    head = opened.locator("#annotator-table thead th", has_text="Reliability")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert first_column(opened)[-1].startswith("w11")
    head.locator("button").click()
    assert first_column(opened)[0].startswith("w11")
    opened.locator("input[type=search]").fill("w11")
    assert len(first_column(opened)) == 1
    opened.locator("input[type=search]").fill("nobody of this name")
    assert first_column(opened) == []
    assert "No match" in opened.locator("[data-pager]").inner_text()
    opened.locator("input[type=search]").fill("")
    opened.locator("[data-filter=adversarial]").click()
    assert [name[:3] for name in first_column(opened)] == ["w11"]


def test_tooltips_show_names_as_text(opened: Any) -> None:
    dot = opened.locator("[data-chart=activity] path[aria-label]").last
    dot.scroll_into_view_if_needed()
    dot.hover(force=True)
    tooltip = opened.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert "<script>document.title='HACKED'</script>" in tooltip.inner_text()
    assert tooltip.locator("script, img").count() == 0


def test_times_are_utc_wherever_the_reader_is(browser: Any, address: str) -> None:
    seen = []
    for zone in ("UTC", "Pacific/Kiritimati"):
        context = browser.new_context(timezone_id=zone)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("[data-chart=time][data-drawn]")
        labels = page.locator("[data-chart=time] svg text").all_inner_texts()
        places = page.locator("[data-chart=time] svg path[aria-label]").evaluate_all(
            "paths => paths.map(path => path.getAttribute('transform'))"
        )
        seen.append((labels, places))
        context.close()
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 5


def test_a_row_opens_the_annotators_most_suspicious_votes(opened: Any) -> None:
    row = opened.locator("#annotator-table tbody tr", has_text="w11").first
    row.locator("a[data-expand]").click()
    assert "voted B on" in opened.locator("tr.detail").inner_text()


@pytest.mark.parametrize("opened", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_nothing_is_wider_than_a_phone(opened: Any) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}], indirect=True)
def test_dark_mode_follows_the_system_and_the_button(opened: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    dark = opened.evaluate(background)
    assert max(int(part) for part in dark[4:-1].split(",")) < 60
    opened.locator("[data-theme-toggle]").click()
    opened.wait_for_selector("[data-drawn=light]")
    light = opened.evaluate(background)
    assert min(int(part) for part in light[4:-1].split(",")) > 200


def test_page_reads_without_scripts(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.locator("main").inner_text()
    context.close()
    assert "12 annotators cast 300 votes" in text
    assert text.count("w11") > 1


@pytest.fixture(scope="module")
def users_address(evil_domains: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("filter") / "report.html"
    path.write_text(evil_domains.render(title="Hostile users"), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(
    "options", [{}, {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}], ids=["desktop", "dark phone"]
)
def test_the_filter_report_is_drawn(options: dict[str, Any], users_address: str, visit: Visit) -> None:
    with visit(users_address, **options) as page:
        assert page.title() == "Hostile users"
        assert page.locator("[data-chart]").count() == 4
        for index, marks in enumerate((10, 50, 5, 6)):
            assert page.locator("[data-chart]").nth(index).locator("svg path").count() >= marks
        assert page.locator("main img").count() == 0
        width = options.get("viewport", {"width": 1280})["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dots_show_their_numbers(users_address: str, visit: Visit) -> None:
    with visit(users_address) as page:
        dot = page.locator("[data-chart=users] path[aria-label]").first
        dot.scroll_into_view_if_needed()
        dot.hover(force=True)
        tooltip = page.locator("#vg-tooltip-element.visible")
        tooltip.wait_for()
        assert "Attentiveness" in tooltip.inner_text()


def test_names_of_domains_are_only_text_in_charts(users_address: str, visit: Visit) -> None:
    with visit(users_address) as page:
        chart = page.locator("[data-chart=domains]")
        dot = chart.locator("path[aria-label]").first
        dot.scroll_into_view_if_needed()
        dot.hover(force=True)
        tooltip = page.locator("#vg-tooltip-element.visible")
        tooltip.wait_for()
        assert "<script>" in tooltip.inner_text()
        assert tooltip.locator("script, img").count() == 0


def test_the_filter_report_reads_without_scripts(browser: Any, users_address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(users_address)
    text = page.locator("main").inner_text()
    context.close()
    assert "400 users compared" in text
    assert "How many clicks it takes" in text
