"""Take the picture of a report for the README: its first screen, at most 150 KB.

    python docs/screenshot.py demo/report.html docs/images/report.png

Needs the Python package playwright and a Chromium on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

LIMIT = 150_000
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


def main() -> int:
    """Take the picture; exit code 1 if it is too large for a README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="a report, for example demo/report.html")
    parser.add_argument("out", type=Path, help="the picture to write, a PNG file")
    parser.add_argument("--width", type=int, default=1120, help="width of the window in pixels")
    parser.add_argument("--height", type=int, default=900, help="how much of the report's top to show, in pixels")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="light or dark")
    args = parser.parse_args()

    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        parser.error("no Chromium on the PATH")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=QUIET.split())
        page = browser.new_page(viewport={"width": args.width, "height": args.height}, color_scheme=args.theme)
        page.goto(args.report.resolve().as_uri())
        page.wait_for_selector("html[data-ready]")
        page.screenshot(path=args.out)
        browser.close()
    size = args.out.stat().st_size
    print(f"{args.out}: {size / 1000:.0f} KB")
    return int(size > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
