"""Values of page properties: what a request may write, how it is kept, what of it is indexed.

Kept values refer to options, people and pages by id, so that renaming an option changes every page at once. Showing
a value is `pages`' work, since computed values need the whole workspace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlparse

from notion_local import dates, ids, richtext, schema
from notion_local import validation as check
from notion_local.errors import ApiError, invalid
from notion_local.schema import Property
from notion_local.store import Cell

WRITABLE = (
    "title",
    "rich_text",
    "number",
    "url",
    "select",
    "multi_select",
    "people",
    "email",
    "phone_number",
    "date",
    "checkbox",
    "relation",
    "files",
    "status",
    "place",
    "verification",
)
_VALUE_KEYS = ("id", "type", "name", "has_more", *WRITABLE)
_INDEXED_TEXT = 2000
_SORTED_TEXT = 200
_SORTED_DIGITS = 12
_DIGITS = re.compile(r"[0-9]+")
_EMPTY: dict[str, Any] = {
    "title": [],
    "rich_text": [],
    "multi_select": [],
    "people": [],
    "files": [],
    "relation": [],
    "checkbox": False,
}


@dataclass(frozen=True)
class Written:
    """The outcome of parsing one value."""

    value: Any
    entry: Property
    """The property, with the options that the write brought into being."""


def empty(kind: str) -> Any:
    """Return the stored value of a property that nobody has filled."""
    default = _EMPTY.get(kind)
    return list(default) if isinstance(default, list) else default


def parse(entry: Property, given: object, path: str) -> Written:
    """Return the stored form of a value that a request writes into a property.

    Raises:
        ApiError: with Notion's sentence for a wrong type, a read-only property or an unknown status option.
    """
    value = _unwrapped(entry, given, path)
    path = f"{path}.{entry.type}"
    if entry.type in schema.OPTION_TYPES:
        return _parse_options(entry, value, path)
    if value is None and entry.type != "checkbox":
        return Written(empty(entry.type), entry)
    return Written(_PARSERS[entry.type](value, path), entry)


def _unwrapped(entry: Property, given: object, path: str) -> Any:
    if given is None:
        return None
    if isinstance(given, list) and entry.type in ("title", "rich_text"):
        return given
    body = check.an_object(given, path)
    tag = body.get("type")
    present = [kind for kind in WRITABLE if kind in body]
    if not present:
        check.refuse_all([(f"{path}.{kind}", "defined", check.MISSING) for kind in WRITABLE])
    if isinstance(tag, str) and tag in present:
        present = [tag]
    if entry.type not in present:
        raise invalid(f"{entry.name} is expected to be {entry.type}.")
    check.no_other_keys(body, path, _VALUE_KEYS)
    return body[entry.type]


def _parse_options(entry: Property, value: object, path: str) -> Written:
    if entry.type == "multi_select":
        chosen = []
        for i, item in enumerate(check.an_array(value if value is not None else [], path)):
            option, entry = _option(entry, item, f"{path}[{i}]")
            if option["id"] not in chosen:
                chosen.append(option["id"])
        return Written(chosen, entry)
    if value is None:
        return Written(default_status(entry) if entry.type == "status" else None, entry)
    option, entry = _option(entry, value, path)
    return Written(option["id"], entry)


def default_status(entry: Property) -> str | None:
    """Return the option a status has when nobody set one: the first of its first group that has any."""
    for group in entry.config.get("groups", []):
        if group["option_ids"]:
            return str(group["option_ids"][0])
    return None


def _option(entry: Property, value: object, path: str) -> tuple[dict[str, Any], Property]:
    given = check.an_object(value, path)
    check.no_other_keys(given, path, ("id", "name", "color", "description"))
    if "name" not in given:
        option_id = check.a_string(given.get("id", check.MISSING), f"{path}.id")
        option = entry.option_by_id(option_id)
        if option is None:
            raise _unknown_option(entry, option_id)
        return option, entry
    name = schema.option_name(given["name"], f"{path}.name")
    option = entry.option_by_name(name)
    if option is not None:
        return option, entry
    if entry.type == "status":
        raise _unknown_option(entry, name)
    color = "default"
    if given.get("color") is not None:
        color = check.one_of(given["color"], f"{path}.color", richtext.COLORS)
    option = schema.new_option(name, color)
    return option, replace(entry, config={**entry.config, "options": [*entry.options, option]})


def _unknown_option(entry: Property, name: str) -> ApiError:
    word = entry.type
    return invalid(f'Invalid {word} option. {word.capitalize()} option "{name}" does not exist".')


def _text(most: int) -> Any:
    def parse_text(value: object, path: str) -> str | None:
        return check.a_string(value, path, most=most) or None

    return parse_text


def _parse_people(value: object, path: str) -> list[str]:
    people = []
    for i, item in enumerate(check.an_array(value, path)):
        person = check.an_object(item, f"{path}[{i}]")
        people.append(check.a_uuid(check.member(person, "id"), f"{path}[{i}].id"))
    return list(dict.fromkeys(people))


def _parse_relation(value: object, path: str) -> list[str]:
    pages = []
    for i, item in enumerate(check.an_array(value, path)):
        page = check.an_object(item, f"{path}[{i}]")
        pages.append(check.a_uuid(check.member(page, "id"), f"{path}[{i}].id"))
    return list(dict.fromkeys(pages))


def _parse_files(value: object, path: str) -> list[dict[str, Any]]:
    return [
        parse_file(item, f"{path}[{i}]", named=True) for i, item in enumerate(check.an_array(value, path))
    ]


def parse_file(value: object, path: str, *, named: bool) -> dict[str, Any]:
    """Return the stored form of a file object: an external URL or an upload, which `uploads` attaches.

    Args:
        value: what the request says.
        path: where it says it.
        named: whether it must carry a name when it is external.
    """
    given = check.an_object(value, path)
    kind = check.first_type(given, path, ("external", "file_upload", "file"))
    body = check.an_object(given[kind], f"{path}.{kind}")
    if kind == "external":
        url = check.a_string(check.member(body, "url"), f"{path}.external.url", most=check.MAX_URL)
        stored: dict[str, Any] = {"type": "external", "external": {"url": url}}
    elif kind == "file_upload":
        upload = check.a_uuid(check.member(body, "id"), f"{path}.file_upload.id")
        stored = {"type": "file_upload", "file_upload": {"id": upload}}
    else:
        url = check.a_string(check.member(body, "url"), f"{path}.file.url")
        upload_id = upload_of_url(url)
        if upload_id is None:
            check.refuse(f"{path}.file.url", "a file of this workspace", url)
        stored = {"type": "file_upload", "file_upload": {"id": upload_id}}
    if "name" in given:
        stored["name"] = check.a_string(given["name"], f"{path}.name", most=100)
    elif named and kind == "external":
        check.refuse(f"{path}.name", "defined", check.MISSING)
    return stored


def upload_of_url(url: str) -> str | None:
    """Return the id of the upload that a served file's URL belongs to, so that read values can be written back."""
    parts = urlparse(url).path.split("/")
    return ids.parse_uuid(parts[2]) if len(parts) > 2 and parts[1] == "files" else None  # noqa: PLR2004 /files/<id>/…


def name_in_url(url: str) -> str:
    """Return the last part of a URL's path, which names an external file that has no name."""
    return unquote(urlparse(url).path.rsplit("/", 1)[-1])


def _parse_place(value: object, path: str) -> dict[str, Any]:
    given = check.an_object(value, path)
    known = ("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
    check.no_other_keys(given, path, known)
    place: dict[str, Any] = {
        "lat": check.a_number(check.member(given, "lat"), f"{path}.lat"),
        "lon": check.a_number(check.member(given, "lon"), f"{path}.lon"),
    }
    for key in known[2:]:
        place[key] = None if given.get(key) is None else check.a_string(given[key], f"{path}.{key}")
    return place


def _parse_verification(value: object, path: str) -> dict[str, Any]:
    given = check.an_object(value, path)
    state = check.one_of(given.get("state", check.MISSING), f"{path}.state", ("verified", "unverified"))
    when = None if given.get("date") is None else dates.parse(given["date"], f"{path}.date")
    return {"state": state, "date": when}


_PARSERS: dict[str, Any] = {
    "title": richtext.parse,
    "rich_text": richtext.parse,
    "number": check.a_number,
    "date": dates.parse,
    "people": _parse_people,
    "relation": _parse_relation,
    "files": _parse_files,
    "checkbox": check.a_boolean,
    "url": _text(check.MAX_URL),
    "email": _text(check.MAX_CONTACT),
    "phone_number": _text(check.MAX_CONTACT),
    "place": _parse_place,
    "verification": _parse_verification,
}


def indexed(text: str) -> str:
    """Return a text as the index keeps it and filters look for it: without case, its beginning only."""
    return text.casefold()[:_INDEXED_TEXT]


def natural(text: str) -> str:
    """Return what a text is sorted by: numbers in it by their value ("Track 9" before "Track 10"), as Notion does."""
    return _DIGITS.sub(lambda match: match.group(0).zfill(_SORTED_DIGITS), indexed(text)[:_SORTED_TEXT])


def cells(entry: Property, value: Any) -> list[Cell]:  # noqa: C901, PLR0911 one case per type
    """Return what the index keeps of a stored value."""
    kind = entry.type
    if kind == "checkbox":
        return [Cell(entry.id, None, 1.0 if value else 0.0)]
    if value in (None, [], ""):
        return []
    if kind in ("title", "rich_text"):
        text = richtext.words(value)
        return [Cell(entry.id, indexed(text), sort=natural(text))] if text else []
    if kind in ("url", "email", "phone_number"):
        return [Cell(entry.id, indexed(value), sort=natural(value))]
    if kind == "number":
        return [Cell(entry.id, None, float(value))]
    if kind in ("select", "status"):
        return [Cell(entry.id, value)]
    if kind in ("multi_select", "people", "relation"):
        return [Cell(entry.id, item) for item in value]
    if kind == "date":
        return [Cell(entry.id, value["start"], dates.seconds(dates.moment(value["start"])))]
    if kind == "files":
        return [Cell(entry.id, indexed(item.get("name", ""))) for item in value]
    if kind == "verification":
        return [Cell(entry.id, value["state"])]
    return [Cell(entry.id, "")] if kind == "place" else []
