"""Eagle, the asset manager, over the HTTP interface of the running app.

Two families of calls stand on one port: V1 (``/api``, since 1.11) and V2 (``/api/v2``, since 4.0 Build 21). V2 is
used where it answers, call by call, since builds differ in what they have; V1 is used for the rest. Eagle knows no
idempotency and no duplicates here: the same file asked for twice is there twice. So this client sends a request that
adds something exactly once; looking first, and after an answer that was lost, is the business of
`music_workflow.core.eagle`, its only caller. It deletes nothing, switches no library, and puts the token nowhere but
into the query, where Eagle wants it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx

from music_workflow.core.ports import EagleEntry, EagleSettings
from music_workflow.errors import NotReady, Unavailable

_ABSENT = frozenset({404, 405})
"""What a build answers to a call that it does not have."""
_UNAUTHORIZED = 401
_MOST_ITEMS = 200
_START = "Start Eagle and open its library"


class LostAnswer(Unavailable):
    """Eagle may or may not have done what it was asked."""


class Refused(NotReady):
    """Eagle says no; nothing was changed."""


class Eagle:
    """One conversation with the app; use it as a context manager."""

    def __init__(self, settings: EagleSettings) -> None:
        self._base, shown_token = _parts(settings.base_url)
        self._token = settings.token or shown_token
        self._v2: bool | None = None
        # No proxy of the environment may see the token or stand before localhost.
        self._client = httpx.Client(timeout=settings.timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def library_path(self) -> str:
        """Where the library stands that is open now.

        Raises:
            NotReady: Eagle does not run, wants a token, or is not Eagle.
            Unavailable: Eagle is too busy to answer.
        """
        found = self._ask("GET", "/api/v2/library/info", operation="look at the library", optional=True)
        self._v2 = found is not None
        if found is None:
            found = self._ask("GET", "/api/library/info", operation="look at the library")
        held = found if isinstance(found, dict) else {}
        library = held.get("library")
        return str(held.get("path") or (library.get("path") if isinstance(library, dict) else None) or "")

    def folder(self, names: tuple[str, ...]) -> str | None:
        """Find a folder by its path, and make what lacks of it.

        Args:
            names: From the outermost folder inwards; none means the library itself.

        Returns:
            The folder's id; None for the library itself.
        """
        level: list[dict[str, Any]] = self._ask("GET", "/api/folder/list", operation="look for the folder")
        parent: str | None = None
        for name in names:
            # Folders of equal name may stand side by side; the first is taken, always.
            found = next((each for each in level if _folded(each.get("name")) == _folded(name)), None)
            if found is None:
                body = {"folderName": name} | ({"parent": parent} if parent else {})
                found = self._ask("POST", "/api/folder/create", operation="make a folder", body=body)
            parent, level = str(found["id"]), found.get("children") or []
        return parent

    def tagged(self, tag: str) -> tuple[EagleEntry, ...]:
        """Find the items that carry a tag; those in the trash are left out."""
        found: Any = None
        if self._speaks_v2():
            body = {"tags": [tag], "limit": _MOST_ITEMS}
            found = self._ask(
                "POST", "/api/v2/item/get", operation="look for the file", body=body, optional=True
            )
        if found is None:
            query = {"tags": tag, "limit": str(_MOST_ITEMS)}
            found = self._ask("GET", "/api/item/list", operation="look for the file", query=query)
        listed = found.get("data", []) if isinstance(found, dict) else found
        entries = (_entry(each) for each in listed)
        return tuple(each for each in entries if tag in each.tags and not each.trashed)

    def item(self, item_id: str) -> EagleEntry | None:
        """Look at an item, be it in the trash; None when there is none of that id."""
        try:
            found = self._ask(
                "GET", "/api/item/info", operation="look at the item", query={"id": item_id}, optional=True
            )
        except Refused:
            return None
        return _entry(found) if isinstance(found, dict) and found.get("id") else None

    def add(
        self,
        path: str,
        *,
        name: str,
        website: str,
        tags: tuple[str, ...],
        annotation: str,
        folder_id: str | None,
    ) -> None:
        """Ask once that a file be copied into the library. It shows up some time after the answer.

        Raises:
            NotReady: Eagle was not reached, or refused; nothing was added.
            LostAnswer: Whether it was added is not known.
        """
        common = {
            "path": path,
            "name": name,
            "website": website,
            "tags": list(tags),
            "annotation": annotation,
        }
        operation = "import"
        if self._speaks_v2():
            body = common | ({"folders": [folder_id]} if folder_id else {})
            if (
                self._ask("POST", "/api/v2/item/add", operation=operation, body=body, optional=True)
                is not None
            ):
                return
        body = common | ({"folderId": folder_id} if folder_id else {})
        self._ask("POST", "/api/item/addFromPath", operation=operation, body=body)

    def _speaks_v2(self) -> bool:
        if self._v2 is None:
            self.library_path()
        return bool(self._v2)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        optional: bool = False,
    ) -> Any:
        """Make one call and return its data; None when the call is ``optional`` and this build does not have it."""
        params = {**(query or {}), **({"token": self._token} if self._token else {})}
        try:
            answer = self._client.request(method, self._base + path, params=params, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotReady(
                f"Eagle does not answer at {self._base}. {_START}.", service="eagle", operation=operation
            ) from error
        except httpx.TransportError as error:
            raise LostAnswer(
                f"Eagle broke off while it was asked to {operation}.", service="eagle", operation=operation
            ) from error
        if optional and answer.status_code in _ABSENT:
            return None
        return self._data(answer, operation)

    def _data(self, answer: httpx.Response, operation: str) -> Any:
        if answer.status_code == _UNAUTHORIZED:
            raise Refused(
                "Eagle wants another token. Copy the one of Preferences, Developer into EAGLE_TOKEN.",
                service="eagle",
                operation=operation,
            )
        try:
            envelope = answer.json()
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict) or "status" not in envelope:
            raise Refused(
                f"What answers at {self._base} is not Eagle (HTTP {answer.status_code}). Correct EAGLE_API_BASE.",
                service="eagle",
                operation=operation,
            )
        # A business error can come with status 200, and data with a proxy's 500.
        if envelope["status"] != "success" or not answer.is_success:
            why = (
                envelope.get("message")
                or envelope.get("data")
                or f"HTTP {answer.status_code}, without a reason"
            )
            raise Refused(f"Eagle refuses to {operation}: {why}.", service="eagle", operation=operation)
        return envelope.get("data") if envelope.get("data") is not None else {}


def _parts(address: str) -> tuple[str, str]:
    """Take apart the address as Eagle shows it, ``http://localhost:41595/?token=…``: base and token."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    token = parse_qs(parts.query).get("token", [""])[0]
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", "")), token


def _entry(held: dict[str, Any]) -> EagleEntry:
    return EagleEntry(
        id=str(held["id"]),
        size=int(held.get("size") or 0),
        tags=tuple(map(str, held.get("tags") or ())),
        trashed=bool(held.get("isDeleted")),
    )


def _folded(name: object) -> str:
    return " ".join(str(name or "").split()).casefold()
