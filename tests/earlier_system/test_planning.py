"""One proposal for each row; never over a newer value, never anything started."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from earlier_system import showing
from earlier_system.model import WRITES, Current, Findings, Home, Move, Proposal, Source, Stage, Wish
from earlier_system.planning import Rows, plan

PAGE = "2dee7361-6c27-8018-872a-eb14e82e0392"
NOON = 1_767_960_000.0


def _wish(**more: Any) -> Wish:
    usual: dict[str, Any] = {
        "key": "earlier:pending:1",
        "source": Source.PENDING,
        "home": Home.TASKS,
        "places": ("a.json",),
        "written_at": NOON,
        "values": {"title": "Ship it"},
    }
    return Wish(**{**usual, **more})


def _row(**more: Any) -> Current:
    usual: dict[str, Any] = {
        "page_id": PAGE,
        "home": Home.TASKS,
        "url": "https://notion.so/x",
        "edited_at": NOON - 3600,
        "values": {"title": "Ship it", "status": "Ready", "priority": "Low"},
    }
    return Current(**{**usual, **more})


def _one(wish: Wish, **rows: Any) -> Proposal:
    (proposal,) = plan(Findings(wishes=(wish,)), Rows(**rows)).proposals
    return proposal


def _update(row: Current, **values: str) -> Proposal:
    return _one(_wish(page_id=PAGE, values=values), by_page={PAGE: row})


def test_a_value_is_set_on_a_row_that_is_older_than_the_file() -> None:
    """The plan says what stands there and what would."""
    proposal = _update(_row(), status="Done", priority="P1")
    assert proposal.move is Move.SET
    assert dict(proposal.values) == {"status": "done", "priority": "High"}
    assert dict(proposal.was) == {"status": "Ready", "priority": "Low"}


def test_a_row_edited_after_the_file_stays() -> None:
    """Within the same minute counts as after: Notion floors its times. A file without a time is never newer."""
    for edited in (NOON, NOON - 30, NOON + 86400):
        proposal = _update(_row(edited_at=edited), status="Done")
        assert proposal.move is Move.SKIP and "edited after" in proposal.why
    timeless = _one(_wish(page_id=PAGE, written_at=None, values={"status": "Done"}), by_page={PAGE: _row()})
    assert timeless.move is Move.SKIP


def test_nothing_is_started() -> None:
    """Words that mean ready or running, unknown words, and rows that Segue works on are refused with the reason."""
    for word in ("Ready", "In Progress", "To Do", "Ready for Handoff", "Proposed", "Nonsense"):
        proposal = _update(_row(), status=word)
        assert proposal.move is Move.SKIP and word in proposal.why
    assert "Segue works" in _update(_row(is_ours=True), status="Done").why


def test_a_file_in_processed_proves_nothing() -> None:
    """Agents moved files before they began; the row is left, and the reason says so."""
    wish = _wish(source=Source.TRIGGER, page_id=PAGE, stage=Stage.PROCESSED)
    proposal = _one(wish, by_page={PAGE: _row()})
    assert proposal.move is Move.SKIP and "proves no work" in proposal.why


def test_an_inbox_file_whose_row_is_gone_becomes_a_draft() -> None:
    """The new row says where it came from; imported or present by title, it is not made again."""
    wish = _wish(key="earlier:handoff:9", source=Source.TRIGGER, page_id=PAGE, stage=Stage.INBOX)
    made = _one(wish)
    assert made.move is Move.CREATE and "a.json" in made.values["description"]
    assert _one(wish, by_key={wish.key: _row()}).why == "imported before"
    assert _one(wish, by_title={(Home.TASKS, "ship it"): _row()}).move is Move.SKIP


def test_what_segue_cannot_enter_is_for_the_person() -> None:
    """Writes to other databases are shown, not dropped."""
    assert _one(_wish(home=Home.ELSEWHERE)).move is Move.HUMAN
    elsewhere = _row(home=Home.ELSEWHERE, values={})
    assert _one(_wish(page_id=PAGE), by_page={PAGE: elsewhere}).move is Move.HUMAN


def test_the_latest_of_several_updates_of_one_row_counts() -> None:
    """Three writes that waited for one row are one proposal."""
    wishes = tuple(
        _wish(key=f"k{at}", page_id=PAGE, written_at=NOON + at, values={"description": f"as of {at}"})
        for at in (2, 1, 3)
    )
    (proposal,) = plan(Findings(wishes=wishes), Rows(by_page={PAGE: _row()})).proposals
    assert proposal.values == {"description": "as of 3"}


def test_a_plan_is_another_when_a_row_has_changed() -> None:
    """The hash covers what stands there now, so an approval does not outlive it; the order of files does not count."""
    wishes = (_wish(page_id=PAGE, values={"status": "Done"}), _wish(key="k2", values={"title": "Other"}))
    first = plan(Findings(wishes=wishes), Rows(by_page={PAGE: _row()}))
    again = plan(Findings(wishes=wishes[::-1]), Rows(by_page={PAGE: _row()}))
    changed = _row(values={"title": "Ship it", "status": "Review"})
    assert first.hash == again.hash != plan(Findings(wishes=wishes), Rows(by_page={PAGE: changed})).hash
    assert showing.summary(first).startswith("1 rows to be created, 1 rows to be changed")


WORDS = st.sampled_from(["Done", "Ready", "P0", "High", "Resolved", "x", ""])


@given(
    values=st.dictionaries(
        st.sampled_from(["title", "status", "priority", "description", "link"]), WORDS, max_size=5
    ),
    edited=st.floats(0, 2 * NOON),
    written=st.none() | st.floats(0, 2 * NOON),
    ours=st.booleans(),
)
def test_a_newer_row_is_never_written(
    values: dict[str, str], edited: float, written: float | None, *, ours: bool
) -> None:
    """Whatever is wanted: no write over a row that may be newer, and a status only to an end or a halt."""
    row = _row(edited_at=edited, is_ours=ours)
    proposal = _one(_wish(page_id=PAGE, written_at=written, values=values), by_page={PAGE: row})
    if proposal.move in WRITES:
        assert written is not None and edited + 60 <= written
        assert proposal.values.get("status", "done") in ("done", "failed", "blocked")
        assert not (ours and "status" in proposal.values)
