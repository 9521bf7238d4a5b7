"""What others do appears by itself, and a server that goes away is noticed and waited for."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from notion_local import pages, shapes
from notion_local.server import RunningServer
from tests.browser.conftest import Desk
from tests.browser.seeding import Client, block, make_databases, status, title, words

pytestmark = pytest.mark.browser


@pytest.fixture
def row(desk: Desk) -> str:
    """One ready task on the board."""
    made = desk.client.row(desk.sources["tasks"], {"Task Name": title("Low Tide"), "Status": status("Ready")})
    desk.show()
    expect(desk.card("Low Tide")).to_be_visible()
    return made


def test_a_worker_moves_a_card(desk: Desk, row: str) -> None:
    """Status, progress and step change through the API: the card changes lanes and shows both, and glows."""
    properties = {"Status": status("In Progress"), "Progress": {"number": 42}, "Step": words("Decoding once")}
    desk.client.change(row, properties)

    card = desk.lane("In Progress").locator(".card.touched")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    expect(card.locator(".step")).to_have_text("Decoding once")
    expect(desk.lane("Ready").locator(".card")).to_have_count(0)


def test_a_row_made_elsewhere_appears_and_one_thrown_away_goes(desk: Desk, row: str) -> None:
    """No reload in between."""
    other = desk.client.row(
        desk.sources["tasks"], {"Task Name": title("High Tide"), "Status": status("Ready")}
    )
    expect(desk.lane("Ready").locator(".card h3")).to_have_text(["High Tide", "Low Tide"])
    desk.client.call("PATCH", f"pages/{row}", {"in_trash": True})

    expect(desk.lane("Ready").locator(".card h3")).to_have_text(["High Tide"])
    assert other


_NOTE_MOVES = """() => {
  window.moves = [];
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (frames, timing) {
    if (this.matches(".card")) window.moves.push(frames[0].transform);
    return animate.call(this, frames, timing);
  };
}"""


_REST = """card => Promise.allSettled(
  card.getAnimations().filter(move => !move.animationName).map(move => move.finished)
)"""


def test_a_moved_card_travels_and_a_ticking_one_keeps_still(desk: Desk, row: str) -> None:
    """Changing lanes is a movement and a glow; progress alone is neither."""
    desk.page.emulate_media(reduced_motion="no-preference")
    # Noted when they begin: a movement lasts less than half a second, and a busy machine looks later than that.
    desk.page.evaluate(_NOTE_MOVES)
    card = desk.page.locator(".card")
    desk.client.change(row, {"Status": status("Completed")})
    card_now = desk.lane("Completed").locator(".card.touched")
    expect(card_now).to_have_count(1)
    assert len(desk.page.evaluate("moves")) == 1
    # A card that still travels would be seen to go on from where it is.
    card.evaluate(_REST)
    desk.client.change(row, {"Progress": {"number": 30}})
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "30")
    assert len(desk.page.evaluate("moves")) == 1

    expect(desk.page.locator(".card.touched")).to_have_count(0)


def test_only_the_touched_row_is_read_again(desk: Desk, row: str) -> None:
    """One change costs one GET of one page: no query, no other row."""
    desk.client.row(desk.sources["tasks"], {"Task Name": title("High Tide"), "Status": status("Ready")})
    expect(desk.card("High Tide")).to_be_visible()
    asked: list[str] = []
    desk.page.on("request", lambda request: _note(request, asked))
    desk.client.change(row, {"Step": words("Listening"), "Status": status("In Progress")})
    expect(desk.lane("In Progress").locator(".card")).to_have_count(1)

    assert asked == [f"GET /board/v1/pages/{row}"]


def _note(request: Request, asked: list[str]) -> None:
    asked.append(f"{request.method} {urlsplit(request.url).path}")


def test_only_the_changed_cell_glows(desk: Desk, row: str) -> None:
    """In the table the highlight is as small as the change."""
    desk.page.keyboard.press("t")
    cell = desk.page.locator(".tr .td[data-column=Step]")
    expect(cell).to_be_visible()
    desk.client.change(row, {"Step": words("Listening")})
    expect(cell).to_have_text("Listening")

    assert desk.page.locator(".touched").evaluate_all("cells => cells.map(cell => cell.dataset.column)") == [
        "Step"
    ]


def test_an_own_edit_does_not_glow(desk: Desk, row: str) -> None:
    """A person knows what they just did."""
    desk.page.keyboard.press("t")
    desk.page.locator(".tr .td[data-column=Step]").click()
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.page.keyboard.type("by hand")
        desk.page.keyboard.press("Enter")
    desk.client.change(row, {"Worker": words("studio-1")})
    desk.page.wait_for_timeout(400)

    expect(desk.page.locator(".touched")).to_have_count(0)


def test_an_open_page_grows_as_it_is_written(desk: Desk, row: str) -> None:
    """Properties, content and comments of the open row are as live as the board."""
    desk.card("Low Tide").click()
    expect(desk.page.locator(".page-title")).to_have_text("Low Tide")
    desk.client.call("PATCH", f"blocks/{row}/children", {"children": [block("paragraph", "Fetched 22 MB.")]})
    expect(desk.page.locator(".content p")).to_have_text("Fetched 22 MB.")
    comment = {"parent": {"page_id": row}, "rich_text": [{"text": {"content": "Which master is this?"}}]}
    desk.client.call("POST", "comments", comment)
    expect(desk.page.locator(".comments li p")).to_have_text("Which master is this?")
    desk.client.change(row, {"Result": words("3 files")})

    expect(desk.value("Result")).to_have_text("3 files")


def test_a_filtered_view_takes_in_and_lets_go_by_its_filter(desk: Desk, row: str) -> None:
    """The filter is judged for the row that changed, without a query."""
    desk.show(view="table", query="?f=Task+Type~is~Verify run")
    expect(desk.page.get_by_text("Nothing matches")).to_be_visible()
    desk.client.change(row, {"Task Type": {"select": {"name": "Verify run"}}})
    expect(desk.page.locator(".tr")).to_have_count(1)
    desk.client.change(row, {"Task Type": {"select": {"name": "Sync track"}}})

    expect(desk.page.get_by_text("Nothing matches")).to_be_visible()


def test_a_new_column_and_a_new_database_appear(desk: Desk, row: str) -> None:
    """A change of shape redraws what it concerns."""
    properties = {"properties": {"Mood": {"select": {"options": [{"name": "late"}]}}}}
    desk.client.call("PATCH", f"data_sources/{desk.sources['tasks']}", properties)
    desk.client.database(desk.server.root_page_id, "Sleeve notes", "📝", {"Name": {"title": {}}})

    expect(desk.page.locator(".sources").get_by_text("Sleeve notes")).to_be_visible()
    desk.page.get_by_role("button", name="Columns").click()
    expect(desk.page.get_by_role("option", name="Mood")).to_have_count(1)
    assert row


def test_a_server_that_went_away_is_waited_for(
    context: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The lamp says so; when the server is back the page catches up, without a reload."""
    data = tmp_path_factory.mktemp("workspace")
    page = context.new_page()
    with RunningServer(data) as server:
        port, token = server.port, server.token
        desk = _desk_on(page, server)
        task = desk.client.row(
            desk.sources["tasks"], {"Task Name": title("Low Tide"), "Status": status("Ready")}
        )
        desk.show()
        expect(desk.lane("Ready").locator(".card")).to_have_count(1)
        desk.client.close()
    expect(page.locator(".lamp[data-state=offline]")).to_have_text("Offline, retrying")
    with RunningServer(data, port=port, token=token) as server:
        client = Client(server.base_url, token)
        client.change(task, {"Status": status("Completed")})
        client.close()
        expect(desk.lane("Completed").locator(".card")).to_have_count(1)
        expect(page.locator(".lamp[data-state=live]")).to_be_visible()
        page.close()


def _desk_on(page: Page, server: RunningServer) -> Desk:
    client = Client(server.base_url, server.token)
    return Desk(page, server, client, make_databases(client, server.root_page_id))


def test_a_flood_of_new_rows_reaches_the_view_and_the_open_row(desk: Desk, row: str) -> None:
    """A hundred rows in one transaction and a change of the row that is open: both are shown."""
    desk.card("Low Tide").click()
    expect(desk.page.locator(".page-title")).to_have_text("Low Tide")
    workspace = desk.server.workspace
    change = {"properties": {"Status": status("Review"), "Task Name": title("Ebb")}}
    with workspace.transaction():
        shapes.fill(workspace, desk.sources["tasks"], 100)
        pages.update(workspace, workspace.bot, workspace.find(workspace.bot, "page", row), change)

    expect(desk.page.locator(".page-title")).to_have_text("Ebb")
    expect(desk.card("Ebb")).to_have_count(1)
    assert desk.page.locator(".card").count() > 50


def test_a_burst_of_changes_is_shown_in_the_end(desk: Desk, row: str) -> None:
    """Sixty quick writes: the last word wins, on the card and in the lanes' counts."""
    for number in range(60):
        desk.client.change(row, {"Progress": {"number": number}, "Status": status("In Progress")})
    deadline = time.monotonic() + 5
    bar = desk.lane("In Progress").get_by_role("progressbar")
    while time.monotonic() < deadline and bar.get_attribute("aria-valuenow") != "59":
        desk.page.wait_for_timeout(50)

    expect(bar).to_have_attribute("aria-valuenow", "59")
    expect(desk.lane("In Progress").locator(".count")).to_have_text("1")
