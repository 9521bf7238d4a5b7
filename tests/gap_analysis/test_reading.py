"""Which entries are gaps, where they belong and what is said of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gap_analysis.model import Form, Gap, Home
from gap_analysis.planning import home_of, plan, priority_of, title_of
from gap_analysis.reading import analyse


def _titles(text: str) -> list[str]:
    return [title_of(gap) for gap in analyse(text).gaps if not gap.done]


def _only(text: str) -> Gap:
    (gap,) = analyse(text).gaps
    return gap


@pytest.mark.parametrize(
    "line",
    [
        "- [ ] Rate limiter",
        "* [ ] Rate limiter",
        "+ [ ] Rate limiter",
        "1. [ ] Rate limiter",
        "  - [] Rate limiter",
        "> - [ ] Rate limiter",
        "- [ ] **Rate limiter**",
        "- [ ] Rate\n  limiter",
    ],
)
def test_boxes_in_every_dress(line: str) -> None:
    """Any list sign, indentation, quotation or emphasis."""
    assert _titles(f"# T\n\n## 1. Missing\n\n{line}\n") == ["Rate limiter"]


@pytest.mark.parametrize(
    "line",
    [
        "**Gap:** No rate limiter",
        "**Gap**: No rate limiter",
        "- **Gap:** No rate limiter",
        "**Gap 2:** No rate limiter",
        "**Gap:**\n- No rate limiter",
        "**Gap:** No rate\nlimiter",
    ],
)
def test_gap_lines_in_every_dress(line: str) -> None:
    """The title says the section first, since a statement alone tells little."""
    gap = _only(f"# T\n\n### 2.1 Uploads (Low Priority)\n\n{line}\n\n**Impact:** HIGH\n")
    assert title_of(gap).startswith("Uploads: No rate")
    assert gap.mentions[0].form is Form.STATEMENT
    assert priority_of(gap) == "Low"


@pytest.mark.parametrize(
    "text",
    [
        "- [x] Ticked",
        "- [X] Ticked",
        "- [ ] ✅ Signed off",
        "- [ ] ~~Struck out~~",
        "- ✅ Listed as done",
        "**Status:** ✅ IMPLEMENTED - `script.py`\n\n- [ ] Left over",
        "**Status:** Completed\n\n**Gap:** No more",
        "**Gap:** None identified",
        "**Gap:** N/A",
        "**No gaps identified** - complete.",
        "- [ ]",
        "- [ ] **Implementation**:",
        "- [ ] Files to Modify:",
        "- [ ] Implementation**:",
        "- [ ] TBD",
        "- [ ] ...",
        "- a plain bullet",
        "```\n- [ ] In code\n```",
        "~~~md\n**Gap:** In code\n~~~",
        "<!-- - [ ] In a comment -->",
        "**Gap:**",
        "Text about a [ ] box.",
    ],
)
def test_what_is_no_open_gap(text: str) -> None:
    """Completed, ticked, none identified, a heading, a placeholder, code."""
    assert _titles(f"# T\n\n## 1. Part\n\n{text}\n") == []


@pytest.mark.parametrize(
    "status",
    [
        "DRAFT plans exist, no implementation started",
        "Not implemented",
        "OPEN",
        "Partially completed",
        "Complete rewrite needed",
    ],
)
def test_statuses_that_are_not_done(status: str) -> None:
    """Only a status that says done hides a section."""
    assert _titles(f"# T\n\n## 1. Part\n\n**Status:** {status}\n\n- [ ] Rate limiter\n") == ["Rate limiter"]


def test_the_documents_own_status_is_not_that_of_its_gaps() -> None:
    """A status COMPLETE above the first heading speaks of the document."""
    assert _titles("# T\n\n**Status:** COMPLETE\n\n## 1. Part\n\n- [ ] Rate limiter\n") == ["Rate limiter"]


def test_what_is_passed_over_is_named_with_the_reason() -> None:
    """Nothing that looks like a gap vanishes without a word."""
    analysis = analyse("# T\n\n## 1. P\n\n- [ ] Files to Modify:\n    - [ ] Rate limiter\n- [ ] TBD\n")
    assert [(one.wording, one.why) for one in analysis.passed_over] == [
        ("Files to Modify:", "it is a heading, not a task"),
        ("TBD", "it says nothing"),
    ]
    assert "Part of: Files to Modify:" in analysis.gaps[0].mentions[0].details


def test_incomplete_work_takes_bullets_and_boxes() -> None:
    """As a label and as a heading; bullets of other lists are not gaps, nor are bullets inside one."""
    text = (
        "# T\n\n### 7.1 Uploads\n\n**Incomplete Work:**\n- No rate limiter\n    - a detail\n- [ ] Retry queue\n\n"
        "**Notes:**\n- A note\n"
    )
    assert sorted(_titles(text)) == ["Retry queue", "Uploads: No rate limiter"]
    assert "a detail" in analyse(text).gaps[1].mentions[0].details
    assert _titles("# T\n\n## Incomplete Work\n\n- No rate limiter\n") == ["Incomplete Work: No rate limiter"]


def test_a_gap_line_over_a_list_sums_it_up() -> None:
    """The boxes are the gaps; the sentence is not one more, but stands with each."""
    text = "# T\n\n## 4.1 A\n\n**Gap:** Much is missing\n\n- [ ] Rate limiter\n- [ ] Retry queue\n"
    assert _titles(text) == ["Rate limiter", "Retry queue"]
    assert all("Gap: Much is missing" in gap.mentions[0].details for gap in analyse(text).gaps)
    filing = text.replace("Much is missing", "Gaps are known but tasks not yet created in Notion")
    assert not any(gap.mentions[0].details for gap in analyse(filing).gaps)


@pytest.mark.parametrize(
    "heading", ["## 11. Success Criteria", "## 10. Immediate Actions Required\n\n### 10.3 Work"]
)
def test_pointers_file_nothing(heading: str) -> None:
    """They add a place to a gap, or are named as pointing nowhere."""
    analysis = analyse(
        f"# T\n\n## 1. P\n\n- [ ] Rate limiter\n\n{heading}\n\n- [ ] Create rate limiter\n- [ ] Celebrate\n"
    )
    (gap,) = analysis.gaps
    assert [pointer.wording for pointer in gap.pointers] == ["Create rate limiter"]
    assert [one.wording for one in analysis.passed_over] == ["Celebrate"]


def test_a_tick_in_a_list_of_rows_to_create_does_not_close() -> None:
    """Under "Create Notion tasks" a tick says that the row exists; among the success criteria that the work is done."""
    made = "# T\n\n## 1. P\n\n- [ ] Rate limiter\n\n## 10. Immediate Actions\n\n### 10.1 {}\n\n- [x] {}\n"
    assert not _only(made.format("Create Notion Tasks", "Rate limiter")).done
    assert _only(made.format("Implementation", "Rate limiter implemented")).done
    assert not _only(made.format("Implementation", "Begin rate limiter")).done
    assert not _only(made.format("Implementation", "Rate limiter for Eagle")).done


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("## 8. Automation Opportunities\n\n### 8.1 Timers\n\n**Gap:** No timers set", Home.TASKS),
        ("## 1. Missing Code\n\n- [ ] Set timers", Home.ISSUES),
        (
            "## 1. Missing Code\n\n**Action:** Create tasks in Agent-Tasks database\n\n- [ ] Set timers",
            Home.TASKS,
        ),
        ("## 8. Automation\n\n**Issues+Questions Database** (`22`):\n- [ ] Set timers", Home.ISSUES),
        ("## 8. Automation (Issues+Questions)\n\n- [ ] Set timers", Home.ISSUES),
    ],
)
def test_where_a_gap_belongs(text: str, home: Home) -> None:
    """As the document says: an action, a label or a heading that names the database, else by the heading's subject."""
    assert home_of(_only(f"# T\n\n{text}\n")) is home


def test_facts_come_from_the_section_and_the_items_own_lines() -> None:
    """Impact, effort, dependencies and source; a list of dependencies is joined."""
    text = (
        "# T\n\n## 1. P (Medium Priority)\n\n**Source:** `a.md`\n**Dependencies:**\n- Design\n- Review\n\n"
        "**Missing:**\n- [ ] Rate limiter (Critical)\n    - Effort: 1 day\n    - counts per token\n"
        "- [ ] Retry queue\n\n**Estimated Effort:** 9 days\n"
    )
    made = {step.title: step for step in plan(analyse(text), ()).steps}
    limiter, queue = made["Rate limiter"].values, made["Retry queue"].values
    assert (limiter["priority"], queue["priority"]) == ("Critical", "Medium")
    assert (
        "Effort: 1 day\nDependencies: Design; Review\nSource: a.md\ncounts per token"
        in limiter["description"]
    )
    assert "Effort: 9 days for the whole of 1." in queue["description"]


@given(st.text(alphabet=st.sampled_from("#-*[] x:`~>1.\n\t Gap(Hi)é\x00"), max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    """Broken Markdown too; every gap has a title that is no heading, and no two have one key."""
    analysis = analyse(text)
    assert all(title_of(gap).strip() and not gap.mentions[0].wording.endswith(":") for gap in analysis.gaps)
    assert len({gap.key for gap in analysis.gaps}) == len(analysis.gaps)
