"""Which wordings name the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gap_analysis.wording import (
    bracketed_priority,
    is_rewording,
    is_telling,
    key_of,
    name_of,
    plain,
    priority_in,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DRM error handling fix", "Fix DRM error handling"),
        ("DRM error handling fix (Critical)", "DRM error handling fixed (if blocking)"),
        ("Volume index file creation", "Create volume index file (if performance critical)"),
        ("**Webhook trigger** implementation", "Implement the webhook triggers"),
        ("`music_workflow/core/` structure", "music_workflow/core structure"),
        ("[Rate limiter](https://example.org)", "rate limiters"),
        ("Change-control procedures", "Change control procedures"),
        ("CAFÉ menu", "cafe\u0301 menu"),
    ],
)
def test_same_names(one: str, other: str) -> None:
    """The verb of doing, its place, articles, inflection, markup, priority and conditions do not tell gaps apart."""
    assert name_of(one).full == name_of(other).full


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Modularization Phase 1", "Modularization Phase 2"),
        ("Convert WAV to AIFF", "Convert AIFF to WAV"),
        ("Integration tests for Eagle API", "Integration tests for Spotify API"),
        ("Support C", "Support C++"),
        ("Export (CSV)", "Export (JSON)"),
        ("Retry uploads", "Do not retry uploads"),
        ("Add logging", "Remove logging"),
        ("Document the importer", "Test the importer"),
        ("音楽の索引", "音楽の検索"),
        ("🎵", "🎹"),
    ],
)
def test_different_names(one: str, other: str) -> None:
    """Numbers, order, names, negation and other verbs do."""
    assert key_of(name_of(one)) != key_of(name_of(other))


def test_creating_is_not_mending() -> None:
    """The keys differ, although the thing is the same."""
    assert name_of("Create a backup").full == name_of("Fix the backup").full
    assert key_of(name_of("Create a backup")) != key_of(name_of("Fix the backup"))


def test_a_statement_names_what_is_missing() -> None:
    """No webhook triggers: that is about webhook triggers; a box that says "do not" is not about doing."""
    assert name_of("No webhook triggers yet", is_statement=True).full == name_of("Webhook trigger").full
    assert name_of("There is no webhook trigger", is_statement=True).full == name_of("Webhook trigger").full
    assert name_of("Webhook not configured", is_statement=True).full == ("webhook",)


@pytest.mark.parametrize(
    ("wording", "telling"),
    [
        ("Unit tests", False),
        ("Error handling", False),
        ("Documentation", False),
        ("Rate limiting", True),
        ("DRM error handling", True),
        ("Unit tests for core features", True),
    ],
)
def test_what_is_telling_wherever_it_stands(wording: str, *, telling: bool) -> None:
    """A mere kind of work is something else in each section."""
    assert is_telling(name_of(wording).full) is telling


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("Retry of refused uploads", "Retry of refused uploads, three times", True),
        ("Retry of refused uploads", "Retry of refuzed uploads", True),
        ("Retry of refused uploads", "Retry of refused downloads", False),
        ("Extraction of Eagle API wrapper", "Extraction of Spotify API wrapper", False),
        ("Modularization Phase 1: Extract", "Modularization Phase 2: Extract", False),
        ("Tests", "Tests of the importer of old libraries", False),
    ],
)
def test_rewordings(old: str, new: str, *, is_same: bool) -> None:
    """Words added and slips corrected are the same gap; another name in the same pattern is another."""
    assert is_rewording(name_of(old), name_of(new)) is is_same
    assert is_rewording(name_of(new), name_of(old)) is is_same


def test_priorities() -> None:
    """The first word of a scale counts; a bracket counts only when it says nothing else."""
    assert priority_in("MEDIUM to HIGH depending on task") == "Medium"
    assert priority_in("P1, soon") == "High"
    assert priority_in("highly unusual") is None
    assert bracketed_priority("DRM fix (Critical)") == "Critical"
    assert bracketed_priority("DRM fix (high priority)") == "High"
    assert bracketed_priority("Fix (if performance critical)") is None
    assert bracketed_priority("Index (Low-pass filter)") is None


@given(st.text())
def test_any_text_has_a_name_and_a_key(text: str) -> None:
    """Whatever a person types; the key is short, and the same on each call."""
    name = name_of(text)
    assert name.full
    assert key_of(name) == key_of(name_of(text))
    assert len(key_of(name)) <= 60
    assert "\n" not in plain(text)
