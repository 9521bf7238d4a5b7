"""The storm: rows of every kind, workers killed at random, a Notion that fails; and the count of what came of it.

`Storm.rage` lets it happen, `Storm.calm` lets one worker finish in peace, `Storm.judge` counts every effect as a person
would find it: each must stand once. Used by the long form here and by the short one in ``tests/story``.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.shutdown import LOST
from notion_schema.databases import AGENT_TASKS, TaskRow
from notion_schema.errors import NotionError
from notion_schema.vocabulary import State
from tests.chaos import storm_worker
from tests.story import light
from tests.story.conftest import House

REPOSITORY = Path(__file__).resolve().parents[2]
SONG = "Test Band - Short Song.m4a"
KINDS = ("new", "done", "cannot", "human", "dead link", "done", "no link", "twin", "done", "done")
_ENDS = {
    "new": "Completed",
    "twin": "Completed",
    "done": "Completed",
    "dead link": "Failed",
    "cannot": "Failed",
    "no link": "Blocked",
    "human": "Blocked",
}


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How bad it is."""

    rows: int
    workers: int
    seed: int
    kill_every_s: tuple[float, float] = (2.0, 5.0)
    kills: int
    """After so many the workers are left in peace: a step that takes longer than they live would never end."""
    fault_rate: float = 0.1
    outage_s: float
    lease_s: float = 3.0
    longest_s: float


@dataclass(frozen=True)
class Worker:
    """A worker process and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8")

    def is_up(self) -> bool:
        """Whether it has done something: killing one that still loads proves little."""
        return self.log.stat().st_size > 0


@dataclass
class Storm:
    """One storm over one house."""

    house: House
    folder: Path
    weather: Weather
    engine_url: str = ""
    """Empty: the SQLite file in the data folder."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Page id -> what kind of row it is."""
    kills: int = 0
    fenced: int = 0
    """Workers that ended by themselves because their lease had run out."""

    def __post_init__(self) -> None:
        self._rng = random.Random(self.weather.seed)
        self._number = itertools.count(1)

    def sow(self, kinds: Sequence[str] = KINDS) -> None:
        """People create the rows."""
        for number, kind in zip(range(self.weather.rows), itertools.cycle(kinds), strict=False):
            self.kinds[self._add(number, kind)] = kind

    def _add(self, number: int, kind: str) -> str:
        media, title = self.house.media, f"row {number}: {kind}"
        if kind in ("new", "twin", "dead link", "no link"):
            link = {"twin": media.link(SONG), "dead link": media.link(f"gone {number}.mp3")}.get(kind, "")
            if kind == "new":
                link = media.link(self._new_song(number))
            return self.house.add(link, title=title).id
        tasks = self.house.workspace.database(AGENT_TASKS)
        ready = tasks.vocabulary.word(State.READY)
        values = {"title": title, "task_type": light.TYPE, "status": ready, "description": kind}
        return tasks.create(values, new_options=("task_type",)).id

    def _new_song(self, number: int) -> str:
        """Other bytes and so another audio hash: the song with a harmless box at its end."""
        name = f"Band {number} - Song {number}.m4a"
        box = (16).to_bytes(4, "big") + b"free" + self._rng.randbytes(8)
        (self.house.media.folder / name).write_bytes((self.house.media.folder / SONG).read_bytes() + box)
        return name

    # The weather -----------------------------------------------------------------------------------------------------

    def rage(self) -> None:
        """Workers work and are killed, and Notion fails, until every row has ended and all kills are done."""
        began = time.monotonic()
        outage_at = began + self._rng.uniform(2.0, 6.0)
        next_kill: float | None = None
        with self.crew() as crew:
            while time.monotonic() - began < self.weather.longest_s:
                now = time.monotonic()
                out = outage_at <= now < outage_at + self.weather.outage_s
                self._trouble(out=out)
                self._replace_the_dead(crew)
                more = self.kills < self.weather.kills
                if more and next_kill is None and any(worker.is_up() for worker in crew):
                    next_kill = now + self._pause()
                elif next_kill is not None and now >= next_kill:
                    self._kill_one(crew)
                    next_kill = None
                if not more and now > outage_at + self.weather.outage_s and self._all_ended():
                    return
                time.sleep(0.25)
        raise AssertionError(
            f"not done in {self.weather.longest_s:.0f} s: {self._open()}, {self.kills} kills"
        )

    def calm(self) -> None:
        """The weather clears, and one worker does what is left."""
        self.house.server.workspace.faults.reset()
        with self._new_log().open("wb") as errors:
            done = subprocess.run(
                [sys.executable, storm_worker.__file__, "run", "--until-idle"],
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                check=False,
                timeout=self.weather.longest_s,
            )
        assert done.returncode == 0, self.log()[-4000:]

    def log(self) -> str:
        """What all workers have said."""
        return "\n".join(
            path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("worker-*.log"))
        )

    def _pause(self) -> float:
        return self._rng.uniform(*self.weather.kill_every_s)

    def _trouble(self, *, out: bool) -> None:
        self.house.server.workspace.faults.set(
            error_rate=1.0 if out else self.weather.fault_rate,
            error_status=503 if out else self._rng.choice((429, 409, 502)),
            drop_rate=self.weather.fault_rate,
            retry_after=1,
            only=" /v1/",
        )

    @contextmanager
    def crew(self) -> Iterator[list[Worker]]:
        """So many workers as the weather says; killed at the end."""
        crew = [self._start() for _ in range(self.weather.workers)]
        try:
            yield crew
        finally:
            for worker in crew:
                worker.process.kill()
                worker.process.wait()

    def _start(self) -> Worker:
        log = self._new_log()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, storm_worker.__file__, "run"],
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        return Worker(process, log)

    def _new_log(self) -> Path:
        return self.folder / f"worker-{next(self._number):04}.log"

    def _environment(self) -> dict[str, str]:
        return {
            **self.house.environment(),
            "PYTHONPATH": str(REPOSITORY),
            "ENGINE_DATABASE_URL": self.engine_url,
            "LEASE_SECONDS": str(self.weather.lease_s),
            "POLL_IDLE_SECONDS": "1",
            "NOTION_STALE_SECONDS": "1",
        }

    def _replace_the_dead(self, crew: list[Worker]) -> None:
        for place, worker in enumerate(crew):
            code = worker.process.poll()
            if code is None:
                continue
            assert code in (LOST, -signal.SIGKILL), f"a worker ended with {code}: {self.log()[-3000:]}"
            self.fenced += code == LOST
            crew[place] = self._start()

    def _kill_one(self, crew: list[Worker]) -> None:
        up = [worker for worker in crew if worker.is_up() and worker.process.poll() is None]
        if up:
            victim = self._rng.choice(up).process
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            self.kills += 1

    def _all_ended(self) -> bool:
        try:
            return not self._open()
        except NotionError:
            return False

    def _open(self) -> dict[str, int]:
        ended = {*_ENDS.values(), "Archived"}
        return dict(Counter(str(row.status) for row in self.house.rows() if row.status not in ended))

    # The judgement ---------------------------------------------------------------------------------------------------

    def judge(self) -> str:
        """Counts every effect, each of which must stand once; the figures in words."""
        house, kinds = self.house, Counter(self.kinds.values())
        rows = {row.id: row for row in house.rows()}
        ends = {page_id: (kind, rows[page_id].status) for page_id, kind in self.kinds.items()}
        assert ends == {page_id: (kind, _ENDS[kind]) for page_id, kind in self.kinds.items()}

        songs = kinds["new"] + bool(kinds["twin"])
        verifications = [row for page_id, row in rows.items() if page_id not in self.kinds]
        assert [(row.task_type, row.status) for row in verifications] == [("Verify run", "Completed")] * songs
        assert len(house.files()) == 3 * songs
        assert len(house.tracks()) == songs
        sections = sum(self._judge_page(row) for row in rows.values())
        logs = Counter(str(log.run_id) for log in house.logs())
        assert set(logs.values()) == {1}, logs.most_common(3)
        assert all(logs[str(row.run_id)] == 1 for row in rows.values())
        issues = Counter(str(issue.segue_key) for issue in house.issues())
        assert len(issues) == sum(issues.values()) == len({"dead link", "cannot"} & set(kinds))
        return (
            f"{len(rows)} rows, {self.kills} kills, {self.fenced} fenced, {len(house.files())} files,"
            f" {len(house.tracks())} track rows, {sum(logs.values())} log rows, {sections} page sections,"
            f" {len(verifications)} follow-ups, {len(issues)} issues"
        )

    def _judge_page(self, row: TaskRow) -> int:
        blocks = self.house.page(row.id)
        sections = Counter(
            str(block["heading_2"]["rich_text"][0]["plain_text"])
            for block in blocks
            if block["type"] == "heading_2"
        )
        assert sections, f"{row.title}: no section"
        assert set(sections.values()) == {1}, (row.title, sections)
        pictures = sum(block["type"] == "image" for block in blocks)
        # None, too: a row that a second attempt finished found its track filed, and shows no picture.
        assert pictures <= (self.kinds.get(row.id) in ("new", "twin"))
        return len(sections)
