"""The recordings of the real API, replayed against this server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from notion_local.__main__ import clock_from
from notion_local.server import RunningServer
from tests.conftest import traffic_file
from tests.notion_local.replay import BOT, PERSON, ROOT, replay

RECORDINGS = Path(__file__).resolve().parents[2] / ".." / "shared" / "notion_recordings"
RECORDED = 856
FLOOR = 0.90


@pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings stand beside the repository, in ../shared"
)
def test_answers_are_those_that_notion_gave() -> None:
    """At least nine of ten recorded exchanges are answered identically, those that cannot be sent counted as failed."""
    # One recording's formulas speak of days from the minute it was made in.
    clock = clock_from(datetime(2026, 6, 27, 16, 58, 1, tzinfo=UTC))
    with RunningServer(
        root_title="Tests",
        integration_name="Ultimate Notion Tests",
        person_name="Test Person",
        clock=clock,
        record=traffic_file(),
    ) as server:
        workspace = server.workspace
        known = {
            ROOT: server.root_page_id.replace("-", ""),
            BOT: workspace.bot_id.replace("-", ""),
            PERSON: workspace.person_id.replace("-", ""),
        }
        outcome = replay(RECORDINGS, server.base_url, server.token, known)

    assert outcome.counts["recorded"] == RECORDED
    assert outcome.share >= FLOOR, "\n".join(outcome.differences)


@pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings stand beside the repository, in ../shared"
)
def test_a_server_that_knows_nothing_scores_next_to_nothing(tmp_path: Path) -> None:
    """The comparison is not satisfied by a server that lacks what was recorded."""
    sample = tmp_path / "sample"
    sample.mkdir()
    source = RECORDINGS / "test_schema" / "test_two_way_prop.jsonl"
    (sample / source.name).write_bytes(source.read_bytes())
    with RunningServer() as server:
        outcome = replay(sample, server.base_url, server.token, {ROOT: "0" * 32})
        assert httpx.get(f"{server.base_url}/v1/users/me").status_code == 401

    assert outcome.counts["identical"] == 0
