"""What a person reads before anything is written."""

from __future__ import annotations

from gap_analysis.showing import lines, merges, summary
from tests.gap_analysis.filing import Shelf

TEXT = """# Test

## 1. Code (High Priority)

- [ ] DRM error handling fix
- [ ] Rollback of filed tracks
- [x] Waveform pictures

## 2. Upkeep

- [ ] Fix DRM error handling

## 3. Success Criteria

- [ ] Rollback of filed tracks complete
- [ ] Everybody is happy
"""


def test_every_gap_has_a_line_with_its_key() -> None:
    """What happens, where, how urgent, its title and the key by which a merge is refused."""
    told = list(lines(Shelf().file(TEXT)))
    assert told[0].split() == [
        "create",
        "Issues+Questions",
        "High",
        "DRM",
        "error",
        "handling",
        "fix",
        told[0].split()[-1],
    ]
    assert told[0].endswith("]")
    assert "    ticked at 1. Code" in told


def test_places_of_one_gap_are_listed_under_it() -> None:
    """Places that make it a gap, and those that only point to it; a gap of one place cannot be taken apart."""
    plan = Shelf().file(TEXT)
    told = "\n".join(lines(plan))
    assert "    1. Code: DRM error handling fix\n    2. Upkeep: Fix DRM error handling\n" in told
    assert "    3. Success Criteria: Rollback of filed tracks complete (points to it)" in told
    assert "Rollback of filed tracks  [" in told
    assert "(one place, and what points to it)" in told
    ((count, line),) = merges(plan)
    assert count == 2
    assert line.endswith("1. Code, 2. Upkeep")


def test_what_points_nowhere_is_named() -> None:
    """So that a person sees what was not filed."""
    assert (
        "  3. Success Criteria: Everybody is happy (it points to no single gap that is named elsewhere)"
        in list(lines(Shelf().file(TEXT)))
    )


def test_figures_name_what_there_is() -> None:
    """Created, updated and closed always; the rest only when there is some."""
    shelf = Shelf()
    assert summary(shelf.file(TEXT, cap=1)) == (
        "1 created, 0 updated, 0 closed, 1 done and never filed, 1 waiting for the next run"
    )
    shelf.file(TEXT)
    assert summary(shelf.file(TEXT)) == "0 created, 0 updated, 0 closed, 2 unchanged, 1 done and never filed"
