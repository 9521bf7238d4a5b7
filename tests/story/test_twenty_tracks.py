"""Twenty tracks of mixed kinds through rows, worked in one run: what a person reads on each row when all is quiet.

SoundCloud, YouTube, Bandcamp and Spotify stand on loopback behind the library's gateway; yt-dlp's real extractors and
the real client for Spotify run against them, and every piece of music has a tempo and a key of its own, so that a row
which got somebody else's sound would show it. The table is compared with ``golden/twenty_tracks.txt``, which stands in
``docs/end-to-end.md``, too; ``SEGUE_WRITE_GOLDEN=1`` writes both anew.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mutagen.mp3 import MP3

from agent import wiring
from agent.settings import Settings
from music_workflow.core.library import Library
from music_workflow.core.ports import SpotifyCredentials
from music_workflow.synthesizer import Format, render
from notion_schema.blocks import plain_text
from notion_schema.databases import TaskRow, TrackRow
from tests.conftest import REPOSITORY
from tests.fakes.media_server import Bandcamp, MediaServer, SoundCloud, YouTube, media_server
from tests.fakes.spotify import Spotify, track
from tests.music_workflow.library_world import SECONDS, piece_in_segments
from tests.story.conftest import House, furnished

GOLDEN = Path(__file__).parent / "golden" / "twenty_tracks.txt"
DOCUMENT = REPOSITORY / "docs" / "end-to-end.md"
BEGIN, END = "<!-- the table of tests/story/test_twenty_tracks.py -->", "<!-- its end -->"
MIX_S = 72 * 60.0
pytestmark = pytest.mark.timeout(500)


@dataclass(frozen=True)
class Music:
    """A piece that can be told from every other by its tempo and key."""

    bpm: float
    key: str

    def encoded(self, folder: Path, audio_format: Format = "m4a", **tags: Any) -> bytes:
        """The piece as a file's bytes."""
        path = folder / f"{self.bpm:g}.{audio_format}"
        render(
            str(path),
            bpm=self.bpm,
            key=self.key,
            seconds=SECONDS,
            seed=round(self.bpm),
            format=audio_format,
            **tags,
        )
        return path.read_bytes()


@dataclass(frozen=True)
class Asked:
    """One of the twenty."""

    kind: str
    link: str
    sounds: Music | None = None
    """What must be in its files; None when there must be none."""
    after: int | None = None
    """The place in the list, from 1, of the row it waits for."""


@dataclass(frozen=True)
class Evening:
    """What twenty rows came to."""

    house: House
    server: MediaServer
    asked: list[Asked]
    rows: list[TaskRow]
    followers: dict[str, list[TaskRow]]
    """By the id of the row that was handed on."""
    tracks: dict[str, TrackRow]
    table: str


class Shops:
    """The places that music comes from, with what they have."""

    def __init__(self, server: MediaServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._soundcloud = SoundCloud(server)
        self._youtube = YouTube(server)
        self._bandcamp = Bandcamp(server)
        self._spotify = Spotify(server)

    def asked(self) -> list[Asked]:
        """The twenty."""
        return [
            *self._found_at_once(),
            *self._found_elsewhere(),
            *self._there_already(),
            *self._not_to_be_had(),
        ]

    def _found_at_once(self) -> list[Asked]:
        harbour, tokyo, surf = Music(122, "A minor"), Music(128, "F# minor"), Music(100, "C major")
        low_tide, segments, glass = Music(120, "D minor"), Music(124, "A minor"), Music(132, "G minor")
        ember = Music(110, "E minor")
        m4a = harbour.encoded(self._folder, title="Harbour Lights", artists=("Ada Loop",))
        flac = tokyo.encoded(self._folder, "flac", title="東京の夜", artists=("星野ミチル",))
        harbour_link = self._server.serve_audio("/music/harbour.m4a", m4a)
        self._server.serve_audio("/mirror/copy-of-it.m4a", m4a)
        self._server.serve_audio("/music/Полина Ветер - Прибой.mp3", self._untagged(surf), "audio/mpeg")
        cloud = self._sound(4, "mo-rivers/low-tide", "Low Tide", "Mo Rivers", low_tide, isrc="GBABC2400004")
        self._soundcloud.add(
            5,
            "ada-loop/salt-iron",
            title="Salt & Iron",
            artist="Ada Loop",
            audio=b"",
            duration_s=SECONDS,
            segments=piece_in_segments(),
        )
        self._server.redirect("/on.soundcloud.com/Ab12", "https://soundcloud.com/ada-loop/salt-iron?si=1")
        return [
            Asked("file, M4A", harbour_link, harbour),
            Asked(
                "file, FLAC, Japanese name", self._server.serve_audio("/f/1.flac", flac, "audio/flac"), tokyo
            ),
            Asked(
                "file, MP3 without tags, Russian name",
                self._link(quote("/music/Полина Ветер - Прибой.mp3")),
                surf,
            ),
            Asked("SoundCloud, link with trackers", f"{cloud}?utm_source=app&si=1", low_tide),
            Asked("SoundCloud, short link, in segments", "https://on.soundcloud.com/Ab12", segments),
            Asked(
                "YouTube",
                self._video("glassharbr0", "Nadia Vale - Glass Harbor (Official Audio)", "Nadia Vale", glass),
                glass,
            ),
            Asked(
                "Bandcamp, after its challenge",
                self._bandcamp.add(
                    "Juno Field",
                    "ember",
                    title="Ember",
                    audio=ember.encoded(self._folder, "mp3", title="Ember", artists=("Juno Field",)),
                    duration_s=SECONDS,
                    challenge=True,
                ),
                ember,
            ),
        ]

    def _found_elsewhere(self) -> list[Asked]:
        ferry, boats, lantern = Music(126, "B minor"), Music(118, "C minor"), Music(138, "F minor")
        self._sound(8, "kite/night-ferry", "Night Ferry", "Kite", ferry)
        self._video("paperboats0", "Paper Boats", "Lumen", boats, song=True)
        self._video("lanternsng0", "Lantern", "Ida Moor", lantern, song=True)
        preview = self._sound(14, "ida-moor/lantern", "Lantern", "Ida Moor", None, trouble="preview")
        return [
            Asked("Spotify, played from SoundCloud", self._protected(8, "Night Ferry", "Kite"), ferry),
            Asked(
                "Spotify URI, played from YouTube Music",
                self._protected(9, "Paper Boats", "Lumen").replace(
                    "https://open.spotify.com/track/", "spotify:track:"
                ),
                boats,
            ),
            Asked("SoundCloud, preview only", preview, lantern),
        ]

    def _there_already(self) -> list[Asked]:
        harbour, low_tide = Music(122, "A minor"), Music(120, "D minor")
        shown = track(4, "Low Tide", "Mo Rivers", seconds=SECONDS)
        label = self._sound(
            13, "pier-records/mo-rivers-low-tide", "Low Tide", "Mo Rivers", None, isrc="GBABC2400004"
        )
        return [
            Asked(
                "the link of row 1 again", f"{self._link('/music/harbour.m4a')}?utm_source=mail", harbour, 1
            ),
            Asked("the sound of row 1 elsewhere", self._link("/mirror/copy-of-it.m4a"), harbour, 1),
            Asked("the recording of row 4, another upload", label, low_tide, 4),
            Asked("the recording of row 4 on Spotify", self._spotify.add_track(shown), low_tide, 4),
        ]

    def _not_to_be_had(self) -> list[Asked]:
        self._soundcloud.add(
            16,
            "sol-marin/undertow-night-remix",
            title="Undertow (Night Remix)",
            artist="Sol Marin",
            audio=b"",
            duration_s=200,
        )
        return [
            Asked("Spotify, only a remix elsewhere", self._protected(16, "Undertow", "Sol Marin", 200)),
            Asked("Spotify, nowhere else", self._protected(15, "Kelp Forest", "Anemone Choir", 245)),
            Asked(
                "YouTube, not in this country", self._video("blockedhere", "Far", "Away", None, trouble="geo")
            ),
            Asked("SoundCloud, removed", self._sound(18, "gone/gone", "Gone", "Gone", None, trouble="gone")),
            Asked(
                "a mix of 72 minutes",
                self._soundcloud.add(
                    19, "mo/pier-9", title="Sunrise at Pier 9", artist="Mo", audio=b"", duration_s=MIX_S
                ),
            ),
            Asked("a link that was cut off", "https://www.youtube.com/watch"),
        ]

    def _link(self, path: str) -> str:
        return self._server.base + path

    def _untagged(self, music: Music) -> bytes:
        music.encoded(self._folder, "mp3")
        path = self._folder / f"{music.bpm:g}.mp3"
        MP3(path).delete()
        return path.read_bytes()

    def _sound(
        self, number: int, slug: str, title: str, artist: str, music: Music | None, **more: Any
    ) -> str:
        audio = music.encoded(self._folder) if music else b""
        return self._soundcloud.add(
            number, slug, title=title, artist=artist, audio=audio, duration_s=SECONDS, **more
        )

    def _video(self, video_id: str, title: str, channel: str, music: Music | None, **more: Any) -> str:
        audio = music.encoded(self._folder) if music else b""
        return self._youtube.add(
            video_id, title=title, channel=channel, audio=audio, duration_s=SECONDS, **more
        )

    def _protected(self, number: int, title: str, artist: str, seconds: float = SECONDS) -> str:
        return self._spotify.add_track(track(number, title, artist, seconds=seconds))


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory, song: Path) -> Iterator[Evening]:
    """The twenty rows after one run of one worker."""
    folder = tmp_path_factory.mktemp("twenty")
    (folder / "shop").mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        furnished(folder, song) as house,
        media_server() as server,
    ):
        real = wiring.library

        def library(settings: Settings) -> Library:
            app = SpotifyCredentials(client_id=Spotify.CLIENT_ID, client_secret=Spotify.SECRET)
            return Library(replace(real(settings).settings, service_base=server.base, spotify=app))

        patch.setattr(wiring, "library", library)
        house.settings = house.settings.model_copy(update={"mix_policy": "review"})
        asked = Shops(server, folder / "shop").asked()
        ids: list[str] = []
        for one in asked:
            after = (ids[one.after - 1],) if one.after else ()
            ids.append(house.add(one.link, title=one.kind, after=after).id)
        house.work()
        rows = [house.row(page_id) for page_id in ids]
        followers = {
            page_id: sorted(
                (each for each in house.rows() if page_id in each.handed_off_from),
                key=lambda each: str(each.task_type),
            )
            for page_id in ids
        }
        tracks = {each.id: each for each in house.tracks()}
        evening = Evening(house, server, asked, rows, followers, tracks, "")
        yield replace(evening, table=table(evening))


# The table -----------------------------------------------------------------------------------------------------------


def table(evening: Evening) -> str:
    """All rows as a person reads them, without what differs from run to run."""
    head = "| | asked for | ends | the row says | issue | what followed | files |\n|---|---|---|---|---|---|---|\n"
    lines = [line(evening, number) for number in range(len(evening.rows))]
    return head + "\n".join(normalised(evening, each) for each in lines) + "\n"


def line(evening: Evening, number: int) -> str:
    """One row of the table."""
    row = evening.rows[number]
    titles = {each.id: each.title for each in evening.house.issues()}
    cells = (
        str(number + 1),
        evening.asked[number].kind,
        ending(row),
        said(evening, row),
        "<br>".join(titles[each] for each in row.issues),
        "<br>".join(
            f"{each.task_type}: {ending(each)}. {said(evening, each)}" for each in evening.followers[row.id]
        ),
        names(evening, row),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def ending(row: TaskRow) -> str:
    """The row's status, and whether it comes again by itself."""
    return f"{row.status}, comes again" if row.status == "Ready" and row.run_after else str(row.status)


def said(evening: Evening, row: TaskRow) -> str:
    """What the row tells a person: the question with its boxes while it is open, else the error, else the result."""
    boxes = [
        plain_text(block) for block in evening.house.page(row.id) if row.question and block["type"] == "to_do"
    ]
    return "<br>".join((row.question or row.last_error or row.result, *(f"☐ {each}" for each in boxes)))


def paths(evening: Evening, row: TaskRow) -> list[Path]:
    """The files that the row's track names."""
    found = [evening.tracks[each] for each in row.tracks]
    return [Path(path) for each in found for path in (each.m4a_path, each.wav_path, each.aiff_path) if path]


def names(evening: Evening, row: TaskRow) -> str:
    """Their common name, and their kinds."""
    files = paths(evening, row)
    stems = " and ".join(dict.fromkeys(each.stem for each in files))
    return f"{stems} {' '.join(each.suffix for each in files)}".strip()


def normalised(evening: Evening, text: str) -> str:
    """Without ports and what hangs on them, the rows' order in the library, and what an analysis may measure finer."""
    text = text.replace(evening.server.base, "https://files.example")
    text = re.sub(r"\[[0-9a-f]{8,}\]", "[ID]", text)
    text = re.sub(r"the library: \d+ found", "the library: N found", text)
    text = re.sub(r"\d+ of \d+ checks passed, \d+ skipped", "N of N checks passed, N skipped", text)
    return re.sub(r"(\d+\.\d+) BPM", lambda found: f"{float(found[1]):.0f} BPM", text)


# The facts -----------------------------------------------------------------------------------------------------------


def test_a_person_reads_this(evening: Evening) -> None:
    """Each row's end, words, issue, followers and files are those of the golden table, which the docs show, too."""
    if os.environ.get("SEGUE_WRITE_GOLDEN"):
        GOLDEN.write_text(evening.table, encoding="utf-8")
        before, _, after = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        DOCUMENT.write_text(
            f"{before}{BEGIN}\n\n{evening.table}\n{END}{after.partition(END)[2]}", encoding="utf-8"
        )
    assert len(evening.rows) == 20
    assert evening.table == GOLDEN.read_text(encoding="utf-8"), "See SEGUE_WRITE_GOLDEN in this file's head."
    assert evening.table in DOCUMENT.read_text(encoding="utf-8")


def test_each_row_has_the_sound_it_asked_for(evening: Evening) -> None:
    """Tempo, key and length on the track's row are those its source was composed in; nobody got another's."""
    for asked, row in zip(evening.asked, evening.rows, strict=True):
        heard = [evening.tracks[each] for each in row.tracks]
        if asked.sounds is None:
            assert heard == [], asked.kind
            continue
        (found,) = heard
        assert row.status == "Completed", asked.kind
        assert found.tempo == pytest.approx(asked.sounds.bpm, abs=0.2), asked.kind
        assert found.key == asked.sounds.key, asked.kind
        assert found.duration_s == pytest.approx(SECONDS, abs=0.1), asked.kind


def test_the_library_holds_each_recording_once(evening: Evening) -> None:
    """Ten recordings in three files each, as hashed on the page of the row that filed them; nothing beside them."""
    recordings = {asked.sounds for asked in evening.asked if asked.sounds}
    files = evening.house.files()
    assert len(files) == 3 * len(recordings) == 30
    assert len(evening.tracks) == len(recordings)
    assert {path for row in evening.rows for path in paths(evening, row)} == set(files)
    for asked, row in zip(evening.asked, evening.rows, strict=True):
        text = evening.house.text(row.id) if asked.sounds else ""
        for path in paths(evening, row):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in text, asked.kind


def test_nobody_is_left_guessing(evening: Evening) -> None:
    """Each row and follower is done, asks, failed with an issue, or says when it comes again; none asks in vain."""
    every = [*evening.rows, *(each for some in evening.followers.values() for each in some)]
    assert {row.id for row in every} == {row.id for row in evening.house.rows()}
    for row in every:
        told = {
            "Completed": bool(row.result) and not row.question and not row.last_error,
            "Blocked": "set Status to Ready" in row.question or "set that row to Ready" in row.question,
            "Failed": bool(row.last_error) and len(row.issues) == 1,
            "Ready": bool(row.last_error) and row.run_after is not None,
        }
        assert told.get(str(row.status)), (row.title, row.status)
    assert len(evening.house.issues()) == sum(row.status == "Failed" for row in every) == 2


def test_nothing_protected_is_opened_and_nothing_known_is_fetched(evening: Evening) -> None:
    """Spotify is asked for words alone, no preview is heard, no mix before the answer, no known recording again."""
    asked = [seen.path for seen in evening.server.seen]
    hosts = {path.split("/")[1] for path in asked if "spotify" in path}
    assert hosts == {"accounts.spotify.com", "api.spotify.com"}
    for number in (13, 14, 16, 19):
        assert f"/cf-media.sndcdn.com/{number}.m4a" not in asked
    assert asked.count("/cf-media.sndcdn.com/4.m4a") == 1
    assert asked.count("/cf-media.sndcdn.com/8.m4a") == 1
