"""A real Chromium in front of a real notion_local, one fresh workspace per test.

Nothing is stood in for: the page is the shipped page, rows are made and read back through the integration's door.
Every test ends by asserting that the browser's console stayed clean.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

from notion_local.server import RunningServer
from tests.browser.seeding import Client, make_databases
from tests.conftest import traffic_file

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Desk:
    """The board in a browser, and the workspace behind it."""

    page: Page
    server: RunningServer
    client: Client
    sources: dict[str, str]
    complaints: list[str] = field(default_factory=list)
    """What the console said that it should not have; a test that expects a complaint clears it."""

    def show(self, source: str = "tasks", view: str = "board", query: str = "") -> None:
        """Open a database and wait for its rows."""
        self.page.goto(f"{self.server.base_url}/#/{self.sources[source]}/{view}{query}")
        self.page.locator(".lamp[data-state=live]").wait_for()
        self.page.locator("#view .board, #view .table").wait_for(state="attached")

    def lane(self, name: str) -> Locator:
        """A column of the board."""
        return self.page.locator(f'.lane[data-lane="{name}"]')

    def card(self, title: str) -> Locator:
        """A card by its title."""
        return self.page.locator(".card", has=self.page.get_by_role("heading", name=title, exact=True))

    def value(self, name: str) -> Locator:
        """A property's value in the panel."""
        return self.page.locator(f'.properties [data-property="{name}"] dd')


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A desktop window. Each test serves its own port, and what a browser remembers it remembers per port."""
    fresh = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    fresh.set_default_timeout(8000)
    yield fresh
    fresh.close()


@pytest.fixture
def desk(context: BrowserContext) -> Iterator[Desk]:
    """The board, with empty databases behind it."""
    with RunningServer(record=traffic_file()) as server:
        client = Client(server.base_url, server.token)
        desk = Desk(context.new_page(), server, client, make_databases(client, server.root_page_id))
        desk.page.on("pageerror", lambda error: desk.complaints.append(f"uncaught: {error}"))
        desk.page.on("console", lambda message: _judge(message, desk.complaints))
        yield desk
        desk.page.close()
        client.close()
    assert desk.complaints == []


def _judge(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in {"error", "warning"}:
        complaints.append(f"{message.type}: {message.text}")
