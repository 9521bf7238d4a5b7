"""Ids are found in whatever people paste."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema.ids import BadId, parse_id

ID = "284e7361-6c27-8018-872a-eb14e82e0392"
HEX = ID.replace("-", "")
OTHER = "229e73616c27808ebf06c202b10b5166"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        HEX,
        ID.upper(),
        f"  {HEX}\n",
        f"<{ID}>",
        f"https://www.notion.so/{HEX}",
        f"https://www.notion.so/acme/Agent-Tasks-{HEX}?v={OTHER}",
        f"https://notion.so/Agent-Tasks-{HEX}?v={OTHER}&pvs=4",
        f"https://app.notion.com/p/Agent-Tasks-{HEX}",
        f"https://app.notion.com/p/acme/{HEX}?source=copy_link",
        f"https://acme.notion.site/Agent-Tasks-{HEX}",
        f"https://www.notion.so/Fade-{HEX}#{OTHER}",
        f"https://www.notion.so/{OTHER}?v={OTHER}&p={HEX}&pm=s",
        f"notion://www.notion.so/Agent-Tasks-{HEX}",
        f"www.notion.so/Agent-Tasks-{HEX}/",
        f"https://www.notion.so/Caf%C3%A9-{HEX}",
        f"collection://{ID}",
        f"Agent-Tasks {ID}",
    ],
)
def test_finds_the_id(text: str) -> None:
    """Links, bare ids and titles with an id at their end all mean the same page."""
    assert parse_id(text) == ID


def test_a_setting_that_names_a_database_gets_it_although_a_row_is_open_beside_it() -> None:
    """Without peek the ``p`` of a link is ignored."""
    assert parse_id(f"https://www.notion.so/{HEX}?v={OTHER}&p={OTHER}", peek=False) == ID


@pytest.mark.parametrize(
    "text", ["", "Agent-Tasks", "https://www.notion.so/acme", HEX[:-1], f"{HEX}zz", f"https://x.org/?v={HEX}"]
)
def test_says_what_to_paste_when_there_is_none(text: str) -> None:
    """A text without an id is refused with the remedy."""
    with pytest.raises(BadId, match="Copy link"):
        parse_id(text)


@pytest.mark.parametrize("text", [f"a{HEX}", f"https://www.notion.so/Facade{HEX}", f"0{ID}"])
def test_refuses_to_guess_where_an_id_begins(text: str) -> None:
    """More than 32 hexadecimal digits in a row are not cut to fit."""
    with pytest.raises(BadId, match="begins"):
        parse_id(text)


@given(st.uuids(), st.text(max_size=40), st.sampled_from(["{}-", "{}/", "{} "]))
def test_any_id_survives_any_title_before_it(uuid: UUID, title: str, joint: str) -> None:
    """Every id, of any version, comes back dashed and in lower case, dashed or not, after any title."""
    before = joint.format(title)
    if not any(sign in before for sign in ("?", "#", "://", "www.", "notion.")):
        assert parse_id(before + uuid.hex.upper()) == str(uuid)
        assert parse_id(before + str(uuid)) == str(uuid)


@given(st.text(max_size=80))
def test_any_text_is_an_id_or_a_bad_id(text: str) -> None:
    """Nothing else is ever raised, and what is found is an id."""
    with suppress(BadId):
        assert str(UUID(parse_id(text))) == parse_id(text)
