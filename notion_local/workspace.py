"""The workspace: who is in it, what is shared, what time it is; the ground on which the API's operations stand.

It holds the store, the users, the clock and the faults, and answers the questions that every operation asks: does
this id exist for this actor, who edited what, what words does a mention show. It never parses a request.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notion_local import ids, richtext, values
from notion_local.errors import ApiError, restricted
from notion_local.faults import Faults
from notion_local.store import Cell, Change, Record, Store

BLOCK_KINDS = ("block", "page", "database")
"""What is listed among the children of a page or block."""

_LABELS = {
    "page": "page",
    "database": "database",
    "data_source": "database",
    "block": "block",
    "user": "user",
    "comment": "comment",
    "file_upload": "file upload",
    "view": "view",
}


@dataclass(frozen=True)
class Actor:
    """On whose behalf a request acts."""

    user_id: str
    is_person: bool
    """A person sees everything; an integration only what is shared with it."""


class Workspace:
    """One workspace, with one integration and one person.

    Args:
        path: the SQLite file; None keeps everything in memory.
        root_page_id: the page shared with the integration; a new one when None. An existing file keeps its own.
        root_title: that page's title.
        name: the workspace's name.
        integration_name: the bot's name, which stands in Notion's 404 sentence.
        person_name: the person's name.
        person_email: the person's address.
        faults: what shall go wrong; nothing when None.
        clock: returns seconds since 1970.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        root_page_id: str | None = None,
        root_title: str = "Segue",
        name: str = "Segue",
        integration_name: str = "Segue",
        person_name: str = "You",
        person_email: str = "you@example.com",
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = Store(path)
        self.faults = faults or Faults()
        self.public_url = "http://127.0.0.1"
        """Where clients reach this server; file URLs begin with it."""
        self.max_upload = 5 * 1024 * 1024
        """Largest file in bytes, as of Notion's free plan."""
        self._clock = clock
        self._woken = threading.Condition()
        with self.store.transaction():
            self.name = self._kept("name", name)
            self.id = self._kept("id", ids.new_random_id())
            self.secret = self._kept("secret", secrets.token_hex(32))
            self.person_id = self._kept("person", ids.new_random_id())
            self.bot_id = self._kept("bot", ids.new_random_id())
            self.integration_id = self._kept("integration", ids.new_random_id())
            wanted_root = ids.parse_uuid(root_page_id) if root_page_id else ids.new_record_id(self.now())
            if wanted_root is None:
                raise ValueError(f"the root page's id {root_page_id!r} is not a UUID")
            self.root_page_id = self._kept("root", wanted_root)
            self._create_users(person_name, person_email, integration_name)
            self._create_root(root_title)
        self._stop_listening = self.store.listen(self._wake)

    @property
    def bot(self) -> Actor:
        """The integration."""
        return Actor(self.bot_id, is_person=False)

    @property
    def person(self) -> Actor:
        """The workspace's owner."""
        return Actor(self.person_id, is_person=True)

    def close(self) -> None:
        """Close the store."""
        self._stop_listening()
        self.store.close()

    def _kept(self, name: str, default: str) -> str:
        value = self.store.setting(name)
        if value is None:
            self.store.set_setting(name, default)
            return default
        return value

    def _create_users(self, person_name: str, person_email: str, integration_name: str) -> None:
        if self.store.get(self.person_id):
            return
        people = (
            (self.person_id, {"name": person_name, "type": "person", "email": person_email}),
            (self.bot_id, {"name": integration_name, "type": "bot"}),
        )
        for order, (user_id, data) in enumerate(people):
            now = self.now()
            self.store.put(
                Record(
                    user_id,
                    "user",
                    self.id,
                    "workspace",
                    order,
                    now,
                    now,
                    user_id,
                    user_id,
                    in_trash=False,
                    data=data,
                )
            )

    def _create_root(self, title: str) -> None:
        if self.store.get(self.root_page_id):
            return
        now = self.now()
        data = {"properties": {"title": richtext.plain(title)}, "icon": None, "cover": None}
        person = self.person_id
        self.store.put(
            Record(
                self.root_page_id,
                "page",
                self.id,
                "workspace",
                1.0,
                now,
                now,
                person,
                person,
                in_trash=False,
                data=data,
            )
        )
        self.store.index("", self.root_page_id, [Cell("title", values.indexed(title))] if title else [])

    # Time

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        return int(self._clock() * 1000)

    # Finding things

    def missing(self, kind: str, object_id: str) -> ApiError:
        """Return Notion's refusal of an id that does not exist, or is not shared, which look the same."""
        if kind == "user":
            return ApiError(
                404,
                "object_not_found",
                f"Could not find user with ID: {object_id}. Make sure your integration has capabilities to read user"
                " information. With those capabilities, only members and guests in the integration's workspace are"
                " visible.",
                additional_data={"integration_id": self.integration_id},
            )
        name = self.user(self.bot_id)["name"]
        return ApiError(
            404,
            "object_not_found",
            f"Could not find {_LABELS[kind]} with ID: {object_id}. Make sure the relevant pages and databases are"
            f' shared with your integration "{name}".',
            additional_data={"integration_id": self.integration_id},
        )

    def find(self, actor: Actor, kind: str, object_id: str) -> Record:
        """Return the object of an id, or refuse with 404; a page is also found as the block it is.

        Args:
            actor: who asks.
            kind: what the request calls it.
            object_id: a dashed id.
        """
        record = self.store.get(object_id)
        kinds = BLOCK_KINDS if kind == "block" else (kind,)
        if record is None or record.kind not in kinds or not self.shared(actor, record):
            raise self.missing(kind, object_id)
        return record

    def shared(self, actor: Actor, record: Record) -> bool:
        """Tell whether an actor may see an object."""
        if actor.is_person or not self.faults.unshared:
            return True
        step: Record | None = record
        while step is not None:
            if step.id in self.faults.unshared:
                return False
            step = self.store.get(step.parent) if step.parent_kind != "workspace" else None
        return True

    def page_of(self, record: Record) -> Record | None:
        """Return the page, database or data source in whose content a block stands."""
        step: Record | None = record
        while step is not None and step.kind == "block":
            step = self.store.get(step.parent)
        return step

    def in_trash(self, record: Record) -> bool:
        """Tell whether an object or anything above it is in the trash."""
        step: Record | None = record
        while step is not None:
            if step.in_trash:
                return True
            step = self.store.get(step.parent) if step.parent_kind != "workspace" else None
        return False

    # Changing things

    def transaction(self) -> AbstractContextManager[None]:
        """Run a block as one transaction."""
        return self.store.transaction()

    def touch(self, record: Record, actor: Actor) -> Record:
        """Return the object as edited now by an actor."""
        return replace(record, edited=max(self.now(), record.edited), edited_by=actor.user_id)

    def touch_container(self, actor: Actor, parent_id: str) -> None:
        """Note on the page around a changed block, or above a new page, that its content was edited."""
        record = self.store.get(parent_id)
        if record is None:
            return
        container = self.page_of(record)
        for target in {record.id: record, **({container.id: container} if container else {})}.values():
            if target.kind in ("page", "block"):
                self.store.put(self.touch(target, actor))

    # Live changes

    def changes_since(self, seq: int, limit: int = 1000) -> list[Change]:
        """Return what happened after a sequence number, oldest first.

        Args:
            seq: the last one the caller knows; 0 for all.
            limit: at most so many.
        """
        return self.store.changes_since(seq, limit)

    def last_seq(self) -> int:
        """Return the sequence number of the latest change."""
        return self.store.last_seq()

    def wait_for_change(self, seq: int, timeout: float) -> bool:
        """Sleep until something happens after a sequence number; False when `timeout` seconds pass first."""
        deadline = time.monotonic() + timeout
        while self.store.last_seq() <= seq:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            with self._woken:
                # A commit between the look and this wait would be missed, so no wait is longer than a second.
                self._woken.wait(min(remaining, 1.0))
        return True

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each change, in the thread that made it; the returned function ends that."""
        return self.store.listen(lambda _changes: wake())

    def _wake(self, _changes: object) -> None:
        with self._woken:
            self._woken.notify_all()

    # People

    def users(self) -> list[Record]:
        """Return the users, the person first."""
        return self.store.children(self.id, ("user",))

    def user(self, user_id: str) -> dict[str, Any]:
        """Return what is kept of a user; a stranger has no name."""
        record = self.store.get(user_id)
        return (
            record.data if record and record.kind == "user" else {"name": None, "type": "person", "email": ""}
        )

    def show_user(self, user_id: str) -> dict[str, Any]:
        """Return a user as people properties and mentions show it."""
        data = self.user(user_id)
        shown: dict[str, Any] = {
            "object": "user",
            "id": user_id,
            "name": data["name"],
            "avatar_url": None,
            "type": data["type"],
        }
        shown[data["type"]] = {"email": data["email"]} if data["type"] == "person" else {}
        return shown

    def show_user_fully(self, user_id: str) -> dict[str, Any]:
        """Return a user as the user endpoints show it; the own bot with its workspace."""
        shown = self.show_user(user_id)
        if user_id == self.bot_id:
            shown["bot"] = {
                "owner": {"type": "workspace", "workspace": True},
                "workspace_name": self.name,
                "workspace_id": self.id,
                "workspace_limits": {"max_file_upload_size_in_bytes": self.max_upload},
            }
        return shown

    def mentioned(self, kind: str, object_id: str) -> tuple[str, str | None]:
        """Return the words and the URL that a mention shows."""
        if kind == "user":
            name = self.user(object_id)["name"]
            return f"@{name}" if name else "@Anonymous", None
        if kind == "custom_emoji":
            return "", None
        record = self.store.get(object_id)
        title = self.title_of(record) if record else ""
        return title or "Untitled", richtext.same_page_url(object_id)

    def title_of(self, record: Record) -> str:
        """Return the plain title of a page, database or data source."""
        runs = (
            record.data["properties"].get("title", [])
            if record.kind == "page"
            else record.data.get("title", [])
        )
        return richtext.words(runs)

    def show_text(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return stored rich text as answers show it."""
        return richtext.show(runs, self.mentioned, self.show_user)

    def parent_of(self, record: Record) -> dict[str, Any]:
        """Return an object's parent as answers show it."""
        if record.parent_kind == "workspace":
            return {"type": "workspace", "workspace": True}
        if record.parent_kind == "data_source":
            source = self.store.get(record.parent)
            parent = {"type": "data_source_id", "data_source_id": record.parent}
            return {**parent, "database_id": source.parent} if source else parent
        key = f"{record.parent_kind}_id"
        return {"type": key, key: record.parent}

    def require_editable(self, record: Record) -> None:
        """Refuse an edit of something in the trash."""
        if self.in_trash(record):
            raise ApiError(
                400,
                "validation_error",
                "Can't edit block that is archived. You must unarchive the block before editing.",
            )

    def require_known_targets(self, actor: Actor, runs: list[dict[str, Any]]) -> None:
        """Refuse rich text that mentions what does not exist."""
        for kind, target in richtext.targets(runs):
            if kind in ("page", "database", "user"):
                record = self.store.get(target)
                if record is None or not self.shared(actor, record):
                    raise self.missing(kind, target)

    def require_person(self, actor: Actor, what: str) -> None:
        """Refuse to an integration what only people may do."""
        if not actor.is_person:
            raise restricted(what)
