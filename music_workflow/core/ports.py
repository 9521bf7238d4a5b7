"""What the music library needs from outside, and its plain settings.

The adapters live in `music_workflow.integrations`; `music_workflow.wiring` picks them. Nothing here does any
work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Formatter
from typing import ClassVar, Literal, Protocol

from music_workflow.core.links import Link
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.errors import BadLink
from music_workflow.model import AudioFormat, Identity, MixPolicy, Progress

M4aCodec = Literal["aac256", "alac"]
AnalysisBackend = Literal["native", "librosa"]
LAYOUT_FIELDS = frozenset({"name", "artist", "album", "playlist", "format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotifyCredentials:
    """The user's own app at Spotify; shown to nobody, not even in a repr."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    """For the user's own data; metadata of tracks needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EagleSettings:
    """Where Eagle answers, and what it is given; the token is shown to nobody, not even in a repr."""

    FOLDER_FIELDS: ClassVar[frozenset[str]] = frozenset({"playlist", "artist", "format"})

    base_url: str
    """``http://localhost:41595``."""
    token: str = field(default="", repr=False)
    """Needed only when Eagle asks for one (Preferences, Developer)."""
    library_path: str = ""
    """The library that must be open; empty: whichever is."""
    folder: str = "Playlists/{playlist}"
    """Folder of the imported files, with ``/`` between its parts; fields: ``playlist`` (``Uncategorized`` without
    one), ``artist``, ``format``."""
    formats: tuple[AudioFormat, ...] = ("AIFF",)
    """Which of a track's files are imported. Eagle copies them into its own library."""
    timeout_s: float = 30.0
    """Seconds without an answer after which Eagle counts as busy."""
    appears_s: float = 20.0
    """Seconds that a file which Eagle has taken may need to show up in its library."""
    pause_s: float = 0.5
    """Seconds between two looks."""
    again_s: float = 600.0
    """Seconds after an import of unknown outcome in which it is only looked for, never asked for again."""

    def __post_init__(self) -> None:
        check_fields("Eagle's folder", self.folder, self.FOLDER_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EagleEntry:
    """An item of Eagle's library, as far as it matters here."""

    id: str
    size: int
    tags: tuple[str, ...]
    trashed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundCloudCredentials:
    """The user's own app at SoundCloud; shown to nobody either."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrarySettings:
    """Everything the library has to be told; plain values, so that a child process gets them unchanged."""

    out_dir: str
    """Where finished tracks stand. Often a removable volume; never created in place of a missing one."""
    data_dir: str
    """The library's own folder: index, lock, waveform pictures. On a local disk (SQLite)."""
    index_export_path: str
    """Where the JSON export of the volume index is written after each filing."""
    m4a: M4aCodec = "aac256"
    """AAC-LC 256 kbit/s (packets copied when the source is AAC already), or lossless ALAC."""
    layout: str = "{name}"
    """Path below `out_dir` without extension; fields: ``name`` (Artist - Title [id]), ``artist``, ``album``,
    ``playlist``, ``format``."""
    music_folders: tuple[str, ...] = ()
    """Folders that the volume index looks through besides `out_dir`."""
    protected_folders: tuple[str, ...] = ()
    """Folders in which no duplicate is ever moved."""
    dj_libraries: tuple[str, ...] = ()
    """Libraries of Serato, Rekordbox, Traktor, djay and Apple Music, and playlists: what they refer to stays."""
    playlist_dir: str | None = None
    """Where each playlist has a folder with the WAV of its tracks; None: nowhere. Never created."""
    mix_minutes: float = 11.0
    """What is longer counts as a mix or live set."""
    mix_policy: MixPolicy = "sync"
    """What becomes of one; the library only says what it is, the handlers and the command act on it."""
    analysis_backend: AnalysisBackend = "native"
    """Who measures tempo and key."""
    second_opinion_below: float = 0.5
    """Confidence below which librosa is asked too, where it is installed."""
    max_bytes: int = 2_000_000_000
    """No download may be larger. Enforced while it streams."""
    max_duration_s: float = 4 * 3600.0
    """No track may be longer, in seconds."""
    min_free_bytes: int = 1_000_000_000
    """Free space that must be left on the volumes of `out_dir` and `data_dir` before work begins."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts (and all below them) whose links are accepted. Empty: every public host that needs no login. The
    hosts a permitted service itself fetches from need not be listed; a direct file's redirects must stay on
    the list."""
    allow_private_addresses: bool = False
    """Let links lead to loopback and private networks: for files on one's own machine, and for tests."""
    service_base: str | None = None
    """A gateway through which every outside request goes: ``https://host/path`` is asked for as
    ``{service_base}/host/path``. Addresses written as numbers, and localhost, are asked for directly."""
    spotify: SpotifyCredentials | None = None
    """Without them Spotify is not asked what its links mean."""
    soundcloud: SoundCloudCredentials | None = None
    """Without them SoundCloud is asked through its pages."""
    soundcloud_profile: str = ""
    """Whose likes are followed: the name in ``soundcloud.com/<name>``."""
    likes_at_first: int = 20
    """So many of the newest likes are taken up when a service is followed for the first time."""
    list_most: int = 2000
    """So many tracks of one playlist at most."""
    backlog_batch: int = 25
    """So many rows a Sync backlog files at most."""
    eagle: EagleSettings | None = None
    """Without it no track is brought to Eagle."""
    timeout_s: float = 20.0
    """Seconds without an answer after which a server counts as down."""
    pause_s: float = 0.5
    """Seconds before a lost connection is tried again; the pause grows, and the third failure counts."""

    def __post_init__(self) -> None:
        check_fields("layout", self.layout, LAYOUT_FIELDS, needed="name")


def check_fields(what: str, template: str, allowed: frozenset[str], *, needed: str | None = None) -> None:
    """Refuse a template with another field than those, or with a conversion that would make it something else.

    Raises:
        ValueError: saying which fields there are.
    """
    try:
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f"{what} {template!r}: {error}") from error
    plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    fields = {name for _, name, _, _ in parts}
    if not plain or fields - allowed or (needed is not None and needed not in fields):
        listed = ", ".join(f"{{{name}}}" for name in sorted(allowed))
        must = f" and must hold {{{needed}}}" if needed else ""
        raise ValueError(f"{what} {template!r} may hold {listed}{must}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What a source put into the work folder, not yet measured."""

    path: str
    format_id: str
    artwork_path: str | None = None


def too_long(duration_s: float, limit_s: float, service: str) -> BadLink:
    """Word the refusal of a track that is longer than permitted."""
    return BadLink(
        f"The track lasts {duration_s / 60:.0f} minutes; at most {limit_s / 60:.0f} are permitted.",
        service=service,
        operation="check length",
    )


class Source(Protocol):
    """A place that tracks come from."""

    def takes(self, link: Link) -> bool:
        """Say, without any network, whether this source is one for `link`.

        Raises:
            MusicError: The link leads where no source may go.
        """
        ...

    def identify(self, link: Link) -> Identity | None:
        """Ask the service what the link is.

        Returns:
            The identity, or None when there is nothing here for this source and the next may try.

        Raises:
            MusicError: The service says why not.
        """
        ...

    def fetch(self, identity: Identity, work_dir: str, progress: Progress) -> Download:
        """Download the audio into `work_dir` under names that begin with ``download``.

        Raises:
            MusicError: Refused, gone, unreachable, too large or too long.
        """
        ...


class Finder(Protocol):
    """A place that can be searched for a track."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def find(self, wanted: Wanted) -> tuple[Candidate, ...]:
        """Search; each hit's id is the address of its page. Whether one is the wanted track is judged elsewhere.

        Raises:
            MusicError: It cannot be searched now.
        """
        ...


class Catalogue(Protocol):
    """A service that knows what its links mean, though its audio is closed."""

    def describe(self, link: str) -> Wanted | None:
        """Say which track a link means; None when it is not one of this service's.

        Raises:
            MusicError: The service says why not.
        """
        ...
