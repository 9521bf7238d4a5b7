"""Clean up, through the worker: what goes, what stays, and the exact counts on the row."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tests.story.conftest import House

DAY_S = 86_400
OTHER = "11111111-2222-4333-8444-555555555555"


def old(path: Path, content: bytes = b"x" * 1000, days: float = 40) -> Path:
    """A file that nobody has touched for so long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = time.time() - days * DAY_S
    os.utime(path, (then, then))
    folder = path.parent
    os.utime(folder, (then, then))
    return path


def test_only_what_segue_made_and_no_longer_needs_goes(house: House, tmp_path: Path) -> None:
    """Old work files, left-over temporary files, run logs and done trigger files; music, links, young ones stay."""
    settings = house.settings
    data, library, triggers = settings.data_dir, settings.out_dir, tmp_path / "triggers"
    gone = [
        old(data / "work" / OTHER / "download.part"),
        old(library / "Album" / ".4711-tags-Song [x].wav"),
        old(library / ".Song [x].m4a.part"),
        old(data / "runs" / OTHER / "1.log"),
        old(data / "runs" / OTHER / "2.1.log"),
    ]
    moved = [old(triggers / "Codex" / box / f"{box}.json", b"{}") for box in ("01_inbox", "02_processed")]
    stays = [
        old(data / "runs" / OTHER / "3.log", days=3),
        old(data / "runs" / OTHER / "notes.txt"),
        old(data / "work" / "mine" / "song.wav"),
        old(library / "Album" / "Song [x].wav"),
        old(library / ".hidden.wav"),
        old(library / ".Song [x].m4a.part.bak"),
        old(triggers / "Codex" / "01_inbox" / f"20260101T000000Z__HANDOFF__x__{OTHER}.json"),
        old(triggers / "Codex" / "02_processed" / "young.json", days=1),
        old(tmp_path / "elsewhere" / "song.part"),
    ]
    link = data / "work" / OTHER.replace("1", "2")
    link.symlink_to(tmp_path / "elsewhere")
    house.settings = settings.model_copy(update={"agent_triggers_dir": triggers})

    first = house.add("", "Clean up", title="How much?", description="Dry run")
    house.work()
    counted = house.row(first.id)
    assert counted.status == "Completed"
    assert counted.result == (
        "A dry run: 3 work files, 2 run logs, 2 trigger files archived; 5.0 kB would be cleared."
    )
    assert all(path.exists() for path in (*gone, *moved))

    # What the engine remembers of the first row's report is now older than what it is to keep.
    house.settings = house.settings.model_copy(update={"engine_retention_days": 1e-9})
    second = house.add("", "Clean up", title="Clear it")
    house.work()
    cleared = house.row(second.id)
    assert re.fullmatch(
        r"Cleared: 3 work files, 2 run logs, 2 trigger files archived, [1-9] engine records; 5\.0 kB\.",
        cleared.result,
    )
    assert "Work files | 3 · 3.0 kB (3,000 bytes)" in house.text(second.id)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stays)
    assert link.is_symlink()
    assert not (data / "work" / OTHER).exists()
    archived = sorted(path.name for path in (triggers / "Codex" / "05_archive").rglob("*.json"))
    assert archived == ["01_inbox.json", "02_processed.json"]
