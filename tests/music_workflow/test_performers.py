"""Who is credited with a track."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_workflow.core.performers import is_name, name_key, performers


@pytest.mark.parametrize(
    ("title", "remixers"),
    [
        ("Tide (OSSIEN Flip)", ("OSSIEN",)),
        ("Tide - Zen Selekta Remix", ("Zen Selekta",)),
        ("Tide [Juno's Rework]", ("Juno",)),
        ("Tide (DJ Koze Edit)", ("DJ Koze",)),
        ("Tide (feat. Juno) (Rio & Vega Bootleg)", ("Rio & Vega",)),
        ("Tide (אדם Remix 2024)", ("אדם",)),
        ("Tide", ()),
        ("Tide (Extended Mix)", ()),
        ("Tide (Original Club Mix)", ()),
        ("Tide (Radio Edit)", ()),
        ("Tide (Remix)", ()),
        ("Tide (Ada Loop Remix)", ()),
        ("Tide (Live at the Remix Club)", ()),
        ("Remix (Tide)", ()),
    ],
)
def test_remixers_are_told_by_the_title(title: str, remixers: tuple[str, ...]) -> None:
    """A version named after a person is theirs; one named after what it is, is nobody's; an artist is named once."""
    assert performers(title, ("Ada Loop",)).remixers == remixers


def test_artists_are_kept_as_named_without_what_is_no_name() -> None:
    """An act of two stays one; addresses' words and automatic names are nobody's."""
    found = performers(
        "Tide", ("Ada & Juno", "tracks", "user-123456789", "Unknown", "", "ada & juno", "Rio - Topic")
    )

    assert found.artists == ("Ada & Juno", "Rio")
    assert found.everybody == ("Ada & Juno", "Rio")


@pytest.mark.parametrize(
    "text", ["sets", "Likes", "n/a", "Various Artists", "user-1234567", "user 12345678", "  "]
)
def test_what_is_nobodys_name(text: str) -> None:
    """The owner's own list of names that were never artists."""
    assert not is_name(text)


@pytest.mark.parametrize("text", ["User", "user-12", "The Streams", "!!!", "Ганджа", "808"])
def test_what_is_a_name_all_the_same(text: str) -> None:
    """Odd is not wrong."""
    assert is_name(text)


def test_spellings_of_one_name_have_one_key() -> None:
    """Case, blanks, accents and punctuation do not count; scripts do."""
    assert name_key("Ganja White Night") == name_key("ganjawhitenight") == name_key("GANJA-WHITE Night")
    assert name_key("Beyoncé") == name_key("BEYONCE")
    assert name_key("!!!") != name_key("???")
    assert name_key("й") != name_key("и")


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=4))
def test_any_text_gives_names_that_differ(title: str, artists: list[str]) -> None:
    """No text crashes it, and nobody is credited twice."""
    keys = [name_key(each) for each in performers(title, tuple(artists)).everybody]
    assert len(keys) == len(set(keys))
    assert all(keys)
