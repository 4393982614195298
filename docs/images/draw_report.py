"""Photograph the report of a build: python docs/images/draw_report.py demo/report/report.html.

Writes report.png beside this script: the first sections and the mosaic, what lies between them left out.
Needs the system's Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SHOWN = ("Overview", "Left out, and why", "Mosaic")
WIDTH, HEIGHT = 810, 941


def photograph(report: Path, picture: Path) -> None:
    """Write a picture of the top of a report."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on this machine; scripts/system-packages installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.resolve().as_uri())
        page.wait_for_selector(".plotly .main-svg")
        page.evaluate(
            "shown => document.querySelectorAll('section').forEach("
            "one => { if (!shown.includes(one.querySelector('h2').textContent)) one.remove() })",
            list(SHOWN),
        )
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(__file__).with_name("report.png"))
