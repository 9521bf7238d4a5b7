"""When several places are one gap, and when they only look like it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gap_analysis.merging import merge
from gap_analysis.planning import title_of
from gap_analysis.reading import analyse


def _merged(text: str) -> dict[str, list[str]]:
    return {
        title_of(gap): [place.section.split(" ")[0] for place in (*gap.mentions, *gap.pointers)]
        for gap in analyse(text).gaps
    }


def test_a_gap_line_joins_the_box_its_title_names() -> None:
    """§8's statement and §4's task are one; the section's title bridges the wordings."""
    assert _merged(
        "# T\n\n## 4.1 Tasks\n\n"
        "- [ ] Webhook trigger implementation for automatic processing\n- [ ] Spotify webhook\n\n"
        "## 8.1 Webhook Triggers\n\n**Gap:** No webhook triggers for automatic music sync\n"
    ) == {
        "Webhook trigger implementation for automatic processing": ["4.1", "8.1"],
        "Spotify webhook": ["4.1"],
    }


def test_two_gap_lines_that_could_mean_one_box_join_nothing() -> None:
    """A wrong merge would hide one of them."""
    found = _merged(
        "# T\n\n## 1.1 A\n\n- [ ] Rate limiting\n\n## 2.1 Rate Limiting\n\n**Gap:** Uploads are not limited\n\n"
        "## 2.2 Rate Limiting\n\n**Gap:** Downloads are not limited\n"
    )
    assert sorted(map(tuple, found.values())) == [("1.1",), ("2.1",), ("2.2",)]


def test_a_kind_of_work_is_another_gap_in_each_section() -> None:
    """Unit tests under Eagle and unit tests under Spotify are two rows; the same sentence twice in a section is one."""
    analysis = analyse(
        "# T\n\n## 1.1 Eagle\n\n- [ ] Unit tests\n- [ ] Unit tests\n\n## 1.2 Spotify\n\n- [ ] Unit tests\n"
    )
    assert [title_of(gap) for gap in analysis.gaps] == ["Eagle: Unit tests", "Spotify: Unit tests"]


def test_a_pointer_that_could_mean_two_gaps_joins_neither() -> None:
    """It is named as pointing to no single one."""
    text = (
        "# T\n\n## 1. P\n\n- [ ] Tests for Eagle import\n- [ ] Tests for Eagle export\n\n"
        "## 11. Success Criteria\n\n- [ ] Tests for Eagle\n"
    )
    assert all(not gap.pointers for gap in analyse(text).gaps)
    assert len(analyse(text).passed_over) == 1


def test_the_real_document_has_six_merges(shared: Path) -> None:
    """And the DRM fix stands in six places."""
    text = (shared / "workspaces" / "music_workflow_gap_analysis.md").read_text(encoding="utf-8")
    analysis = analyse(text)
    merged = {title_of(gap): gap for gap in analysis.gaps if gap.is_merged}
    assert set(merged) == {
        "DRM error handling fix",
        "Volume index file creation",
        "Environment requirements documentation",
        "Webhook trigger implementation for automatic processing",
        "Scheduled execution (cron) configuration",
        "Continuous handoff system enhancement for music workflow",
    }
    drm = merged["DRM error handling fix"]
    assert len(drm.mentions) + len(drm.pointers) == 6
    assert len([gap for gap in analysis.gaps if not gap.is_only_signed]) == 58


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_mentions_changes_nothing(shared: Path, seed: int) -> None:
    """Gaps, their places and their keys are those of any other order."""
    text = (shared / "workspaces" / "music_workflow_gap_analysis.md").read_text(encoding="utf-8")
    gaps = [gap for gap in analyse(text).gaps if not gap.is_only_signed]
    mentions = [place for gap in gaps for place in (*gap.mentions, *gap.pointers)]
    random.Random(seed).shuffle(mentions)
    assert list(merge(mentions)[0]) == gaps
