"""Folders: whether they are there, mounted, writable, roomy, and on a disk that is good for what they hold."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.checks.lines import failed, passed, warned
from handlers.base import Diagnosis
from music_workflow.core.organize import check_out_dir, on_missing_volume
from music_workflow.core.ports import LibrarySettings
from music_workflow.errors import NotReady
from music_workflow.index.volume import open_index

SERVICE = "This machine"
INDEX = "index.sqlite"
_SYNCED = ("mobile documents", "icloud", "dropbox", "google drive", "googledrive", "onedrive", "cloudstorage")
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Folder:
    """A folder of the settings.

    Attributes:
        variable: The setting that names it.
        path: Where it is.
        writes: Segue writes there.
        makes: Segue makes it when it is not there.
        free_bytes: Free space that must be left on its volume.
        local: It must not be on a folder that a cloud service synchronises.
    """

    variable: str
    path: Path
    writes: bool = True
    makes: bool = False
    free_bytes: int = 0
    local: bool = False


def check(folders: Iterable[Folder]) -> Iterator[Diagnosis]:
    """Looks at each folder; writes one nameless file where Segue would write, which is gone at once."""
    for folder in folders:
        yield _folder(folder)


def check_library(library: LibrarySettings) -> Iterator[Diagnosis]:
    """Whether the tracks that the index knows are where they were: an empty mount point looks like a folder."""
    if not (Path(library.data_dir) / INDEX).exists() or not Path(library.out_dir).is_dir():
        return
    with open_index(library.data_dir) as index:
        known = index.some_paths(library.out_dir)
    try:
        check_out_dir(library.out_dir, known)
    except NotReady as problem:
        yield failed(SERVICE, "OUT_DIR: known tracks", str(problem))
        return
    gone = [path for path in known if not Path(path).exists()]
    if gone:
        yield warned(
            SERVICE,
            "OUT_DIR: known tracks",
            f"{len(gone)} of the {len(known)} files filed last are gone, such as {gone[0]}.",
            "File a task of type Rebuild index, if they were moved or removed on purpose.",
        )
    elif known:
        yield passed(SERVICE, "OUT_DIR: known tracks", f"The {len(known)} files filed last are there.")


def _folder(folder: Folder) -> Diagnosis:
    name, path = folder.variable, folder.path.expanduser().absolute()
    try:
        if not path.exists():
            return _absent(folder, path)
        if trouble := _trouble(folder, path):
            return failed(SERVICE, name, *trouble)
        room = f"{shutil.disk_usage(path).free / _GIGABYTE:.1f} GB free"
    except OSError as error:
        why = f"{path} cannot be looked at: {error.strerror or error}."
        return failed(SERVICE, name, why, f"Mount its volume, or correct {name}.")
    if folder.local and (cloud := next((one for one in _SYNCED if one in str(path).casefold()), None)):
        return warned(
            SERVICE,
            name,
            f"{path} seems to be synchronised by a cloud service ({cloud}), which damages databases.",
            f"Let {name} name a folder on a local disk.",
        )
    return passed(SERVICE, name, f"{path}: {'writable, ' if folder.writes else ''}{room}.")


def _trouble(folder: Folder, path: Path) -> tuple[str, str] | None:
    """What is wrong with a path that is there, and the remedy; None when nothing is."""
    name = folder.variable
    if not path.is_dir():
        return f"{path} is not a folder.", f"Correct {name}."
    if not os.access(path, os.R_OK | os.X_OK):
        return f"{path} cannot be read.", "Change its permissions."
    if not folder.writes:
        return None
    if why := _unwritable(path):
        return f"Nothing can be written to {path}: {why}.", f"Change its permissions, or correct {name}."
    free, wanted = shutil.disk_usage(path).free / _GIGABYTE, folder.free_bytes / _GIGABYTE
    if free < wanted:
        return f"{path}: {free:.1f} GB free, and {wanted:.1f} GB must stay free (MIN_FREE_MB).", "Make room."
    return None


def _absent(folder: Folder, path: Path) -> Diagnosis:
    name = folder.variable
    if not folder.makes:
        return failed(
            SERVICE, name, f"{path} is not there.", f"Mount its volume, make the folder, or correct {name}."
        )
    if on_missing_volume(path):
        return failed(
            SERVICE, name, f"{path} is on a volume that is not mounted.", f"Mount it, or correct {name}."
        )
    above = next(each for each in path.parents if each.exists())
    if why := _unwritable(above):
        return failed(SERVICE, name, f"{path} is not there and cannot be made: {why}.", f"Correct {name}.")
    return passed(SERVICE, name, f"{path} is not there yet; Segue makes it.")


def _unwritable(path: Path) -> str:
    """Why nothing can be written there; empty when it can. Asked by writing: permissions alone do not tell."""
    try:
        with tempfile.TemporaryFile(dir=path):
            return ""
    except OSError as error:
        return error.strerror or str(error)
