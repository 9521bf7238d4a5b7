"""Mixes and live sets are told from tracks by their length; titles alone convict nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.core.mixes import recognise

LIMIT = 11.0


@pytest.mark.parametrize(
    ("title", "minutes"),
    [
        ("Anything at all", 61),
        ("Boiler Room Berlin", 8),
        ("Nora b2b Ben at Panorama", 9),
        ("Essential Mix (Part 1)", 10.5),
        ("Nora DJ-Set @ Fusion", 7),
        ("Summer Minimix", 6),
        ("Warm Up Set", 10),
        ("Live @ Robert Johnson", 9),
        ("Podcast #41: Ben", 8),
    ],
)
def test_sets_are_recognised(title: str, minutes: float) -> None:
    """By length alone above the limit, with the title's help from half of it; the words say why."""
    found = recognise(title, minutes * 60, LIMIT)

    assert found is not None
    assert f"{minutes:.0f} minutes" in found


@pytest.mark.parametrize(
    "title",
    [
        "Tide (Original Mix)",
        "Tide (Extended Mix)",
        "Tide - Nora Remix",
        "Tide (Club Mix)",
        "Sunset",
        "Offset and Reset",
        "Alive",
        "Live Forever",
        "The Mixed Tape Love Song",
        "Settle Down",
        "Radio Mix",
    ],
)
@pytest.mark.parametrize("minutes", [3.5, 7.5, 10.9])
def test_long_tracks_with_such_words_are_tracks(title: str, minutes: float) -> None:
    """“Mix”, “set” and “live” stand in many a track's title."""
    assert recognise(title, minutes * 60, LIMIT) is None


@pytest.mark.parametrize("title", ["Tide (Live at Wembley)", "Tide - Live from Paris", "Boiler Room (Intro)"])
def test_short_live_versions_are_tracks(title: str) -> None:
    """Nothing in a title makes a set of four minutes."""
    assert recognise(title, 4 * 60, LIMIT) is None


def test_an_unknown_length_is_no_verdict() -> None:
    """It is judged once the file is there."""
    assert recognise("Boiler Room", None, LIMIT) is None


@given(st.text(max_size=80), st.floats(0, 10_000), st.floats(1, 200))
def test_longer_never_becomes_a_track_again(title: str, seconds: float, limit: float) -> None:
    """Whatever the title: once a mix, a longer recording of the title is a mix too."""
    if recognise(title, seconds, limit):
        assert recognise(title, seconds * 1.5 + 1, limit)
