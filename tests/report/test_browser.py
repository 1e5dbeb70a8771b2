"""The report in a real browser: headless Chromium through Playwright, skipped where either is absent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from votewise.report import write_audit_report
from votewise.results import ReliabilityResult
from votewise.votes import Votes

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found on PATH")

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(hostile: tuple[Votes, ReliabilityResult], tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    return write_audit_report(path, *hostile, title="Hostile votes").as_uri()


@pytest.fixture
def opened(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page with all charts drawn; fails afterwards on any script error or request to the network."""
    options = getattr(request, "param", {"viewport": {"width": 1280, "height": 900}})
    context = browser.new_context(**options)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(("file:", "data:")) else trouble.append(sent.url))
    page.goto(address)
    page.wait_for_function(
        "document.querySelectorAll('[data-drawn]').length === document.querySelectorAll('[data-chart]').length"
    )
    yield page
    context.close()
    assert trouble == []


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
    assert "Nobody matches" in opened.locator("[data-pager]").inner_text()
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


def test_a_row_opens_the_annotators_worst_votes(opened: Any) -> None:
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
    assert "12 people cast 300 votes" in text
    assert text.count("w11") > 1
