"""Sends recorded requests to a server and compares its answers with Notion's.

Rules: ids (of objects, properties, options) are made by each server, so they are mapped from the recording to the
answer where they first appear and must stay consistent; times are compared by their granularity; URLs, request ids,
cursors and expiry times by presence; results of unsorted queries as a set; search by its envelope, since it depends
on the whole workspace. A request that names an object nobody created cannot be sent.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx

UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:(\d\d\.\d{3})(Z|\+00:00)")
REFERENCE = re.compile(r"block_property:[^:]+:")
BY_PRESENCE = frozenset(
    (
        *("request_id", "url", "public_url", "next_url", "href", "avatar_url", "next_cursor", "expiry_time"),
        *("upload_url", "complete_url", "workspace_name", "integration_id", "email"),
    )
)
PROPERTY_ID_KEYS = frozenset(("id", "synced_property_id", "relation_property_id", "rollup_property_id"))
ROOT = "00000000000040008000000000000001"
BOT = "000000000000400080000000000000f1"
PERSON = "000000000000400080000000000000fa"


@dataclass
class Outcome:
    """What became of a set of recordings."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Identical answers among all recorded ones, sent or not."""
        return self.counts["identical"] / max(1, self.counts["recorded"])


class _Names:
    """The ids of one recording and what this server calls them."""

    def __init__(self, known: dict[str, str]) -> None:
        self.objects = dict(known)
        self.properties: dict[str, str] = {}

    def rewritten(self, text: str) -> str:
        def own(match: re.Match[str]) -> str:
            bare = self.objects.get(match.group(0).replace("-", ""))
            if bare is None:
                return match.group(0)
            return dashed(bare) if "-" in match.group(0) else bare

        text = UUID.sub(own, text)
        for theirs, ours in self.properties.items():
            for said, meant in ((theirs, ours), (_encoded(theirs), _encoded(ours))):
                text = text.replace(json.dumps(said), json.dumps(meant))
            text = text.replace(f"/{_encoded(theirs)}?", f"/{_encoded(ours)}?")
        return text

    def unknown(self, text: str) -> bool:
        return any(found.replace("-", "") not in self.objects for found in UUID.findall(text))

    def learn(self, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in theirs.keys() & ours.keys():
                if key in PROPERTY_ID_KEYS and _is_property_id(theirs[key]) and _is_property_id(ours[key]):
                    self.properties.setdefault(unquote(theirs[key]), unquote(ours[key]))
                self.learn(theirs[key], ours[key])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for left, right in zip(theirs, ours, strict=False):
                self.learn(left, right)
        elif (
            isinstance(theirs, str)
            and isinstance(ours, str)
            and UUID.fullmatch(theirs)
            and UUID.fullmatch(ours)
        ):
            self.objects.setdefault(theirs.replace("-", ""), ours.replace("-", ""))

    def differences(self, theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            yield from (f"{path}.{key} is missing" for key in theirs.keys() - ours.keys())
            yield from (f"{path}.{key} is extra" for key in ours.keys() - theirs.keys())
            for key in theirs.keys() & ours.keys():
                yield from self._member(key, theirs[key], ours[key], f"{path}.{key}")
        elif isinstance(theirs, list) and isinstance(ours, list):
            if len(theirs) != len(ours):
                yield f"{path} has {len(ours)} items, not {len(theirs)}"
            for i, (left, right) in enumerate(zip(theirs, ours, strict=False)):
                yield from self.differences(left, right, f"{path}[{i}]")
        elif isinstance(theirs, str) and isinstance(ours, str):
            yield from self._text(theirs, ours, path)
        elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
            yield f"{path} is {ours!r}, not {theirs!r}"

    def _member(self, key: str, theirs: Any, ours: Any, path: str) -> Iterator[str]:
        if key in BY_PRESENCE:
            if (theirs is None) != (ours is None):
                yield f"{path} is {ours!r}, not {theirs!r}"
        elif key in PROPERTY_ID_KEYS and _is_property_id(theirs):
            if not isinstance(ours, str) or self.properties.get(unquote(theirs)) != unquote(ours):
                yield f"{path} is {ours!r}, not what {theirs!r} is called here"
        else:
            yield from self.differences(theirs, ours, path)

    def _text(self, theirs: str, ours: str, path: str) -> Iterator[str]:
        if UUID.fullmatch(theirs):
            if self.objects.get(theirs.replace("-", "")) != ours.replace("-", ""):
                yield f"{path} is another object's id"
        elif (left := TIME.fullmatch(theirs)) is not None:
            right = TIME.fullmatch(ours)
            floored = left.group(1) == "00.000" and left.group(2) == "Z"
            if right is None or right.group(2) != left.group(2) or (floored and right.group(1) != "00.000"):
                yield f"{path} is {ours!r}, of another granularity than {theirs!r}"
        elif _plain(theirs) != _plain(ours):
            yield f"{path} is {ours[:80]!r}, not {theirs[:80]!r}"


def _plain(text: str) -> str:
    return REFERENCE.sub("block_property:", UUID.sub("", text))


def _encoded(property_id: str) -> str:
    """The form in which answers show an id; a rollup's configuration alone shows it plainly."""
    return quote(property_id, safe="!*'()")


def _is_property_id(value: Any) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is None


def dashed(bare: str) -> str:
    """An id with its dashes."""
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"


def replay(folder: Path, base_url: str, token: str, known: dict[str, str]) -> Outcome:
    """Replay every recording of a folder.

    Args:
        folder: holds the recordings, one exchange a line.
        base_url: the server.
        token: its token.
        known: ids of the recordings that this server has from the start, to its own, both without dashes.
    """
    outcome = Outcome()
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        for path in sorted(folder.rglob("*.jsonl")):
            names = _Names(known)
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
                _exchange(http, names, json.loads(line), f"{path.stem}[{number}]", outcome)
    return outcome


def _exchange(
    http: httpx.Client, names: _Names, recorded: dict[str, Any], where: str, outcome: Outcome
) -> None:
    outcome.counts["recorded"] += 1
    request = "" if recorded["request"] is None else json.dumps(recorded["request"])
    if recorded["status"] < 400 and names.unknown(recorded["path"] + request):
        outcome.counts["unreachable"] += 1
        return
    response = http.request(
        recorded["method"],
        names.rewritten(recorded["path"]),
        content=names.rewritten(request) or None,
        headers={"Notion-Version": recorded["version"], "Content-Type": "application/json"},
    )
    outcome.counts["sent"] += 1
    found = list(_judged(names, recorded, response))
    if found:
        outcome.differences.append(f"{where} {recorded['method']} {recorded['path'][:40]}: {found[0]}")
    else:
        outcome.counts["identical"] += 1


def _judged(names: _Names, recorded: dict[str, Any], response: httpx.Response) -> Iterator[str]:
    if response.status_code != recorded["status"]:
        yield f"status {response.status_code}: {response.text[:200]}"
        return
    theirs, ours = recorded["response"], response.json()
    if recorded["path"].startswith("/v1/search"):
        varying = ("results", "has_more", "next_cursor")
        theirs = {key: value for key, value in theirs.items() if key not in varying}
        ours = {key: value for key, value in ours.items() if key not in varying}
    elif recorded["path"].endswith("/query") and not (recorded["request"] or {}).get("sorts"):
        order = [names.objects.get(row["id"].replace("-", "")) for row in theirs["results"]]
        ours["results"].sort(key=lambda row: _rank(order, row["id"].replace("-", "")))
    names.learn(theirs, ours)
    yield from names.differences(theirs, ours)


def _rank(order: list[str | None], row: str) -> int:
    return order.index(row) if row in order else len(order)
