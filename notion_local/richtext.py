"""Rich text: from what a request may say to what is stored, and from there to what an answer shows.

Stored runs are the answer's runs, save that mentions keep only their target: the words shown for a user, a page or
a database are looked up when the text is shown, as Notion does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from notion_local import dates, ids
from notion_local import validation as check
from notion_local.errors import invalid

COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
TEXT_COLORS = (*COLORS, *(f"{color}_background" for color in ("default", *COLORS[1:])))
_PLAIN: dict[str, Any] = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
_RUN_KEYS = ("type", "text", "mention", "equation", "annotations", "plain_text", "href")
_MENTIONS = (
    "user",
    "page",
    "database",
    "data_source",
    "date",
    "link_preview",
    "link_mention",
    "template_mention",
    "custom_emoji",
)

Lookup = Callable[[str, str], tuple[str, str | None]]
"""From (kind of mention, id) to (the words shown, the URL)."""

UserLookup = Callable[[str], dict[str, Any]]
"""From a user id to the user as answers show it inside a mention."""


def plain(text: str) -> list[dict[str, Any]]:
    """Return stored rich text for a plain text."""
    return [_run({"text": {"content": text, "link": None}}, "text", _PLAIN)] if text else []


def parse(value: object, path: str) -> list[dict[str, Any]]:
    """Return the stored form of a request's rich text array.

    Args:
        value: what the request says.
        path: where it says it.

    Raises:
        ApiError: with Notion's sentence, for a wrong shape or a text beyond the limits.
    """
    runs = check.an_array(value, path)
    parsed = [_parse_run(check.an_object(run, f"{path}[{i}]"), f"{path}[{i}]") for i, run in enumerate(runs)]
    return _merged([run for run in parsed if run["type"] != "text" or run["text"]["content"]])


def _merged(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join neighbouring texts that look alike; Notion keeps the text and its styles, not the runs."""
    merged: list[dict[str, Any]] = []
    for run in runs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and run["type"] == last["type"] == "text"
            and run["annotations"] == last["annotations"]
            and run["text"]["link"] == last["text"]["link"]
        ):
            joined = last["text"]["content"] + run["text"]["content"]
            merged[-1] = {**last, "text": {**last["text"], "content": joined}}
        else:
            merged.append(run)
    return merged


def _parse_run(run: dict[str, Any], path: str) -> dict[str, Any]:
    check.no_other_keys(run, path, _RUN_KEYS)
    kind = check.first_type(run, path, ("text", "mention", "equation"))
    content = check.an_object(run[kind], f"{path}.{kind}")
    if kind == "text":
        body: dict[str, Any] = {"text": _parse_text(content, f"{path}.text")}
    elif kind == "equation":
        expression = check.a_string(
            check.member(content, "expression"), f"{path}.equation.expression", most=check.MAX_EQUATION
        )
        body = {"equation": {"expression": expression}}
    else:
        body = {"mention": _parse_mention(content, f"{path}.mention")}
    return _run(body, kind, _annotations(run.get("annotations"), f"{path}.annotations"))


def _run(body: dict[str, Any], kind: str, annotations: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, **body, "annotations": dict(annotations)}


def _parse_text(content: dict[str, Any], path: str) -> dict[str, Any]:
    check.no_other_keys(content, path, ("content", "link"))
    words = check.a_string(check.member(content, "content"), f"{path}.content", most=check.MAX_TEXT)
    link = content.get("link")
    if link is None:
        return {"content": words, "link": None}
    url = check.a_string(
        check.member(check.an_object(link, f"{path}.link"), "url"), f"{path}.link.url", most=check.MAX_URL
    )
    if not url:
        raise invalid("Invalid URL for link.")
    return {"content": words, "link": {"url": url}}


def _annotations(value: object, path: str) -> dict[str, Any]:
    if value is None:
        return dict(_PLAIN)
    given = check.an_object(value, path)
    check.no_other_keys(given, path, _PLAIN)
    annotations = dict(_PLAIN)
    for key, setting in given.items():
        if setting is None:
            continue
        if key == "color":
            annotations[key] = check.one_of(setting, f"{path}.color", TEXT_COLORS)
        else:
            annotations[key] = check.a_boolean(setting, f"{path}.{key}")
    return annotations


def _parse_mention(content: dict[str, Any], path: str) -> dict[str, Any]:
    kind = check.first_type(content, path, _MENTIONS)
    value = check.an_object(content[kind], f"{path}.{kind}")
    if kind in ("user", "page", "database", "data_source", "custom_emoji"):
        target = check.a_uuid(check.member(value, "id"), f"{path}.{kind}.id")
        return {"type": kind, kind: {"id": target}}
    if kind == "date":
        return {"type": "date", "date": dates.parse(value, f"{path}.date")}
    return {"type": kind, kind: value}


def targets(runs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (kind, id) of every user, page and database that a stored text mentions."""
    found = []
    for run in runs:
        mention = run.get("mention")
        if mention and "id" in mention[mention["type"]]:
            found.append((mention["type"], mention[mention["type"]]["id"]))
    return found


def words(runs: list[dict[str, Any]], lookup: Lookup | None = None) -> str:
    """Return the plain text of stored rich text; mentions are shown by `lookup`, else left out."""
    return "".join(_words_of(run, lookup)[0] for run in runs)


def _words_of(run: dict[str, Any], lookup: Lookup | None) -> tuple[str, str | None]:
    kind = run["type"]
    if kind == "text":
        link = run["text"]["link"]
        return run["text"]["content"], link["url"] if link else None
    if kind == "equation":
        return run["equation"]["expression"], None
    mention = run["mention"]
    target = mention[mention["type"]]
    if mention["type"] == "date":
        return dates.words(target), None
    if mention["type"] in ("link_preview", "link_mention"):
        return str(target.get("title") or target.get("url", "")), target.get("url") or target.get("href")
    if mention["type"] == "template_mention":
        return "@" + str(target.get("template_mention_date") or "Me"), None
    return lookup(mention["type"], target["id"]) if lookup else ("", None)


def show(runs: list[dict[str, Any]], lookup: Lookup, user: UserLookup) -> list[dict[str, Any]]:
    """Return stored rich text as answers show it."""
    return [_show_run(run, lookup, user) for run in runs]


def _show_run(run: dict[str, Any], lookup: Lookup, user: UserLookup) -> dict[str, Any]:
    text, href = _words_of(run, lookup)
    kind = run["type"]
    body = run[kind]
    if kind == "mention" and body["type"] == "user":
        body = {"type": "user", "user": user(body["user"]["id"])}
    return {
        "type": kind,
        kind: body,
        "annotations": run["annotations"],
        "plain_text": text,
        "href": href,
    }


def same_page_url(page_id: str) -> str:
    """Return the URL a page mention links to."""
    return f"https://www.notion.so/{ids.bare(page_id)}"
