"""What the music library needs from outside, and its plain settings.

The adapters live in `music_workflow.integrations`; `music_workflow.wiring` picks them. Nothing here does any
work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Formatter
from typing import Literal, Protocol

from music_workflow.core.links import Link
from music_workflow.deduplication.matching import Candidate, Wanted
from music_workflow.errors import BadLink
from music_workflow.model import Identity, Progress

M4aCodec = Literal["aac256", "alac"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotifyCredentials:
    """The user's own app at Spotify; shown to nobody, not even in a repr."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    """For the user's own data; metadata of tracks needs none."""


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
    """Path below `out_dir` without extension; fields: ``name`` (Artist - Title [id]), ``artist``,
    ``format``."""
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
    timeout_s: float = 20.0
    """Seconds without an answer after which a server counts as down."""
    pause_s: float = 0.5
    """Seconds before a lost connection is tried again; the pause grows, and the third failure counts."""

    def __post_init__(self) -> None:
        fields = {name for _, name, _, _ in Formatter().parse(self.layout) if name is not None}
        if "name" not in fields or fields - {"name", "artist", "format"}:
            raise ValueError(
                f"layout {self.layout!r} must hold {{name}}, and may hold {{artist}} and {{format}}"
            )


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
