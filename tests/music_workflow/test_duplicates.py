"""Which files are the same recording: the ladder, its vetoes, and who is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.duplicates import Corpus, measure
from music_workflow.deduplication import fingerprint, joins, keeping
from music_workflow.deduplication.copies import Copy
from music_workflow.deduplication.duplicates import find
from music_workflow.deduplication.proving import prove
from music_workflow.index.report import Coverage

RANDOM = np.random.default_rng(3)


def sound(seed: int, count: int = 700) -> fingerprint.Words:
    """A fingerprint that drifts as real ones do."""
    random = np.random.default_rng(seed)
    draws = [random.integers(0, 1 << 32, count, dtype=np.uint32) for _ in range(3)]
    return np.bitwise_xor.accumulate(draws[0] & draws[1] & draws[2])


def noisy(words: fingerprint.Words, share: float) -> fingerprint.Words:
    """The same with so many bits turned."""
    turned = (np.random.default_rng(9).random((len(words), 32)) < share).astype(np.uint32)
    return words ^ (turned << np.arange(32, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)


def copy(path: str, **more: Any) -> Copy:
    """A file that says who and what it is, and was heard."""
    values: dict[str, Any] = {
        "unit": path,
        "size": 1000,
        "mtime_ns": 1,
        "title": "Tide",
        "artist": "Ada Loop",
        "duration_s": 200.0,
        "fingerprint": sound(1),
        "heard": True,
        "codec": "mp3",
        "bit_rate": 192_000,
    }
    return Copy(path=path, **{**values, **more})


SILENT = {"fingerprint": None, "heard": False}


@pytest.mark.parametrize(
    ("first", "second", "rung"),
    [
        ({"audio_sha256": "a"}, {"audio_sha256": "a", "title": "Track 01"}, "same sound"),
        ({"key": "soundcloud:7", **SILENT}, {"key": "soundcloud:7", **SILENT}, "source"),
        (
            {"isrc": "GBABC2400001", **SILENT},
            {"isrc": "GBABC2400001", "duration_s": 202.5},
            "ISRC and length",
        ),
        ({}, {"fingerprint": noisy(sound(1), 0.1), "title": "Tide (Official Video)"}, "fingerprint"),
        ({}, {"fingerprint": noisy(sound(1), 0.03)[40:], "title": None, "artist": None}, "fingerprint"),
        (
            SILENT,
            {"artist": "ADA LOOP", "title": "tide (Original Mix)", "duration_s": 201.0},
            "names and length",
        ),
        ({"title": None, "artist": None, "path": "/a/Ada Loop - Tide.mp3", **SILENT}, {}, "names and length"),
    ],
)
def test_each_rung_proves(first: dict[str, Any], second: dict[str, Any], rung: str) -> None:
    """The first rung that holds is the proof, and it says its figures."""
    one, other = copy(first.pop("path", "/a/1.mp3"), **first), copy("/b/2.mp3", **second)

    proof = prove(one, other)

    assert proof is not None
    assert proof.rung == rung
    assert proof.says
    assert proof.automatic == (rung in {"same sound", "source", "ISRC and length"})
    back = prove(other, one)
    assert back is not None
    assert back.rung == rung


@pytest.mark.parametrize(
    "word", ["Remix", "VIP", "Extended Mix", "Live", "Edit", "Instrumental", "Acoustic", "Dub"]
)
@pytest.mark.parametrize("where", ["title", "path"])
def test_a_version_word_is_another_recording(word: str, where: str) -> None:
    """In the tags or only in the file's name, however alike they sound, whatever code they carry."""
    marked = (
        copy("/b/2.mp3", title=f"Tide ({word})", isrc="GBABC2400001")
        if where == "title"
        else copy(f"/b/Ada Loop - Tide ({word}).mp3", isrc="GBABC2400001")
    )

    assert prove(copy("/a/1.mp3", isrc="GBABC2400001"), marked) is None


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprint": sound(2)},
        {"fingerprint": sound(2), "isrc": "GBABC2400001"},
        {"fingerprint": sound(2), "key": "soundcloud:7"},
        {"fingerprint": noisy(sound(1), 0.3)},
        {"duration_s": 225.0},
        {"duration_s": 225.0, "key": "soundcloud:7"},
        {"duration_s": 225.0, "isrc": "GBABC2400001"},
        {"artist": "Somebody Else", "fingerprint": noisy(sound(1), 0.12)},
        {"artist": "Somebody Else", **SILENT},
        {"title": "Tide II", **SILENT},
        {"duration_s": None, **SILENT},
        {"album": "Live at Wembley", **SILENT},
        {"duration_s": 203.0, **SILENT},
    ],
)
def test_what_is_not_proven_is_no_duplicate(other: dict[str, Any]) -> None:
    """Another sound, length, artist or title: whatever else speaks for it."""
    one = copy("/a/1.mp3", isrc="GBABC2400001", key="soundcloud:7")

    assert prove(one, copy("/b/2.mp3", **other)) is None


def test_the_formats_of_a_track_are_no_duplicates() -> None:
    """Not in one folder, and not in folders of their own when they come from one source."""
    assert prove(copy("/a/Tide.wav", unit="/a/tide"), copy("/a/Tide.mp3", unit="/a/tide")) is None
    apart = copy("/wav/Tide.wav", key="soundcloud:7"), copy("/mp3/Tide.mp3", key="soundcloud:7")
    assert prove(*apart) is None


def test_silence_proves_nothing() -> None:
    """Fingerprints of silence are all alike."""
    hush = np.zeros(700, np.uint32)

    assert (
        prove(copy("/a/1.mp3", fingerprint=hush, title="A"), copy("/b/2.mp3", fingerprint=hush, title="B"))
        is None
    )


def test_every_member_is_proven_against_the_kept_one() -> None:
    """A chain of likenesses makes no group: the two ends, seven seconds and more apart, stay apart."""
    chain = [
        copy("/a/short.mp3", duration_s=190.0, bit_rate=320_000),
        copy("/b/middle.mp3", duration_s=196.0),
        copy("/c/long.mp3", duration_s=202.0),
    ]

    (group,) = find(chain).groups

    assert [kept.path for kept in group.kept] == ["/a/short.mp3"]
    assert [member.copy.path for member in group.members] == ["/b/middle.mp3"]


def test_below_the_coverage_sound_and_names_are_refused() -> None:
    """With 80 of 101 heard, only the first three rungs count; with 80 of 100, all do."""
    others = [copy(f"/x/{n}.mp3", title=f"Other {n}", fingerprint=sound(100 + n)) for n in range(78)]
    unheard = [copy(f"/y/{n}.mp3", title=f"Third {n}", **SILENT) for n in range(21)]
    pair = [copy("/a/1.mp3"), copy("/b/2.mp3")]

    refused = find([*pair, *others, *unheard])
    allowed = find([*pair, *others, *unheard[:-1]])
    automatic = find([replace(each, audio_sha256="a") for each in pair] + others + unheard)

    assert (refused.by_sound, refused.groups) == (False, ())
    assert allowed.by_sound
    assert [len(group.members) for group in allowed.groups] == [1]
    assert [group.members[0].proof.rung for group in automatic.groups] == ["same sound"]


@pytest.mark.parametrize(
    ("better", "worse", "says"),
    [
        ({"codec": "flac", "bits": 16, "sample_rate": 44_100}, {"bit_rate": 320_000}, "lossless"),
        ({"bit_rate": 320_000}, {}, "320 kbit/s instead of"),
        ({"referred": "Serato refers to it"}, {"codec": "flac", "bits": 24, "sample_rate": 48_000}, "Serato"),
        ({"filed": True}, {"codec": "flac", "bits": 24, "sample_rate": 48_000}, "filed by Segue"),
        ({"album": "Sea"}, {}, "tags say more"),
        ({"mtime_ns": 0}, {}, "older"),
        (
            {"codec": "pcm_s24le", "bits": 24, "sample_rate": 48_000},
            {"codec": "flac", "bits": 16, "sample_rate": 44_100},
            "24 bit",
        ),
    ],
)
def test_the_better_copy_is_kept_and_says_why(
    better: dict[str, Any], worse: dict[str, Any], says: str
) -> None:
    """Whoever stands first in the list."""
    good, bad = copy("/z/1.mp3", **better), copy("/a/2.mp3", **worse)

    for copies in ([good, bad], [bad, good]):
        (group,) = find(copies).groups

        assert [kept.path for kept in group.kept] == ["/z/1.mp3"]
        assert says in group.members[0].why


def test_a_collection_with_near_misses_is_told_apart() -> None:
    """Every planted copy of twenty kinds of relation is found, and not one near-miss is taken for one."""
    figures = measure(Corpus(2_000, seed=11))

    assert figures["recall"] >= 0.98
    assert figures["false"] == 0
    assert figures["near-misses"] > 40


@given(st.lists(st.integers(0, 40), max_size=6), st.randoms())
def test_the_order_of_files_does_not_matter(lengths: list[int], random: Any) -> None:
    """The same files in another order give the same groups."""
    copies = [copy(f"/a/{n}.mp3", duration_s=180.0 + length) for n, length in enumerate(lengths)]
    shuffled = list(copies)
    random.shuffle(shuffled)

    def told(found: list[Copy]) -> list[tuple[str, ...]]:
        return [(g.kept[0].path, *sorted(m.copy.path for m in g.members)) for g in find(found).groups]

    assert told(copies) == told(shuffled)


@given(offset=st.integers(-80, 80), share=st.floats(0, 0.08))
def test_the_join_finds_what_comparing_each_pair_finds(offset: int, share: float) -> None:
    """With the same bit error and offset."""
    whole = sound(5, 900)
    pair = [whole[max(offset, 0) :], noisy(whole, share)[max(-offset, 0) :]]
    prints = [sound(6), pair[0], sound(7), pair[1]]

    (found,) = joins.alike(prints, np.full(4, 200.0), apart_s=7.0, bit_error=0.2)
    slow = fingerprint.compare(*pair)

    assert slow is not None
    assert (found.first, found.second) == (1, 3)
    assert found.bit_error == pytest.approx(slow.bit_error)
    assert found.offset_s == pytest.approx(slow.offset_s)


def test_quality_is_said_in_words() -> None:
    """As people compare files."""
    assert keeping.quality(copy("/a.mp3")) == "MP3 192 kbit/s"
    assert (
        keeping.quality(copy("/a.wav", codec="pcm_s24le", bits=24, sample_rate=48_000)) == "PCM 24 bit 48 kHz"
    )
    assert keeping.quality(copy("/a.flac", codec=None)) == "FLAC"
    assert Coverage(files=0, heard=0, fingerprinted=0).share == 1.0
