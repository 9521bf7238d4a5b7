"""The client over real HTTP, against a server that does what Notion does on a bad day."""

from __future__ import annotations

import logging
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from notion_schema import blocks
from notion_schema.calls import Patience, Position, RequestNote
from notion_schema.client import PART_BYTES, SINGLE_PART_BYTES, Notion
from notion_schema.errors import NotionError, NotShared, Refused, ResultLimit, Unavailable
from notion_schema.pace import LocalPace
from notion_schema.refusals import retry_after_s
from tests.notion_schema.scripted import Asked, Reply, Scripted, error, scripted

TOKEN = "secret_ntn_0123456789"
QUICK = Patience(attempts=4, total_s=2.0, first_wait_s=0.01, longest_wait_s=0.02, settle_s=0.01)
PAGE = {"object": "page", "id": "p1", "request_id": "r1"}


@pytest.fixture
def server() -> Iterator[Scripted]:
    """A scripted server."""
    with scripted() as running:
        yield running


@pytest.fixture
def notes() -> list[RequestNote]:
    """What the client noted."""
    return []


@pytest.fixture
def notion(server: Scripted, notes: list[RequestNote]) -> Iterator[Notion]:
    """A client of that server, with little patience and no pace to speak of."""
    with Notion(
        TOKEN,
        base_url=server.base_url,
        rate_per_s=1000,
        timeout_s=0.6,
        on_request=notes.append,
        patience=QUICK,
    ) as client:
        yield client


def listed(*results: Any, cursor: str | None = None, **more: Any) -> Reply:
    """One page of a list."""
    return Reply(
        {
            "object": "list",
            "results": list(results),
            "has_more": cursor is not None,
            "next_cursor": cursor,
            **more,
        }
    )


def rows(*names: str) -> list[dict[str, str]]:
    """Pages with these ids."""
    return [{"object": "page", "id": name} for name in names]


def test_sends_version_token_and_nothing_unasked(notion: Notion, server: Scripted) -> None:
    """A call carries the pinned version, the token and only the arguments that were given."""
    server.answer(Reply(PAGE))

    notion.update_page("p1", properties={"x": {"number": 1}})

    [asked] = server.asked
    assert asked.headers["notion-version"] == "2026-03-11"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert (asked.method, asked.path, asked.body) == (
        "PATCH",
        "/v1/pages/p1",
        {"properties": {"x": {"number": 1}}},
    )


@pytest.mark.parametrize(
    "stumble",
    [
        error(429, "rate_limited"),
        error(409, "conflict_error"),
        error(500, "internal_server_error"),
        error(502, "bad_gateway"),
        error(503, "service_unavailable"),
        error(504, "gateway_timeout"),
        error(529, "service_overload"),
        Reply(b"<html>Cloudflare</html>", 502),
        Reply(b"not json", 200),
        Reply(drop=True),
        Reply(PAGE, delay_s=0.9),
    ],
    ids=lambda reply: f"{reply.status}{' drop' if reply.drop else ''}{' slow' if reply.delay_s else ''}",
)
def test_a_blip_is_not_noticed(notion: Notion, server: Scripted, stumble: Reply) -> None:
    """Reads and writes that set values are repeated after every kind of stumbling."""
    server.answer(stumble, Reply(PAGE))
    assert notion.update_page("p1", properties={})["id"] == "p1"
    assert len(server.asked) == 2


def test_a_lasting_failure_is_unavailable_with_its_facts(notion: Notion, server: Scripted) -> None:
    """When patience ends the error tells service, operation, status, code and request id."""
    server.answer(then=error(503, "service_unavailable", "down"))

    with pytest.raises(Unavailable) as caught:
        notion.retrieve_page("p1")

    found = caught.value
    assert (found.service, found.operation, found.status) == ("Notion", "read a page", 503)
    assert (found.code, found.request_id, found.maybe_landed) == ("service_unavailable", "req-503", False)
    assert "did not read a page" in str(found)
    assert "request req-503" in str(found)
    assert len(server.asked) == QUICK.attempts


def test_nobody_at_home_is_unavailable(server: Scripted) -> None:
    """A refused connection ends as Unavailable, and a create that never left has not landed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            Notion(TOKEN, base_url=address, patience=QUICK, rate_per_s=1000) as notion,
            pytest.raises(Unavailable, match="connection failed") as caught,
        ):
            notion.create_page(data_source_id="d", properties={})
    assert not caught.value.maybe_landed
    assert server.asked == []


@pytest.mark.parametrize(
    "lost", [Reply(drop=True), error(502), error(500), Reply(b"<html>", 200), Reply(PAGE, delay_s=0.9)]
)
def test_a_create_whose_answer_was_lost_is_not_repeated_blindly(
    notion: Notion, server: Scripted, lost: Reply
) -> None:
    """Without a lookup there is one sending, and the caller learns that it may have landed."""
    server.answer(lost, then=Reply(PAGE))

    with pytest.raises(Unavailable) as caught:
        notion.create_page(data_source_id="d", properties={})

    assert caught.value.maybe_landed
    assert len(server.asked) == 1


@pytest.mark.parametrize("turned_away", [error(429), error(409), error(529)])
def test_a_create_that_was_turned_away_is_repeated(
    notion: Notion, server: Scripted, turned_away: Reply
) -> None:
    """Answers that say nothing was done allow a second sending."""
    server.answer(turned_away, Reply(PAGE))
    assert notion.create_page(data_source_id="d", properties={})["id"] == "p1"


def test_lookup_finds_what_a_lost_answer_made(notion: Notion, server: Scripted) -> None:
    """What is found stands for the answer, and nothing is created twice."""
    server.answer(Reply(drop=True), then=error(400))
    found = {"object": "page", "id": "found"}
    assert notion.create_page(data_source_id="d", properties={}, lookup=lambda: found) == found
    assert len(server.asked) == 1


def test_lookup_that_finds_nothing_lets_the_create_be_sent_again(notion: Notion, server: Scripted) -> None:
    """When nothing is there the call is repeated, asking before each repetition."""
    looked: list[int] = []
    server.answer(Reply(drop=True), error(502), Reply(PAGE))

    page = notion.create_page(data_source_id="d", properties={}, lookup=lambda: looked.append(1))

    assert page["id"] == "p1"
    assert len(looked) == 2


def test_a_lookup_waits_until_notion_has_settled(server: Scripted) -> None:
    """Queries lag behind writes, so that the lookup is asked only after the stated bound."""
    patience = Patience(attempts=3, total_s=5, first_wait_s=0.01, longest_wait_s=0.01, settle_s=0.4)
    server.answer(Reply(drop=True), Reply(PAGE))
    looked: list[float] = []
    begun = time.monotonic()
    with Notion(TOKEN, base_url=server.base_url, patience=patience, rate_per_s=1000) as notion:
        notion.create_page(
            data_source_id="d", properties={}, lookup=lambda: looked.append(time.monotonic() - begun)
        )
    assert looked[0] >= 0.4


def test_retry_after_holds_back_every_thread(server: Scripted) -> None:
    """When one call is told to wait, the others wait as well."""
    server.answer(error(429, "rate_limited", retry_after="1"), then=Reply(PAGE))
    patience = Patience(attempts=3, total_s=5, first_wait_s=0.01, longest_wait_s=0.01)
    with Notion(TOKEN, base_url=server.base_url, patience=patience, rate_per_s=1000) as notion:
        first = threading.Thread(target=notion.retrieve_page, args=("p1",))
        begun = time.monotonic()
        first.start()
        while not server.asked:
            time.sleep(0.005)
        time.sleep(0.05)
        notion.retrieve_page("p2")
        first.join()
    assert time.monotonic() - begun >= 1.0


def test_a_wait_longer_than_patience_is_handed_up_at_once(notion: Notion, server: Scripted) -> None:
    """An hour's Retry-After is the caller's to wait for, and further calls are not even sent."""
    server.answer(error(429, "rate_limited", retry_after="3600"), then=Reply(PAGE))
    begun = time.monotonic()

    with pytest.raises(Unavailable) as caught:
        notion.retrieve_page("p1")
    with pytest.raises(Unavailable) as next_one:
        notion.retrieve_page("p2")

    assert caught.value.retry_after_s == 3600
    assert next_one.value.retry_after_s is not None
    assert next_one.value.retry_after_s > 3590
    assert len(server.asked) == 1
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "unauthorized", "NOTION_TOKEN"),
        (403, "restricted_resource", "capability"),
        (404, "object_not_found", "Connections"),
    ],
)
def test_not_shared_says_what_to_do(
    notion: Notion, server: Scripted, status: int, code: str, words: str
) -> None:
    """401, 403 and 404 are told apart by their remedy, and not repeated."""
    server.answer(error(status, code, "said by Notion"))
    with pytest.raises(NotShared, match=words) as caught:
        notion.retrieve_page("p1")
    assert caught.value.status == status


def test_refused_keeps_notions_words(notion: Notion, server: Scripted) -> None:
    """A validation error is ours to mend: it carries Notion's own sentence."""
    server.answer(error(400, "validation_error", "body.x should be not present"))
    with pytest.raises(Refused, match=r"refused to update a page: body\.x should be not present"):
        notion.update_page("p1", properties={})


def test_the_token_appears_nowhere(
    notion: Notion, server: Scripted, notes: list[RequestNote], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither repr, error, note nor any log line holds the token, even when the answer echoes it."""
    caplog.set_level(logging.DEBUG)
    server.answer(error(400, "validation_error", f"bad header Bearer {TOKEN}"))
    with pytest.raises(Refused) as caught:
        notion.retrieve_page("p1")
    everything = f"{notion!r} {caught.value} {caught.value!r} {caught.value.__dict__} {notes} {caplog.text}"
    assert "secret_ntn" not in everything


def test_errors_survive_pickling(notion: Notion, server: Scripted) -> None:
    """The engine keeps errors between processes; nothing is lost on the way."""
    server.answer(error(529, "service_overload", retry_after="3600"))
    with pytest.raises(NotionError) as caught:
        notion.retrieve_page("p1")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  our own bytes
    assert type(again) is Unavailable
    assert str(again) == str(caught.value)
    assert again.__dict__ == caught.value.__dict__


def test_query_reads_all_pages_in_a_stated_order(notion: Notion, server: Scripted) -> None:
    """All pages are read, an empty one in the middle included, oldest first when nothing else is asked."""
    server.answer(listed(*rows("a"), cursor="1"), listed(cursor="2"), listed(*rows("b")))

    found = [row["id"] for row in notion.query("d", properties=["%3AID", "title"])]

    assert found == ["a", "b"]
    assert [asked.body.get("start_cursor") for asked in server.asked] == [None, "1", "2"]
    assert server.asked[0].body["sorts"] == [{"timestamp": "created_time", "direction": "ascending"}]
    assert server.asked[1].query == [("filter_properties", "%3AID"), ("filter_properties", "title")]


def test_a_cursor_that_dies_starts_the_scan_again_and_yields_nothing_twice(
    notion: Notion, server: Scripted
) -> None:
    """After an invalid cursor the rows already yielded are passed over."""
    dead = error(400, "validation_error", "The start_cursor provided is invalid: 1")
    server.answer(
        listed(*rows("a", "b"), cursor="1"),
        dead,
        listed(*rows("a", "new"), cursor="2"),
        listed(*rows("b", "c")),
    )
    assert [row["id"] for row in notion.query("d")] == ["a", "b", "new", "c"]


def test_a_cursor_that_always_dies_is_an_error(notion: Notion, server: Scripted) -> None:
    """The scan is not begun anew for ever."""

    def dying(asked: Asked) -> Reply:
        if "start_cursor" in asked.body:
            return error(400, "validation_error", "The start_cursor provided is invalid: 1")
        return listed(*rows("a"), cursor="1")

    server.answer(then=dying)
    with pytest.raises(Refused, match="start_cursor"):
        list(notion.query("d"))


def test_a_query_cut_at_notions_cap_is_no_complete_answer(notion: Notion, server: Scripted) -> None:
    """The rows are yielded, and then it is said that there are more."""
    incomplete = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    server.answer(listed(*rows("a"), request_status=incomplete))
    scan = notion.query("d")
    assert next(scan)["id"] == "a"
    with pytest.raises(ResultLimit, match="Narrow the filter"):
        next(scan)


def test_more_without_a_cursor_is_no_complete_answer(notion: Notion, server: Scripted) -> None:
    """A list that says more and not where is not taken for its end."""
    server.answer(Reply({"object": "list", "results": [], "has_more": True, "next_cursor": None}))
    with pytest.raises(Unavailable, match="completely"):
        list(notion.query("d"))


def test_a_failed_query_is_no_empty_answer(notion: Notion, server: Scripted) -> None:
    """A scan that breaks off in the middle raises."""
    server.answer(listed(*rows("a"), cursor="1"), then=error(502))
    scan = notion.query("d")
    assert next(scan)["id"] == "a"
    with pytest.raises(Unavailable):
        next(scan)


def test_pages_get_smaller_when_notion_runs_out_of_time(notion: Notion, server: Scripted) -> None:
    """After lasting gateway timeouts the same place is asked for with half as many rows."""

    def slow(asked: Asked) -> Reply:
        return error(504, "gateway_timeout") if asked.body["page_size"] > 30 else listed(*rows("a"))

    server.answer(then=slow)
    assert [row["id"] for row in notion.query("d")] == ["a"]
    assert sorted({asked.body["page_size"] for asked in server.asked}) == [25, 50, 100]


def test_a_long_relation_is_read_to_its_end(notion: Notion, server: Scripted) -> None:
    """Items of one property share its id and are all yielded."""
    item = {"object": "property_item", "id": "rel", "type": "relation"}
    server.answer(
        listed({**item, "relation": {"id": "1"}}, {**item, "relation": {"id": "2"}}, cursor="c"),
        listed({**item, "relation": {"id": "3"}}),
    )
    found = [entry["relation"]["id"] for entry in notion.page_property("p1", "rel")]
    assert found == ["1", "2", "3"]
    assert ("start_cursor", "c") in server.asked[1].query


def test_many_blocks_are_appended_in_order_and_in_bounds(notion: Notion, server: Scripted) -> None:
    """250 lines, one of them with nested levels, arrive in calls of at most a hundred blocks."""
    numbered = iter(range(10_000))

    def created(asked: Asked) -> Reply:
        assert len(asked.body["children"]) <= 100
        return listed(*({"object": "block", "id": f"b{next(numbered)}"} for _ in asked.body["children"]))

    server.answer(then=created)
    deep = blocks.bulleted("1", [blocks.bulleted("2", [blocks.bulleted("3", [blocks.bulleted("4")])])])
    wanted = [deep, *(blocks.paragraph(str(n)) for n in range(249))]

    ids = notion.append_children("page", wanted, position=Position(start=True))

    assert len(ids) == len(set(ids)) == 250
    top = [asked for asked in server.asked if asked.path == "/v1/blocks/page/children"]
    assert [len(asked.body["children"]) for asked in top] == [100, 100, 50]
    assert top[0].body["position"] == {"type": "start"}
    assert top[1].body["position"] == {"type": "after_block", "after_block": {"id": ids[99]}}
    sent = [blocks.plain_text(block) for asked in top for block in asked.body["children"]]
    assert sent == ["1", *(str(n) for n in range(249))]
    nested = [asked for asked in server.asked if asked.path == f"/v1/blocks/{ids[0]}/children"]
    assert [blocks.plain_text(block) for asked in nested for block in asked.body["children"]] == ["2"]


def test_a_page_with_more_content_than_one_request_takes_the_rest_afterwards(
    notion: Notion, server: Scripted
) -> None:
    """The first hundred blocks travel with the page, the others follow."""
    server.answer(
        Reply(PAGE), then=lambda asked: listed(*({"id": f"b{n}"} for n in range(len(asked.body["children"]))))
    )
    notion.create_page(data_source_id="d", properties={}, children=[blocks.paragraph("x")] * 130)
    assert [len(asked.body["children"]) for asked in server.asked] == [100, 30]


def test_a_file_is_uploaded_in_one_part(notion: Notion, server: Scripted, tmp_path: Path) -> None:
    """Create, then send the bytes as a form."""
    file = tmp_path / "waveform.png"
    file.write_bytes(b"\x89PNG picture")
    upload = {"object": "file_upload", "id": "u1", "status": "pending"}
    server.answer(Reply(upload), Reply({**upload, "status": "uploaded"}))

    assert notion.upload_file(file, filename="waveform.png", content_type="image/png") == "u1"

    begin, send = server.asked
    assert begin.body == {"mode": "single_part", "filename": "waveform.png", "content_type": "image/png"}
    assert send.path == "/v1/file_uploads/u1/send"
    assert b"\x89PNG picture" in send.raw
    assert b'filename="waveform.png"' in send.raw


def test_a_lost_answer_to_sent_bytes_is_looked_for(notion: Notion, server: Scripted) -> None:
    """Bytes that arrived are not sent a second time."""
    uploaded = {"object": "file_upload", "id": "u1", "status": "uploaded"}
    server.answer(Reply({**uploaded, "status": "pending"}), Reply(drop=True), Reply(uploaded))
    assert notion.upload_file(b"x", filename="a.txt", content_type="text/plain") == "u1"
    assert [asked.method for asked in server.asked] == ["POST", "POST", "GET"]


def test_a_large_file_travels_in_parts(notion: Notion, server: Scripted) -> None:
    """Above 20 MiB there are numbered parts and a completion."""
    size = SINGLE_PART_BYTES + 1
    server.answer(then=Reply({"object": "file_upload", "id": "u1", "status": "pending"}))

    notion.upload_file(b"\0" * size, filename="set.wav", content_type="audio/wav")

    begin, *sends, complete = server.asked
    assert begin.body["number_of_parts"] == len(sends) == 3
    assert [b'name="part_number"\r\n\r\n%d' % n in send.raw for n, send in enumerate(sends, 1)] == [True] * 3
    assert sum(len(send.raw) for send in sends) - size < 3000
    assert max(len(send.raw) for send in sends) < PART_BYTES + 1000
    assert complete.path == "/v1/file_uploads/u1/complete"


def test_every_sending_is_counted_and_noted(
    notion: Notion, server: Scripted, notes: list[RequestNote]
) -> None:
    """Counts are by endpoint, not by id; a note tells status, attempt and request id."""
    server.answer(error(502), Reply(PAGE), Reply({**PAGE, "id": "p2"}))
    notion.retrieve_page("p1")
    notion.retrieve_page("p2")
    assert notion.counts() == {"GET pages/{}": 3}
    assert [(note.status, note.attempt, note.request_id) for note in notes] == [
        (502, 1, "req-502"),
        (200, 2, "r1"),
        (200, 1, "r1"),
    ]


def test_threads_share_one_pace(server: Scripted) -> None:
    """Ten calls from five threads at 20 a second, with a burst of one, take 0.45 s."""
    server.answer(then=Reply(PAGE))
    with Notion(TOKEN, base_url=server.base_url, pace=LocalPace(20, burst=1), patience=QUICK) as notion:
        begun = time.monotonic()
        threads = [
            threading.Thread(target=lambda: [notion.retrieve_page("p") for _ in range(2)]) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begun
    assert 0.43 <= took < 5


def test_closing_ends_a_wait(server: Scripted) -> None:
    """A worker that stops does not sit out a retry."""
    server.answer(then=error(503))
    patience = Patience(attempts=9, total_s=60, first_wait_s=30, longest_wait_s=30)
    notion = Notion(TOKEN, base_url=server.base_url, patience=patience)
    failures: list[NotionError] = []

    def read() -> None:
        try:
            notion.retrieve_page("p1")
        except Unavailable as unavailable:
            failures.append(unavailable)

    thread = threading.Thread(target=read)
    thread.start()
    while not server.asked:
        time.sleep(0.005)
    notion.close()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert "stopping" in str(failures[0])


@pytest.mark.parametrize(
    ("token", "url"), [("", "https://api.notion.com"), ("t", "api.notion.com"), ("t", "ftp://x")]
)
def test_unusable_settings_are_said_at_once(token: str, url: str) -> None:
    """An empty token or an address that is none is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"NOTION_TOKEN|HTTP address"):
        Notion(token, base_url=url)


def test_retry_after_may_be_a_date(notion: Notion, server: Scripted) -> None:
    """A moment is as good as a number of seconds, and nonsense is no wait."""
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.answer(error(429, "rate_limited", retry_after=soon))
    with pytest.raises(Unavailable) as caught:
        notion.retrieve_page("p1")
    assert 3590 < (caught.value.retry_after_s or 0) <= 3600
    assert retry_after_s("a while") is None
    assert retry_after_s("-5") == 0


@pytest.mark.parametrize("body", [[1, 2], "text", None])
def test_an_answer_that_is_no_object_is_a_blip(notion: Notion, server: Scripted, body: object) -> None:
    """Whatever a proxy makes of it, refusals and answers included."""
    server.answer(Reply(body, 502), Reply(body, 200), Reply(PAGE))
    assert notion.retrieve_page("p1")["id"] == "p1"


def test_a_property_that_is_no_list_is_one_item(notion: Notion, server: Scripted) -> None:
    """A number has no pages of items."""
    item = {"object": "property_item", "id": "n", "type": "number", "number": 3}
    server.answer(Reply(item))
    assert list(notion.page_property("p1", "n")) == [item]
