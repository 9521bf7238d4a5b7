"""Why music work can fail. Facts only: what follows from them is judged elsewhere.

Each error carries the service and the operation, and its text is a sentence for a person.
"""

from __future__ import annotations


class MusicError(Exception):
    """Something about the music could not be done."""

    def __init__(self, message: str, *, service: str, operation: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.service = service
        self.operation = operation
        self.request_id = request_id


class Unavailable(MusicError):
    """The service is down, slow or asks us to wait."""

    retry_after_s: float | None = None
    """Seconds the service asked for; None when it did not say."""


class NotReady(MusicError):
    """Something of the user's must be put right first: a volume mounted, disk space freed, an app started."""


class BadLink(MusicError):
    """The link is not one that can be worked with: malformed, forbidden, or not a single track."""


class Protected(MusicError):
    """The source is DRM protected or a preview; it is never circumvented, another source must be found."""


class Unobtainable(MusicError):
    """There is no such track to be had."""


class NoMatch(Unobtainable):
    """Nothing found that is certainly the track asked for."""


class Removed(Unobtainable):
    """The link is dead."""


class GeoBlocked(Unobtainable):
    """The service refuses this country."""
