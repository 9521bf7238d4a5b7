"""Declared rows meet live databases: the user's real ones, drifted ones, and any that hypothesis invents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_schema.databases import SPECS, TaskRow
from notion_schema.errors import SchemaDrift
from notion_schema.properties import Number, Relation, Status, Text, Title
from notion_schema.rows import Binding, Level, Row, bind, kinds_of
from notion_schema.vocabulary import Priority, RunState

SHAPE = Path(__file__).resolve().parents[2] / ".." / "shared" / "workspaces" / "real_shape.json"


@dataclass(frozen=True, kw_only=True)
class Gig(Row):
    """A row to bind."""

    title: Annotated[str, Title("Name", required=True)] = ""
    status: Annotated[str | None, Status("Status", required=True)] = None
    notes: Annotated[str, Text("Notes", ("Remarks", "Comment"))] = ""
    fee: Annotated[float | None, Number("Fee")] = None
    venue: Annotated[tuple[str, ...], Relation("Venue")] = ()


def prop(name: str, kind: str, *options: str, id: str = "") -> dict[str, Any]:  # noqa: A002  Notion's word
    """A live property."""
    config = {"options": [{"id": option, "name": option} for option in options]} if options else {}
    return {"id": id or f"id-{name}", "name": name, "type": kind, kind: config}


def source(*properties: dict[str, Any]) -> dict[str, Any]:
    """A live data source."""
    return {"id": "ds", "properties": {one["name"]: one for one in properties}}


BASE = (prop("Name", "title"), prop("Status", "status", "Ready", "Done"))


def bound(*more: dict[str, Any], **options: Any) -> Binding[Gig]:
    """Gig bound to the base columns and these."""
    return bind(Gig, source(*BASE, *more), title="Gigs", key="gigs", **options)


def page(*properties: tuple[dict[str, Any], Any], **more: Any) -> dict[str, Any]:
    """A page with values for these live properties."""
    return {
        "id": "p1",
        "url": "https://n/p1",
        "created_time": "2026-11-23T00:30:00.000Z",
        "last_edited_time": "2026-11-23T00:31:00.000Z",
        "last_edited_by": {"object": "user", "id": "ada"},
        "parent": {"type": "data_source_id", "data_source_id": "ds"},
        "in_trash": False,
        "properties": {
            live["name"]: {"id": live["id"], "type": live["type"], live["type"]: value}
            for live, value in properties
        },
        **more,
    }


def test_a_row_is_read_through_its_columns() -> None:
    """Values, times, editor and database come out of one page."""
    notes = prop("Remarks", "rich_text")
    row = bound(notes).decode(
        page(
            (BASE[0], [{"plain_text": "Berghain"}]),
            (BASE[1], {"name": "Ready"}),
            (notes, [{"plain_text": "2 h"}]),
        )
    )
    assert (row.title, row.status, row.notes, row.fee) == ("Berghain", "Ready", "2 h", None)
    assert (row.last_edited_by, row.database_key, row.in_trash) == ("ada", "gigs", False)
    assert row.created_time is not None
    assert row.created_time.isoformat() == "2026-11-23T00:30:00+00:00"


def test_a_page_of_another_database_says_so() -> None:
    """It is read as far as it goes, and belongs to no key."""
    row = bound().decode(page(parent={"type": "data_source_id", "data_source_id": "elsewhere"}))
    assert (row.title, row.database_key) == ("", "")


def test_the_exact_name_wins_over_alias_and_twin() -> None:
    """“Notes” is bound although “notes” and “Remarks” are there; the twin is mentioned."""
    binding = bound(prop("notes", "rich_text"), prop("Remarks", "rich_text"), prop("Notes", "rich_text"))
    assert binding.columns["notes"].name == "Notes"
    [finding] = [finding for finding in binding.findings if finding.property_name == "Notes"]
    assert finding.level is Level.INFO
    assert "“notes”" in finding.sentence


def test_aliases_serve_in_their_order_before_a_twin() -> None:
    """“Remarks” comes before “Comment”, and an exact alias before a name in other case."""
    binding = bound(prop("Comment", "rich_text"), prop("Remarks", "rich_text"), prop("NOTES ", "rich_text"))
    assert binding.columns["notes"].name == "Remarks"


def test_other_case_and_blanks_serve_when_nothing_else_does() -> None:
    """“  fee ” is the fee."""
    assert bound(prop(" fee ", "number")).columns["fee"].name == " fee "


def test_twins_without_an_exact_name_are_left_alone() -> None:
    """Two columns that could be it are a warning with a remedy, not a guess."""
    binding = bound(prop("FEE", "number"), prop("fee", "number"))
    assert "fee" in binding.unbound
    [finding] = [finding for finding in binding.findings if finding.property_name == "Fee"]
    assert finding.level is Level.WARNING
    assert "exactly “Fee”" in finding.remedy


def test_a_column_of_an_unusable_type_is_passed_over_for_an_alias() -> None:
    """“Notes” as a button cannot serve, “Comment” can."""
    fee = bound(prop("Fee", "checkbox"))
    assert "fee" in fee.unbound
    assert any("checkbox" in finding.sentence and finding.remedy for finding in fee.findings)


def test_the_owners_choice_of_column_wins() -> None:
    """A configured name is the only one looked for."""
    binding = bound(prop("Notes", "rich_text"), prop("Log", "rich_text"), names={"notes": "Log"})
    assert binding.columns["notes"].name == "Log"
    assert "notes" in bound(prop("Notes", "rich_text"), names={"notes": "Gone"}).unbound


def test_a_rename_changes_nothing() -> None:
    """What was bound stays bound by its id, even when another column takes the old name."""
    before = bound(prop("Notes", "rich_text", id="n1"))
    after = bound(
        prop("Notizen", "rich_text", id="n1"), prop("Notes", "rich_text", id="n2"), previous=before.ids
    )
    assert after.columns["notes"].id == "n1"


def test_a_column_renamed_to_anothers_name_does_not_serve_both() -> None:
    """The notes called Fee are still the notes, and there is no fee."""
    before = bound(prop("Notes", "rich_text", id="n1"))
    after = bound(prop("Fee", "rich_text", id="n1"), previous=before.ids)
    assert after.columns["notes"].id == "n1"
    assert "fee" in after.unbound


def test_a_deleted_column_is_looked_for_again() -> None:
    """When the id is gone, names and aliases serve anew."""
    before = bound(prop("Notes", "rich_text", id="n1"))
    after = bound(prop("Remarks", "rich_text", id="n2"), previous=before.ids)
    assert after.columns["notes"].id == "n2"


def test_a_missing_required_column_is_a_failure_with_its_remedy() -> None:
    """It is said what to add; using it raises the same sentence."""
    binding = bind(Gig, source(prop("Name", "title")), title="Gigs")
    [finding] = [finding for finding in binding.findings if finding.level is Level.FAILURE]
    assert finding.sentence == "Gigs has no column “Status”."
    with pytest.raises(SchemaDrift, match="Add a status column “Status”"):
        binding.encode({"status": "Ready"})


def test_a_missing_optional_column_is_left_out_and_named() -> None:
    """The rest is written; the finding has one signature however often it comes."""
    written, first = bound().encode({"title": "A", "fee": 3})
    _, second = bound().encode({"fee": 4})
    assert list(written) == ["id-Name"]
    assert first[0].signature == second[0].signature
    assert "Fee" in first[0].sentence


def test_a_column_that_notion_fills_is_read_and_not_written() -> None:
    """A relation that became a rollup decodes, is dropped from writes, and is explained."""
    rollup = prop("Venue", "rollup")
    binding = bound(rollup)
    value = {
        "type": "array",
        "array": [{"type": "relation", "relation": [{"id": "v"}]}],
        "function": "show_original",
    }
    assert binding.decode(page((rollup, value))).venue == ("v",)
    written, [left_out] = binding.encode({"venue": ("v",)})
    assert written == {}
    assert "rollup" in left_out.sentence
    assert any("reads it and cannot write it" in finding.sentence for finding in binding.findings)


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    """Writing an option that does not exist is impossible."""
    with pytest.raises(SchemaDrift, match="no option “Finished”; it has “Ready”, “Done”"):
        bound().encode({"status": "Finished"})


def test_a_slip_in_our_own_code_is_no_drift() -> None:
    """An attribute that is not declared raises as a bug."""
    with pytest.raises(AttributeError, match="fees"):
        bound().encode({"fees": 1})


def test_a_long_relation_is_completed_on_reading() -> None:
    """The page shows 25; the rest is asked for by page and property."""
    venue = prop("Venue", "relation")
    shown = page((venue, [{"id": "1"}]))
    shown["properties"]["Venue"]["has_more"] = True
    asked: list[tuple[str, str]] = []

    def more(page_id: str, property_id: str) -> list[dict[str, Any]]:
        asked.append((page_id, property_id))
        return [
            {"object": "property_item", "type": "relation", "relation": {"id": str(n)}} for n in range(30)
        ]

    assert len(bound(venue).decode(shown, more).venue) == 30
    assert asked == [("p1", "id-Venue")]


NAMES = st.sampled_from(
    ["Name", "Status", "Notes", "notes", "Remarks", "Fee", "FEE", "Venue", " venue", "Other"]
)
TYPES = st.sampled_from(
    ["rich_text", "number", "select", "status", "relation", "rollup", "formula", "button", "people", "url"]
)


COLUMNS = st.lists(
    st.tuples(st.integers(0, 9), NAMES, TYPES), unique_by=(lambda one: one[0], lambda one: one[1]), max_size=8
)


@given(COLUMNS, COLUMNS)
def test_any_drift_is_survived(before: list[tuple[int, str, str]], after: list[tuple[int, str, str]]) -> None:
    """However columns were renamed, retyped, removed: no column serves twice, and all is accounted for."""

    def live(columns: list[tuple[int, str, str]]) -> dict[str, Any]:
        return source(
            prop("The title", "title"),
            *(prop(name, kind, id=f"id{number}") for number, name, kind in columns),
        )

    first = bind(Gig, live(before), title="Gigs")
    second = bind(Gig, live(after), title="Gigs", previous=first.ids)
    for binding in (first, second):
        assert set(binding.columns) | set(binding.unbound) == set(kinds_of(Gig))
        served = [column.id for column in binding.columns.values()]
        assert len(served) == len(set(served))
        for attr, kind in binding.unbound.items():
            assert any(finding.property_name == kind.name for finding in binding.findings), attr


# --- the user's real databases ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> dict[str, dict[str, Any]]:
    """The real databases as data sources, by key."""
    if not SHAPE.exists():
        pytest.skip(
            "the real workspace's shape (shared/workspaces/real_shape.json) is not beside this checkout"
        )
    return {
        one["key"]: source(
            *(
                prop(name, str(live.get("became") or live["type"]), *live.get("options", ()))
                for name, live in one["properties"].items()
            )
        )
        for one in json.loads(SHAPE.read_text())["databases"]
    }


def test_existing_columns_of_agent_tasks_serve(real: dict[str, dict[str, Any]]) -> None:
    """The MCP columns are used, and those of other meaning are not."""
    binding = bind(TaskRow, real["agent_tasks"], title="Agent-Tasks")
    served = {attr: column.name for attr, column in binding.columns.items()}
    assert served == {
        "title": "Task Name",
        "status": "Status",
        "task_type": "Task Type",
        "priority": "Priority",
        "description": "Description",
        "next_step": "Next Required Step",
        "progress": "MCP Progress Percentage",
        "step": "MCP Current Action",
        "worker": "MCP Session ID",
        "started": "MCP Start Time",
        "finished": "MCP End Time",
        "last_error": "MCP Error Details",
        "prerequisites": "Prerequisite Tasks",
        "issues": "Issues+Questions",
        "execution_logs": "Execution-Logs",
        "assigned_to": "Assigned-Agent",
        "handoff_status": "Handoff Status",
        "trigger_status": "Trigger Delivery Status",
        "triggered": "Last Trigger Timestamp",
        "trigger_files": "Agent Trigger File Links",
    }
    assert {"attempt", "run_id", "segue_key"} <= set(binding.unbound)


@pytest.mark.parametrize("key", list(SPECS))
def test_every_real_database_can_be_bound(real: dict[str, dict[str, Any]], key: str) -> None:
    """No required column is missing that provisioning cannot add, and none is of an unusable type."""
    spec = SPECS[key]
    binding = bind(spec.row_type, real[key], title=spec.title, skip=spec.skip)
    for finding in binding.findings:
        assert "several columns" not in finding.sentence
        assert "cannot use" not in finding.sentence, finding
        if finding.level is Level.FAILURE:
            assert "provision" in finding.remedy


def test_the_real_words_are_the_vocabulary(real: dict[str, dict[str, Any]]) -> None:
    """Every word Segue writes into the real status columns exists there."""
    for key in ("agent_tasks", "issues_questions"):
        words = SPECS[key].vocabulary
        assert words is not None
        options = [option["name"] for option in real[key]["properties"]["Status"]["status"]["options"]]
        assert list(words.check(options, key=key, database=key, column="Status")) == []
        assert set(words.all_words()) == set(options)


def test_execution_logs_take_a_status_as_text(real: dict[str, dict[str, Any]]) -> None:
    """Their Status is a text in the real workspace, and is written as one."""
    spec = SPECS["execution_logs"]
    binding = bind(spec.row_type, real["execution_logs"], title=spec.title)
    written, left_out = binding.encode({"status": "Success", "final_status": "Completed", "error_count": 0})
    assert left_out == ()
    assert [next(iter(value)) for value in written.values()] == ["rich_text", "select", "number"]


def test_tasks_are_written_in_the_words_of_the_real_columns(real: dict[str, dict[str, Any]]) -> None:
    """Priority in its own spelling; a run state has no column yet and is left out."""
    binding = bind(TaskRow, real["agent_tasks"], title="Agent-Tasks")
    written, left_out = binding.encode(
        {"priority": Priority.HIGH, "progress": 40, "run_state": RunState.RUNNING, "status": "In Progress"}
    )
    assert written == {
        "id-Priority": {"select": {"name": "High"}},
        "id-MCP Progress Percentage": {"number": 40},
        "id-Status": {"status": {"name": "In Progress"}},
    }
    assert [finding.property_name for finding in left_out] == ["Run state"]
