"""Rows through bound databases over real HTTP, on good days and while the workspace changes under us."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notion_schema import blocks
from notion_schema.calls import Patience
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, ISSUES, TaskRow
from notion_schema.errors import NotShared, Refused, SchemaDrift, Unavailable
from notion_schema.rows import Finding, Level
from notion_schema.vocabulary import Priority, RunState, State
from notion_schema.workspace import Database, Workspace

from .conftest import Home

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
READY = {"status": "Ready", "task_type": "Sync track"}


@pytest.fixture
def workspace(home: Home) -> Workspace:
    """The provisioned workspace, opened."""
    return home.open()


@pytest.fixture
def tasks(workspace: Workspace) -> Database[TaskRow]:
    """Agent-Tasks."""
    return workspace.database(AGENT_TASKS)


def change(home: Home, key: str, properties: dict[str, Any]) -> None:
    """Change columns as a person would, behind the worker's back."""
    source = home.notion.retrieve_database(home.ids[key])["data_sources"][0]["id"]
    home.notion.update_data_source(source, properties=properties)


# --- reading and writing ----------------------------------------------------------------------------------


def test_a_full_row_comes_back_as_it_was_written(tasks: Database[TaskRow]) -> None:
    """Every kind of column survives creating, reading, querying and updating."""
    other = tasks.create({"title": "First", **READY})
    values = {
        "title": "Sync “Nightcall”",
        "status": "In Progress",
        "task_type": "Sync track",
        "priority": Priority.HIGH,
        "link": "https://example.org/a.wav",
        "description": "x" * 4500,
        "run_after": NOW,
        "progress": 42.5,
        "run_state": RunState.RUNNING,
        "attempt": 2,
        "segue_key": "k",
        "prerequisites": (other.id,),
        "handed_off_from": (other.id,),
    }
    created = tasks.create(values)
    for row in (created, tasks.get(created.id), *tasks.find_by_key("k"), tasks.update(created.id, {})):
        assert {name: getattr(row, name) for name in values} == values
        assert row.database_key == AGENT_TASKS


def test_emptied_values_are_empty(tasks: Database[TaskRow]) -> None:
    """``None`` and empty texts clear a column."""
    row = tasks.create(
        {"title": "A", **READY, "run_after": NOW, "progress": 3, "last_error": "x", "priority": "High"}
    )
    row = tasks.update(row.id, {"run_after": None, "progress": None, "last_error": "", "priority": None})
    assert (row.run_after, row.progress, row.last_error, row.priority) == (None, None, "", None)


def test_content_of_any_length_stands_on_the_page(tasks: Database[TaskRow], home: Home) -> None:
    """250 lines and a table of 130 rows arrive whole and in order."""
    lines = [str(n) for n in range(250)]
    table = blocks.table([(line, "x") for line in lines[:130]])
    row = tasks.create({"title": "A", **READY}, [table, *(blocks.paragraph(line) for line in lines)])
    first, *rest = home.notion.list_children(row.id)
    assert [blocks.plain_text(block) for block in rest] == lines
    cells = [
        blocks.plain_text(one["table_row"]["cells"][0]) for one in home.notion.list_children(first["id"])
    ]
    assert cells == lines[:130]


def test_a_query_reads_all_pages(tasks: Database[TaskRow]) -> None:
    """More than a hundred rows come, oldest first, each once."""
    for number in range(105):
        tasks.create({"title": f"{number:03}", **READY})
    titles = [
        row.title for row in tasks.query(tasks.equals("task_type", "Sync track"), [("title", "descending")])
    ]
    assert titles == [f"{number:03}" for number in reversed(range(105))]


def test_only_some_columns_can_be_read(tasks: Database[TaskRow]) -> None:
    """What was not asked for keeps its default."""
    tasks.create({"title": "A", **READY, "description": "long"})
    [row] = tasks.query(only=["title", "status"])
    assert (row.title, row.status, row.description) == ("A", "Ready", "")


def test_a_long_relation_is_read_whole(tasks: Database[TaskRow]) -> None:
    """30 prerequisites, of which a page shows 25."""
    ids = tuple(tasks.create({"title": str(n), **READY}).id for n in range(30))
    row = tasks.create({"title": "last", **READY, "prerequisites": ids})
    assert tasks.get(row.id).prerequisites == ids


def test_filters_find_what_they_say(tasks: Database[TaskRow]) -> None:
    """By word, state, list of words, link, time, emptiness and text, alone and joined."""
    a = tasks.create({"title": "a", **READY, "priority": "High", "run_after": NOW, "link": "https://x/a"})
    tasks.create({"title": "b", "status": "In Progress", "task_type": "Verify run", "prerequisites": (a.id,)})
    c = tasks.create({"title": "c", "status": "Draft", "progress": 50})

    def found(wanted: Any) -> str:
        return "".join(row.title for row in tasks.query(wanted, [("title", "ascending")]))

    assert found(tasks.equals("status", "Ready", "Draft")) == "ac"
    assert found(tasks.in_state(State.READY, State.RUNNING)) == "ab"
    assert found(tasks.equals("priority", Priority.HIGH)) == "a"
    assert found(tasks.contains("prerequisites", a.id)) == "b"
    assert found(tasks.equals("link", "https://x/a")) == "a"
    assert found(tasks.equals("progress", 50)) == "c"
    assert found(tasks.is_empty("task_type")) == "c"
    assert found(tasks.is_not_empty("run_after")) == "a"
    assert found(tasks.on_or_before("run_after", NOW)) == "a"
    assert found(tasks.before("run_after", NOW)) == ""
    assert found(tasks.before("run_after", NOW + timedelta(minutes=1))) == "a"
    assert found(tasks.not_equals("status", "Ready")) == "bc"
    either = tasks.any_of(
        tasks.equals("title", "a"), tasks.contains("title", "b"), tasks.equals("title", c.title)
    )
    assert found(either) == "abc"
    assert found(tasks.all_of(either, tasks.is_empty("run_after"), None)) == "bc"


def test_a_word_that_does_not_exist_is_no_empty_answer(tasks: Database[TaskRow]) -> None:
    """Notion would answer such a filter with nothing; here it says what there is."""
    with pytest.raises(SchemaDrift, match="no option “Not Started”; it has “Ready”"):
        list(tasks.query(tasks.equals("status", "Not Started")))


def test_a_misspelt_word_does_not_become_an_option(tasks: Database[TaskRow]) -> None:
    """Neither task type nor status grows, unless the caller says so."""
    with pytest.raises(SchemaDrift, match="no option “Synk track”"):
        tasks.create({"title": "A", "status": "Ready", "task_type": "Synk track"})
    assert "Synk track" not in tasks.options("task_type")
    row = tasks.create({"title": "A", "status": "Ready", "task_type": "New one"}, new_options=["task_type"])
    assert row.task_type == "New one"


def test_a_row_in_the_trash_says_so(tasks: Database[TaskRow]) -> None:
    """It is read as trashed, and writing to it is no bug of ours."""
    row = tasks.create({"title": "A", **READY})
    assert tasks.trash(row.id).in_trash
    assert tasks.get(row.id).in_trash
    with pytest.raises(NotShared, match="trash"):
        tasks.update(row.id, {"title": "B"})


# --- answers that were lost -------------------------------------------------------------------------------


def test_a_row_whose_answer_was_lost_is_found_by_its_key(tasks: Database[TaskRow], home: Home) -> None:
    """It is returned as if nothing had happened, and there is one."""
    home.server.workspace.faults.set(drop_count=1, only="POST /v1/pages")
    row = tasks.create({"title": "A", **READY, "segue_key": "once"})
    assert [row.id] == [found.id for found in tasks.find_by_key("once")]


def test_a_row_without_a_key_is_not_created_twice(tasks: Database[TaskRow], home: Home) -> None:
    """The caller learns that it may be there."""
    home.server.workspace.faults.set(drop_count=1, only="POST /v1/pages")
    with pytest.raises(Unavailable) as caught:
        tasks.create({"title": "A", **READY})
    assert caught.value.maybe_landed
    assert len(list(tasks.query())) == 1


def test_each_row_is_created_once_whatever_happens_to_the_answers(home: Home) -> None:
    """Three threads, a fifth of all answers lost or refused, queries that lag: each key has one row."""
    patience = Patience(attempts=9, total_s=30, first_wait_s=0.01, longest_wait_s=0.05, settle_s=0.3)
    keys = [f"key-{number}" for number in range(30)]
    with Notion(
        home.server.token, base_url=home.server.base_url, rate_per_s=10_000, patience=patience
    ) as notion:
        tasks = Workspace.open(notion, home.ids).database(AGENT_TASKS)
        home.server.workspace.faults.set(drop_rate=0.1, error_rate=0.1, error_status=502, stale_seconds=0.1)
        with ThreadPoolExecutor(3) as pool:
            rows = list(pool.map(lambda key: tasks.create({"title": key, **READY, "segue_key": key}), keys))
        home.server.workspace.faults.reset()
        time.sleep(0.2)
        found = {row.id: row.segue_key for row in tasks.query()}
    assert sorted(found.values()) == sorted(keys)
    assert {row.id for row in rows} == set(found)


def test_not_being_able_to_look_is_not_finding_nothing(home: Home, tasks: Database[TaskRow]) -> None:
    """When the answer is lost and the lookup fails as well, it is said that the row may be there."""
    faults = home.server.workspace.faults

    def nobody_home() -> list[TaskRow]:
        raise Unavailable("down", operation="read the rows of a database")

    faults.set(drop_count=1, only="POST /v1/pages")
    with pytest.raises(Unavailable, match="cannot be seen either") as caught:
        tasks.create({"title": "A", **READY}, lookup=nobody_home)
    assert caught.value.maybe_landed
    assert caught.value.operation == "create a page"
    assert len(list(tasks.query())) == 1


def test_an_update_is_simply_repeated(tasks: Database[TaskRow], home: Home) -> None:
    """Setting a value twice is setting it."""
    row = tasks.create({"title": "A", **READY})
    home.server.workspace.faults.set(drop_count=2, only="PATCH /v1/pages")
    assert tasks.update(row.id, {"progress": 7}).progress == 7


# --- drift ------------------------------------------------------------------------------------------------


def test_a_renamed_column_goes_on(tasks: Database[TaskRow], home: Home) -> None:
    """Reading, writing and filtering are bound by id."""
    row = tasks.create({"title": "A", **READY, "progress": 1})
    change(home, AGENT_TASKS, {"Progress": {"name": "Fortschritt"}, "Status": {"name": "Zustand"}})
    assert tasks.update(row.id, {"progress": 2}).progress == 2
    assert [found.progress for found in tasks.query(tasks.in_state(State.READY))] == [2]
    assert tasks.refresh()
    assert tasks.column_name("progress") == "Fortschritt"


def test_a_retyped_column_is_written_by_its_new_type(tasks: Database[TaskRow], home: Home) -> None:
    """A number that became a text takes the number as text; reading gives the number."""
    row = tasks.create({"title": "A", **READY, "progress": 1})
    change(home, AGENT_TASKS, {"Progress": {"rich_text": {}}})
    assert tasks.update(row.id, {"progress": 2}).progress == 2


def test_a_removed_optional_column_is_left_out_and_told_once(home: Home) -> None:
    """The other values are written; the owner hears of it one time."""
    told: list[Finding] = []
    tasks = home.open(on_finding=told.append).database(AGENT_TASKS)
    row = tasks.create({"title": "A", **READY, "step": "fetch"})
    change(home, AGENT_TASKS, {"Step": None})
    for progress in (10, 20, 30):
        row = tasks.update(row.id, {"progress": progress, "step": "convert"})
    assert (row.progress, row.step) == (30, "")
    assert [finding.property_name for finding in told] == ["Step"]


def test_a_removed_required_column_stops_its_database_alone(home: Home, workspace: Workspace) -> None:
    """Writing says what is missing, the check too; the other database goes on."""
    tasks = workspace.database(AGENT_TASKS)
    row = tasks.create({"title": "A", **READY})
    change(home, AGENT_TASKS, {"Attempt": None})
    with pytest.raises(SchemaDrift, match="Add a number column “Attempt”"):
        tasks.update(row.id, {"attempt": 1})
    with pytest.raises(SchemaDrift, match="Attempt"):
        tasks.check()
    workspace.database(ISSUES).check()


def test_a_removed_option_is_found_by_name(home: Home, tasks: Database[TaskRow]) -> None:
    """The status word is gone: writing says so, and so does the check after a refresh."""
    row = tasks.create({"title": "A", **READY})
    kept = [{"id": o["id"], "name": o["name"]} for o in status_options(home) if o["name"] != "Blocked"]
    change(home, AGENT_TASKS, {"Status": {"status": {"options": kept}}})
    with pytest.raises((SchemaDrift, Refused), match="Blocked"):
        tasks.update(row.id, {"status": tasks.vocabulary.word(State.BLOCKED)})
    tasks.refresh()
    with pytest.raises(SchemaDrift, match="no option “Blocked”, which means blocked here"):
        tasks.check()


def status_options(home: Home) -> list[dict[str, Any]]:
    """Options of the tasks' status."""
    source = home.open().database(AGENT_TASKS).id
    return list(home.notion.retrieve_data_source(source)["properties"]["Status"]["status"]["options"])


def test_an_option_that_was_added_is_seen_without_a_restart(home: Home, tasks: Database[TaskRow]) -> None:
    """A word unknown when the database was opened is looked for once more before it is refused."""
    options = [{"name": name} for name in ("Sync track", "Verify run", "File gaps")]
    change(home, AGENT_TASKS, {"Task Type": {"select": {"options": options}}})
    row = tasks.create({"title": "A", "status": "Ready", "task_type": "File gaps"})
    assert [found.id for found in tasks.query(tasks.equals("task_type", "File gaps"))] == [row.id]


def test_a_database_unshared_and_shared_again(home: Home) -> None:
    """While it is away it raises the remedy, is no empty answer, and the other one works; then it goes on."""
    workspace = home.open()
    tasks = workspace.database(AGENT_TASKS)
    tasks.create({"title": "A", **READY})
    home.server.workspace.faults.set(unshared=[home.ids[AGENT_TASKS], tasks.id])
    with pytest.raises(NotShared, match="Connections"):
        list(tasks.query())
    assert workspace.refresh() == ()
    assert AGENT_TASKS in workspace.problems
    assert list(workspace.database(ISSUES).query()) == []

    home.server.workspace.faults.reset()
    workspace.refresh()
    assert workspace.problems == {}
    assert [row.title for row in tasks.query()] == ["A"]


# --- opening ----------------------------------------------------------------------------------------------


def test_any_pasted_form_opens_a_database(home: Home) -> None:
    """Link, compact id, or the id of the data source."""
    source = home.open().database(AGENT_TASKS).id
    compact = home.ids[AGENT_TASKS].replace("-", "")
    for text in (f"https://www.notion.so/acme/Agent-Tasks-{compact}?v={compact}", compact, source):
        opened = Workspace.open(home.notion, {AGENT_TASKS: text}).database(AGENT_TASKS)
        assert opened.place == home.open().database(AGENT_TASKS).place


def test_what_cannot_be_opened_does_not_stop_the_others(home: Home) -> None:
    """A wrong id, a text without one and a missing share are each said for their database."""
    ids = {**home.ids, ISSUES: "nonsense", "music_tracks": "00000000-0000-4000-8000-000000000abc"}
    workspace = Workspace.open(home.notion, ids)
    workspace.database(AGENT_TASKS).check()
    assert {finding.database for finding in workspace.preflight() if finding.level is Level.FAILURE} == {
        "Issues+Questions",
        "Music Tracks",
    }
    with pytest.raises(ValueError, match="Copy link"):
        workspace.database(ISSUES)
    with pytest.raises(NotShared, match="Connections"):
        workspace.database("music_tracks")
    with pytest.raises(LookupError, match="name no Agent-Tasks"):
        Workspace.open(home.notion, {}).database(AGENT_TASKS)


def test_a_database_that_could_not_be_opened_opens_when_it_is_shared(home: Home) -> None:
    """No restart is needed."""
    home.server.workspace.faults.set(unshared=[home.ids[ISSUES]])
    workspace = home.open()
    assert ISSUES in workspace.problems
    home.server.workspace.faults.reset()
    assert ISSUES in workspace.refresh()
    workspace.database(ISSUES).check()


def test_a_wrong_token_is_said_as_such(home: Home) -> None:
    """The remedy names the token, not the sharing."""
    with Notion("ntn_wrong", base_url=home.server.base_url, rate_per_s=1000) as notion:
        workspace = Workspace.open(notion, home.ids)
        with pytest.raises(NotShared, match="NOTION_TOKEN"):
            workspace.database(AGENT_TASKS)


def test_the_owners_words_and_columns_are_used(home: Home) -> None:
    """A configured vocabulary and a configured column replace ours."""
    words = home.open().database(AGENT_TASKS).vocabulary.with_words({State.CANCELLED: ("Draft",)})
    workspace = home.open(vocabularies={AGENT_TASKS: words}, names={AGENT_TASKS: {"step": "Question"}})
    tasks = workspace.database(AGENT_TASKS)
    assert tasks.vocabulary.word(State.CANCELLED) == "Draft"
    assert tasks.column_name("step") == "Question"


def test_a_task_costs_one_request_each_way(tasks: Database[TaskRow], home: Home) -> None:
    """Creating, reading, updating and an idle query are one request each."""
    before = sum(home.notion.counts().values())
    row = tasks.create({"title": "A", **READY, "segue_key": "k"})
    tasks.get(row.id)
    tasks.update(row.id, {"progress": 5})
    list(tasks.query(tasks.in_state(State.READY)))
    assert sum(home.notion.counts().values()) - before == 4


def test_a_query_looks_once_more_before_it_says_that_a_word_is_unknown(
    home: Home, tasks: Database[TaskRow]
) -> None:
    """An option added since the database was opened can be asked for."""
    change(home, AGENT_TASKS, {"Task Type": {"select": {"options": [{"name": "Brand new"}]}}})
    assert list(tasks.query(tasks.equals("task_type", "Brand new"))) == []


def test_a_query_over_a_retyped_column_is_asked_again_by_its_new_type(
    home: Home, tasks: Database[TaskRow]
) -> None:
    """A number that became a text is found as a text."""
    row = tasks.create({"title": "A", **READY})
    change(home, AGENT_TASKS, {"Attempt": {"rich_text": {}}})
    home.notion.update_page(row.id, properties={"Attempt": {"rich_text": blocks.rich_text("7")}})
    assert [found.id for found in tasks.query(tasks.equals("attempt", 7))] == [row.id]


def test_what_the_code_asks_wrongly_is_said(workspace: Workspace, tasks: Database[TaskRow]) -> None:
    """No value to compare with, or words of a database that has none."""
    with pytest.raises(ValueError, match="status"):
        tasks.equals("status")
    with pytest.raises(LookupError, match="Music Tracks"):
        _ = workspace.database("music_tracks").vocabulary
    with pytest.raises(Refused):
        list(tasks.query(tasks.on_or_after("run_after", "not a date")))  # type: ignore[arg-type]  the slip itself


def test_a_rename_is_reported_by_the_workspace(home: Home, workspace: Workspace) -> None:
    """A refresh names the databases that changed."""
    change(home, ISSUES, {"Description": {"name": "Beschreibung"}})
    assert workspace.refresh() == (ISSUES,)
    assert workspace.refresh() == ()


def test_what_must_not_come_early_does_not(tasks: Database[TaskRow]) -> None:
    """Notion keeps minutes: a lease and a retry are rounded up, a start is what Notion makes of it."""
    moment = NOW + timedelta(seconds=1)
    row = tasks.create({"title": "A", **READY, "run_after": moment, "lease_until": moment, "started": moment})
    later = NOW + timedelta(minutes=1)
    assert (row.run_after, row.lease_until, row.started) == (later, later, NOW)
    assert tasks.update(row.id, {"run_after": NOW}).run_after == NOW


def test_a_database_in_the_trash_is_said_to_be_there(home: Home) -> None:
    """The remedy is to restore it, not to share it."""
    home.notion.update_database(home.ids[AGENT_TASKS], in_trash=True)
    workspace = home.open()
    with pytest.raises(NotShared, match="Restore it there"):
        workspace.database(AGENT_TASKS)


def test_a_relation_that_leads_elsewhere_is_left_alone(home: Home) -> None:
    """Rows of another database would be refused there; the rest is written, and the owner hears why."""
    source = home.open().database("music_tracks").id
    home.notion.update_data_source(source, properties={"Artist": None})
    elsewhere = {"relation": {"data_source_id": source, "type": "single_property", "single_property": {}}}
    home.notion.update_data_source(source, properties={"Artist": elsewhere})
    told: list[Finding] = []
    workspace = home.open(on_finding=told.append)
    artist = workspace.database("music_artists").create({"title": "Nina"})
    track = workspace.database("music_tracks").create({"title": "Song", "artists": (artist.id,)})
    assert (track.title, track.artists) == ("Song", ())
    assert ["does not lead to Music Artists" in finding.sentence for finding in told] == [True]
    warned = [finding.subject for finding in workspace.preflight() if finding.level is not Level.INFO]
    assert warned == ["music_tracks/artists/astray"]


def test_a_column_that_is_only_read_may_be_of_any_readable_type(home: Home) -> None:
    """An assignment through a rollup, a SoundCloud ID as a number: nothing to mend, so nothing is said."""
    source = home.open().database("music_tracks").id
    home.notion.update_data_source(source, properties={"SoundCloud ID": {"number": {}}})
    found = home.open().database("music_tracks").preflight()
    assert [finding for finding in found if finding.level is not Level.INFO] == []


def test_a_query_leaves_out_what_segue_has_no_use_for(real: Home) -> None:
    """Of the 207 columns of the real tasks only those that serve are read; rows are whole all the same."""
    tasks = real.open().database(AGENT_TASKS)
    row = tasks.create({"title": "A", "status": "Ready", "description": "long", "priority": Priority.HIGH})
    [page] = real.notion.query(tasks.id)
    assert len(page["properties"]) > 150
    before = dict(real.notion.counts())
    assert list(tasks.query(tasks.in_state(State.READY))) == [row]
    assert sum(real.notion.counts().values()) - sum(before.values()) == 1
    [pages] = [list(tasks._pages(None, (), None))]
    assert {len(page["properties"]) for page in pages} == {len(tasks.binding.columns)}
