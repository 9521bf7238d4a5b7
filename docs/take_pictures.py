"""Takes the pictures of the README: the demo's board before, during and after, in a headless Chromium.

``python docs/take_pictures.py``; needs Chromium on the machine (CHROMIUM names it when it is not found).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from notion_local.server import RunningServer

PICTURES = Path(__file__).resolve().parent / "pictures"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
PORT = 18787
WAIT_S = 120


def _cards(page: Page, lane: str) -> int:
    return int(
        page.evaluate(
            "lane => [...document.querySelectorAll('[data-lane]')]"
            ".filter(e => e.dataset.lane === lane).reduce((n, e) => n + e.querySelectorAll('[data-id]').length, 0)",
            lane,
        )
    )


def main() -> int:
    """Runs the demo and takes the pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("No Chromium here; name it by CHROMIUM=…")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1680, "height": 900}, reduced_motion="reduce")
        demo = subprocess.Popen(
            [sys.executable, "-m", "agent", "demo", "--once", "--data", folder, "--port", str(PORT)]
        )
        _film(page, demo)
        with RunningServer(data=Path(folder) / "workspace") as server:
            page.goto(server.board_url)
            page.wait_for_timeout(2500)
            page.screenshot(path=PICTURES / "after.png")
            page.get_by_text("Sync “Night Bus North”", exact=True).first.click()
            page.wait_for_timeout(2500)
            page.screenshot(path=PICTURES / "row.png")
        browser.close()
    return 0


def _film(page: Page, demo: subprocess.Popen[bytes]) -> None:
    """Keeps the last picture of each stage while the demo runs."""
    deadline = time.monotonic() + WAIT_S
    opened = False
    while demo.poll() is None and time.monotonic() < deadline:
        try:
            if not opened:
                page.goto(f"http://127.0.0.1:{PORT}/")
                opened = True
            if _cards(page, "Ready") >= 6 and not _cards(page, "In Progress"):  # noqa: PLR2004 - the demo's rows
                page.screenshot(path=PICTURES / "before.png")
            elif _cards(page, "In Progress") >= 1 and _cards(page, "Completed"):
                page.screenshot(path=PICTURES / "board.png")
        except Exception as error:  # noqa: BLE001 - the server comes and goes; the next look tells
            opened = opened and "ERR_CONNECTION" not in str(error)
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
