"""Rows over many runs: never twice, never against a person, closed when done; on generated documents."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gap_analysis.model import Home
from gap_analysis.planning import Move, title_of
from gap_analysis.reading import analyse
from gap_analysis.showing import lines, summary
from tests.gap_analysis.filing import Shelf

_VERBS = ("", "Create ", "Fix ", "Extraction of ", "Document ", "Unit tests for ", "Remove ")
_THINGS = (
    "webhook trigger",
    "volume index",
    "rate limiter",
    "Eagle API wrapper",
    "tests",
    "error handling",
    "フェード",
)
_ENDS = ("", " creation", " for uploads", " (Critical)", " (if blocking)", " 2", " with all variables")


@dataclass(frozen=True)
class Item:
    """A box."""

    wording: str
    ticked: bool = False

    def __str__(self) -> str:
        return f"- [{'x' if self.ticked else ' '}] {self.wording}"


@dataclass(frozen=True)
class Part:
    """A section."""

    title: str
    items: tuple[Item, ...]
    gap: str = ""
    priority: str = "Medium"

    def __str__(self) -> str:
        body = "\n".join(map(str, self.items)) or (f"**Gap:** {self.gap}" if self.gap else "")
        return f"## {self.title} ({self.priority} Priority)\n\n**Estimated Effort:** 2 days\n\n{body}\n"


def _text(parts: list[Part]) -> str:
    return "# Test\n\n" + "\n".join(map(str, parts))


_wordings = st.builds(
    lambda verb, thing, end: f"{verb}{thing}{end}".strip(),
    st.sampled_from(_VERBS),
    st.sampled_from(_THINGS),
    st.sampled_from(_ENDS),
) | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1, max_size=30)
_items = st.lists(st.builds(Item, _wordings, st.booleans()), max_size=8).map(tuple)


@st.composite
def _documents(draw: st.DrawFn) -> list[Part]:
    count = draw(st.integers(1, 6))
    names = (
        "Code",
        "Automation",
        "Webhook Triggers",
        "Success Criteria",
        "Rate Limiter",
        "Incomplete things",
    )
    return [
        Part(
            f"{number}. {names[number % len(names)]}",
            draw(_items),
            draw(st.sampled_from(("", "No rate limiter"))),
        )
        for number in range(1, count + 1)
    ]


@given(_documents())
@settings(max_examples=60)
def test_a_second_run_changes_nothing(parts: list[Part]) -> None:
    """Whatever the document says, every gap has one row, and the next run writes none."""
    shelf = Shelf()
    first = shelf.file(_text(parts))
    assert len({row.key for row in shelf.rows.values()}) == len(shelf.rows) == len(first.of(Move.CREATE))
    assert not shelf.file(_text(parts)).writes


@given(_documents(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_reordering_changes_nothing(parts: list[Part], chance: object) -> None:
    """Sections and items in another order are the same document."""
    shelf = Shelf()
    shelf.file(_text(parts))
    mixed = [replace(part, items=tuple(chance.sample(part.items, len(part.items)))) for part in parts]  # type: ignore[attr-defined]  # a Random
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert not shelf.file(_text(mixed)).writes


@given(_documents(), st.data())
@settings(max_examples=60)
def test_a_tick_closes_exactly_one_row(parts: list[Part], data: st.DataObject) -> None:
    """And taking it away opens it again."""
    shelf = Shelf()
    shelf.file(_text(parts))
    places = {
        (place.section, place.wording)
        for gap in analyse(_text(parts)).gaps
        if not gap.done
        for place in gap.mentions
    }
    boxes = [
        (at, n)
        for at, part in enumerate(parts)
        for n, item in enumerate(part.items)
        if not item.ticked and (part.title, item.wording) in places
    ]
    if not boxes:
        return
    at, n = data.draw(st.sampled_from(boxes))
    items = list(parts[at].items)
    before = shelf.titles("done")
    items[n] = replace(items[n], ticked=True)
    ticked = shelf.file(_text([*parts[:at], replace(parts[at], items=tuple(items)), *parts[at + 1 :]]))
    assert [step.move for step in ticked.writes] == [Move.CLOSE]
    assert len(shelf.titles("done")) == len(before) + 1
    back = shelf.file(_text(parts))
    assert [step.move for step in back.writes] == [Move.REOPEN]


@given(st.integers(0, 2**32))
@settings(max_examples=3)
def test_a_thousand_items_are_a_thousand_rows(seed: int) -> None:
    """Filed a hundred at a time, none twice, none lost."""
    parts = [
        Part(
            f"{n}. Part {n}",
            tuple(Item(f"Item {seed % 97} of kind {n * 50 + m} is missing") for m in range(50)),
        )
        for n in range(1, 21)
    ]
    shelf = Shelf()
    for run in range(1, 11):
        assert len(shelf.file(_text(parts)).of(Move.CREATE)) == 100
        assert len(shelf.rows) == run * 100
    assert summary(shelf.file(_text(parts))) == "0 created, 0 updated, 0 closed, 1000 unchanged"
    assert len(set(shelf.titles())) == 1000


def test_a_rewritten_document_of_a_thousand_items_is_compared_quickly() -> None:
    """Every item differs by its number: none is taken for another, and the plan is made in seconds."""
    made = [
        _text(
            [
                Part(f"{n}. Part", tuple(Item(f"Case {at + n * 50 + m} of the importer") for m in range(50)))
                for n in range(20)
            ]
        )
        for at in (0, 5000)
    ]
    shelf = Shelf()
    shelf.file(made[0], cap=1000)
    began = time.process_time()
    plan = shelf.file(made[1], cap=1000)
    assert time.process_time() - began < 20
    assert (len(plan.of(Move.CREATE)), len(plan.of(Move.LEFT))) == (1000, 1000)


def test_an_edited_section_updates_its_rows_alone() -> None:
    """Priority and effort; other sections' rows stay untouched."""
    shelf = Shelf()
    text = _text(
        [Part("1. A", (Item("Rate limiter"), Item("Volume index"))), Part("2. B", (Item("Eagle wrapper"),))]
    )
    shelf.file(text)
    edited = shelf.file(text.replace("A (Medium", "A (High"))
    assert [(step.move, step.title, dict(step.values)) for step in edited.writes] == [
        (Move.UPDATE, "Rate limiter", {"priority": "High"}),
        (Move.UPDATE, "Volume index", {"priority": "High"}),
    ]
    assert not shelf.file(text.replace("A (Medium", "A (High")).writes


def test_a_new_place_for_a_filed_gap_updates_its_row() -> None:
    """Whichever wording it was filed under: no second row when the document comes to name it elsewhere too."""
    shelf = Shelf()
    statement = "# Test\n\n## 8.1 Webhook Triggers\n\n**Gap:** No webhook triggers for sync\n"
    shelf.file(statement)
    both = statement + "\n## 9. More\n\n- [ ] Webhook trigger implementation for processing\n"
    assert [step.move for step in shelf.file(both).writes] == [Move.UPDATE]
    assert shelf.titles() == ["Webhook trigger implementation for processing"]
    assert not shelf.file(both).writes


def test_an_edited_heading_or_wording_keeps_the_row() -> None:
    """Also where the heading is part of what tells the gap apart, and where the reworded item is ticked at once."""
    shelf = Shelf()
    text = _text([Part("1. A", (Item("Unit tests"), Item("Rollback of filed tracks")))])
    shelf.file(text)
    renamed = shelf.file(text.replace("1. A", "1. Eagle"))
    assert {step.move for step in renamed.steps} == {Move.UPDATE}
    assert sorted(shelf.titles()) == ["Eagle: Unit tests", "Rollback of filed tracks"]
    ticked = text.replace("1. A", "1. Eagle").replace("- [ ] Rollback of", "- [x] Rollback and undo of")
    assert [step.move for step in shelf.file(ticked).writes] == [Move.CLOSE]
    assert not shelf.file(ticked).writes


def test_what_a_person_changed_stays_and_is_told() -> None:
    """The title by hand stays although the document's changes; the other values follow the document."""
    shelf = Shelf()
    text = _text([Part("1. A", (Item("Rate limiter"),))])
    shelf.file(text)
    shelf.by_hand("Rate limiter", {"title": "Limit the rate, please", "priority": "Critical"})
    assert not shelf.file(text).writes
    edited = shelf.file(text.replace("Medium", "Low").replace("2 days", "3 days"))
    (step,) = edited.writes
    assert set(step.values) == {"description"}
    assert step.kept == ("priority says “Critical” by hand; the document says “Low”",)


def test_a_row_a_person_has_taken_up_is_not_closed() -> None:
    """The tick is told, the row is left."""
    shelf = Shelf()
    shelf.file("# Test\n\n## 1. A\n\n- [ ] Rate limiter\n")
    shelf.by_hand("Rate limiter", {"status": "Troubleshooting"})
    done = shelf.file("# Test\n\n## 1. A\n\n- [x] Rate limiter\n")
    (left,) = done.of(Move.LEFT)
    assert left.why == "ticked at 1. A, but a person has changed its status"
    assert not done.writes


def test_a_row_a_person_closed_is_not_opened() -> None:
    """Although the box is still open."""
    shelf = Shelf()
    text = "# Test\n\n## 1. A\n\n- [ ] Rate limiter\n"
    shelf.file(text)
    shelf.by_hand("Rate limiter", {"status": "done"})
    assert not shelf.file(text).writes


def test_a_gap_that_is_gone_from_the_document_is_left() -> None:
    """That nobody mentions it does not prove it done; a box that was ticked before it was filed is never filed."""
    shelf = Shelf()
    shelf.file("# Test\n\n## 1. A\n\n- [ ] Rate limiter\n- [x] Done before\n")
    assert shelf.titles() == ["Rate limiter"]
    (left,) = shelf.file("# Test\n\n## 1. A\n\n- [ ] Volume index\n").of(Move.LEFT)
    assert left.title == "Rate limiter"
    assert shelf.titles("open") == ["Rate limiter", "Volume index"]


def test_a_sign_of_completion_closes_the_row_and_files_nothing() -> None:
    """A bullet with ✅ instead of the box; other such bullets are nobody's gap."""
    shelf = Shelf()
    shelf.file("# Test\n\n## 1. A\n\n- [ ] Rate limiter\n")
    done = shelf.file("# Test\n\n## 1. A\n\n- ✅ Rate limiter\n- ✅ Volume index\n")
    assert [(step.move, step.title) for step in done.steps] == [(Move.CLOSE, "Rate limiter")]


def test_a_refused_merge_gives_each_place_a_row_for_good() -> None:
    """The rows themselves remember the refusal; a key nobody has is told."""
    shelf = Shelf()
    text = "# Test\n\n## 1. A\n\n- [ ] DRM error handling fix\n\n## 2. B\n\n- [ ] Fix DRM error handling\n"
    (gap,) = analyse(text, title="Test").gaps
    plan = shelf.file(text, no_merge=(gap.key, "nobody"))
    assert len(plan.of(Move.CREATE)) == 2
    assert plan.unknown_refusals == ("nobody",)
    assert not shelf.file(text).writes
    assert "nobody" in "\n".join(lines(plan))


def test_a_merge_can_be_refused_after_it_was_filed() -> None:
    """The row keeps the first place; the other gets its own."""
    shelf = Shelf()
    text = "# Test\n\n## 1. A\n\n- [ ] DRM error handling fix\n\n## 2. B\n\n- [ ] Fix DRM error handling\n"
    shelf.file(text)
    plan = shelf.file(text, no_merge=(next(iter(shelf.rows.values())).key,))
    assert sorted(step.move for step in plan.writes) == [Move.CREATE, Move.UPDATE]
    assert not shelf.file(text).writes


def test_the_dry_run_names_places_and_contradictions() -> None:
    """The merge with its places, and a tick here against an open box there."""
    text = "# Test\n\n## 1. A\n\n- [x] DRM error handling fix\n\n## 2. Automation\n\n- [ ] Fix DRM error handling\n"
    plan = Shelf().file(text)
    told = "\n".join(lines(plan))
    assert "ticked at 1. A, still open at 2. Automation" in told
    assert "    2. Automation: Fix DRM error handling" in told
    assert {title_of(gap) for gap in analyse(text).gaps} == {"DRM error handling fix"}
    assert plan.steps[0].home is Home.ISSUES
