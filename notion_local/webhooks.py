"""Webhooks: what changed, told to subscribers the way Notion tells it: signed, aggregated, out of order, retried.

Changes are gathered for a while; those of one kind on one object become one event, and a creation that is followed by
a deletion tells nothing. Deliveries run in a thread of their own and never delay an answer. Notion offers no endpoint
to subscribe; here it is `subscribe`, the server's private control route, or a switch of the command line.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import random
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from notion_local import ids
from notion_local.store import Change
from notion_local.workspace import Workspace

MAX_ATTEMPTS = 8
API_VERSION = "2026-03-11"
_ENTITY_OF = {"file_upload": "file_upload", "data_source": "data_source"}


@dataclass(frozen=True)
class Subscription:
    """One address that is told."""

    id: str
    url: str
    verification_token: str
    """Sent once at the handshake; the key of every signature."""


@dataclass(frozen=True)
class _Delivery:
    subscription: Subscription
    event: dict[str, Any]
    attempt: int
    due: float


def signature(body: bytes, verification_token: str) -> str:
    """Return the value of ``X-Notion-Signature`` for a body."""
    return "sha256=" + hmac.new(verification_token.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """The subscriptions of one workspace and the thread that serves them.

    Args:
        workspace: whose changes are told.
        window: seconds for which changes are gathered into one event.
        backoff: seconds before the second attempt, doubled before each further one.
        seed: decides the order in which gathered events are sent.
    """

    def __init__(
        self, workspace: Workspace, *, window: float = 1.0, backoff: float = 1.0, seed: int | None = None
    ) -> None:
        self._workspace = workspace
        self._window = window
        self._backoff = backoff
        self._random = random.Random(seed)  # noqa: S311 the order of deliveries is no secret
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._changes: queue.SimpleQueue[Sequence[Change]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop_listening = workspace.store.listen(self._changes.put)

    @property
    def subscriptions(self) -> list[Subscription]:
        """The addresses that are told."""
        with self._lock:
            return list(self._subscriptions)

    def subscribe(self, url: str) -> Subscription:
        """Begin to tell an address, after the handshake that carries the verification token.

        Raises:
            httpx.HTTPError: when the address does not take the handshake.
        """
        subscription = Subscription(ids.new_random_id(), url, f"secret_{secrets.token_urlsafe(32)}")
        with httpx.Client(timeout=10) as http:
            http.post(url, json={"verification_token": subscription.verification_token}).raise_for_status()
        with self._lock:
            self._subscriptions.append(subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notion-local-webhooks", daemon=True)
                self._thread.start()
        return subscription

    def stop(self) -> None:
        """End deliveries; what was not delivered is lost, as when Notion gives up."""
        self._stop_listening()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        waiting: list[_Delivery] = []
        with httpx.Client(timeout=10) as http:
            while not self._stopping.wait(min(0.05, self._window)):
                waiting += self._fresh()
                now = time.monotonic()
                due = [delivery for delivery in waiting if delivery.due <= now]
                waiting = [delivery for delivery in waiting if delivery.due > now]
                for delivery in due:
                    again = self._deliver(http, delivery)
                    if again is not None:
                        waiting.append(again)

    def _fresh(self) -> list[_Delivery]:
        """Gather one window's changes, and return their deliveries in no particular order."""
        gathered = self._drained()
        if not gathered:
            return []
        self._stopping.wait(self._window)
        gathered += self._drained()
        events = self._events(gathered)
        self._random.shuffle(events)
        now = time.monotonic()
        return [
            _Delivery(subscription, event, 1, now) for subscription in self.subscriptions for event in events
        ]

    def _drained(self) -> list[Change]:
        found: list[Change] = []
        while True:
            try:
                found += self._changes.get_nowait()
            except queue.Empty:
                return found

    def _events(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            groups.setdefault((change.kind, change.object_id), []).append(change)
        for (kind, object_id), _ in list(groups.items()):
            entity, _, happened = kind.rpartition(".")
            if happened == "created" and (f"{entity}.deleted", object_id) in groups:
                groups = {key: group for key, group in groups.items() if key[1] != object_id}
        return [self._event(group) for group in groups.values()]

    def _event(self, group: Sequence[Change]) -> dict[str, Any]:
        last = group[-1]
        authors = dict.fromkeys(change.actor for change in group)
        updated = list(dict.fromkeys(entry for change in group for entry in change.updated))
        data: dict[str, Any] = {"parent": self._parent(last)}
        if last.kind == "page.properties_updated":
            data["updated_properties"] = [ids.encode_property_id(entry) for entry in updated]
        elif last.kind == "page.content_updated":
            data["updated_blocks"] = [{"id": entry, "type": "block"} for entry in updated]
        kind = last.kind.rpartition(".")[0]
        return {
            "id": ids.new_random_id(),
            "timestamp": ids.zulu(last.at),
            "workspace_id": self._workspace.id,
            "workspace_name": self._workspace.name,
            "integration_id": self._workspace.integration_id,
            "type": last.kind,
            "authors": [{"id": author, "type": self._author_type(author)} for author in authors],
            "api_version": API_VERSION,
            "entity": {"id": last.object_id, "type": _ENTITY_OF.get(kind, kind)},
            "data": data,
        }

    def _parent(self, change: Change) -> dict[str, Any]:
        if change.parent_kind == "data_source":
            source = self._workspace.store.get(change.parent_id)
            database = source.parent if source else change.parent_id
            return {"id": database, "type": "database", "data_source_id": change.parent_id}
        return {
            "id": change.parent_id,
            "type": "space" if change.parent_kind == "workspace" else change.parent_kind,
        }

    def _author_type(self, user_id: str) -> str:
        return "bot" if self._workspace.user(user_id)["type"] == "bot" else "person"

    def _deliver(self, http: httpx.Client, delivery: _Delivery) -> _Delivery | None:
        """Send one event; return the next attempt when it failed and one remains."""
        subscription = delivery.subscription
        event = {**delivery.event, "subscription_id": subscription.id, "attempt_number": delivery.attempt}
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Notion-Signature": signature(body, subscription.verification_token),
        }
        try:
            if http.post(subscription.url, content=body, headers=headers).is_success:
                return None
        except httpx.TransportError:
            pass  # an address that cannot be reached is tried again, like one that refuses
        if delivery.attempt >= MAX_ATTEMPTS:
            return None
        pause = self._backoff * 2 ** (delivery.attempt - 1)
        return _Delivery(subscription, delivery.event, delivery.attempt + 1, time.monotonic() + pause)
