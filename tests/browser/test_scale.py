"""Five thousand rows: what a person waits for, and what the page holds."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from notion_local import shapes
from tests.browser.conftest import Desk
from tests.browser.seeding import status, title

pytestmark = pytest.mark.browser

ROWS = 5000


def test_five_thousand_rows_stay_fast(desk: Desk) -> None:
    """The table and the board stand within seconds, scrolling keeps the page small, a change still appears at once.

    The limits are generous: they catch work that grows with the number of rows, not a slow machine.
    """
    shapes.fill(desk.server.workspace, desk.sources["tasks"], ROWS)
    last = desk.client.row(
        desk.sources["tasks"], {"Task Name": title("The newest"), "Status": status("Ready")}
    )

    begun = time.monotonic()
    desk.show(view="table")
    expect(desk.page.locator(".tr").first).to_contain_text("The newest")
    assert time.monotonic() - begun < 6

    scroller = desk.page.locator(".scroller")
    for _ in range(12):
        scroller.evaluate("element => element.scrollTop = element.scrollHeight")
        desk.page.wait_for_timeout(120)
    expect(desk.page.locator(".tfoot")).to_contain_text("rows so far")
    loaded = int((desk.page.locator(".tfoot").text_content() or "0").split()[0].replace(",", ""))
    assert loaded >= 400
    assert desk.page.locator(".tr").count() < 80

    begun = time.monotonic()
    desk.page.keyboard.press("b")
    expect(desk.lane("Ready").locator(".card").first).to_contain_text("The newest")
    assert time.monotonic() - begun < 6
    assert desk.page.locator(".card").count() <= 400

    begun = time.monotonic()
    desk.client.change(last, {"Status": status("In Progress")})
    expect(desk.lane("In Progress").locator(".card").first).to_contain_text("The newest")
    assert time.monotonic() - begun < 3

    desk.page.keyboard.press("t")
    desk.page.get_by_label("Search rows").fill("velvet 12")
    expect(desk.page.locator(".tfoot")).to_contain_text("row")
    expect(desk.page.locator(".tr").first).to_contain_text("velvet 12")
