"""The examination of the whole set-up, for ``segue doctor`` and the *Verify configuration* task alike.

Every line says what was looked at, what is the case, and, where something is wrong, whose it is and what its owner can
do. It changes nothing, tells no secret, and goes on after each failure. A stand-in that is in use is a warning.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from agent.checks import configuration, engine, folders, programs, rows, services
from agent.checks import notion as notion_checks
from agent.checks.folders import Folder
from agent.checks.lines import failed, passed, warned
from agent.settings import Settings
from handlers.base import Diagnosis
from handlers.registry import Registry
from music_workflow.core.ports import LibrarySettings
from notion_schema.client import Notion
from notion_schema.errors import NotionError
from notion_schema.workspace import Workspace

_USUAL_INDEX = Path("/var/music_volume_index.json")


@dataclass(frozen=True)
class Access:
    """How doctor gets at what it examines; put together in ``agent.wiring``.

    Attributes:
        notion: Opens a client of its own.
        workspace: Opens the databases through it.
        library: The library's settings.
        registry: The task types.
        index_export: Where the volume index is exported to.
    """

    notion: Callable[[], AbstractContextManager[Notion]]
    workspace: Callable[[Notion], Workspace]
    library: LibrarySettings
    registry: Registry
    index_export: Path


class SetUpDoctor:
    """Examines one set-up.

    Args:
        settings: What is examined.
        access: How to get at it.
        env_file: The ``.env`` that the settings came from.
    """

    def __init__(self, settings: Settings, access: Access, env_file: Path = Path(".env")) -> None:
        self._settings = settings
        self._access = access
        self._env_file = env_file

    def examine(self) -> tuple[Diagnosis, ...]:
        """See `handlers.base.Doctor`."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[Diagnosis]:
        yield from configuration.check(self._settings, os.environ, self._env_file)
        yield from self._notion()
        yield from folders.check(self._folders())
        yield from folders.check_library(self._access.library)
        yield self._index_export()
        yield from engine.check(self._settings.engine_url)
        yield from programs.check()
        yield from services.check(self._access.library)

    def _notion(self) -> Iterator[Diagnosis]:
        if not self._settings.notion_token.get_secret_value():
            yield failed(
                "Notion",
                "token",
                "It is not set, so nothing in Notion can be looked at.",
                "Run “segue init”.",
            )
            return
        try:
            with self._access.notion() as client:
                token = notion_checks.check_token(client)
                yield token
                if token.verdict == "fail":
                    return
                yield self._pace(client)
                workspace = self._access.workspace(client)
                yield from notion_checks.check_databases(workspace, self._settings, self._access.registry)
                yield from rows.check(workspace, self._access.registry)
        except (NotionError, OSError, ValueError) as error:
            service = "Notion" if isinstance(error, NotionError) else "This machine"
            yield failed(
                service,
                "examination",
                f"It could not be finished: {error}",
                "Mend this and run doctor again.",
            )

    def _pace(self, client: Notion) -> Diagnosis:
        rate = self._settings.notion_rate_per_s
        waits = client.wait_s()
        if waits > 1:
            return warned(
                "Notion",
                "pace",
                f"Notion has asked to be left alone for another {waits:.0f} seconds.",
                "Nothing; Segue waits. If it happens often, lower NOTION_RATE_PER_S.",
            )
        return passed(
            "Notion", "pace", f"{rate:g} requests a second, shared by every Segue process of this DATA_DIR."
        )

    def _folders(self) -> Iterator[Folder]:
        settings, library = self._settings, self._access.library
        free = library.min_free_bytes
        yield Folder("DATA_DIR", settings.data_dir, makes=True, free_bytes=free, local=True)
        yield Folder("OUT_DIR", settings.out_dir, makes=True, free_bytes=free)
        if settings.playlist_tracks_dir:
            yield Folder("PLAYLIST_TRACKS_DIR", settings.playlist_tracks_dir)
        for text in settings.music_directory_paths:
            yield Folder("MUSIC_DIRECTORY_PATHS", Path(text), writes=False)

    def _index_export(self) -> Diagnosis:
        path = self._access.index_export
        if self._settings.volume_index_path is None and path != _USUAL_INDEX:
            return warned(
                "This machine",
                "VOLUME_INDEX_PATH",
                f"It is not set and {_USUAL_INDEX} cannot be written, so the index is exported to {path}.",
                "Set VOLUME_INDEX_PATH to where your other programs look for it.",
            )
        folder = path.parent
        if not folder.is_dir():
            return failed(
                "This machine",
                "VOLUME_INDEX_PATH",
                f"{folder} is not there.",
                "Make it, or correct VOLUME_INDEX_PATH.",
            )
        if not os.access(path if path.exists() else folder, os.W_OK):
            return failed(
                "This machine",
                "VOLUME_INDEX_PATH",
                f"{path} cannot be written.",
                "Correct VOLUME_INDEX_PATH.",
            )
        return passed("This machine", "VOLUME_INDEX_PATH", f"{path}.")
