"""How many Notion requests a task costs, from Ready to its last write: counted at the server, by kind.

``python -m benchmarks.requests``. Runs a Sync track with its Verify run, a link that is a twin, and a row that is
Blocked at once, each alone on a fresh embedded workspace.
"""

from __future__ import annotations

import collections
import json
import re
import tempfile
from pathlib import Path

from pydantic import SecretStr

from agent import log, setup, tasks, wiring
from agent.demo import serve
from agent.settings import Settings
from music_workflow import synthesizer
from notion_local.server import RunningServer

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
SONG = "Band - Song.m4a"


def _kind(exchange: dict[str, str]) -> str:
    return f"{exchange['method']} {ID.sub('…', exchange['path'].split('?')[0])}"


def main() -> None:
    """Prints one table a case."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        log.configure(as_json=True, to=(home / "log").open("w", encoding="utf-8"))
        media = home / "media"
        media.mkdir()
        synthesizer.render(
            str(media / SONG),
            bpm=120,
            key="A minor",
            seconds=10,
            style="house",
            seed=1,
            title="Song",
            artists=("Band",),
        )
        with serve(media) as music, RunningServer(home / "workspace", record=home / "traffic") as server:
            (home / "library").mkdir()
            settings = Settings.isolated(
                notion_token=SecretStr(server.token),
                notion_base_url=server.base_url,
                notion_rate_per_s=500.0,
                data_dir=home / "data",
                out_dir=home / "library",
                volume_index_path=home / "index.json",
                allow_private_addresses=True,
                poll_seconds=0.5,
            )
            with wiring.notion(settings) as notion:
                ids = setup.apply(notion, setup.plan(notion, settings, server.root_page_id))
                settings = setup.with_databases(settings, ids)
                workspace = wiring.workspace(notion, settings)
                for case, link in (
                    ("Sync track and its Verify run", music.link(SONG)),
                    ("Sync track of a twin", music.link(SONG)),
                    ("Blocked: no link", ""),
                ):
                    tasks.add(workspace, "Sync track", url=link, title=case)
                    _report(case, settings, home / "traffic")


def _report(case: str, settings: Settings, traffic: Path) -> None:
    before = len(traffic.read_text(encoding="utf-8").splitlines())
    with wiring.worker(settings) as worker:
        opened = len(traffic.read_text(encoding="utf-8").splitlines())
        worker.start()
        worker.run_until_idle()
        worker.stop()
    lines = [json.loads(line) for line in traffic.read_text(encoding="utf-8").splitlines()]
    counts = collections.Counter(_kind(line) for line in lines[opened:])
    polls = sum(count for kind, count in counts.items() if kind.endswith("/query"))
    print(
        f"\n{case}: {sum(counts.values())} requests ({opened - before} more to open the databases), {polls} are queries"
    )
    for kind, count in counts.most_common():
        print(f"  {count:3d}  {kind}")


if __name__ == "__main__":
    main()
