"""What other programs' libraries refer to, in their own formats."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.deduplication.references import gather, usual_places


def serato(*paths: str) -> bytes:
    """A crate or database as Serato writes it."""

    def field(name: bytes, value: bytes) -> bytes:
        return name + len(value).to_bytes(4, "big") + value

    tracks = (
        field(b"otrk", field(b"pfil", path.encode("utf-16-be")) + field(b"tsiz", b"\0\0")) for path in paths
    )
    return field(b"vrsn", "2.0/Serato Scratch LIVE Database".encode("utf-16-be")) + b"".join(tracks)


REKORDBOX = (
    '<?xml version="1.0"?><DJ_PLAYLISTS><COLLECTION><TRACK TrackID="1" Name="x" '
    'Location="file://localhost{}/Ada%20%26%20Ben%20-%20S%C3%BC%C3%9F.mp3"/></COLLECTION></DJ_PLAYLISTS>'
)
APPLE = "<plist><dict><key>Location</key><string>file://{}/Ada%20&amp;%20Ben%20-%20S%C3%BC%C3%9F.mp3</string></dict>"
TRAKTOR = (
    '<NML><ENTRY><LOCATION DIR="/:{}/:" FILE="Ada &amp; Ben - Süß.mp3" VOLUME="Macintosh HD"/></ENTRY></NML>'
)


@pytest.mark.parametrize("kind", ["rekordbox", "apple", "traktor", "serato", "playlist", "djay"])
def test_a_library_is_understood(tmp_path: Path, kind: str) -> None:
    """The file it names is referred to, in any case and form of its name; the one beside it is not."""
    music = tmp_path / "Music"
    music.mkdir()
    wanted = music / "Ada & Ben - Süß.mp3"
    if kind == "rekordbox":
        library = tmp_path / "collection.xml"
        library.write_text(REKORDBOX.format(music), encoding="utf-8")
    elif kind == "apple":
        library = tmp_path / "Library.xml"
        library.write_text(APPLE.format(music), encoding="utf-8")
    elif kind == "traktor":
        library = tmp_path / "collection.nml"
        library.write_text(TRAKTOR.format(str(music)[1:].replace("/", "/:")), encoding="utf-8")
    elif kind == "serato":
        library = tmp_path / "_Serato_" / "database V2"
        library.parent.mkdir()
        library.write_bytes(serato("Music/Ada & Ben - Süß.mp3"))
    elif kind == "playlist":
        library = tmp_path / "set.m3u8"
        library.write_text("#EXTM3U\n#EXTINF:200,Ada\nMusic/Ada & Ben - Süß.mp3\n", encoding="utf-8")
    else:
        library = tmp_path / "MediaLibrary.db"
        with sqlite3.connect(library) as db:
            db.execute("CREATE TABLE database2 (data BLOB)")
            link = f"file://{music}/Ada%20&%20Ben%20-%20S%C3%BC%C3%9F.mp3"
            db.execute(
                "INSERT INTO database2 VALUES (?)", (b"TSAF\0\x08" + link.encode() + b"\0\x05title\0",)
            )
        db.close()

    found = gather([str(library)], (), ())

    assert found.sealed == ()
    assert str(library) in (found.holder(str(wanted)) or "")
    assert str(library) in (found.holder(str(music / "ADA & BEN - SÜß.MP3")) or "")
    assert found.holder(str(music / "Ada - Süß.mp3")) is None


def test_serato_beside_the_music_is_found_by_itself(tmp_path: Path) -> None:
    """It keeps a folder at the top of each volume, which nobody has to name."""
    crate = tmp_path / "_Serato_" / "Subcrates" / "House.crate"
    crate.parent.mkdir(parents=True)
    crate.write_bytes(
        serato().replace(b"vrsn", b"vrsn") + b"otrk\0\0\0\x0cptrk\0\0\0\x04" + "/x".encode("utf-16-be")
    )

    found = gather((), (), [str(tmp_path / "Music" / "House")])

    assert "House.crate refers to it" in (found.holder(str(tmp_path / "x")) or "")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Silence about a sealed library would pass for safety."""
    (tmp_path / "rekordbox").mkdir()
    (tmp_path / "rekordbox" / "master.db").write_bytes(b"sealed")

    found = gather([str(tmp_path / "rekordbox"), str(tmp_path / "gone.xml")], (), ())

    assert found.read == ()
    assert "encrypted" in found.sealed[0]
    assert "gone.xml: it is not there" in found.sealed[1]


def test_own_folders_and_protected_ones_hold_what_is_in_them() -> None:
    """Eagle's library, a USB stick of Rekordbox, and what the user has named."""
    found = gather((), ("/music/sets",), ())

    assert "My.library" in (found.holder("/a/My.library/images/X.info/t.wav") or "")
    assert found.holder("/usb/PIONEER/rekordbox/x.wav") == "it is part of PIONEER"
    assert found.holder("/music/sets/a.wav") == "it is in /music/sets, which is protected"
    assert found.holder("/music/sets of others/a.wav") is None
    assert found.holder("/music/library/a.wav") is None


def test_the_usual_places_are_those_that_are_there(tmp_path: Path) -> None:
    """A home without any of these programs gives none."""
    assert usual_places(tmp_path) == ()
    (tmp_path / "Music" / "_Serato_").mkdir(parents=True)
    assert usual_places(tmp_path) == (str(tmp_path / "Music" / "_Serato_"),)


@given(
    content=st.binary(max_size=300),
    name=st.sampled_from(["database V2", "x.crate", "x.xml", "x.nml", "x.m3u"]),
)
def test_a_damaged_library_is_survived(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    """Whatever is in it, the search for duplicates goes on."""
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)

    assert len(gather([str(path)], (), ()).read) == 1
