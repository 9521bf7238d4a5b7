"""Who may speak to the board."""

from __future__ import annotations

import httpx
import pytest

from tests.notion_local_board.conftest import Served

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_loopback_names_are_answered(door: Served, host: str) -> None:
    """A browser that names loopback in any of its spellings gets the page."""
    answer = httpx.get(door.url, headers={"Host": f"{host}:{door.port}"})

    assert answer.status_code == 200
    assert "<title>Segue</title>" in answer.text


@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/board/events", "/board/v1/pages"])
@pytest.mark.parametrize(
    "host", ["rebound.example", "127.0.0.1.rebound.example", "", "[broken", "localhost@rebound.example"]
)
def test_a_rebound_name_is_refused_everywhere(door: Served, path: str, host: str) -> None:
    """A DNS name that was pointed at loopback reaches neither page, files, stream nor API."""
    answer = httpx.get(door.url + path, headers={"Host": host})

    assert answer.status_code in {400, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://rebound.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[broken"},
        {"Origin": "https://rebound.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_from_elsewhere_is_refused(door: Served, method: str, headers: dict[str, str]) -> None:
    """Another site's form, a sandboxed frame, another port and a bare script cannot write."""
    answer = httpx.request(method, f"{door.url}/board/v1/pages", headers=headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "restricted_resource"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_boards_own_page_may_write(door: Served, name: str) -> None:
    """A write with the board's own origin goes through to the API."""
    headers = OWN_PAGE | {"Origin": f"http://{name}:{door.port}", "Host": f"{name}:{door.port}"}
    answer = httpx.post(f"{door.url}/board/v1/pages", headers=headers)

    assert answer.json() == {"method": "POST"}


def test_another_origin_cannot_write_even_cross_origin_with_matching_fetch_site_absent(door: Served) -> None:
    """An older browser without `Sec-Fetch-Site` is judged by its origin alone."""
    own = httpx.post(f"{door.url}/board/v1/pages", headers={"Origin": door.url})
    foreign = httpx.post(f"{door.url}/board/v1/pages", headers={"Origin": "http://localhost:9"})

    assert (own.status_code, foreign.status_code) == (200, 403)


def test_every_answer_carries_the_policy(door: Served) -> None:
    """Page, script, API and refusal alike forbid foreign scripts, framing and sniffing."""
    answers = [
        httpx.get(door.url),
        httpx.get(f"{door.url}/static/js/main.js"),
        httpx.get(f"{door.url}/board/v1/pages"),
        httpx.post(f"{door.url}/board/v1/pages"),
    ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_file_outside_the_static_folder_is_served(door: Served) -> None:
    """A path that climbs out finds nothing."""
    for path in ("/static/../routes.py", "/static/%2e%2e/routes.py", "/static/..%2froutes.py"):
        assert httpx.get(door.url + path).status_code == 404


class TestBoundElsewhere:
    """With a session token, because the server is bound to more than loopback."""

    def test_without_the_session_nothing_is_answered(self, locked_door: Served) -> None:
        """Page, files, stream and API ask for the session; loopback names are no exception."""
        for path in ("/", "/static/js/main.js", "/board/events", "/board/v1/pages"):
            assert httpx.get(locked_door.url + path).status_code == 403

    def test_the_link_with_the_token_opens_the_board(self, locked_door: Served) -> None:
        """The token becomes a cookie that scripts cannot read, and leaves the address bar."""
        with httpx.Client(base_url=locked_door.url) as client:
            exchange = client.get("/?token=right-token")

            assert exchange.status_code == 303
            assert exchange.headers["location"] == "/"
            assert "HttpOnly" in exchange.headers["set-cookie"]
            assert "SameSite=strict" in exchange.headers["set-cookie"]
            assert client.get("/").status_code == 200
            assert client.get("/board/v1/pages").status_code == 200

    def test_a_wrong_token_opens_nothing(self, locked_door: Served) -> None:
        """Neither as a link nor as a cookie, nor as a cookie that is none."""
        assert httpx.get(f"{locked_door.url}/?token=wrong").status_code == 403
        for cookie in (
            "segue_board=wrong",
            "segue_board=",
            "segue_board=ri\xe9",
            ";;;=",
            "other=right-token",
        ):
            answer = httpx.get(locked_door.url, headers={"Cookie": cookie.encode("latin-1")})
            assert answer.status_code == 403

    def test_the_session_does_not_excuse_a_foreign_write(self, locked_door: Served) -> None:
        """A cookie rides on foreign requests in some browsers: the origin is asked all the same."""
        cookie = {"Cookie": "segue_board=right-token"}
        foreign = httpx.post(
            f"{locked_door.url}/board/v1/pages", headers=cookie | {"Origin": "https://else.example"}
        )
        own = httpx.post(f"{locked_door.url}/board/v1/pages", headers=cookie | {"Origin": locked_door.url})

        assert (foreign.status_code, own.status_code) == (403, 200)
