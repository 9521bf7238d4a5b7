"""A row becomes a finished track, and everything that a person would look at afterwards is right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from tests.story.conftest import BPM, KEY, SECONDS, House, furnished

if TYPE_CHECKING:
    from notion_schema.databases import TaskRow

SONG = "Test Band - Short Song.m4a"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[House]:
    """One house for the tests that only look at what became of the row."""
    with furnished(tmp_path_factory.mktemp("house"), song) as house:
        yield house


@pytest.fixture(scope="module")
def synced(house: House) -> TaskRow:
    """A row with the song's link, after the worker has been idle."""
    row = house.add(house.media.link(SONG), title="Sync the song")
    house.work()
    return house.row(row.id)


def test_row_is_completed_and_says_what_came_of_it(house: House, synced: TaskRow) -> None:
    """Status, progress, result, worker, run and times stand on the row."""
    assert synced.status == "Completed"
    assert synced.progress == 100
    assert synced.attempt == 1
    assert "Test Band - Short Song is in the library" in synced.result
    assert synced.run_id.endswith(f"{synced.id}:1")
    assert synced.worker.startswith("tests")
    assert synced.started and synced.finished and synced.started <= synced.finished
    assert not synced.last_error
    assert not synced.question


def test_three_files_are_filed_with_audio_inside(house: House, synced: TaskRow) -> None:
    """M4A, WAV and AIFF stand under OUT_DIR, 48 kHz and 24 bit where that applies, as long as the source."""
    files = {path.suffix: path for path in house.files()}
    assert set(files) == {".m4a", ".wav", ".aiff"}
    for suffix, codec in ((".wav", "pcm_s24le"), (".aiff", "pcm_s24be"), (".m4a", "aac")):
        with av.open(str(files[suffix])) as audio:
            stream = audio.streams.audio[0]
            assert stream.codec_context.name == codec
            assert stream.rate == 48_000
            frames = sum(frame.samples for frame in audio.decode(stream))
        assert abs(frames / 48_000 - SECONDS) < 0.1


def test_track_row_carries_tempo_key_and_the_true_paths(house: House, synced: TaskRow) -> None:
    """Music Tracks has one row, with what was measured and where the files are."""
    (track,) = house.tracks()
    assert synced.tracks == (track.id,)
    assert track.title == "Short Song"
    assert track.artist_name == "Test Band"
    assert track.downloaded
    assert track.tempo is not None
    assert abs(track.tempo - BPM) <= 0.1
    assert track.key == KEY
    assert track.camelot == "8A"
    assert {track.m4a_path, track.wav_path, track.aiff_path} == {str(path) for path in house.files()}


def test_evidence_on_the_page_is_true(house: House, synced: TaskRow) -> None:
    """The hashes on the page are the hashes of the files; steps with times and the log stand there too."""
    text = house.text(synced.id)
    for path in house.files():
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
        assert str(path) in text
    for step in ("identify", "download", "convert and analyse", "tag", "file", "track row"):
        assert f"\n{step} | " in text
    assert "claimed" in text
    assert synced.run_id in text


def test_waveform_picture_is_attached_through_the_upload_api(house: House, synced: TaskRow) -> None:
    """One image block, a PNG that Notion serves."""
    images = [block for block in house.page(synced.id) if block["type"] == "image"]
    assert len(images) == 1
    assert images[0]["image"]["type"] == "file"
    assert "BPM" in images[0]["image"]["caption"][0]["plain_text"]


def test_each_attempt_has_an_execution_log_row(house: House, synced: TaskRow) -> None:
    """Two tasks ran, two rows; they name the run and the outcome."""
    logs = {log.run_id: log for log in house.logs()}
    assert len(logs) == 2
    assert logs[synced.run_id].final_status == "Completed"
    assert logs[synced.run_id].tasks == (synced.id,)


def test_verify_run_follows_by_itself_and_passes(house: House, synced: TaskRow) -> None:
    """The hand-off is filed once, linked to its origin, and ends Completed with a table of checks."""
    (verify,) = [row for row in house.rows() if row.id != synced.id]
    assert verify.task_type == "Verify run"
    assert verify.handed_off_from == (synced.id,)
    assert verify.status == "Completed"
    text = house.text(verify.id)
    assert "✅ pass" in text
    assert "❌ fail" not in text


def test_volume_index_knows_the_track(house: House, synced: TaskRow) -> None:
    """The JSON export names the three files."""
    index_path = house.settings.volume_index_path
    assert index_path
    exported = Path(index_path).read_text(encoding="utf-8")
    json.loads(exported)
    for path in house.files():
        assert json.dumps(str(path), ensure_ascii=False).strip('"') in exported or str(path) in exported
