"""The scan's own reader of file headers, held against the full one."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen import id3

from music_workflow.core import process
from music_workflow.index.headers import Words, read_words
from music_workflow.metadata import tags
from tests.music_workflow.library_world import piece

WORDS = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool)
)
PLAIN = st.fixed_dictionaries(
    {
        "title": WORDS,
        "artist": WORDS,
        "album": WORDS | st.none(),
        "isrc": st.sampled_from(["GBABC2400001", None]),
    }
)


@functools.cache
def short(audio_format: str) -> bytes:
    """A very short piece; what counts is around it."""
    return piece(audio_format, seconds=1.0)


def full(path: Path) -> Words:
    """What the full reader says."""
    found = tags.read(str(path))
    artists = ", ".join(found.artists) or None
    return Words(found.title or None, artists, found.album, found.isrc, found.identity_key, found.source_url)


def told(path: Path) -> Words | None:
    """What the quick reader says, but for the length."""
    found = read_words(str(path))
    return found and replace(found, duration_s=None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("kind", ["M4A", "WAV"])
@given(words=PLAIN)
def test_our_own_files_are_read_as_they_were_written(kind: Any, words: dict[str, Any]) -> None:
    """Every script and sign comes back, without the full reader's help."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x.{kind.lower()}")
        path.write_bytes(short(kind.lower()))
        wanted = tags.TrackTags(
            title=words["title"],
            artists=(words["artist"],),
            album=words["album"],
            isrc=words["isrc"],
            artwork=b"\x89PNG" * 9999,
            identity_key="soundcloud:7",
            source_url="https://soundcloud.com/ada/tide",
        )
        tags.write(str(path), kind, wanted)

        source = {"key": "soundcloud:7", "url": "https://soundcloud.com/ada/tide"}
        assert told(path) == full(path) == Words(**words, **source)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("kind", ["flac", "opus"])
@given(words=PLAIN)
def test_vorbis_comments_of_others_are_read(kind: str, words: dict[str, Any]) -> None:
    """FLAC and Opus as mutagen writes them, with their names in any case."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x.{kind}")
        path.write_bytes(short(kind))
        file = mutagen.File(path)
        file.tags.clear()
        file.tags.update({name.upper(): [value] for name, value in words.items() if value})
        file.save()

        assert told(path) == full(path) == Words(**words)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=PLAIN, version=st.sampled_from([3, 4]), encoding=st.sampled_from([0, 1, 2, 3]))
def test_mp3s_of_others_are_read(words: dict[str, Any], version: int, encoding: Any) -> None:
    """ID3 2.3 and 2.4, in every encoding that can hold the text."""
    if encoding == 0:
        words = {
            name: value and value.encode("latin-1", "ignore").decode("latin-1")
            for name, value in words.items()
        }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.mp3")
        path.write_bytes(short("mp3"))
        held = id3.ID3()
        for frame, name in (("TIT2", "title"), ("TPE1", "artist"), ("TALB", "album"), ("TSRC", "isrc")):
            if words[name]:
                held.add(getattr(id3, frame)(encoding=encoding, text=[words[name]]))
        held.save(path, v2_version=version)

        quick = told(path)

        assert quick is None or quick == Words(**{name: value or None for name, value in words.items()})
        assert quick is not None or encoding == 0


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["m4a", "mp3", "flac", "opus", "wav"]),
    damage=st.lists(
        st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
    ),
    cut=st.integers(0, 20_000),
)
def test_damaged_files_are_left_to_the_full_reader(
    kind: str, damage: list[tuple[int, bytes]], cut: int
) -> None:
    """Whatever is in a file, the answer is words or None, and never a crash or an endless loop."""
    content = bytearray(short(kind)[:cut])
    for at, junk in damage:
        content[at : at + len(junk)] = junk
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x.{kind}")
        path.write_bytes(content)

        assert isinstance(read_words(str(path)), Words | None)


@pytest.mark.parametrize("kind", ["m4a", "mp3", "flac", "opus", "wav"])
def test_the_length_is_the_decoders(kind: str, tmp_path: Path) -> None:
    """Within a frame of the codec, without decoding anything."""
    path = tmp_path / f"x.{kind}"
    path.write_bytes(piece(kind, seconds=5.0))

    found = read_words(str(path))

    assert found is not None
    assert found.duration_s == pytest.approx(process.decode_check(str(path)), abs=0.06)


@given(content=st.binary(min_size=18, max_size=18))
def test_an_aiff_of_any_rate_is_survived(content: bytes) -> None:
    """The 80-bit rate can be anything in a damaged file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.aiff")
        chunk = b"COMM" + (18).to_bytes(4, "big") + content
        path.write_bytes(b"FORM" + (len(chunk) + 4).to_bytes(4, "big") + b"AIFF" + chunk)

        assert isinstance(read_words(str(path)), Words | None)


def test_other_kinds_are_left_to_the_full_reader(tmp_path: Path) -> None:
    """A name that promises nothing known is not opened."""
    assert read_words(str(tmp_path / "absent.wma")) is None
