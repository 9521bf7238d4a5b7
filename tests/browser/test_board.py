"""The board view: lanes, dragging, keys, folding, grouping."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Desk
from tests.browser.seeding import status, title, words

pytestmark = pytest.mark.browser


PAPER = "rgb(246, 244, 239)"
NIGHT = "rgb(19, 18, 17)"


@pytest.fixture
def rows(desk: Desk) -> dict[str, str]:
    """Three tasks in two lanes."""
    made = {
        name: desk.client.row(
            desk.sources["tasks"],
            {"Task Name": title(name), "Status": status(lane), "Priority": {"select": {"name": priority}}},
        )
        for name, lane, priority in (
            ("Low Tide", "Ready", "High"),
            ("High Tide", "Ready", "Low"),
            ("Salt Flats", "Review", "High"),
        )
    }
    desk.show()
    expect(desk.page.locator(".card")).to_have_count(3)
    return made


def test_a_card_is_dragged_to_another_lane(desk: Desk, rows: dict[str, str]) -> None:
    """The drop writes the status; the card stays where it was put; counts follow."""
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.card("Low Tide").drag_to(desk.lane("Review"))

    assert desk.client.read(rows["Low Tide"])["Status"]["status"]["name"] == "Review"
    expect(desk.lane("Review").locator(".card h3")).to_have_text(["Salt Flats", "Low Tide"])
    expect(desk.lane("Review").locator(".count")).to_have_text("2")
    expect(desk.lane("Ready").locator(".count")).to_have_text("1")


def test_a_card_is_dragged_into_an_empty_lane(desk: Desk, rows: dict[str, str]) -> None:
    """An empty lane is a narrow spine, and takes cards all the same."""
    assert (desk.lane("Blocked").bounding_box() or {})["width"] < 60
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.card("Salt Flats").drag_to(desk.lane("Blocked"))

    assert desk.client.read(rows["Salt Flats"])["Status"]["status"]["name"] == "Blocked"
    expect(desk.lane("Blocked").locator(".card")).to_be_visible()
    expect(desk.lane("Review")).to_have_class("lane tone-yellow slim vacant")


def test_dropping_a_card_where_it_was_writes_nothing(desk: Desk, rows: dict[str, str]) -> None:
    """No request, no change."""
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.method))
    desk.card("Low Tide").drag_to(desk.card("High Tide"))
    desk.page.wait_for_timeout(300)

    assert rows
    assert "PATCH" not in sent


def test_keys_walk_open_and_carry(desk: Desk, rows: dict[str, str]) -> None:
    """Arrows and letters walk the cards, Enter opens, Escape returns to the same card, Shift carries it."""
    focused = desk.page.locator(".card:focus h3")
    desk.page.keyboard.press("j")
    expect(focused).to_have_text("High Tide")
    desk.page.keyboard.press("ArrowDown")
    expect(focused).to_have_text("Low Tide")
    desk.page.keyboard.press("l")
    expect(focused).to_have_text("Salt Flats")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".page-title")).to_have_text("Salt Flats")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#panel")).to_be_hidden()
    expect(focused).to_have_text("Salt Flats")
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.page.keyboard.press("Shift+ArrowRight")

    assert desk.client.read(rows["Salt Flats"])["Status"]["status"]["name"] == "Failed"
    expect(focused).to_have_text("Salt Flats")


def test_letters_typed_in_a_field_are_no_shortcuts(desk: Desk, rows: dict[str, str]) -> None:
    """Searching for “n” does not open the creation panel."""
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("nbt?j1")

    assert rows
    expect(desk.page.get_by_label("Search rows")).to_have_value("nbt?j1")
    expect(desk.page.locator("dialog")).to_have_count(0)
    expect(desk.page.get_by_role("tab", name="Board")).to_have_attribute("aria-selected", "true")


def test_a_folded_lane_stays_folded(desk: Desk, rows: dict[str, str]) -> None:
    """Its count remains; a reload remembers it; a second click opens it again."""
    desk.lane("Ready").locator(".fold").click()
    expect(desk.card("Low Tide")).to_be_hidden()
    expect(desk.lane("Ready").locator(".count")).to_have_text("2")
    desk.page.reload()
    expect(desk.card("Salt Flats")).to_be_visible()
    expect(desk.card("Low Tide")).to_be_hidden()
    desk.lane("Ready").locator(".fold").click()

    assert rows
    expect(desk.card("Low Tide")).to_be_visible()


def test_any_select_can_make_the_lanes(desk: Desk, rows: dict[str, str]) -> None:
    """Grouped by Priority, a drag writes the priority; rows without one have a lane of their own."""
    desk.client.row(desk.sources["tasks"], {"Task Name": title("Drift"), "Status": status("Draft")})
    desk.page.get_by_role("toolbar").get_by_role("button", name="Status").click()
    desk.page.get_by_role("option", name="Priority").click()
    expect(desk.lane("").locator(".card h3")).to_have_text(["Drift"])
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.card("Low Tide").drag_to(desk.lane("Low"))
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.card("High Tide").drag_to(desk.lane(""))

    assert desk.client.read(rows["Low Tide"])["Priority"]["select"]["name"] == "Low"
    assert desk.client.read(rows["High Tide"])["Priority"]["select"] is None


def test_a_card_says_what_it_waits_for(desk: Desk, rows: dict[str, str]) -> None:
    """A blocked card shows its question, a failed one its error, a finished one its result."""
    said = {
        "Low Tide": ("Blocked", {"Question": words("Which of the two?")}, "Which of the two?"),
        "High Tide": ("Failed", {"Last error": words("Removed by its owner")}, "Removed by its owner"),
        "Salt Flats": ("Completed", {"Result": words("3 files, 124 BPM")}, "3 files, 124 BPM"),
    }
    for name, (lane, properties, sentence) in said.items():
        desk.client.change(rows[name], {"Status": status(lane), **properties})
        expect(desk.lane(lane).locator(".card .note")).to_have_text(sentence)


def test_the_theme_follows_the_system_until_one_is_chosen(desk: Desk, context: BrowserContext) -> None:
    """The choice outlives the visit."""
    desk.show()
    expect(desk.page.locator("body")).to_have_css("background-color", PAPER)
    desk.page.emulate_media(color_scheme="dark")
    expect(desk.page.locator("body")).to_have_css("background-color", NIGHT)
    desk.page.get_by_role("button", name="Light or dark").click()
    expect(desk.page.locator("body")).to_have_css("background-color", PAPER)

    other = context.new_page()
    other.emulate_media(color_scheme="dark")
    other.goto(desk.server.board_url)
    expect(other.locator("body")).to_have_css("background-color", PAPER)
    other.close()


def test_on_a_narrow_screen_everything_is_within_reach(desk: Desk, rows: dict[str, str]) -> None:
    """Nothing makes the page itself scroll sideways; the databases and a row open over the board."""
    desk.page.set_viewport_size({"width": 390, "height": 780})
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 390
    desk.page.get_by_role("button", name="Databases").click()
    desk.page.get_by_role("link", name="Music Tracks").click()
    expect(desk.page.get_by_role("heading", name="Music Tracks", exact=True)).to_be_visible()
    desk.page.goto(f"{desk.server.base_url}/#/{desk.sources['tasks']}/board?row={rows['Low Tide']}")

    expect(desk.page.locator(".page-title")).to_have_text("Low Tide")
    assert (desk.page.locator("#panel").bounding_box() or {})["width"] == 390
