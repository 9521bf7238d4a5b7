"""Brings files and index in line with what people changed by hand on Music Tracks rows, and says what it changed.

It looks at the rows that were edited since the last look, the first time at those of the last day. A person's value is
never overwritten: a title, artist, album, ISRC, tempo or key typed by hand goes into the tags of the track's files. A
path typed by hand is followed, if it is the very file that was filed. Downloaded ticked by hand without files gives a
Sync track row, where there is a link; unticked, it stays unticked and nothing is deleted. File names never change. Give
the row a Schedule ("every hour") to have it done by itself.

If it stays Blocked: something on a Music Tracks row makes no sense, and the Question says what: a path without a file,
a file that is another track's, a tempo that is none. Correct or empty the value on that row and set Status to Ready.
Each question is asked once; a later run lists what is still open.
If it Failed: the linked issue says why; no value of yours was changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from handlers.base import Done, Evidence, Job, NeedsHuman, NoRequest, Tools, handler, minutes
from handlers.music_ports import HandEdit, WantedRow, batches
from music_workflow.core.corrections import Corrections, NotUsableError
from music_workflow.core.library import Library
from music_workflow.errors import MusicError
from music_workflow.metadata import tags
from music_workflow.model import FiledTrack

_AT_ONCE = 10
_WORDS = {
    "bpm": "Tempo",
    "key": "Key",
    "title": "Title",
    "artists": "Artist Name",
    "album": "Album",
    "isrc": "ISRC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Righted:
    """What was done about one row."""

    page_id: str
    name: str
    done: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    sync: str = ""
    """The link that a Sync track row is to be filed for."""


@handler(
    "Reconcile tracks",
    aliases=("Reconcile manual updates",),
    attempts=3,
    timeout=minutes(60),
    queue="cpu",
    steps={"find what was edited": 20, "put files right": 60, "file rows": 15, "remember": 5},
)
def reconcile_tracks(job: Job[NoRequest], tools: Tools) -> Done:
    """Everything that people changed since the last look."""
    found = job.step("find what was edited", tools.edited.find)
    righted = [
        one
        for edits in batches(found.edits, _AT_ONCE)
        for one in job.heavy_step("put files right", put_right, tools.library, edits)
    ]
    wanted = tuple(_sync_row(one) for one in righted if one.sync)
    filed = [job.step("file rows", tools.rows.file, rows) for rows in batches(wanted, _AT_ONCE)]
    questions = tuple((one.page_id, " ".join(one.questions)) for one in righted if one.questions)
    new = set(job.step("remember", tools.edited.finish, found.until, questions))
    evidence = (
        Evidence("Rows looked at", f"{found.looked} edited since the last look, {len(found.edits)} by hand"),
        *(Evidence(one.name, line) for one in righted for line in one.done),
        *(Evidence(one.name, line, "fail") for one in righted for line in one.questions),
    )
    asked = [f"{one.name}: {' '.join(one.questions)}" for one in righted if one.page_id in new]
    if asked:
        raise NeedsHuman(f"{' '.join(asked)} Then set Status to Ready.", evidence=evidence)
    changed = sum(bool(one.done) for one in righted)
    still = f" {len(questions)} still in question, as asked before." if questions else ""
    rows = sum(each.new for each in filed)
    more = f" {rows} Sync track rows filed." if rows else ""
    return Done(summary=f"{changed} rows changed by hand were dealt with.{more}{still}", evidence=evidence)


def put_right(library: Library, edits: tuple[HandEdit, ...]) -> tuple[Righted, ...]:
    """Brings files and index in line with some rows; the same again changes nothing."""
    return tuple(_put_right(library, edit) for edit in edits)


def _put_right(library: Library, edit: HandEdit) -> Righted:
    track = library.lookup(edit.key) if edit.key else None
    done: list[str] = []
    questions: list[str] = []
    sync = ""
    if track is not None:
        track = _follow(library, track, edit, done, questions)
        _correct(library, track, edit, done, questions)
    else:
        for fmt, path in edit.paths:
            _look_at(library, fmt, path, done, questions)
    stands = track is not None and bool(library.whole((track.identity.key,)))
    if edit.unticked:
        done.append("Downloaded was unticked by hand and stays so; the files stay where they are.")
    elif edit.ticked and not stands and not edit.paths:
        if edit.link:
            sync = edit.link
            done.append(f"Downloaded was ticked by hand, but no file stands; it is synced from {edit.link}.")
        else:
            questions.append(
                "Downloaded is ticked, but there is neither a file nor a link. Add a link or untick it."
            )
    return Righted(
        page_id=edit.page_id, name=edit.name, done=tuple(done), questions=tuple(questions), sync=sync
    )


def _follow(
    library: Library, track: FiledTrack, edit: HandEdit, done: list[str], questions: list[str]
) -> FiledTrack:
    by_format = {file.format: file.path for file in track.files}
    moved = {
        old: path
        for fmt, path in edit.paths
        for kind, old in by_format.items()
        if kind == fmt and old != path
    }
    for old, new in moved.items():
        try:
            track = Corrections(library).follow(track.identity.key, {old: str(Path(new).expanduser())})
        except NotUsableError as error:
            questions.append(f"{error} The index says {old}.")
        else:
            done.append(f"{old} was moved by hand to {new}; the index follows.")
    return track


def _correct(
    library: Library, track: FiledTrack, edit: HandEdit, done: list[str], questions: list[str]
) -> None:
    known = dict(track.by_hand)
    for name, text in edit.values:
        try:
            after = Corrections(library).correct(track.identity.key, {name: text})
        except NotUsableError as error:
            questions.append(f"{_WORDS[name]} says “{text}”. {error}")
            continue
        now = dict(after.by_hand).get(name, "")
        if now != known.get(name, ""):
            done.append(f"{_WORDS[name]} {now} by hand: written into {len(after.files)} files.")


def _look_at(library: Library, fmt: str, path: str, done: list[str], questions: list[str]) -> None:
    """A path on a row that Segue has filed nothing for: what stands there?"""
    place = Path(path).expanduser()
    if not place.is_file():
        questions.append(f"The {fmt} path names {path}, but there is no such file. Correct or empty it.")
        return
    try:
        heard = tags.read(str(place))
    except MusicError as error:
        questions.append(f"The {fmt} path names {path}, but it cannot be read as music: {error}")
        return
    owner = library.lookup_file(str(place))
    if owner is not None:
        done.append(f"{path} is the library's {owner.identity.title}, filed from {owner.identity.url}.")
    else:
        named = f"“{heard.title}”" if heard.title else "without a title in its tags"
        done.append(f"{path} is there, {named}; Rebuild index takes it in if its folder is a music folder.")


def _sync_row(one: Righted) -> WantedRow:
    digest = hashlib.sha256(one.sync.encode()).hexdigest()[:16]
    return WantedRow(
        key=f"reconcile:{one.page_id}:{digest}",
        task_type="Sync track",
        title=one.name,
        link=one.sync,
        description="Downloaded was ticked by hand, but no file stands.",
        track_page_id=one.page_id,
    )
