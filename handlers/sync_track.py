"""Brings the track behind a link into the library.

The link is identified, looked for in the library, downloaded, decoded once into M4A, WAV and AIFF, analysed (BPM, key,
loudness), tagged, filed under OUT_DIR, entered into the volume index, brought to Eagle where that is set up, and
entered into Music Tracks; a Verify run row follows. What is already in the library is not filed again.

If it stays Blocked:
- "DRM": the service protects its music. A Fix DRM failure row is linked; or put another link of the same track (its
  SoundCloud, YouTube or Bandcamp page, or a file) into Link and set Status to Ready.
- "link": the link is missing or malformed; the Question says how a right one looks. Correct Link, set Status to Ready.
- "not writable", "not mounted", "free space": mount the volume or make room, then set Status to Ready.
- "mix or live set": say in Answer whether it is wanted; MIX_POLICY and MIX_MINUTES decide when you are asked.
- "Eagle": start Eagle, or open the library that it names, then set Status to Ready; the track itself is filed already.
If it Failed: the track is gone, refused for this country or behind a log-in; the linked issue has the details. Put
another link into Link and set Status to Ready to try again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from handlers.base import (
    Done,
    Evidence,
    FollowUp,
    Job,
    NeedsHuman,
    Picture,
    Tools,
    TrackPage,
    handler,
    link_of,
    minutes,
)
from music_workflow.model import Analysis, AudioFile, FiledTrack, Identity, MixVerdict
from notion_schema.databases import TaskRow

_PLAYLIST = re.compile(r"^Playlist:[ \t]*(\S.*)$", re.MULTILINE)
_WANTED, _UNWANTED = "Sync it as one track", "Leave it out"
_YES, _NO = re.compile(r"(?:sync|yes)\b"), re.compile(r"(?:leave|skip|no)\b")


@dataclass(frozen=True, slots=True)
class Request:
    """What the row must say."""

    link: str
    playlist: str | None = None
    """The playlist it is synced for: ``Playlist: NAME`` in Description."""
    answer: str = ""
    """What a person said to the question whether a mix is wanted."""
    track_page: str | None = None
    """The Music Tracks row that it is synced for, where one waits for it."""

    @classmethod
    def from_row(cls, row: TaskRow) -> Self:
        """Reads the link, the playlist and the answer."""
        named = _PLAYLIST.search(row.description or "")
        return cls(
            link=link_of(row, example="https://soundcloud.com/artist/track"),
            playlist=named[1].strip() if named else None,
            answer=(row.answer or "").strip().casefold(),
            track_page=row.tracks[0] if row.tracks else None,
        )


@handler(
    "Sync track",
    aliases=("Music Track Sync",),
    attempts=3,
    timeout=minutes(30),
    queue="download",
    steps={
        "identify": 5,
        "look for a twin": 1,
        "is it a mix": 1,
        "download": 30,
        "is it a mix after all": 1,
        "look for the same audio": 1,
        "convert and analyse": 50,
        "tag": 4,
        "file": 5,
        "playlist": 1,
        "Eagle": 2,
        "track row": 4,
    },
)
def sync_track(job: Job[Request], tools: Tools) -> Done:
    """The story of one track."""
    library = tools.library
    identity = job.step("identify", library.identify, job.request.link)
    twin = job.step("look for a twin", library.find_twin, identity)
    if twin:
        return _already_there(job, tools, twin)

    mix = job.step("is it a mix", library.judge_length, identity.title, identity.duration_s)
    if unwanted(mix, job.request):
        return _left_out(identity, mix)
    source = job.heavy_step("download", library.fetch, identity, job.work_dir, job.progress)
    mix = job.step("is it a mix after all", library.judge_length, identity.title, source.duration_s)
    if unwanted(mix, job.request):
        return _left_out(identity, mix)
    twin = job.step("look for the same audio", library.find_twin_by_audio, source.sha256, identity)
    if twin:
        return _already_there(job, tools, twin)

    processed = job.heavy_step(
        "convert and analyse", library.convert, source, identity, job.work_dir, job.progress
    )
    tagged = job.step("tag", library.tag, processed, identity, source, job.run_id)
    filed = job.step("file", library.file, tagged, identity, source, job.run_id, job.request.playlist)
    if not filed.newly_filed:
        return _already_there(job, tools, filed)

    filed = job.step("playlist", library.add_to_playlist, filed, job.request.playlist)
    filed = job.step("Eagle", library.bring_to_eagle, filed)
    page = job.step("track row", tools.tracks.record, filed, job.request.track_page)
    return Done(
        summary=f"{_name(filed)} is in the library: {_figures(filed)}.",
        evidence=(
            *_mix_facts(mix),
            *_facts(filed),
            *_files(filed.files),
            *_places(filed),
            *_page_facts(page),
        ),
        pictures=(Picture(filed.waveform_path, f"{_name(filed)}: {_figures(filed)}"),),
        follow_ups=(_verification(filed, page, job.run_id),),
        track_page_id=page.page_id,
    )


def unwanted(mix: MixVerdict, request: Request) -> bool:
    """Whether a mix is to be left out.

    Raises:
        NeedsHuman: A person is to say so, and has not yet.
    """
    if mix.policy != "review":
        return mix.policy == "skip"
    if _NO.match(request.answer):
        return True
    if _YES.match(request.answer):
        return False
    raise NeedsHuman(
        f"This looks like a mix or live set: {mix.why}. Is it wanted as one track? Tick an answer, or write “sync” or"
        " “leave out” into Answer; then set Status to Ready. (MIX_POLICY decides without asking.)",
        choices=(_WANTED, _UNWANTED),
    )


def _left_out(identity: Identity, mix: MixVerdict) -> Done:
    return Done(
        summary=f"{identity.title} was left out: it is a mix or live set ({mix.why}). Nothing was filed.",
        evidence=(Evidence("Source", identity.url), *_mix_facts(mix)),
    )


def _mix_facts(mix: MixVerdict) -> tuple[Evidence, ...]:
    return (Evidence("Mix or live set", mix.why),) if mix.why else ()


def _already_there(job: Job[Request], tools: Tools, twin: FiledTrack) -> Done:
    twin = job.step("playlist", tools.library.add_to_playlist, twin, job.request.playlist)
    twin = job.step("Eagle", tools.library.bring_to_eagle, twin)
    page = job.step("track row", tools.tracks.record, twin, job.request.track_page)
    return Done(
        summary=f"{_name(twin)} was already in the library; nothing was filed twice.",
        evidence=(
            Evidence("Filed before by run", twin.run_id),
            *_facts(twin),
            *_files(twin.files),
            *_places(twin),
            *_page_facts(page),
        ),
        # What an attempt of this very row filed before it broke off was never verified; the key keeps it at one row.
        follow_ups=(_verification(twin, page, twin.run_id),) if _is_of(twin.run_id, job.page_id) else (),
        track_page_id=page.page_id,
    )


def _is_of(run_id: str, page_id: str) -> bool:
    return page_id in run_id.split(":")


def _verification(filed: FiledTrack, page: TrackPage, run_id: str) -> FollowUp:
    return FollowUp(
        effect="verify",
        task_type="Verify run",
        title=f"Verify {_name(filed)}",
        link=page.url,
        description=f"Run ID: {run_id}",
        track_page_id=page.page_id,
    )


def _name(filed: FiledTrack) -> str:
    who = ", ".join(filed.identity.artists)
    return f"{who} - {filed.identity.title}" if who else filed.identity.title


def _figures(filed: FiledTrack) -> str:
    measured = filed.analysis
    bpm = f"{measured.bpm:.2f} BPM" if measured.bpm is not None else "no steady tempo"
    key = f"{measured.key} ({measured.camelot})" if measured.key else "no clear key"
    return f"{bpm}, {key}, {_clock(measured.duration_s)}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _facts(filed: FiledTrack) -> tuple[Evidence, ...]:
    measured = filed.analysis
    return (
        Evidence("Source", filed.identity.url),
        Evidence("Source file SHA-256", filed.source_sha256),
        Evidence("Duration", f"{measured.duration_s:.2f} s (source {filed.source_duration_s:.2f} s)"),
        Evidence(
            "Tempo", _or_unknown(measured.bpm, "{:.2f} BPM", f"confidence {measured.bpm_confidence:.2f}")
        ),
        Evidence(
            "Key",
            f"{measured.key} = {measured.camelot}, confidence {measured.key_confidence:.2f}"
            if measured.key
            else "not clear enough to name",
        ),
        *_second_opinion(measured),
        Evidence("Loudness", _or_unknown(measured.loudness_lufs, "{:.1f} LUFS", "integrated")),
        Evidence("True peak", _or_unknown(measured.true_peak_db, "{:.1f} dBTP", "4x oversampled")),
    )


def _second_opinion(measured: Analysis) -> tuple[Evidence, ...]:
    said = [f"{measured.second_bpm:.2f} BPM" if measured.second_bpm else "", measured.second_key or ""]
    words = ", ".join(each for each in said if each)
    return (Evidence("Second opinion, librosa's", words),) if words else ()


def _or_unknown(figure: float | None, form: str, words: str) -> str:
    return f"{form.format(figure)}, {words}" if figure is not None else "could not be measured"


def _files(files: tuple[AudioFile, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"{file.format} file",
            f"{file.path} · {file.size:,} bytes · {file.codec} {file.sample_rate / 1000:g} kHz"
            f"{f' {file.bits} bit' if file.bits else ''} · SHA-256 {file.sha256}",
        )
        for file in files
    )


def _places(filed: FiledTrack) -> tuple[Evidence, ...]:
    return (
        *(Evidence("In a playlist's folder", path) for path in filed.playlist_paths),
        *(Evidence(f"Eagle {item.format} item", item.id) for item in filed.eagle),
    )


def _page_facts(page: TrackPage) -> tuple[Evidence, ...]:
    return (
        *(Evidence("Asked for by", link) for link in page.asked_for),
        Evidence("Music Tracks row", page.url),
        *(Evidence("Linked to", words) for words in page.linked),
        *(Evidence("Left as it was", kept) for kept in page.kept),
    )
