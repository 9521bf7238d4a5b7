"""Rows by hand: created, edited in place, found, thrown away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.seeding import png, status, title, words

pytestmark = pytest.mark.browser


def only_row(desk: Desk, source: str = "tasks") -> dict[str, Any]:
    """The properties of the only row of a database, read through the integration's door."""
    (row,) = desk.client.call("POST", f"data_sources/{desk.sources[source]}/query", {})["results"]
    properties: dict[str, Any] = row["properties"]
    return properties


def test_a_task_is_created_from_the_keyboard(desk: Desk) -> None:
    """`n`, a name, a link, a task type, Enter: the row stands in Ready, and the API has it."""
    desk.show()
    expect(desk.page.get_by_text("No rows in Agent-Tasks yet")).to_be_visible()
    desk.page.keyboard.press("n")
    desk.page.keyboard.type("Low Tide")
    desk.page.get_by_label("Link").fill("https://example.com/low-tide.wav")
    desk.page.locator(".create").get_by_role("button", name="Task Type").click()
    desk.page.get_by_role("option", name="Sync track").click()
    desk.page.locator(".create [type=submit]").click()

    expect(desk.lane("Ready").locator(".card h3")).to_have_text("Low Tide")
    row = only_row(desk)
    assert row["Status"]["status"]["name"] == "Ready"
    assert row["Task Type"]["select"]["name"] == "Sync track"
    assert row["Link"]["url"] == "https://example.com/low-tide.wav"


def test_a_row_is_created_in_the_lane_whose_plus_was_pressed(desk: Desk) -> None:
    """The lane's status is the row's."""
    desk.client.row(desk.sources["tasks"], {"Task Name": title("First"), "Status": status("Planning")})
    desk.show()
    desk.lane("Planning").hover()
    desk.page.get_by_role("button", name="New row in Planning").click()
    desk.page.keyboard.type("Second")
    desk.page.keyboard.press("Enter")

    expect(desk.lane("Planning").locator(".card h3")).to_have_text(["Second", "First"])


def test_a_refused_row_says_why_and_keeps_what_was_typed(desk: Desk) -> None:
    """The server's sentence stands in the dialog."""
    desk.show("tasks")
    desk.page.keyboard.press("n")
    desk.page.keyboard.type("Low Tide")
    desk.page.get_by_label("Link").fill("https://example.com/" + "x" * 2100)
    desk.page.locator(".create [type=submit]").click()

    expect(desk.page.get_by_role("alert")).to_contain_text("2000")
    expect(desk.page.locator(".create-title")).to_have_value("Low Tide")
    desk.complaints.clear()  # a 400 is noted in the console by the browser itself


class TestEditing:
    """Each type of property, in the panel; what the API then says is what counts."""

    @pytest.fixture
    def row(self, desk: Desk) -> str:
        """An open row."""
        properties = {
            "Task Name": title("Low Tide"),
            "Status": status("Ready"),
            "Run ID": words("run-1"),
            "Attempt": {"number": 1},
            "Link": {"url": "https://example.com/a"},
            "Priority": {"select": {"name": "High"}},
            "Tags": {"multi_select": [{"name": "library"}]},
            "Archive": {"checkbox": True},
            "Started": {"date": {"start": "2026-11-20"}},
        }
        made = desk.client.row(desk.sources["tasks"], properties)
        desk.show(query=f"?row={made}")
        desk.page.get_by_role("button", name=re.compile("more, empty")).click()
        return made

    def test_title(self, desk: Desk, row: str) -> None:
        """A click on the title, a new name, Enter."""
        desk.page.locator(".page-title").click()
        desk.page.keyboard.type("High Tide")
        desk.page.keyboard.press("Enter")

        expect(desk.card("High Tide")).to_be_visible()
        assert desk.client.read(row)["Task Name"]["title"][0]["plain_text"] == "High Tide"

    def test_what_is_typed(self, desk: Desk, row: str) -> None:
        """Text, number and address, and each of them emptied."""
        for name, typed, stored in (
            ("Run ID", "run-2", "run-2"),
            ("Run ID", "", ""),
            ("Attempt", "2.5", 2.5),
            ("Attempt", "", None),
            ("Link", "https://example.com/b", "https://example.com/b"),
            ("Link", "", None),
        ):
            with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
                desk.value(name).click(position={"x": 300, "y": 10})
                desk.page.locator(".edit-text").fill(typed)
                desk.page.keyboard.press("Enter")

            value = desk.client.read(row)[name]
            found = value[value["type"]]
            if value["type"] == "rich_text":
                found = "".join(run["plain_text"] for run in found)
            assert found == stored

    def test_escape_keeps_the_old_value(self, desk: Desk, row: str) -> None:
        """Nothing is sent."""
        desk.value("Run ID").click()
        desk.page.keyboard.type("never")
        desk.page.keyboard.press("Escape")

        expect(desk.value("Run ID")).to_have_text("run-1")
        assert desk.client.read(row)["Run ID"]["rich_text"][0]["plain_text"] == "run-1"

    def test_status(self, desk: Desk, row: str) -> None:
        """Chosen from the vocabulary; the card changes lanes beneath."""
        desk.value("Status").click()
        desk.page.keyboard.type("plan")
        desk.page.keyboard.press("Enter")

        expect(desk.lane("Planning").locator(".card")).to_have_count(1)
        assert desk.client.read(row)["Status"]["status"]["name"] == "Planning"

    def test_select_with_a_new_option_and_cleared(self, desk: Desk, row: str) -> None:
        """A word that is no option yet becomes one; Clear empties."""
        desk.value("Priority").click()
        desk.page.keyboard.type("Someday")
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.get_by_role("option", name="Create Someday").click()
        expect(desk.value("Priority")).to_have_text("Someday")
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.value("Priority").click()
            desk.page.get_by_role("option", name="Clear").click()

        assert desk.client.read(row)["Priority"]["select"] is None

    def test_multi_select(self, desk: Desk, row: str) -> None:
        """One taken away, one added, sent once when the picker closes."""
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.value("Tags").click()
            desk.page.get_by_role("option", name="library").click()
            desk.page.get_by_role("option", name="night shift").click()
            desk.page.keyboard.press("Escape")

        tags = desk.client.read(row)["Tags"]["multi_select"]
        assert [tag["name"] for tag in tags] == ["night shift"]

    def test_checkbox(self, desk: Desk, row: str) -> None:
        """A click is the change."""
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.value("Archive").click()

        assert desk.client.read(row)["Archive"]["checkbox"] is False

    def test_date_with_an_end(self, desk: Desk, row: str) -> None:
        """Days stay days: no time zone creeps in."""
        desk.value("Started").click()
        desk.page.get_by_label("Start date").fill("2026-12-01")
        desk.page.get_by_label("End date").fill("2026-12-03")
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.get_by_role("button", name="Done").click()

        date = desk.client.read(row)["Started"]["date"]
        assert (date["start"], date["end"]) == ("2026-12-01", "2026-12-03")

    def test_relation_by_searching_the_other_row(self, desk: Desk, row: str) -> None:
        """The picker finds rows by title; the chip opens the row it names."""
        other = desk.client.row(
            desk.sources["tasks"], {"Task Name": title("Prelude"), "Status": status("Draft")}
        )
        desk.client.row(desk.sources["tasks"], {"Task Name": title("Unrelated"), "Status": status("Draft")})
        desk.value("Handed off from").click()
        desk.page.keyboard.type("prel")
        expect(desk.page.get_by_role("option")).to_have_text(["Prelude"])
        desk.page.keyboard.press("Enter")
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.keyboard.press("Escape")

        assert desk.client.read(row)["Handed off from"]["relation"] == [{"id": other}]
        desk.value("Handed off from").get_by_text("Prelude").click()
        expect(desk.page.locator(".page-title")).to_have_text("Prelude")

    def test_a_long_relation_loses_nothing(self, desk: Desk, row: str) -> None:
        """A page shows 25 of 30 linked rows; taking one away leaves 29."""
        linked = [
            desk.client.row(desk.sources["tasks"], {"Task Name": title(f"Part {n}")}) for n in range(30)
        ]
        desk.client.change(row, {"Handed off from": {"relation": [{"id": each} for each in linked]}})
        expect(desk.value("Handed off from").locator(".page-chip")).to_have_count(25)
        desk.value("Handed off from").click(position={"x": 3, "y": 3})
        desk.page.get_by_role("option", name="Part 7", exact=True).click()
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.keyboard.press("Escape")

        relation = desk.client.read(row)["Handed off from"]["id"]
        items = desk.client.call("GET", f"pages/{row}/properties/{relation}?page_size=100")["results"]
        assert {item["relation"]["id"] for item in items} == set(linked) - {linked[7]}

    def test_files_uploaded_and_taken_away(self, desk: Desk, row: str) -> None:
        """A picture from this machine is uploaded, shown, and can be removed again."""
        desk.value("Artwork").click()
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.locator("input[type=file]").set_input_files(
                {"name": "cover.png", "mimeType": "image/png", "buffer": png(80, 40)}
            )
        desk.page.keyboard.press("Escape")
        picture = desk.value("Artwork").locator("img")
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 80
        assert [file["name"] for file in desk.client.read(row)["Artwork"]["files"]] == ["cover.png"]

        desk.value("Artwork").click(position={"x": 300, "y": 10})
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            desk.page.get_by_role("button", name="Remove cover.png").click()
        assert desk.client.read(row)["Artwork"]["files"] == []

    def test_people_are_read_only(self, desk: Desk, row: str) -> None:
        """A click opens nothing."""
        desk.value("Owner").click()

        assert row
        expect(desk.page.locator(".popover")).to_have_count(0)


def test_a_cell_of_the_table_is_edited_in_place(desk: Desk) -> None:
    """Without opening the row."""
    row = desk.client.row(desk.sources["tasks"], {"Task Name": title("Low Tide"), "Status": status("Ready")})
    desk.show(view="table")
    desk.page.locator(".tr .td[data-column=Step]").click()
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.page.keyboard.type("by hand")
        desk.page.keyboard.press("Enter")

    expect(desk.page.locator(".tr .td[data-column=Step]")).to_have_text("by hand")
    expect(desk.page.locator("#panel")).to_be_hidden()
    assert desk.client.read(row)["Step"]["rich_text"][0]["plain_text"] == "by hand"


def test_search_filter_and_sort_are_in_the_address(desk: Desk) -> None:
    """A narrowed view can be shared: the same address shows the same rows."""
    for name, kind in (
        ("Low Tide", "Sync track"),
        ("High Tide", "Sync track"),
        ("Tide tables", "Verify run"),
    ):
        properties = {
            "Task Name": title(name),
            "Status": status("Ready"),
            "Task Type": {"select": {"name": kind}},
        }
        desk.client.row(desk.sources["tasks"], properties)
    desk.show(view="table")
    titles = desk.page.locator(".tr .td[data-column='Task Name']")
    expect(titles).to_have_count(3)
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("tide")
    desk.page.get_by_role("button", name="Filter").click()
    desk.page.keyboard.type("task type")
    desk.page.keyboard.press("Enter")
    desk.page.get_by_role("option", name="Task Type is", exact=True).click()
    desk.page.get_by_role("option", name="Sync track").click()
    desk.page.keyboard.press("Escape")
    desk.page.get_by_title("Sort by Task Name").click()
    expect(titles).to_have_text(["High Tide", "Low Tide"])

    desk.page.reload()
    expect(titles).to_have_text(["High Tide", "Low Tide"])
    desk.page.get_by_label("Search rows").fill("nothing like it")
    expect(desk.page.get_by_text("Nothing matches")).to_be_visible()
    desk.page.get_by_role("button", name="Clear them").click()
    expect(titles).to_have_count(3)


def test_hidden_columns_stay_hidden(desk: Desk) -> None:
    """The choice of columns is remembered by the browser."""
    desk.show(view="table")
    headers = desk.page.get_by_role("columnheader")
    expect(headers.filter(has_text="Worker")).to_have_count(0)
    desk.page.get_by_role("button", name="Columns").click()
    desk.page.get_by_role("option", name="Priority").click()
    desk.page.get_by_role("option", name="Worker").click()
    desk.page.keyboard.press("Escape")
    expect(headers.filter(has_text="Worker")).to_have_count(1)

    desk.page.reload()
    expect(headers.filter(has_text="Worker")).to_have_count(1)
    expect(headers.filter(has_text="Priority")).to_have_count(0)


def test_a_row_is_thrown_away_and_brought_back(desk: Desk) -> None:
    """Trash has an undo."""
    row = desk.client.row(desk.sources["tasks"], {"Task Name": title("Low Tide"), "Status": status("Ready")})
    desk.show(query=f"?row={row}")
    desk.page.get_by_role("button", name="Move to trash").click()
    expect(desk.card("Low Tide")).to_have_count(0)
    expect(desk.page.locator("#panel")).to_be_hidden()
    assert desk.client.call("GET", f"pages/{row}")["in_trash"] is True

    desk.page.get_by_role("button", name="Undo").click()
    expect(desk.card("Low Tide")).to_be_visible()


def test_a_refused_edit_is_taken_back_and_told(desk: Desk) -> None:
    """What the server would not take does not stay on the screen."""
    row = desk.client.row(desk.sources["tasks"], {"Task Name": title("Low Tide"), "Status": status("Ready")})
    desk.show(query=f"?row={row}")
    desk.value("Link").click(position={"x": 300, "y": 10})
    desk.page.locator(".edit-text").fill("https://example.com/" + "x" * 2100)
    desk.page.keyboard.press("Enter")

    expect(desk.page.locator(".toast.bad")).to_be_visible()
    expect(desk.value("Link")).to_have_text("Empty")
    desk.complaints.clear()  # a 400 is noted in the console by the browser itself
