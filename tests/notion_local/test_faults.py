"""Faults strike when they are switched on, from Python, over HTTP and by the command line, and not otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import httpx
import pytest

from notion_local.faults import Faults
from notion_local.server import RunningServer

from .conftest import VERSION, Api, text


def _control(api: Api, **switches: object) -> dict[str, object]:
    response = api.http.post("/_control/faults", json=switches)
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "conflict_error"),
        (500, "internal_server_error"),
        (502, "bad_gateway"),
        (503, "service_unavailable"),
        (504, "gateway_timeout"),
        (529, "service_overload"),
    ],
)
def test_the_next_requests_fail_and_then_no_more(api: Api, status: int, code: str) -> None:
    """A counted error strikes so many requests, before anything is done."""
    _control(api, error_status=status, error_count=2)
    body = {"parent": {"page_id": api.server.root_page_id}, "properties": {"title": {"title": text("x")}}}
    for _ in range(2):
        assert api.refusal("POST", "pages", body)[:2] == (status, code)
    assert api.ok("GET", f"blocks/{api.server.root_page_id}/children")["results"] == []
    api.ok("POST", "pages", body)


def test_an_empty_bucket_limits_the_rate(api: Api) -> None:
    """Beyond the burst a request is told when to come again."""
    _control(api, requests_per_second=0.5, burst=3, retry_after=7)
    statuses = [api.call("GET", "users/me").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    limited = api.call("GET", "users/me")
    assert limited.headers["retry-after"] == "7"
    assert limited.json()["code"] == "rate_limited"
    assert "rate_limit_reason" in limited.json()["additional_data"]


def test_a_write_may_land_without_an_answer(api: Api) -> None:
    """The connection breaks, and the page is there nevertheless."""
    _control(api, drop_count=1)
    body = {
        "parent": {"page_id": api.server.root_page_id},
        "properties": {"title": {"title": text("landed")}},
    }
    with pytest.raises(httpx.RemoteProtocolError):
        api.call("POST", "pages", body)
    blocks = api.ok("GET", f"blocks/{api.server.root_page_id}/children")["results"]
    assert [block["child_page"]["title"] for block in blocks] == ["landed"]


def test_an_answer_may_be_held_back(api: Api) -> None:
    """Latency delays every answer; a timeout delays the next so far that the client gives up."""
    _control(api, latency=0.2)
    began = time.monotonic()
    api.ok("GET", "users/me")
    assert time.monotonic() - began >= 0.2
    _control(api, latency=0, timeout_count=1, timeout_seconds=5)
    with pytest.raises(httpx.ReadTimeout):
        api.http.get("/v1/users/me", timeout=0.3)
    api.ok("GET", "users/me")


def test_a_fault_can_be_aimed(api: Api) -> None:
    """Only the requests named fail."""
    _control(api, error_rate=1.0, only="/query")
    source = api.database({})
    assert api.refusal("POST", f"data_sources/{source}/query", {})[0] == 503
    api.http.request("DELETE", "/_control/faults")
    assert api.found(source) == []


def test_a_page_that_is_no_longer_shared_is_not_found(api: Api) -> None:
    """The page and what stands beneath it look as if they did not exist; the person still sees them."""
    source = api.database({})
    row = api.row(source, "x")["id"]
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    _control(api, unshared=[database])
    assert api.refusal("GET", f"pages/{row}")[:2] == (404, "object_not_found")
    assert api.refusal("POST", f"data_sources/{source}/query", {})[0] == 404
    assert api.http.get(f"/board/v1/pages/{row}").status_code == 200


def test_an_unknown_switch_is_refused(api: Api) -> None:
    """A typo in a fault's name is an answer, not silence, and the control needs the token."""
    assert api.http.post("/_control/faults", json={"latncy": 1}).status_code == 400
    assert httpx.post(f"{api.server.base_url}/_control/faults", json={"latency": 1}).status_code == 401
    with pytest.raises(ValueError, match="no fault"):
        Faults(latncy=1)
    with pytest.raises(ValueError, match="error_status"):
        Faults(error_status=418)


def test_drift_is_made_through_the_person_s_door(server: RunningServer, api: Api) -> None:
    """A property renamed, retyped or removed, and an option removed, by the person while an integration works."""
    source = api.database(
        {"Status": {"select": {"options": [{"name": "Ready"}, {"name": "Done"}]}}, "Note": {"rich_text": {}}}
    )
    row = api.row(source, "x", Status={"select": {"name": "Done"}}, Note={"rich_text": text("keep")})["id"]
    changes = {
        "properties": {
            "Status": {"name": "State", "select": {"options": [{"name": "Ready"}]}},
            "Note": {"number": {}},
        }
    }
    answer = api.http.patch(
        f"/board/v1/data_sources/{source}", json=changes, headers={"Origin": server.base_url}
    )
    assert answer.status_code == 200, answer.text
    values = api.ok("GET", f"pages/{row}")["properties"]
    assert values["State"]["select"] is None
    assert values["Note"]["number"] is None
    _, _, message = api.refusal(
        "PATCH", f"pages/{row}", {"properties": {"Status": {"select": {"name": "Ready"}}}}
    )
    assert message == "Status is not a property that exists."


def test_the_command_line_serves_records_and_fails_on_demand(tmp_path: object) -> None:
    """`python -m notion_local serve` takes a port, a token, a root page, faults and a file for its exchanges."""
    root = "11111111-2222-4333-8444-555555555555"
    record = f"{tmp_path}/traffic.jsonl"
    command = [
        sys.executable,
        "-m",
        "notion_local",
        "serve",
        "--port",
        "0",
        "--token",
        "ntn_t",
        "--root-page",
        root,
    ]
    process = subprocess.Popen(
        [*command, "--record", record, "--fault", "error_count=1", "--fault", "error_status=529"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[-1].removesuffix("/v1")
        headers = {"Authorization": "Bearer ntn_t", "Notion-Version": VERSION}
        assert httpx.get(f"{base_url}/v1/users/me", headers=headers).status_code == 529
        assert httpx.get(f"{base_url}/v1/pages/{root}", headers=headers).json()["id"] == root
        with open(record, encoding="utf-8") as lines:  # noqa: PTH123 a path made of text
            assert [line.split('"path": "')[1].split('"')[0] for line in lines] == [
                "/v1/users/me",
                f"/v1/pages/{root}",
            ]
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def test_a_wrong_fault_ends_the_command_with_a_sentence() -> None:
    """The process says which faults there are and does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "notion_local", "serve", "--fault", "nonsense=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no fault 'nonsense'" in done.stderr
