"""Tags: what is written is read back, foreign fields are kept, and DJ programs find theirs."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen import id3
from mutagen.aiff import AIFF
from mutagen.mp4 import MP4
from mutagen.wave import WAVE
from PIL import Image

from music_workflow import synthesizer
from music_workflow.core import pcm, process
from music_workflow.errors import BadLink
from music_workflow.metadata import keys, tags
from music_workflow.metadata.tags import TrackTags
from music_workflow.model import AudioFormat

FORMATS: tuple[AudioFormat, ...] = get_args(AudioFormat)
FULL = TrackTags(
    title="Où est la lune? 月はどこ",
    artists=("Björk Å", "AC/DC", "Гости"),
    album="Nächte; Tage",
    isrc="GBAYE0601498",
    bpm=127.96,
    key="F# minor",
    camelot="11A",
    source_url="https://example.org/track?x=1&y=ü",
    identity_key="youtube:dQw4w9WgXcQ",
    run_id="run-7",
    fingerprint="AQADtEmUaEkSRZEGAA",
)


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 90)).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> dict[AudioFormat, Path]:
    """An untagged file of each format, half a second long."""
    folder = tmp_path_factory.mktemp("blank")
    source = str(folder / "source.wav")
    synthesizer.render(source, bpm=120, key="A minor", seconds=0.5, format="wav")
    files = process.convert(source, str(folder), stem="blank").files
    return {file.format: Path(file.path) for file in files}


def copy(blank: dict[AudioFormat, Path], fmt: AudioFormat, folder: Path) -> str:
    return str(shutil.copy(blank[fmt], folder / f"copy{blank[fmt].suffix}"))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_everything_is_read_back(
    fmt: AudioFormat, kind: str, blank: dict[AudioFormat, Path], tmp_path: Path
) -> None:
    """All fields, non-Latin ones and the picture among them, survive; the sound stays as it was."""
    path = copy(blank, fmt, tmp_path)
    wanted = TrackTags(
        **{field: getattr(FULL, field) for field in FULL.__slots__} | {"artwork": picture(kind)}
    )
    tags.write(path, fmt, wanted)

    assert tags.read(path) == wanted
    assert process.decode_check(path) == pytest.approx(process.decode_check(str(blank[fmt])), abs=1e-6)


@pytest.mark.parametrize("fmt", ["M4A", "AIFF"])
def test_another_library_reads_them_too(
    fmt: AudioFormat, blank: dict[AudioFormat, Path], tmp_path: Path
) -> None:
    """FFmpeg, which has its own readers, finds the same words (it looks for no ID3 in a WAV)."""
    path = copy(blank, fmt, tmp_path)
    tags.write(path, fmt, FULL)

    with av.open(path) as file:
        found = {name.lower(): value for name, value in file.metadata.items()}

    assert found["title"] == FULL.title
    assert found["artist"] == ", ".join(FULL.artists)
    assert found["album"] == FULL.album
    assert FULL.camelot in found.values()
    assert FULL.fingerprint in found.values()


words = st.text(max_size=40).filter(lambda text: "\0" not in text)
some_words = words.filter(bool)
track_tags = st.builds(
    TrackTags,
    title=words,
    artists=st.lists(some_words, max_size=3).map(tuple),
    album=st.none() | some_words,
    isrc=st.none() | some_words,
    bpm=st.none() | st.integers(100, 99_999).map(lambda n: n / 100),
    key=st.none()
    | st.builds(keys.Key, st.integers(0, 11), st.sampled_from(["major", "minor"])).map(lambda k: k.name),
    camelot=st.none() | some_words,
    source_url=st.none() | some_words,
    identity_key=st.none() | some_words,
    run_id=st.none() | some_words,
    fingerprint=st.none() | some_words,
)


@pytest.mark.parametrize("fmt", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=track_tags)
def test_any_text_survives(
    fmt: AudioFormat, wanted: TrackTags, blank: dict[AudioFormat, Path], tmp_path: Path
) -> None:
    """Whatever Unicode the fields hold, the file gives it back, and writing again changes nothing."""
    path = copy(blank, fmt, tmp_path)
    tags.write(path, fmt, wanted)
    once = tags.read(path)
    tags.write(path, fmt, once)

    assert once == wanted
    assert tags.read(path) == wanted


@pytest.mark.parametrize("fmt", FORMATS)
def test_empty_fields_are_removed(fmt: AudioFormat, blank: dict[AudioFormat, Path], tmp_path: Path) -> None:
    """Writing fewer fields takes the earlier ones out."""
    path = copy(blank, fmt, tmp_path)
    tags.write(path, fmt, FULL)
    tags.write(path, fmt, TrackTags(title="Only this"))

    assert tags.read(path) == TrackTags(title="Only this")


@pytest.mark.parametrize("fmt", ["WAV", "AIFF"])
def test_foreign_id3_frames_are_kept(
    fmt: AudioFormat, blank: dict[AudioFormat, Path], tmp_path: Path
) -> None:
    """Cue points, a rating and a genre that other programs wrote stay in the file."""
    path = copy(blank, fmt, tmp_path)
    kind = WAVE if fmt == "WAV" else AIFF
    file = kind(path)
    file.add_tags()
    file.tags.add(
        id3.GEOB(encoding=0, mime="application/octet-stream", desc="Serato Markers2", data=b"\1\1cue")
    )
    file.tags.add(id3.POPM(email="dj@example.org", rating=204, count=7))
    file.tags.add(id3.TCON(encoding=3, text=["Techno"]))
    file.save()
    tags.write(path, fmt, FULL)
    kept = kind(path).tags

    assert kept["GEOB:Serato Markers2"].data == b"\1\1cue"
    assert kept["POPM:dj@example.org"].rating == 204
    assert kept["TCON"].text == ["Techno"]
    assert tags.read(path) == FULL


def test_foreign_atoms_are_kept(blank: dict[AudioFormat, Path], tmp_path: Path) -> None:
    """A grouping and a freeform atom of another program stay in an M4A."""
    path = copy(blank, "M4A", tmp_path)
    file = MP4(path)
    file.tags["\xa9grp"] = ["Peak time"]
    file.tags["----:com.serato.dj:markersv2"] = [b"cue"]
    file.save()
    tags.write(path, "M4A", FULL)
    kept = MP4(path).tags

    assert kept["\xa9grp"] == ["Peak time"]
    assert bytes(kept["----:com.serato.dj:markersv2"][0]) == b"cue"
    assert tags.read(path) == FULL


def test_id3_uses_the_frames_that_dj_programs_read(blank: dict[AudioFormat, Path], tmp_path: Path) -> None:
    """Tempo, key, ISRC and comment stand in their standard frames, ID3 2.3, and there is no RIFF INFO."""
    path = copy(blank, "WAV", tmp_path)
    tags.write(path, "WAV", FULL)
    held = WAVE(path).tags

    assert held.version == (2, 3, 0)
    assert [held[name].text[0] for name in ("TBPM", "TKEY", "TSRC")] == ["127.96", "F#m", "GBAYE0601498"]
    assert held["TPE1"].text == ["Björk Å, AC/DC, Гости"]
    assert held["COMM::eng"].text == ["https://example.org/track?x=1&y=ü"]
    assert b"LIST" not in Path(path).read_bytes()[: pcm.BITS * 4]


def test_m4a_keeps_the_exact_tempo_beside_the_whole_one(
    blank: dict[AudioFormat, Path], tmp_path: Path
) -> None:
    """ITunes' tempo atom holds a whole number; the exact one and the key stand in freeform atoms."""
    path = copy(blank, "M4A", tmp_path)
    tags.write(path, "M4A", FULL)
    held = MP4(path).tags

    assert held["tmpo"] == [128]
    assert bytes(held["----:com.apple.iTunes:BPM"][0]) == b"127.96"
    assert bytes(held["----:com.apple.iTunes:initialkey"][0]) == b"F#m"


def test_wrong_format_is_refused_and_nothing_changed(blank: dict[AudioFormat, Path], tmp_path: Path) -> None:
    """Tagging a WAV as an M4A raises, leaves the file as it was and no temporary file behind."""
    path = copy(blank, "WAV", tmp_path)
    before = Path(path).read_bytes()
    with pytest.raises(BadLink, match="cannot be tagged as M4A"):
        tags.write(path, "M4A", FULL)

    assert Path(path).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["copy.wav"]


def test_reading_what_is_no_audio(tmp_path: Path) -> None:
    """A text file has no tags and the error says so."""
    path = tmp_path / "notes.txt"
    path.write_text("not music " * 50, encoding="utf-8")
    with pytest.raises(BadLink, match="tags"):
        tags.read(str(path))


def test_untagged_file_reads_as_empty(blank: dict[AudioFormat, Path]) -> None:
    """A file without any tag gives an empty title and nothing else."""
    assert tags.read(str(blank["WAV"])) == TrackTags(title="")


@given(st.integers(0, 11), st.sampled_from(["major", "minor"]))
def test_key_names_round_trip(tonic: int, mode: keys.Mode) -> None:
    """Every key is read back from its long and its short name."""
    key = keys.Key(tonic, mode)

    assert keys.parse(key.name) == key
    assert keys.parse(key.short) == key
    assert len(key.short) <= 3


@pytest.mark.parametrize(
    ("name", "camelot"),
    [
        ("A minor", "8A"),
        ("C major", "8B"),
        ("F# minor", "11A"),
        ("Db major", "3B"),
        ("Ab minor", "1A"),
        ("E", "12B"),
    ],
)
def test_camelot_wheel(name: str, camelot: str) -> None:
    """The wheel is the standard one, whatever the spelling of the key."""
    assert keys.parse(name).camelot == camelot


def test_wheel_has_24_places_and_fifths_are_neighbours() -> None:
    """No two keys share a place, and a fifth up is one step on."""
    wheel = {keys.Key(t, m).camelot for t in range(12) for m in ("major", "minor")}  # type: ignore[arg-type] # literals
    steps = [
        (int(keys.Key((t + 7) % 12, "minor").camelot[:-1]) - int(keys.Key(t, "minor").camelot[:-1])) % 12
        for t in range(12)
    ]

    assert len(wheel) == 24
    assert np.unique(steps).tolist() == [1]
