"""Where requests may go."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from music_workflow.core.library import Library
from music_workflow.errors import BadLink, Unavailable
from music_workflow.integrations.guards import Guard, is_local_or_number, is_public
from music_workflow.integrations.transport import read_small, retry_after
from music_workflow.model import silent
from tests.fakes.media_server import Answer, MediaServer, media_server
from tests.music_workflow.library_world import make_library, piece


@pytest.fixture
def server() -> Any:
    """A web server on loopback."""
    with media_server() as running:
        yield running


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_off_the_public_network_are_told(address: str) -> None:
    """Private, loopback, link-local, multicast and IPv4 hidden in IPv6: none is public."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_told(address: str) -> None:
    """Ordinary addresses pass, also through the IPv6 forms of IPv4."""
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "[::1]", "localhost", "0"]
)
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    """Decimal, octal, hexadecimal and shortened addresses are seen through."""
    with pytest.raises(BadLink, match="not on the public network"):
        Guard().route(f"http://{host}:8080/a.mp3")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/a", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("http://user:pw@example.org/a", "credentials"),
        ("http:///a", "without a host"),
        ("http://[::1/a", "malformed"),
    ],
)
def test_a_hop_is_judged_by_its_text_first(url: str, words: str) -> None:
    """Schemes, credentials and missing hosts are refused before a name is resolved."""
    with pytest.raises(BadLink, match=words):
        Guard(allow_private=True).route(url)


def test_a_name_with_one_private_address_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address of a name is checked, not only the first."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.5")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers)

    with pytest.raises(BadLink, match=r"10\.0\.0\.5"):
        Guard().route("http://rebinding.example/a.mp3")


def test_the_connection_goes_to_the_checked_address(
    server: MediaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves differently the second time cannot lead the connection elsewhere."""
    port = int(server.base.rpartition(":")[2])
    server.serve("/a", Answer(body=b"checked", content_type="audio/mp4"))
    real, asked = socket.getaddrinfo, []

    def once(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *rest, **more)
        asked.append(host)
        if len(asked) > 1:
            raise AssertionError("resolved twice")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", once)

    body = read_small(f"http://rebinding.example:{port}/a", Guard(allow_private=True), 5.0, limit=100)

    assert body == b"checked"
    assert server.seen[0].headers["Host"] == f"rebinding.example:{port}"


def test_the_next_address_is_tried_when_one_does_not_answer(
    server: MediaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a dead and a living address works."""
    port = int(server.base.rpartition(":")[2])
    server.serve("/a", Answer(body=b"alive"))
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("::1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers)

    assert read_small(f"http://two.example:{port}/a", Guard(allow_private=True), 5.0, limit=100) == b"alive"


def test_a_redirect_to_a_private_address_is_refused(server: MediaServer, tmp_path: Any) -> None:
    """Each hop is checked anew: a public page cannot send the worker into the local network."""
    server.redirect("/music.example/a.m4a", "http://169.254.169.254/latest/meta-data")
    library = make_library(tmp_path, service_base=server.base, allow_private_addresses=False)

    with pytest.raises(BadLink, match=r"169\.254\.169\.254"):
        library.identify("https://music.example/a.m4a")
    assert [seen.path for seen in server.seen] == ["/music.example/a.m4a"]


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://music.example/a", "https://u:p@music.example/a"])
def test_a_redirect_to_another_scheme_or_with_credentials_is_refused(
    server: MediaServer, tmp_path: Any, to: str
) -> None:
    """Redirects are held to the same rules as links."""
    server.redirect("/music.example/a.m4a", to)

    with pytest.raises(BadLink):
        make_library(tmp_path, service_base=server.base).identify("https://music.example/a.m4a")


def test_circles_of_redirects_end(server: MediaServer, tmp_path: Any) -> None:
    """A circle is a bad link, not an endless loop."""
    url = server.redirect("/round.m4a", "/round.m4a")

    with pytest.raises(BadLink, match="circle"):
        make_library(tmp_path).identify(url)


def test_loopback_is_refused_unless_allowed(server: MediaServer, tmp_path: Any) -> None:
    """The setting decides; without it nothing is even asked."""
    url = server.serve_audio("/tide.m4a", piece())

    with pytest.raises(BadLink, match="public network"):
        make_library(tmp_path, allow_private_addresses=False).identify(url)
    assert server.seen == []


def test_only_listed_hosts_are_asked_when_there_is_a_list(server: MediaServer, tmp_path: Any) -> None:
    """Neither the link nor a direct file's redirect may leave the list."""
    server.serve_audio("/files.example/tide.m4a", piece())
    server.redirect("/files.example/moved.m4a", "https://elsewhere.example/tide.m4a")
    library = make_library(tmp_path, service_base=server.base, allowed_hosts=("files.example",))

    assert library.identify("https://files.example/tide.m4a").title == "Tide"
    for url in ("https://elsewhere.example/tide.m4a", "https://files.example/moved.m4a"):
        with pytest.raises(BadLink, match="permitted hosts"):
            library.identify(url)


def _fetch(library: Library, url: str, folder: Any) -> None:
    identity = library.identify(url)
    library.fetch(identity, str(folder / "work"), silent)


def test_a_file_stated_too_large_is_refused_before_it_is_downloaded(
    server: MediaServer, tmp_path: Any
) -> None:
    """Content-Length is believed when it forbids."""
    url = server.serve_audio("/big.m4a", piece())

    with pytest.raises(BadLink, match="larger than the permitted"):
        make_library(tmp_path, max_bytes=100_000).identify(url)


def test_a_file_that_hides_its_size_is_cut_off_at_the_limit(server: MediaServer, tmp_path: Any) -> None:
    """The limit holds while the body streams, whatever the headers say."""
    url = server.serve_audio("/big.m4a", piece() * 4, ranges=False, state_length=False)

    with pytest.raises(BadLink, match="larger than the permitted"):
        _fetch(make_library(tmp_path, max_bytes=len(piece()) * 2), url, tmp_path)
    (part,) = (tmp_path / "work").glob("download.part")
    assert part.stat().st_size <= len(piece()) * 2 + 65_536


def test_a_track_longer_than_permitted_is_refused(server: MediaServer, tmp_path: Any) -> None:
    """The measured duration counts, since files do not say it reliably."""
    url = server.serve_audio("/long.m4a", piece())

    with pytest.raises(BadLink, match="minutes; at most"):
        _fetch(make_library(tmp_path, max_duration_s=5.0), url, tmp_path)


def test_a_name_that_does_not_resolve_is_a_matter_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name servers fail for a while; that is later, not never."""

    def fail(*_a: Any, **_k: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unavailable, match="cannot be resolved"):
        Guard().route("https://nowhere.example/a")


def test_retry_after_is_read_in_both_its_forms() -> None:
    """Seconds and HTTP dates are understood; nonsense is no number."""
    assert retry_after({"retry-after": "90"}) == 90.0
    assert retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_addresses_are_told_from_names() -> None:
    """What the resolver takes as a number does not go through the gateway."""
    assert is_local_or_number("127.1")
    assert is_local_or_number("a.localhost")
    assert not is_local_or_number("127.example")
