"""Finding the owner's databases among all that is shared: by title, columns and words; what is not clear is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema import discovery
from notion_schema.client import Notion
from notion_schema.databases import SPECS

from .conftest import SHAPE, Home

Source = dict[str, Any]


@pytest.fixture(scope="module")
def shapes() -> dict[str, Source]:
    """The real databases as search returns them, by key."""
    if not SHAPE.exists():
        pytest.skip(
            "the real workspace's shape (shared/workspaces/real_shape.json) is not beside this checkout"
        )
    return {one["key"]: source(one) for one in json.loads(SHAPE.read_text())["databases"]}


def source(shape: Source, *, title: str = "", number: int = 0) -> Source:
    """A data source of a shape, perhaps under another title."""
    properties = {}
    for name, live in shape["properties"].items():
        kind = live.get("became", live["type"])
        options = [{"id": option, "name": option} for option in live.get("options", [])]
        properties[name] = {"id": name, "name": name, "type": kind, kind: {"options": options}}
    name = f"{shape['key']}-{number}"
    return {
        "id": f"source-{name}",
        "title": [{"type": "text", "plain_text": title or shape["title"]}],
        "parent": {"database_id": f"database-{name}"},
        "properties": properties,
        "url": f"https://www.notion.so/{name}",
    }


def renamed(one: Source, title: str, *, container: str = "") -> Source:
    """The same under another title, as a database of its own or in another one's."""
    copy = {**one, "id": f"{one['id']}-{title}", "title": [{"type": "text", "plain_text": title}]}
    return {**copy, "parent": {"database_id": container or f"{one['parent']['database_id']}-{title}"}}


def found(sources: list[Source]) -> dict[str, str | None]:
    """The title that is taken for each database; None when a person has to choose or nothing is like it."""
    proposals = discovery.judge(sources, SPECS.values())
    return {key: sure.title if (sure := one.certain) else None for key, one in proposals.items()}


def test_the_real_databases_are_told_apart(shapes: dict[str, Source]) -> None:
    """All six, beside the projects that are like the tasks in name and columns."""
    assert found(list(shapes.values())) == {key: spec.title for key, spec in SPECS.items()}


@pytest.mark.parametrize("title", ["agent tasks", "🤖 Agent-Tasks", "AGENT  TASKS ", "Agent–Tasks"])  # noqa: RUF001  an en dash
def test_case_blanks_emoji_and_dashes_do_not_matter(shapes: dict[str, Source], title: str) -> None:
    """People decorate titles."""
    assert found([renamed(shapes["agent_tasks"], title), shapes["agent_projects"]])["agent_tasks"] == title


def test_a_copy_with_another_title_does_not_win(shapes: dict[str, Source]) -> None:
    """“(old)” and “Copy of” lose clearly against the title itself."""
    tasks = shapes["agent_tasks"]
    copies = [renamed(tasks, "Agent-Tasks (old)"), renamed(tasks, "Copy of Agent-Tasks")]
    assert found([*copies, tasks])["agent_tasks"] == "Agent-Tasks"


def test_two_of_one_title_are_a_question(shapes: dict[str, Source]) -> None:
    """Both are offered, and neither is taken."""
    tasks = shapes["agent_tasks"]
    [proposal] = discovery.judge([tasks, renamed(tasks, "Agent Tasks")], [SPECS["agent_tasks"]]).values()
    assert proposal.certain is None
    assert len(proposal.candidates) == 2


def test_another_title_is_recognised_by_columns_and_words(shapes: dict[str, Source]) -> None:
    """A database that was renamed beyond recognition is still the one with these columns."""
    assert (
        found([renamed(shapes["agent_tasks"], "To-dos"), shapes["music_tracks"]])["agent_tasks"] == "To-dos"
    )


def test_what_is_like_nothing_is_offered_for_nothing(notion: Notion, local: Any) -> None:
    """A database of recipes is no Music Artists, though both have a Name."""
    notion.create_database(page_id=local.root_page_id, title="Recipes", properties={"Name": {"title": {}}})
    assert [key for key, one in discovery.propose(notion).items() if one.candidates] == []


def test_one_of_several_data_sources_is_named_by_its_own_id(shapes: dict[str, Source]) -> None:
    """The database's id would not say which one is meant; alone in its database, that id is the one people see."""
    tracks = shapes["music_tracks"]
    beside = renamed(shapes["agent_projects"], "Wishes", container=tracks["parent"]["database_id"])
    shared = discovery.judge([tracks, beside], [SPECS["music_tracks"]])["music_tracks"].certain
    alone = discovery.judge([tracks], [SPECS["music_tracks"]])["music_tracks"].certain
    assert shared
    assert alone
    assert (shared.id, alone.id) == (tracks["id"], tracks["parent"]["database_id"])


def test_what_is_taken_is_not_offered_again(home: Home) -> None:
    """A database that the settings name already is out of the question."""
    taken = home.open().database("music_tracks").id
    assert discovery.propose(home.notion, taken=[taken])["music_tracks"].candidates == ()


@given(st.text(max_size=30), st.sampled_from([spec.title for spec in SPECS.values()]))
def test_likeness_is_a_share(title: str, wanted: str) -> None:
    """Between nothing and all; all only for the same letters."""
    likeness = discovery.title_likeness(title, wanted)
    assert 0 <= likeness <= 1
    assert (likeness == 1) == (discovery._bare(title) == discovery._bare(wanted))
