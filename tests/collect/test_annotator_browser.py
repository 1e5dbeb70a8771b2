"""The annotators' page in a real browser: by keyboard alone, on a small screen, and with texts that try to run."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from campaign_people import link_of, put_pairs
from sqlalchemy import select
from test_invitations import HOSTILE

from votewise.collect.database import reading
from votewise.collect.folder import Collection
from votewise.collect.schema import vote
from votewise.collect.service import make_service

pytestmark = pytest.mark.slow

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of Chromium, and in ``page.seen`` its requests, dialogs and errors."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=QUIET.split())
        made = browser.new_context(viewport={"width": 360, "height": 640}).new_page()
        made.seen = {"requests": set(), "alerts": []}
        made.on("request", lambda request: made.seen["requests"].add(re.sub(r"^(\w+://[^/]*).*", r"\1", request.url)))
        made.on("dialog", lambda dialog: (made.seen["alerts"].append(dialog.message), dialog.dismiss()))
        made.on("console", lambda said: made.seen["alerts"].append(said.text) if said.type == "error" else None)
        yield made
        browser.close()


@pytest.fixture
def url(collection: Collection) -> Iterator[str]:
    """Where the service is."""
    server = uvicorn.Server(
        uvicorn.Config(make_service(replace(collection, clock=time.time)), port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def ready(page: Any) -> str | None:
    """The comparison on a page that is loaded, None without one."""
    page.wait_for_selector("html[data-ready]")
    pair = page.query_selector("#pair")
    return None if pair is None else str(pair.get_attribute("data-comparison"))


def press(page: Any, key: str) -> str | None:
    """Press a key, and give the comparison on the page that follows."""
    with page.expect_navigation():
        page.keyboard.press(key)
    return ready(page)


def test_a_campaign_is_judged_by_keyboard_alone(collection: Collection, page: Any, url: str) -> None:
    put_pairs(collection, 5, want=1)
    page.goto(f"{url}/join#{link_of(collection, 'ann')}")
    ready(page)
    page.keyboard.press("Tab")
    with page.expect_navigation(url=re.compile("/annotate$")):
        page.keyboard.press("Enter")
    first = ready(page)
    second = press(page, "1")
    assert second != first
    assert page.inner_text("#said") == "Your vote is kept."
    assert press(page, "u") == first
    for key in "1234":
        press(page, key)
    assert press(page, "s") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert "4 pairs judged" in page.inner_text("header")
    with reading(collection.engine) as connection:
        choices = connection.execute(select(vote.c.choice)).scalars().all()
    assert sorted(choices) == ["both_bad", "left", "right", "skip", "tie"]
    assert page.seen == {"requests": {url}, "alerts": []}


def test_texts_that_try_to_run_do_nothing(collection: Collection, page: Any, url: str) -> None:
    for text in HOSTILE:
        put_pairs(collection, 1, want=1, prompt=text, good=text, poor=f"other {text}", name=text)
    page.goto(f"{url}/join#{link_of(collection, HOSTILE[0])}")
    ready(page)
    with page.expect_navigation(url=re.compile("/annotate$")):
        page.click("#begin")
    shown = set()
    while ready(page) is not None:
        shown.add(page.inner_text(".asked"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        press(page, "3")
    assert len(shown) == len(HOSTILE)
    assert page.seen == {"requests": {url}, "alerts": []}
