"""A row's page: its blocks, ticking, writing, comments, and content that means harm."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.seeding import block, page_content, png, status, title, words

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def open_row(desk: Desk, children: list[dict[str, object]] | None = None) -> str:
    """Make a task with content and open it."""
    properties = {"Task Name": title("Low Tide"), "Status": status("Ready")}
    row = desk.client.row(desk.sources["tasks"], properties, children)
    desk.show(query=f"?row={row}")
    expect(desk.page.locator(".page-title")).to_have_text("Low Tide")
    return row


def test_every_common_block_is_shown_as_what_it_is(desk: Desk) -> None:
    """Callout, headings, annotated text, table, to-dos, lists, quote, toggle, code, rule, bookmark, picture."""
    open_row(desk, page_content(desk.client.upload("wave.png", png(200, 40), "image/png")))
    content = desk.page.locator(".content")

    expect(content.locator(".callout.wash-green")).to_contain_text("Verified")
    expect(content.locator("h3").first).to_have_text("What happened")
    expect(content.locator("p strong")).to_have_text("once")
    expect(content.locator("p > code")).to_have_text("acquire.fetch")
    expect(content.locator("p a").first).to_have_attribute("href", "https://example.com/label")
    expect(content.locator("table th")).to_have_text(["Check", "Expected", "Found"])
    expect(content.locator("table td")).to_have_count(6)
    expect(content.locator("ul > li")).to_have_text(["M4A, AAC 256k", "WAV, 24 bit"])
    expect(content.locator("ol > li")).to_have_text(["Decode", "Measure"])
    expect(content.locator("blockquote")).to_contain_text("without a gap")
    expect(content.locator("pre")).to_contain_text("12:04:03 decode")
    expect(content.locator("hr")).to_have_count(1)
    expect(content.locator(".bookmark a")).to_have_attribute("rel", "noopener noreferrer")
    picture = content.locator("figure.picture img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 200


def test_a_to_do_is_ticked(desk: Desk) -> None:
    """The tick is the answer: it reaches the API, text and annotations unharmed."""
    row = open_row(desk, [block("to_do", "Candidate one", checked=False)])
    with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        desk.page.get_by_label("Candidate one").check()

    (todo,) = desk.client.call("GET", f"blocks/{row}/children")["results"]
    assert todo["to_do"]["checked"] is True
    assert todo["to_do"]["rich_text"][0]["plain_text"] == "Candidate one"


def test_a_toggle_reads_what_it_hides_when_it_is_opened(desk: Desk) -> None:
    """And stays open when the page changes beneath it."""
    row = open_row(desk, [block("toggle", "The log", children=[block("paragraph", "All quiet.")])])
    inside = desk.page.locator(".toggle .nested p")
    expect(inside).to_have_count(0)
    desk.page.get_by_text("The log").click()
    expect(inside).to_have_text("All quiet.")
    desk.client.call("PATCH", f"blocks/{row}/children", {"children": [block("paragraph", "Later.")]})

    expect(desk.page.locator(".content > p")).to_have_text("Later.")
    expect(inside).to_have_text("All quiet.")


def test_what_is_written_becomes_blocks(desk: Desk) -> None:
    """The marks that people type make headings, lists and to-dos."""
    row = open_row(desk)
    field = desk.page.get_by_label("Write on the page")
    for line in ("# Notes", "- first", "[] ask Maya", "> quoted", "plain words", "---"):
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            field.fill(line)
            field.press("Enter")

    blocks = desk.client.call("GET", f"blocks/{row}/children")["results"]
    kinds = ["heading_1", "bulleted_list_item", "to_do", "quote", "paragraph", "divider"]
    assert [each["type"] for each in blocks] == kinds
    expect(desk.page.locator(".content h2")).to_have_text("Notes")
    expect(desk.page.locator(".content > p")).to_have_text("plain words")


def test_a_comment_is_added_as_the_person(desk: Desk) -> None:
    """It appears with its author, and the API knows that no integration wrote it."""
    row = open_row(desk)
    desk.page.get_by_label("Add a comment").fill("Take the second one")
    desk.page.get_by_label("Add a comment").press("Enter")
    expect(desk.page.locator(".comments li p")).to_have_text("Take the second one")

    (comment,) = desk.client.call("GET", f"comments?block_id={row}")["results"]
    assert comment["created_by"]["id"] == desk.server.workspace.person.user_id


def test_hostile_text_stays_text(desk: Desk) -> None:
    """Markup in titles, values, blocks, comments and option names is shown, never run."""
    link = {"type": "text", "text": {"content": "click me", "link": {"url": "https://example.com/x"}}}
    children = [
        block("paragraph", HOSTILE),
        block("code", HOSTILE, language="html"),
        {"type": "paragraph", "paragraph": {"rich_text": [link]}},
    ]
    properties = {
        "Task Name": title(HOSTILE),
        "Status": status("In Progress"),
        "Step": words(HOSTILE),
        "Link": {"url": "javascript:document.title='owned'"},
        "Tags": {"multi_select": [{"name": "<b>bold</b>"}]},
    }
    row = desk.client.row(desk.sources["tasks"], properties, children)
    comment = {"parent": {"page_id": row}, "rich_text": [{"text": {"content": HOSTILE}}]}
    desk.client.call("POST", "comments", comment)
    desk.show(query=f"?row={row}")

    expect(desk.page.locator(".page-title")).to_have_text(HOSTILE)
    expect(desk.page.locator(".content p").first).to_have_text(HOSTILE)
    expect(desk.page.locator(".comments li p")).to_have_text(HOSTILE)
    expect(desk.value("Tags").locator(".chip")).to_have_text("<b>bold</b>")
    expect(desk.value("Link").locator("a")).to_have_count(0)
    expect(desk.page.locator("body img[src=x]")).to_have_count(0)
    assert "owned" not in desk.page.title()


def test_a_shared_link_to_a_row_that_is_gone_says_so(desk: Desk) -> None:
    """In the server's words, with a way to close."""
    desk.show(query="?row=00000000-0000-4000-8000-000000000000")

    expect(desk.page.locator("#panel")).to_contain_text("Could not find page")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#panel")).to_be_hidden()
    desk.complaints.clear()  # a 404 is noted in the console by the browser itself
