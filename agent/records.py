"""How checkpoints are written: step results and errors as JSON, and back to what they were.

Results follow the return annotation of the function that made them (pydantic does the work). Errors keep their class,
text and plain attributes, and carry the traceback as text, so that an error replayed after a crash is judged like the
one that was raised.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter

TRACEBACK = "recorded_traceback"
"""Attribute under which a restored error keeps the text of its traceback."""


def result_type(work: Callable[..., Any]) -> Any:
    """What ``work`` says it returns.

    Raises:
        TypeError: it does not say.
    """
    hints = get_type_hints(work)
    if "return" not in hints:
        raise TypeError(f"{work!r} has no return annotation, so its result could not be kept.")
    return hints["return"]


def dump(value: object, kind: Any) -> Any:
    """``value``, of type ``kind``, as JSON-able data."""
    return TypeAdapter(kind).dump_python(value, mode="json", warnings="error")


def load(data: object, kind: Any) -> Any:
    """The value of type ``kind`` that `dump` wrote."""
    return TypeAdapter(kind).validate_python(data)


class UnknownError(Exception):
    """An error whose class this version does not know; its text names it."""


def dump_error(error: BaseException) -> dict[str, Any]:
    """An error as JSON-able data."""
    return {
        "class": f"{type(error).__module__}:{type(error).__qualname__}",
        "args": [
            arg if isinstance(arg, (str, int, float, bool, type(None))) else repr(arg) for arg in error.args
        ],
        "attributes": {name: value for name, value in vars(error).items() if _is_plain(value)},
        "traceback": getattr(error, TRACEBACK, None) or "".join(traceback.format_exception(error)),
    }


def load_error(data: Mapping[str, Any]) -> Exception:
    """The error that `dump_error` wrote; an `UnknownError` when its class is gone."""
    error = _instance(data)
    vars(error).update(data["attributes"])
    setattr(error, TRACEBACK, data["traceback"])
    return error


def _instance(data: Mapping[str, Any]) -> Exception:
    module, _, name = data["class"].partition(":")
    try:
        kind: Any = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except (ImportError, AttributeError):
        kind = None
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return UnknownError(f"{data['class']}: {', '.join(map(str, data['args']))}")
    # Not through __init__: keyword-only arguments are restored as attributes.
    error = kind.__new__(kind, *data["args"])
    error.args = tuple(data["args"])
    return error


def _is_plain(value: object) -> bool:
    if isinstance(value, (str, int, float, bool, type(None))):
        return True
    return isinstance(value, (list, tuple)) and all(_is_plain(item) for item in value)
