"""Votes whose texts all try to break out of the page, the beliefs about them, and ways to look at pages."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Bools
from votewise.data.clicks import Counts
from votewise.data.votes import Votes
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.priors import Beta
from votewise.report.filter_page import render_filter_report
from votewise.sources import read_votes
from votewise.users.estimate import estimate_attentiveness
from votewise.users.known_win_rates import GoldSample
from votewise.users.results import AttentivenessResult

EVIL = "<script>document.title='HACKED'</script></style></script><img src=x onerror=alert(1)>{{ 7*7 }}\"'&<!--"

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
BAD = ("error", "warning")


def rows(texts: bool = True, times: bool = True, evil: bool = False) -> list[dict[str, Any]]:
    """300 votes by 12 annotators on 60 pairs; annotator 11 is an adversary who gives reasons."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(300):
        pair, annotator = number // 5, (number // 5 + 2 * (number % 5)) % 12
        right = annotator != 11 and rng.random() < 0.85
        row: dict[str, Any] = {
            "pair": f"p{pair}" + (EVIL if evil else ""),
            "annotator": f"w{annotator}" + (EVIL if evil else ""),
            "label": "a" if right else "b",
            "reason": (EVIL if evil else "because") if annotator == 11 else None,
            "domain": EVIL if evil else "sums",
        }
        if texts:
            row |= {
                "prompt": f"{EVIL if evil else 'question'} {pair}",
                "response_a": f"good {EVIL if evil else ''} {pair}" + " long" * 400,
                "response_b": f"bad {pair}",
            }
        if times:
            row["time"] = f"2026-0{1 + number // 60}-10T10:00:00"
        found.append(row)
    return found


def audit(**options: bool) -> tuple[Votes, ReliabilityResult]:
    """The votes above and the beliefs about them."""
    votes = read_votes(rows(**options), format="plain")
    return votes, estimate_reliability(votes)


@pytest.fixture(scope="session")
def plain() -> tuple[Votes, ReliabilityResult]:
    return audit()


@pytest.fixture(scope="session")
def hostile() -> tuple[Votes, ReliabilityResult]:
    return audit(evil=True)


@pytest.fixture
def audited() -> Callable[..., tuple[Votes, ReliabilityResult]]:
    """The function that makes votes, with options, and beliefs about them."""
    return audit


class Page(HTMLParser):
    """Elements and visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@dataclass(frozen=True)
class Filtered:
    """Users and what a rule keeps of them: the arguments of the filter report."""

    counts: Counts
    result: AttentivenessResult
    kept: Bools
    flags: list[str]
    rule: str = "attentiveness of at least 0.5"

    def render(self, **options: Any) -> str:
        arguments = {"kept": self.kept, "flags": self.flags, "rule": self.rule, "title": "A test"} | options
        return render_filter_report(self.counts, self.result, **arguments)


def filtered(
    users: int = 400, rates: dict[str, Any] | None = None, most: int = 60, evil: bool = False, **changes: Any
) -> Filtered:
    """Users of whom half are attentive, with 0 to ``most`` comparisons in each domain; ``changes`` to the result."""
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {"": 0.8} if rates is None else rates
    rho = np.where(rng.random(users) < 0.5, rng.beta(2, 6, users), rng.beta(9, 2, users))
    n = rng.integers(0, most + 1, (users, len(given)))
    counts, _ = Counts.of_users(n, rng.binomial(n, 0.5 + 0.3 * rho[:, None]), domains=tuple(given))
    counts = replace(counts, ties=17, models=(EVIL, EVIL[::-1]) if evil else ("falcon", "sparrow"))
    result = estimate_attentiveness(counts, win_rate=given, prior="beta")
    cells = {name: result.cells[name].to_numpy() for name in ("attentiveness", "low", "high")}
    kept = cells["attentiveness"] >= 0.5
    flag = np.where(cells["low"] >= 0.5, "attentive", np.where(kept, "unsure", "inattentive"))
    flag[cells["high"] - cells["low"] > 0.8] = "new"
    return Filtered(counts, replace(result, **changes), kept, flag.tolist(), EVIL if evil else Filtered.rule)


@pytest.fixture(scope="session")
def users_of() -> Callable[..., Filtered]:
    """The function that makes users, with options, and the arguments of the report on them."""
    return filtered


@pytest.fixture(scope="session")
def one_domain() -> Filtered:
    return filtered()


@pytest.fixture(scope="session")
def evil_domains() -> Filtered:
    """Hostile texts wherever a report on users has texts: models, domains, rule and the estimate's diagnostics."""
    rates = {EVIL: 0.8, EVIL + "2": GoldSample(160, 200), "x" * 500: Beta(80, 20)}
    choice = pa.table(
        {"family": [EVIL, "beta"], "parameters": [3, 2], "log_likelihood": [-9.0, -8.0], "bic": [9.0, 7.0]}
    )
    found = filtered(rates=rates, evil=True, choice=choice, diagnostics=(Diagnostic("x", "warning", EVIL),))
    parameters = pa.table({"name": [EVIL], "value": [1.0], "standard_error": [None], "low": [None], "high": [None]})
    prior = {**found.result.prior, "note": EVIL}
    settings = {**found.result.settings, EVIL: EVIL}
    return replace(found, result=replace(found.result, parameters=parameters, prior=prior, settings=settings))


@pytest.fixture(scope="session")
def page_of() -> Callable[[str], Page]:
    """The function that parses a page."""
    return Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium through Playwright; skips where either is absent."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium found on PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visit(browser: Any) -> Callable[..., AbstractContextManager[Any]]:
    """A context of a page with all charts drawn; fails at its end on any script error or request to the network."""

    @contextmanager
    def visited(address: str, **options: Any) -> Iterator[Any]:
        context = browser.new_context(**options)
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text) if message.type in BAD else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(("file:", "data:")) else trouble.append(sent.url))
        page.goto(address)
        page.wait_for_function(
            "document.querySelectorAll('[data-drawn]').length === document.querySelectorAll('[data-chart]').length"
        )
        yield page
        context.close()
        assert trouble == []

    return visited
