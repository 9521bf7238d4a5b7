"""The shape of a request: which keys it has, of which kind and how large, in Notion's sentences.

Every check names the path of the offending part (``body.children[0].paragraph``) and shows what was there instead.
Nothing here knows the stored data; questions such as "does this option exist" are asked where the data is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from notion_local import ids
from notion_local.errors import invalid

MAX_TEXT = 2000
MAX_ARRAY = 100
MAX_URL = 2000
MAX_EQUATION = 1000
MAX_CONTACT = 200
MAX_BLOCKS = 1000
MAX_BODY_BYTES = 500_000
_SHOWN_UNITS = 55
_UNDEFINED = "`undefined`"


class _Missing:
    """The type of the mark for a key that is not there, which differs from null."""


MISSING = _Missing()


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, the unit of all of Notion's limits."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004 end of the BMP


def shown(value: object) -> str:
    """Return a value as Notion quotes it in a refusal: JSON, cut after 55 UTF-16 units."""
    if isinstance(value, _Missing):
        return _UNDEFINED
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if utf16_length(text) > _SHOWN_UNITS:
        units = text.encode("utf-16-le")[: _SHOWN_UNITS * 2]
        text = units.decode("utf-16-le", errors="ignore") + "..."
    return f"`{text}`"


def refuse(path: str, should: str, value: object) -> NoReturn:
    """Raise Notion's refusal of one part of a body.

    Args:
        path: where the part is, beginning with ``body``, ``path`` or ``query``.
        should: what it should be, such as ``a string``.
        value: what was there.
    """
    root = path.split(".", 1)[0].split("[", 1)[0]
    raise invalid(f"{root} failed validation: {path} should be {should}, instead was {shown(value)}.")


def refuse_all(problems: Sequence[tuple[str, str, object]]) -> NoReturn:
    """Raise one refusal that lists several problems, one of which must be fixed."""
    if len(problems) == 1:
        refuse(*problems[0])
    lines = "\n".join(
        f"{path} should be {should}, instead was {shown(value)}." for path, should, value in problems
    )
    raise invalid(f"body failed validation. Fix one:\n{lines}")


def member(container: Mapping[str, Any], key: str) -> Any:
    """Return a key's value, or `MISSING`."""
    return container.get(key, MISSING)


def an_object(value: object, path: str) -> dict[str, Any]:
    """Return the value as a JSON object, or refuse it."""
    if isinstance(value, _Missing):
        refuse(path, "defined", value)
    if not isinstance(value, dict):
        refuse(path, "an object", value)
    return value


def an_array(value: object, path: str, *, most: int | None = MAX_ARRAY) -> list[Any]:
    """Return the value as an array of at most `most` entries, or refuse it."""
    if isinstance(value, _Missing):
        refuse(path, "defined", value)
    if not isinstance(value, list):
        refuse(path, "an array", value)
    if most is not None and len(value) > most:
        raise invalid(
            f"body failed validation: {path}.length should be ≤ `{most}`, instead was `{len(value)}`."
        )
    return value


def a_string(value: object, path: str, *, most: int | None = None) -> str:
    """Return the value as a text of at most `most` UTF-16 units, or refuse it."""
    if isinstance(value, _Missing):
        refuse(path, "defined", value)
    if not isinstance(value, str):
        refuse(path, "a string", value)
    if most is not None and (length := utf16_length(value)) > most:
        raise invalid(f"body failed validation: {path}.length should be ≤ `{most}`, instead was `{length}`.")
    return value


def a_boolean(value: object, path: str) -> bool:
    """Return the value as a boolean, or refuse it."""
    if not isinstance(value, bool):
        refuse(path, "a boolean", value)
    return value


def a_number(value: object, path: str) -> int | float:
    """Return the value as a finite number, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(path, "a number", value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 NaN
        refuse(path, "a number", None)
    if abs(value) > 1.7e308:  # noqa: PLR2004 the largest double, beyond which JSON readers overflow
        refuse(path, "a number", str(value))
    return value


def a_uuid(value: object, path: str) -> str:
    """Return the dashed form of an id, or refuse it."""
    if isinstance(value, _Missing):
        refuse(path, "defined", value)
    if not isinstance(value, str):
        refuse(path, "a string", value)
    parsed = ids.parse_uuid(value)
    if parsed is None:
        refuse(path, "a valid uuid", value)
    return parsed


def one_of(value: object, path: str, allowed: Iterable[str]) -> str:
    """Return the value when it is one of the allowed words, or refuse it."""
    words = list(allowed)
    if isinstance(value, str) and value in words:
        return value
    quoted = [f'`"{word}"`' for word in words]
    should = quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f", or {quoted[-1]}"
    return refuse(path, should, value)


def no_other_keys(container: Mapping[str, Any], path: str, allowed: Iterable[str]) -> None:
    """Refuse a body with keys that Notion does not know."""
    known = set(allowed)
    problems = [
        (f"{path}.{key}", "not present", value) for key, value in container.items() if key not in known
    ]
    if problems:
        refuse_all(problems)


def page_size(value: object, path: str) -> int:
    """Return a page size of 1 to 100, or refuse it."""
    if isinstance(value, _Missing):
        return MAX_ARRAY
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(path, "a number", value)
    if value < 1:
        raise invalid(
            f"{path.split('.', 1)[0]} failed validation: {path} should be ≥ `1`, instead was `{value}`."
        )
    if value > MAX_ARRAY:
        root = path.split(".", 1)[0]
        raise invalid(f"{root} failed validation: {path} should be ≤ `{MAX_ARRAY}`, instead was `{value}`.")
    return value


def query_page_size(text: str | None) -> int:
    """Return the page size of a query string, or refuse it."""
    if text is None:
        return MAX_ARRAY
    try:
        number = int(text)
    except ValueError:
        refuse("query.page_size", "a number", text)
    return page_size(number, "query.page_size")


def first_type(container: Mapping[str, Any], path: str, known: Iterable[str]) -> str:
    """Return the type of a tagged object: its ``type``, else the one known key that is present.

    Raises:
        ApiError: when neither names a known type; every known key is listed as the ones to fix.
    """
    words = list(known)
    tag = container.get("type")
    if isinstance(tag, str) and tag in words and tag in container:
        return tag
    present = [word for word in words if word in container]
    if tag is None and len(present) >= 1:
        return present[0]
    if isinstance(tag, str) and tag in words:
        refuse(f"{path}.{tag}", "defined", MISSING)
    return refuse_all([(f"{path}.{word}", "defined", MISSING) for word in words])
