"""The services beside Notion: Eagle, Spotify, SoundCloud. Each answers for itself; none is blamed for another."""

from __future__ import annotations

from collections.abc import Iterator

from agent.checks.lines import failed, passed, warned
from handlers.base import Diagnosis
from music_workflow import wiring
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import MusicError, Removed, Unavailable

_SAMPLES = {
    "Spotify": "https://open.spotify.com/track/11dFghVXANMlKmJXsNCbNl",
    "SoundCloud": "https://soundcloud.com/forss/flickermood",
}
"""A track that the service itself uses as its example; whether it still has it does not matter."""


def check(settings: LibrarySettings) -> Iterator[Diagnosis]:
    """Asks each service that is set up one harmless question, and says what stands in for one that is not."""
    yield _eagle(settings)
    yield from _spotify(settings)
    yield _soundcloud(settings)


def _eagle(settings: LibrarySettings) -> Diagnosis:
    if settings.eagle is None:
        return passed("Eagle", "app", "Not set up (EAGLE_API_BASE); no track is brought to it.")
    from music_workflow.integrations.eagle import Eagle  # noqa: PLC0415  only where it is set up

    try:
        with Eagle(settings.eagle) as app:
            library = app.library_path()
    except MusicError as error:
        return failed("Eagle", "app", str(error), "Start Eagle, or empty EAGLE_API_BASE to do without it.")
    wanted = settings.eagle.library_path
    if wanted and wanted.rstrip("/") != library.rstrip("/"):
        return failed(
            "Eagle",
            "library",
            f"{library} is open, and EAGLE_LIBRARY_PATH wants {wanted}.",
            "Open it in Eagle.",
        )
    return passed("Eagle", "library", f"{library} is open.")


def _spotify(settings: LibrarySettings) -> Iterator[Diagnosis]:
    if settings.spotify is None:
        yield warned(
            "Spotify",
            "app",
            "No app is set up, so a Spotify link does not say which track it means, and its rows ask you.",
            "Set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET (developer.spotify.com) if you use Spotify links.",
        )
        return
    yield _described("Spotify", settings)
    players = wiring.players(settings)
    if not players:
        yield warned(
            "Spotify",
            "login",
            "Your likes, your playlists and what is playing are not seen: there is no SPOTIFY_REFRESH_TOKEN.",
            "Run “music spotify-login”, if you want them.",
        )
    for player in players:
        try:
            player.playing()
        except Unavailable as error:
            yield warned("Spotify", "login", str(error))
        except MusicError as error:
            yield failed("Spotify", "login", str(error), "Run “music spotify-login” again.")
        else:
            yield passed("Spotify", "login", "Spotify accepts it.")


def _soundcloud(settings: LibrarySettings) -> Diagnosis:
    if settings.soundcloud is None:
        return warned(
            "SoundCloud",
            "app",
            "No app is set up; its public pages are read instead, which SoundCloud changes at times.",
            "Set SOUNDCLOUD_CLIENT_ID and SOUNDCLOUD_CLIENT_SECRET if you have an app there.",
        )
    return _described("SoundCloud", settings)


def _described(service: str, settings: LibrarySettings) -> Diagnosis:
    """Whether the service lets the app ask about a track; the other service's catalogue passes the link by."""
    try:
        for catalogue in wiring.catalogues(settings):
            if catalogue.describe(_SAMPLES[service]) is not None:
                break
    except Removed:
        pass
    except Unavailable as error:
        return warned(service, "app", str(error), "Nothing, if it passes; rows wait for it by themselves.")
    except MusicError as error:
        return failed(service, "app", str(error), f"Correct the credentials of your {service} app in .env.")
    return passed(service, "app", f"{service} answers the app.")
