"""The six databases, declared so that each reads as its table.

An attribute is a column: its Python type, then its kind with the name in Notion and the other names that
may serve. Names are those of the owner's real databases; columns that people or other agents write
(Execution Log, Blocking Reason) are not declared, so that nothing here can touch them. ``Attempt``, ``Run
ID`` and ``Segue key`` have no aliases: a column of another system must never be taken for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

from notion_schema.properties import (
    Checkbox,
    Date,
    MultiSelect,
    Number,
    Relation,
    Select,
    Status,
    Text,
    Title,
    Url,
)
from notion_schema.rows import Row
from notion_schema.vocabulary import Priority, RunState, State, Vocabulary

AGENT_TASKS: Final = "agent_tasks"
ISSUES: Final = "issues_questions"
TRACKS: Final = "music_tracks"
ARTISTS: Final = "music_artists"
PLAYLISTS: Final = "music_playlists"
EXECUTION_LOGS: Final = "execution_logs"

CLIENT_FACING: Final = "Client-Facing Issue"
"""The Type of an issue that a client sees; Segue neither works nor changes such a row."""


@dataclass(frozen=True, kw_only=True)
class TaskRow(Row):
    """A row of Agent-Tasks; with ``IssueRow`` also of Issues+Questions: what a person asks Segue to do."""

    title: Annotated[str, Title("Task Name", ("Name",), required=True)] = ""
    status: Annotated[str | None, Status("Status", required=True)] = None
    task_type: Annotated[str | None, Select("Task Type", required=True)] = None
    priority: Annotated[Priority | None, Select("Priority", words=Priority, complete=False)] = None
    link: Annotated[str | None, Url("Link", ("URL", "Source URL"))] = None
    description: Annotated[str, Text("Description")] = ""
    next_step: Annotated[str, Text("Next Required Step", provision=False, fills=False)] = ""
    run_after: Annotated[datetime | None, Date("Run after", round_up=True)] = None
    progress: Annotated[float | None, Number("Progress", ("MCP Progress Percentage",))] = None
    """0 to 100."""
    step: Annotated[str, Text("Step", ("MCP Current Action",))] = ""
    run_state: Annotated[RunState | None, Select("Run state", words=RunState)] = None
    attempt: Annotated[float | None, Number("Attempt", required=True)] = None
    run_id: Annotated[str, Text("Run ID", required=True)] = ""
    worker: Annotated[str, Text("Worker", ("MCP Session ID",))] = ""
    lease_until: Annotated[datetime | None, Date("Lease until", round_up=True)] = None
    started: Annotated[datetime | None, Date("Started", ("MCP Start Time",))] = None
    finished: Annotated[datetime | None, Date("Finished", ("MCP End Time",))] = None
    last_error: Annotated[str, Text("Last error", ("MCP Error Details",), most=2000)] = ""
    question: Annotated[str, Text("Question", most=2000)] = ""
    answer: Annotated[str, Text("Answer", fills=False)] = ""
    """Read only for Segue."""
    result: Annotated[str, Text("Result", most=2000)] = ""
    segue_key: Annotated[str, Text("Segue key", required=True)] = ""
    handed_off_from: Annotated[tuple[str, ...], Relation("Handed off from")] = ()
    prerequisites: Annotated[tuple[str, ...], Relation("Prerequisite Tasks")] = ()
    schedule: Annotated[str, Text("Schedule")] = ""
    next_run: Annotated[datetime | None, Date("Next run")] = None
    issues: Annotated[tuple[str, ...], Relation("Issues+Questions", database=ISSUES, twin="Agent-Tasks")] = ()
    execution_logs: Annotated[
        tuple[str, ...], Relation("Execution-Logs", database=EXECUTION_LOGS, twin="Agent-Tasks")
    ] = ()
    tracks: Annotated[tuple[str, ...], Relation("Music Tracks", database=TRACKS)] = ()
    assigned_to: Annotated[
        tuple[str, ...], Relation("Assigned-Agent", database="any", provision=False, fills=False)
    ] = ()
    """Ids of agents or people; the owner may name another column in the settings."""
    handoff_status: Annotated[str | None, Status("Handoff Status", provision=False)] = None
    trigger_status: Annotated[str | None, Select("Trigger Delivery Status", provision=False)] = None
    triggered: Annotated[datetime | None, Date("Last Trigger Timestamp", provision=False)] = None
    trigger_files: Annotated[str, Text("Agent Trigger File Links", provision=False)] = ""
    """These four tell of trigger files for other agents, and are all that is written to such rows."""


@dataclass(frozen=True, kw_only=True)
class IssueRow(TaskRow):
    """A row of Issues+Questions: a problem a person or Segue has filed, which may also be a task."""

    tasks: Annotated[
        tuple[str, ...], Relation("Agent-Tasks", database=AGENT_TASKS, twin="Issues+Questions")
    ] = ()
    kinds: Annotated[
        tuple[str, ...], MultiSelect("Type", options=("Internal Issue", "Script Issue", "Question"))
    ] = ()
    tags: Annotated[tuple[str, ...], MultiSelect("Tags", options=("Schema Drift",))] = ()
    occurrences: Annotated[float | None, Number("Occurrences")] = None
    first_seen: Annotated[datetime | None, Date("First seen")] = None
    last_seen: Annotated[datetime | None, Date("Last seen")] = None


@dataclass(frozen=True, kw_only=True)
class TrackRow(Row):
    """A row of Music Tracks: one recording and the files made of it."""

    title: Annotated[str, Title("Title", ("Name", "Track Title"), required=True)] = ""
    artist_name: Annotated[str, Text("Artist Name", ("Artists",))] = ""
    artists: Annotated[tuple[str, ...], Relation("Artist", database=ARTISTS)] = ()
    album: Annotated[str, Text("Album", ("Album Name",))] = ""
    genre: Annotated[str | None, Select("Genre")] = None
    label: Annotated[str, Text("Label")] = ""
    remixer: Annotated[str, Text("Remixer")] = ""
    year: Annotated[float | None, Number("Year", ("Release Year",))] = None
    playlists: Annotated[tuple[str, ...], Relation("Playlists", database=PLAYLISTS, twin="Tracks")] = ()
    downloaded: Annotated[bool, Checkbox("Downloaded", ("DL",))] = False
    duplicate: Annotated[bool, Checkbox("Duplicate")] = False
    m4a_path: Annotated[str, Text("M4A File Path", ("M4A Path", "M4A"))] = ""
    wav_path: Annotated[str, Text("WAV File Path", ("WAV Path", "WAV"))] = ""
    aiff_path: Annotated[str, Text("AIFF File Path", ("AIFF Path", "AIFF"))] = ""
    file_sizes: Annotated[str, Text("File Sizes")] = ""
    tempo: Annotated[float | None, Number("Tempo", ("BPM",))] = None
    key: Annotated[str, Text("Key")] = ""
    camelot: Annotated[str, Text("Camelot", ("Key (Camelot)",))] = ""
    duration_s: Annotated[float | None, Number("Audio Duration (seconds)", ("Duration (s)",))] = None
    loudness_lufs: Annotated[float | None, Number("Audio LUFS Level", ("Loudness Level",))] = None
    peak_db: Annotated[float | None, Number("Audio Peak Level")] = None
    isrc: Annotated[str, Text("ISRC", ("Track ISRC",))] = ""
    source_url: Annotated[str | None, Url("Source URL")] = None
    soundcloud_url: Annotated[str | None, Url("SoundCloud URL", ("Soundcloud URL",))] = None
    spotify_url: Annotated[str | None, Url("Spotify URL", ("Spotify Link",))] = None
    youtube_url: Annotated[str | None, Url("YouTube URL")] = None
    apple_music_url: Annotated[str | None, Url("Apple Music URL", provision=False)] = None
    bandcamp_url: Annotated[str | None, Url("Bandcamp URL", provision=False)] = None
    beatport_url: Annotated[str | None, Url("Beatport URL", provision=False)] = None
    spotify_id: Annotated[str, Text("Spotify ID", ("Spotify Track ID",), provision=False, fills=False)] = ""
    soundcloud_id: Annotated[str, Text("SoundCloud ID", provision=False, fills=False)] = ""
    eagle_id: Annotated[str, Text("Eagle File ID", ("Eagle ID",))] = ""
    download_source: Annotated[str, Text("Download Source")] = ""
    processed_at: Annotated[datetime | None, Date("Processing Timestamp", ("Processed At",))] = None
    audio_processing: Annotated[
        tuple[str, ...],
        MultiSelect(
            "Audio Processing",
            options=(
                "Audio Analysis Complete",
                "Loudness Measured",
                "Format Conversion Complete",
                "Metadata Enriched",
                "Files Imported to Eagle",
            ),
        ),
    ] = ()
    m4a_fingerprint: Annotated[str, Text("M4A Fingerprint")] = ""
    wav_fingerprint: Annotated[str, Text("WAV Fingerprint")] = ""
    aiff_fingerprint: Annotated[str, Text("AIFF Fingerprint")] = ""
    segue_key: Annotated[str, Text("Segue key")] = ""
    run_id: Annotated[str, Text("Run ID")] = ""


@dataclass(frozen=True, kw_only=True)
class ArtistRow(Row):
    """A row of Music Artists."""

    title: Annotated[str, Title("Name", required=True)] = ""
    source: Annotated[str | None, Select("Source", options=("SoundCloud", "Spotify"))] = None
    spotify_url: Annotated[str | None, Url("Spotify URL")] = None
    soundcloud_url: Annotated[str | None, Url("SoundCloud Profile URL")] = None
    last_used: Annotated[datetime | None, Date("Last Used")] = None
    segue_key: Annotated[str, Text("Segue key")] = ""


@dataclass(frozen=True, kw_only=True)
class PlaylistRow(Row):
    """A row of Music Playlists."""

    title: Annotated[str, Title("Name", ("Title", "Playlist Name"), required=True)] = ""
    source: Annotated[str | None, Select("Source", options=("SoundCloud", "Spotify"))] = None
    platform: Annotated[str | None, Select("Platform", provision=False)] = None
    source_url: Annotated[str | None, Url("Source URL")] = None
    description: Annotated[str, Text("Description")] = ""
    folder_path: Annotated[str, Text("Folder Path")] = ""
    tags: Annotated[tuple[str, ...], MultiSelect("Tags")] = ()
    tracks: Annotated[tuple[str, ...], Relation("Tracks", database=TRACKS, twin="Playlists")] = ()
    segue_key: Annotated[str, Text("Segue key")] = ""


@dataclass(frozen=True, kw_only=True)
class ExecutionLogRow(Row):
    """A row of Execution-Logs: one attempt of one run."""

    title: Annotated[str, Title("Name", required=True)] = ""
    started: Annotated[datetime | None, Date("Start Time")] = None
    finished: Annotated[datetime | None, Date("End Time")] = None
    status: Annotated[
        str | None,
        Select("Status", options=("Running", "Success", "Partial", "Failed", "Paused", "Cancelled")),
    ] = None
    final_status: Annotated[
        str | None,
        Select("Final Status", options=("Running", "Completed", "Failed", "Cancelled", "Success", "Partial")),
    ] = None
    duration_s: Annotated[float | None, Number("Duration (s)", ("Duration",))] = None
    run_id: Annotated[str, Text("Run ID", ("Execution ID",))] = ""
    error_count: Annotated[float | None, Number("Error Count")] = None
    warning_count: Annotated[float | None, Number("Warning Count")] = None
    plain_summary: Annotated[str, Text("Plain-English Summary", most=2000)] = ""
    log_summary: Annotated[str, Text("Log Summary", most=2000)] = ""
    errors_json: Annotated[str, Text("Errors (JSON)", most=2000)] = ""
    metrics_json: Annotated[str, Text("Performance Data (JSON)", ("Metrics",), most=2000)] = ""
    script_name: Annotated[str, Text("Script Name-AI", provision=False)] = ""
    session_id: Annotated[str, Text("Session ID", provision=False)] = ""
    kind: Annotated[str | None, Select("Type", options=("Local Python Script",))] = None
    tasks: Annotated[
        tuple[str, ...], Relation("Agent-Tasks", database=AGENT_TASKS, twin="Execution-Logs")
    ] = ()
    issues: Annotated[tuple[str, ...], Relation("Issues+Questions", database=ISSUES)] = ()
    segue_key: Annotated[str, Text("Segue key")] = ""


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """A database as Segue wants it.

    Attributes:
        key: Its name in settings and code.
        title: Its title in Notion.
        row_type: Its columns.
        vocabulary: The words of its status column, when the worker steers by them.
        icon: Emoji it is created with.
        description: Shown under its title when created.
        skip: Attributes of the row type this database does not have.
        title_name: Name of the title column when created; the row type's own when empty.
    """

    key: str
    title: str
    row_type: type[Row]
    vocabulary: Vocabulary | None = None
    icon: str
    description: str
    skip: frozenset[str] = field(default_factory=frozenset)
    title_name: str = ""


TASK_WORDS: Final = Vocabulary(
    write={
        State.READY: "Ready",
        State.RUNNING: "In Progress",
        State.BLOCKED: "Blocked",
        State.REVIEW: "Review",
        State.DONE: "Completed",
        State.FAILED: "Failed",
        State.CANCELLED: "Archived",
        State.ARCHIVED: "Archived",
    },
    offer=("Draft", "Planning", "Ready To Publish"),
    setting="AGENT_TASKS_STATUS",
)

ISSUE_WORDS: Final = Vocabulary(
    write={
        State.READY: "Unreported",
        State.RUNNING: "Solution In Progress",
        State.BLOCKED: "Troubleshooting",
        State.REVIEW: "Troubleshooting",
        State.FAILED: "Troubleshooting",
        State.DONE: "Resolved",
    },
    offer=("Reported + Waiting For Response", "Waiting on Client"),
    setting="ISSUES_STATUS",
)

_SPECS: Final = (
    DatabaseSpec(
        key=AGENT_TASKS,
        title="Agent-Tasks",
        row_type=TaskRow,
        vocabulary=TASK_WORDS,
        icon="🎛️",
        description="What Segue does. Create a row, choose a Task Type, set Ready.",
    ),
    DatabaseSpec(
        key=ISSUES,
        title="Issues+Questions",
        row_type=IssueRow,
        vocabulary=ISSUE_WORDS,
        icon="❓",
        description="What went wrong and what needs a person, filed by people and by Segue.",
        skip=frozenset(
            {
                "issues",
                "prerequisites",
                "execution_logs",
                "schedule",
                "next_run",
                "handoff_status",
                "trigger_status",
                "triggered",
                "trigger_files",
            }
        ),
        title_name="Name",
    ),
    DatabaseSpec(
        key=TRACKS,
        title="Music Tracks",
        row_type=TrackRow,
        icon="🎵",
        description="One row for each recording, with its files, tempo, key and sources.",
    ),
    DatabaseSpec(
        key=ARTISTS,
        title="Music Artists",
        row_type=ArtistRow,
        icon="🎤",
        description="Artists and remixers.",
    ),
    DatabaseSpec(
        key=PLAYLISTS,
        title="Music Playlists",
        row_type=PlaylistRow,
        icon="💿",
        description="Playlists and the tracks in them.",
    ),
    DatabaseSpec(
        key=EXECUTION_LOGS,
        title="Execution-Logs",
        row_type=ExecutionLogRow,
        icon="📜",
        description="One row for each attempt Segue made.",
    ),
)

SPECS: Final[Mapping[str, DatabaseSpec]] = {spec.key: spec for spec in _SPECS}
"""The six databases by key."""
