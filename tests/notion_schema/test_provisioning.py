"""Provisioning adds what is missing and never more, on an empty workspace and on the owner's real one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from notion_local.server import RunningServer
from notion_schema import blocks, provisioning
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, SPECS
from notion_schema.errors import Incomplete, SchemaDrift
from notion_schema.rows import Level

from .conftest import TASK_TYPES, Home

Properties = dict[str, Any]


def columns(home: Home, key: str) -> Properties:
    """The live columns of a database."""
    source = home.notion.retrieve_database(home.ids[key])["data_sources"][0]["id"]
    return dict(home.notion.retrieve_data_source(source)["properties"])


def options(live: Properties, name: str) -> list[str]:
    """Option names of a column."""
    column = live[name]
    return [option["name"] for option in column[column["type"]]["options"]]


def test_an_empty_workspace_gets_all_six_databases(home: Home) -> None:
    """They can be worked with at once: nothing required is missing, and no warning is left."""
    workspace = home.open()
    for key in SPECS:
        workspace.database(key).check()
    assert [finding for finding in workspace.preflight() if finding.level is not Level.INFO] == []


def test_twice_in_a_row_changes_nothing(home: Home) -> None:
    """Neither by the ids in the settings nor by the titles on the page is anything missing any more."""
    by_id = provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES)
    by_title = provisioning.plan(home.notion, parent_page_id=home.server.root_page_id, task_types=TASK_TYPES)
    assert (by_id.lines, by_title.lines) == ((), ())
    before = home.notion.counts()
    provisioning.apply(home.notion, by_id)
    assert home.notion.counts() == before


def test_relations_show_on_both_sides(home: Home) -> None:
    """A task linked to an issue stands on the issue, under the declared name."""
    workspace = home.open()
    issue = workspace.database("issues_questions").create({"title": "Silence", "status": "Unreported"})
    task = workspace.database("agent_tasks").create(
        {"title": "Fix", "status": "Ready", "issues": (issue.id,)}
    )
    assert workspace.database("issues_questions").get(issue.id).tasks == (task.id,)
    assert not [name for name in columns(home, "issues_questions") if name.startswith("Related to")]


def test_task_types_grow_and_keep_what_people_added(home: Home) -> None:
    """A new handler's option is added; options keep their ids, and a person's option stays."""
    source = home.open().database("agent_tasks").id
    home.notion.update_data_source(
        source,
        properties={"Task Type": {"select": {"options": [{"name": name} for name in (*TASK_TYPES, "Mine")]}}},
    )
    before = columns(home, AGENT_TASKS)["Task Type"]["select"]["options"]

    wanted = provisioning.plan(home.notion, existing=home.ids, task_types=(*TASK_TYPES, "Rebuild index"))
    provisioning.apply(home.notion, wanted)

    after = columns(home, AGENT_TASKS)["Task Type"]["select"]["options"]
    assert "+ Agent-Tasks: “Task Type” gets the options “Rebuild index”" in wanted.lines
    assert after[: len(before)] == before
    assert [option["name"] for option in after[len(before) :]] == ["Rebuild index"]


def test_options_that_changed_since_the_plan_are_not_touched(home: Home) -> None:
    """A person who added an option meanwhile loses nothing; a new plan then works."""
    stale = provisioning.plan(home.notion, existing=home.ids, task_types=(*TASK_TYPES, "Rebuild index"))
    source = home.open().database("agent_tasks").id
    home.notion.update_data_source(
        source,
        properties={"Task Type": {"select": {"options": [{"name": name} for name in (*TASK_TYPES, "Mine")]}}},
    )
    with pytest.raises(SchemaDrift, match="changed since the plan"):
        provisioning.apply(home.notion, stale)
    assert options(columns(home, AGENT_TASKS), "Task Type") == [*TASK_TYPES, "Mine"]

    fresh = provisioning.plan(home.notion, existing=home.ids, task_types=(*TASK_TYPES, "Rebuild index"))
    provisioning.apply(home.notion, fresh)
    assert options(columns(home, AGENT_TASKS), "Task Type") == [*TASK_TYPES, "Mine", "Rebuild index"]


def test_a_lost_answer_does_not_make_a_second_database(local: RunningServer, notion: Notion) -> None:
    """The database that was made without an answer is found on the page."""
    wanted = provisioning.plan(notion, parent_page_id=local.root_page_id, specs=[SPECS["music_artists"]])
    local.workspace.faults.set(drop_count=1, only="POST /v1/databases")

    places = provisioning.apply(notion, wanted)

    titles = [block["child_database"]["title"] for block in notion.list_children(local.root_page_id)]
    assert titles.count("Music Artists") == 1
    assert set(places) == {"music_artists"}


def test_without_a_page_missing_databases_are_only_noted(notion: Notion) -> None:
    """Nothing is created somewhere."""
    wanted = provisioning.plan(notion)
    assert wanted.empty
    assert len([line for line in wanted.lines if "no page was named" in line]) == len(SPECS)


def test_a_name_that_is_taken_is_said_and_left(home: Home) -> None:
    """A button called Progress is neither changed nor duplicated in other case."""
    tasks = home.open().database("agent_tasks")
    home.notion.update_data_source(tasks.id, properties={"Progress": None})
    home.notion.update_data_source(tasks.id, properties={"progress ": {"checkbox": {}}})
    wanted = provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES)
    assert wanted.empty
    assert any("Progress" in line and line.startswith("!") for line in wanted.lines)


def test_the_real_workspace_gets_only_what_it_lacks(real: Home) -> None:
    """Existing columns serve; what is there keeps id, name, type and options; a second plan is empty."""
    before = {key: columns(real, key) for key in real.ids}

    wanted = provisioning.plan(real.notion, existing=real.ids, task_types=TASK_TYPES)
    provisioning.apply(real.notion, wanted)

    for key, live in before.items():
        after = columns(real, key)
        for name, column in live.items():
            kept = after[name]
            assert (kept["id"], kept["type"]) == (column["id"], column["type"])
            if column["type"] in {"select", "status", "multi_select"}:
                assert options(after, name)[: len(options(live, name))] == options(live, name)
        folded = [name.strip().casefold() for name in after]
        twins = [name.strip().casefold() for name in live]
        assert len(folded) - len(set(folded)) == len(twins) - len(set(twins))
    assert provisioning.plan(real.notion, existing=real.ids, task_types=TASK_TYPES).lines == ()
    real.open().database("agent_tasks").check()
    real.open().database("issues_questions").check()


def test_the_plan_for_the_real_tasks_is_short_and_readable(real: Home) -> None:
    """Only columns without a counterpart are added to the 207."""
    wanted = provisioning.plan(real.notion, existing=real.ids, task_types=TASK_TYPES)
    added = [line for line in wanted.lines if line.startswith("+ Agent-Tasks: column")]
    assert added == [
        "+ Agent-Tasks: column “Link” (url)",
        "+ Agent-Tasks: column “Run after” (date)",
        "+ Agent-Tasks: column “Run state” (select)",
        "+ Agent-Tasks: column “Attempt” (number)",
        "+ Agent-Tasks: column “Run ID” (rich text)",
        "+ Agent-Tasks: column “Lease until” (date)",
        "+ Agent-Tasks: column “Question” (rich text)",
        "+ Agent-Tasks: column “Answer” (rich text)",
        "+ Agent-Tasks: column “Result” (rich text)",
        "+ Agent-Tasks: column “Segue key” (rich text)",
        "+ Agent-Tasks: column “Schedule” (rich text)",
        "+ Agent-Tasks: column “Next run” (date)",
    ]
    assert "+ Agent-Tasks: “Task Type” gets the options “Sync track”, “Verify run”" in wanted.lines


def test_relations_to_a_database_that_is_not_set_up_are_left_out(
    local: RunningServer, notion: Notion
) -> None:
    """It is noted what is left out and why; a plan with the other database adds it later."""
    first = provisioning.plan(notion, parent_page_id=local.root_page_id, specs=[SPECS["music_tracks"]])
    assert "! Music Tracks: “Artist” is left out, because Music Artists is not set up." in first.lines
    provisioning.apply(notion, first)
    both = [SPECS["music_tracks"], SPECS["music_artists"]]
    second = provisioning.plan(notion, parent_page_id=local.root_page_id, specs=both)
    assert second.lines[0].startswith("+ database Music Artists")
    assert "+ Music Tracks: relation “Artist” to Music Artists" in second.lines
    provisioning.apply(notion, second)
    assert provisioning.plan(notion, parent_page_id=local.root_page_id, specs=both).empty


@pytest.mark.parametrize("change", [{"Run state": {"rich_text": {}}}, {"Run state": None}])
def test_a_column_that_changed_since_the_plan_is_not_touched(home: Home, change: Properties) -> None:
    """Retyped or removed meanwhile: the plan stops there and says so."""
    source = home.open().database("agent_tasks").id
    fewer = [{"name": "Running"}, {"name": "Failed"}]
    home.notion.update_data_source(source, properties={"Run state": {"select": {"options": fewer}}})
    stale = provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES)
    home.notion.update_data_source(source, properties=change)
    with pytest.raises(SchemaDrift, match="removed or got another type"):
        provisioning.apply(home.notion, stale)


def test_a_page_with_other_things_on_it_can_be_the_parent(local: RunningServer, notion: Notion) -> None:
    """Texts, pages and databases of other names are passed over."""
    notion.append_children(local.root_page_id, [blocks.paragraph("My music")])
    notion.create_database(page_id=local.root_page_id, title="Recipes", properties={"Name": {"title": {}}})
    wanted = provisioning.plan(notion, parent_page_id=local.root_page_id, specs=[SPECS["music_artists"]])
    assert [line.split(" with ")[0] for line in wanted.lines] == ["+ database Music Artists"]


@pytest.mark.parametrize("seed", range(4))
def test_any_damage_is_mended_without_touching_the_rest(home: Home, seed: int) -> None:
    """Columns removed, renamed and retyped at random: a plan mends or notes it, and the next one is empty."""
    chance = random.Random(seed)
    for key in home.ids:
        source = home.open().database(key).id
        names = [name for name, live in columns(home, key).items() if live["type"] != "title"]
        for name in chance.sample(names, min(6, len(names))):
            damage = chance.choice([None, {"name": f"My {name}"}, {"checkbox": {}}, {"name": name.upper()}])
            home.notion.update_data_source(source, properties={name: damage})
    before = {key: columns(home, key) for key in home.ids}

    provisioning.apply(home.notion, provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES))

    for key, live in before.items():
        after = columns(home, key)
        assert {name: (p["id"], p["type"]) for name, p in after.items() if name in live} == {
            name: (p["id"], p["type"]) for name, p in live.items()
        }
    again = provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES)
    assert again.empty, again.lines


def test_a_list_of_a_hundred_options_is_left_to_a_person(home: Home) -> None:
    """The API takes lists whole and no more than a hundred: the plan says which options to add by hand."""
    source = home.open().database("agent_tasks").id
    for start in (0, 49):
        known = options(columns(home, AGENT_TASKS), "Task Type")
        more = [f"Type {number}" for number in range(start, start + 49)]
        home.notion.update_data_source(
            source, properties={"Task Type": {"select": {"options": [{"name": n} for n in (*known, *more)]}}}
        )
    before = columns(home, AGENT_TASKS)

    wanted = provisioning.plan(home.notion, existing=home.ids, task_types=(*TASK_TYPES, "Rebuild index"))
    provisioning.apply(home.notion, wanted)

    assert not [line for line in wanted.lines if line.startswith("+ Agent-Tasks")]
    assert [line for line in wanted.lines if "has 100 options" in line and "“Rebuild index”" in line]
    assert columns(home, AGENT_TASKS) == before


def test_a_database_without_room_gets_the_required_columns_first(home: Home) -> None:
    """What found no room is named with the remedy; the other databases are completed; later it goes on from there."""
    workspace = home.open()
    for key, names in (
        (AGENT_TASKS, ("Link", "Question", "Segue key", "Run ID", "Answer")),
        ("music_tracks", ("Album", "Camelot")),
    ):
        gone: Properties = dict.fromkeys(names)
        home.notion.update_data_source(workspace.database(key).id, properties=gone)
    faults = home.server.workspace.faults
    faults.set(schema_limit=len(columns(home, AGENT_TASKS)) + 3)
    faults.set(schema_limit=max(faults.settings.schema_limit, len(columns(home, "music_tracks")) + 2))
    room = faults.settings.schema_limit - len(columns(home, AGENT_TASKS))
    for number in range(room - 3):
        home.notion.update_data_source(
            workspace.database(AGENT_TASKS).id, properties={f"Mine {number}": {"checkbox": {}}}
        )

    with pytest.raises(Incomplete, match=r"no room for (“Answer”, “Question”|“Question”, “Answer”)") as full:
        provisioning.apply(
            home.notion, provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES)
        )

    assert {"Run ID", "Segue key"} <= columns(home, AGENT_TASKS).keys()
    assert {"Album", "Camelot"} <= columns(home, "music_tracks").keys()
    assert full.value.ids == home.ids
    faults.reset()
    provisioning.apply(home.notion, provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES))
    assert provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES).empty


def test_other_status_columns_keep_their_words(home: Home) -> None:
    """The words of Status are no options of another column of type status."""
    source = home.open().database("agent_tasks").id
    words = {"status": {"options": [{"name": "Handoff Delivered"}]}}
    home.notion.update_data_source(source, properties={"Handoff Status": words})
    assert provisioning.plan(home.notion, existing=home.ids, task_types=TASK_TYPES).lines == ()
