"""Deliveries judged: signature, handshake, repeats, own writes, and what concerns the task databases."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.web.notion_events import Events, TokenFile, Verdict, signed

TOKEN = "secret_of_the_subscription"
ME, PERSON, TASKS = "bot-1", "person-1", "source-1"


def _events(known: str = TOKEN, *, places: frozenset[str] = frozenset({TASKS})) -> Events:
    return Events(token=lambda: known, keep_token=lambda _: True, me=lambda: ME, places=lambda: places)


def _event(**changes: Any) -> bytes:
    event = {
        "id": "event-1",
        "type": "page.properties_updated",
        "authors": [{"id": PERSON, "type": "person"}],
        "entity": {"id": "page-1", "type": "page"},
        "data": {"parent": {"id": "database-1", "type": "database", "data_source_id": TASKS}},
    }
    return json.dumps({**event, **changes}).encode()


def _judged(body: bytes, events: Events | None = None) -> Verdict:
    return (events or _events()).judge(body, signed(body, TOKEN))


def test_the_signature_is_notion_s() -> None:
    """HMAC-SHA256 of the very bytes under the verification token, as a vector of OpenSSL's has it."""
    # printf '{"a":1}' | openssl dgst -sha256 -hmac secret_abc
    assert signed(b'{"a":1}', "secret_abc") == VECTOR


VECTOR = "sha256=9496ff66662afa1740cc4242fea698a0d8ff8a8dc0eb589fc369a4169793b8a0"


def test_only_what_notion_signed_is_taken() -> None:
    """Another byte, another token, no token yet, no signature, one of strange letters: refused."""
    body = _event()
    good = signed(body, TOKEN)
    assert _events().judge(body, good) is Verdict.WOKE
    assert _events().judge(body + b" ", good) is Verdict.REFUSED
    assert _events().judge(body, signed(body, "another")) is Verdict.REFUSED
    assert _events(known="").judge(body, signed(body, "")) is Verdict.REFUSED
    assert _events().judge(body, "") is Verdict.REFUSED
    assert _events().judge(body, "sha256=ü\udcff") is Verdict.REFUSED


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"type": "page.created"}, Verdict.WOKE),
        ({"type": "page.content_updated"}, Verdict.IGNORED),
        ({"type": "comment.created"}, Verdict.IGNORED),
        ({"type": "something.new"}, Verdict.IGNORED),
        ({"data": {"parent": {"id": "elsewhere", "type": "page"}}}, Verdict.IGNORED),
        ({"data": {"parent": {"id": TASKS, "type": "database"}}}, Verdict.WOKE),
        ({"type": "data_source.schema_updated", "entity": {"id": TASKS}, "data": None}, Verdict.WOKE),
        ({"authors": [{"id": ME, "type": "bot"}]}, Verdict.OWN),
        ({"authors": [{"id": ME, "type": "bot"}, {"id": PERSON, "type": "person"}]}, Verdict.WOKE),
        ({"authors": []}, Verdict.WOKE),
        ({"authors": "me"}, Verdict.WOKE),
        ({"entity": 5, "data": [1]}, Verdict.IGNORED),
        ({"id": None}, Verdict.REFUSED),
    ],
)
def test_what_an_event_leads_to(changes: dict[str, Any], verdict: Verdict) -> None:
    """Rows of the task databases, changed by somebody else, wake the worker; the rest is taken note of."""
    assert _judged(_event(**changes)) is verdict


def test_an_event_counts_once() -> None:
    """Notion delivers again what it thinks was missed."""
    events = _events()
    assert [_judged(_event(), events) for _ in range(3)] == [
        Verdict.WOKE,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]
    assert _judged(_event(id="event-2"), events) is Verdict.WOKE


def test_before_the_databases_are_known_every_row_counts() -> None:
    """Better one look too many."""
    body = _event(data={"parent": {"id": "elsewhere"}})
    assert _events(places=frozenset()).judge(body, signed(body, TOKEN)) is Verdict.WOKE


@settings(max_examples=40)
@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "authors", "data", "parent", "entity", "verification_token"]), inner
    ),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_bytes_break_it(body: bytes) -> None:
    """Whatever is signed or not, there is a verdict."""
    assert _judged(body) in Verdict
    assert _events().judge(body, "") in Verdict


def test_the_first_handshake_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600; the same again is fine, another one is refused until the first is forgotten."""
    kept = TokenFile(tmp_path / "data" / "token")
    events = Events(token=kept.read, keep_token=kept.keep, me=lambda: None, places=frozenset)
    first, second = (json.dumps({"verification_token": f"secret_{n}"}).encode() for n in (1, 2))
    assert events.judge(b'{"verification_token": ""}', "") is Verdict.REFUSED
    assert events.judge(first, "") is Verdict.HANDSHAKE
    assert kept.read() == "secret_1"
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert events.judge(first, "") is Verdict.HANDSHAKE
    assert events.judge(second, "") is Verdict.REFUSED
    assert not kept.keep("secret_2")
    assert kept.read() == "secret_1"
    assert kept.forget()
    assert not kept.forget()
    assert events.judge(second, "") is Verdict.HANDSHAKE
    assert kept.read() == "secret_2"
    assert [path.name for path in kept.path.parent.iterdir()] == ["token"]
