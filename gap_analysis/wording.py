"""What a wording names, so that "Fix DRM error handling" and "DRM error handling fix (Critical)" are one thing.

A wording becomes its words in order, without markup, articles, inflection and the verb of doing at either end. Words
keep their order and their numbers: converting WAV to AIFF is not converting AIFF to WAV, phase 1 is not phase 2.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from gap_analysis.model import PRIORITIES, Name

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"\*\*|__|~~|`|(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])")
_WORD = re.compile(r"[\w+#]+(?:[.'\u2019][\w+#]+)*")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_REMARK = re.compile(
    r"\s*(?:if|when|once|unless|partial(?:ly)?|optional(?:ly)?|see|per|nice to have|future)\b"
)
_TAIL = re.compile(r"\s(?:for|with|from|via|using|in|on|per|by|when|to)\s|[:(]|\s[-\u2013\u2014]\s")
_SAID_MISSING = re.compile(
    r"(?:there (?:is|are) )?(?:no|missing|lack of|lacks|absence of|absent)\s+(.+)$", re.DOTALL
)
_MISSING = re.compile(r"(?<=\w)\s+(?:is |are )?(?:missing|absent|lacking)\b")
_NOT_YET = re.compile(r"\b(?:is|are|was|were|has|have)?\s*not(?:\s+(?:yet|fully|currently|been))*\s+")

_SPELLINGS = {"urgent": "Critical", "p0": "Critical", "p1": "High", "p2": "Medium", "p3": "Low"}
_EMPTY = frozenset(("the", "a", "an", "of", "yet", "system", "file", "files"))
_MAKE_FIRST = frozenset(
    [
        "create",
        "add",
        "implement",
        "write",
        "build",
        "make",
        "introduce",
        "provide",
        "setup",
        "configure",
        "define",
    ]
)
_MAKE_LAST = frozenset(
    [
        "creation",
        "created",
        "implementation",
        "implemented",
        "setup",
        "configuration",
        "configured",
        "written",
        "built",
    ]
)
_MEND_FIRST = frozenset(["fix", "repair", "enhance", "improve", "integrate"])
_MEND_LAST = frozenset(
    [
        "fix",
        "fixed",
        "fixes",
        "repaired",
        "enhancement",
        "enhancements",
        "enhanced",
        "improvement",
        "improved",
        "integration",
        "integrated",
    ]
)
_STATE_LAST = frozenset(("complete", "completed", "done", "finished", "ready", "works", "working", "passing"))
_BEGIN = frozenset(("begin", "start", "started", "begun"))
_ENDINGS = {"ation": 4, "ated": 4, "ating": 4, "ate": 4, "ment": 5, "ing": 4, "ed": 4}
"""Ending -> fewest letters that must be left."""
_SHORTEST_STEM = 4
_FEW_WORDS = 3


def plain(markdown: str) -> str:
    """The text without markup, on one line."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", markdown)).split())


def name_of(wording: str, *, is_statement: bool = False) -> Name:
    """What a wording names.

    Args:
        wording: Plain or with markup.
        is_statement: It says what is not there ("No webhook triggers"), so that the "no" is not part of the name.
    """
    text = _without_remarks(_folded(wording))
    if is_statement:
        text = _MISSING.sub(" ", text)
        text = _NOT_YET.sub(" ", said[1] if (said := _SAID_MISSING.match(text)) else text)
    cut = _TAIL.search(text)
    head, head_action = _words(text[: cut.start()] if cut else text)
    full, action = _words(text)
    if cut and head:
        rest, _ = _words(text[cut.start() :])
        full, action = (*head, *rest), head_action or action
    return Name(full or (text.strip() or wording,), head, action)


def is_telling(words: tuple[str, ...]) -> bool:
    """Whether these words name one thing wherever they stand; "unit tests" or "error handling" alone do not."""
    strong = sum(word not in _WEAK for word in words)
    return strong > 1 or (strong == 1 and len(words) >= _FEW_WORDS)


def is_only_a_kind(words: tuple[str, ...]) -> bool:
    """Whether these words name a kind of work and nothing it is done to."""
    return all(word in _WEAK for word in words)


def key_of(name: Name, scope: str = "") -> str:
    """A short key for a name, readable at its beginning.

    Args:
        name: What it is made from.
        scope: Tells equal names apart.
    """
    digest = hashlib.sha256("\x1f".join((*name.full, "", name.action, scope)).encode()).hexdigest()
    return f"{slug('-'.join(name.full))}-{digest[:8]}".lstrip("-")


def same_words(key: str, other: str) -> bool:
    """Whether two keys were made from the same words, in whatever section they stood."""
    return key.rpartition("-")[0] == other.rpartition("-")[0] != ""


def document_key(title: str) -> str:
    """A document's part of its keys: its title, with a digest where letters of it cannot be shown in ASCII."""
    shown = slug(title)
    if shown and all(character.isascii() or not character.isalnum() for character in title):
        return shown
    return f"{shown}-{hashlib.sha256(_folded(title).encode()).hexdigest()[:8]}".lstrip("-")


def slug(text: str, most: int = 48) -> str:
    """Lower-case ASCII letters and digits, with dashes between; whole words, at most so many characters."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    dashed = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    return dashed if len(dashed) <= most else dashed[: most + 1].rpartition("-")[0] or dashed[:most]


def priority_in(text: str) -> str | None:
    """The first priority a text names as a word: "(Critical)", "MEDIUM to HIGH", "P1"."""
    for word in re.findall(r"[A-Za-z]+\d?", text):
        named: str = _SPELLINGS.get(word.casefold(), word.capitalize())
        if named in PRIORITIES:
            return named
    return None


def bracketed_priority(wording: str) -> str | None:
    """The priority in brackets at a wording's end, which is said of it alone."""
    for remark in reversed(_BRACKETS.findall(wording)):
        words = remark.replace("priority", "").replace("Priority", "").strip(" ,-")
        if words and len(words.split()) == 1 and (named := priority_in(words)):
            return named
    return None


def without_priority(wording: str) -> str:
    """The wording without a bracket that only says a priority or a state, for titles."""
    return _BRACKETS.sub(lambda found: "" if _is_priority(found[1]) else found[0], wording).strip()


def is_rewording(old: Name, new: Name) -> bool:
    """Whether one title may be the other after an edit: words added or taken away, or a slip corrected.

    Another number or another name in the same pattern ("Eagle" for "Spotify") is another thing.
    """
    before, after = set(old.full), set(new.full)
    if old.full == new.full:
        return True
    common = before & after
    gone, come = sorted(before - common), sorted(after - common)
    if any(any(c.isdigit() for c in word) for word in (*gone, *come)):
        return False
    if not is_telling(tuple(common)) or len(common) * 2 < max(len(before), len(after)):
        return False
    if not gone or not come:
        return True
    return len(gone) == len(come) and all(_one_slip(a, b) for a, b in zip(gone, come, strict=True))


def _one_slip(a: str, b: str) -> bool:
    """One letter changed, added, left out, or two neighbours swapped; a typing error, not another word."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) <= _SHORTEST_STEM or len(b) - len(a) > 1:
        return False
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    swapped = a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]
    return a[at + 1 :] == b[at + 1 :] or swapped


def _folded(wording: str) -> str:
    return unicodedata.normalize("NFKC", plain(wording)).casefold()


def _without_remarks(text: str) -> str:
    return _BRACKETS.sub(
        lambda found: " " if _is_priority(found[1]) or _REMARK.match(found[1]) else found[0], text
    )


def _is_priority(remark: str) -> bool:
    words = re.findall(r"[a-z]+\d?", remark.casefold())
    return bool(words) and all(word == "priority" or priority_in(word) for word in words)


def _words(text: str) -> tuple[tuple[str, ...], str]:
    """The words that name, and the class of the verb that was left out."""
    words = _WORD.findall(text)
    action = ""
    while words and words[0] in _MAKE_FIRST | _MEND_FIRST | _BEGIN | _EMPTY and len(words) > 1:
        action = action or _class(words[0], _MAKE_FIRST, _MEND_FIRST)
        words = words[1:]
    while words and words[-1] in _MAKE_LAST | _MEND_LAST | _EMPTY | _BEGIN | _STATE_LAST and len(words) > 1:
        action = action or _class(words[-1], _MAKE_LAST, _MEND_LAST)
        words = words[:-1]
    return tuple(_stem(word) for word in words if word not in _EMPTY or len(words) == 1), action


def _class(word: str, make: frozenset[str], mend: frozenset[str]) -> str:
    if word in _BEGIN:
        return "begin"
    return "make" if word in make else "mend" if word in mend else ""


def _stem(word: str) -> str:
    if not word.isalpha() or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > _SHORTEST_STEM:
        word = word[:-3] + "y"
    elif word.endswith("s") and word[-2:] not in ("ss", "us", "is"):
        word = word[:-1] if len(word) >= _SHORTEST_STEM else word
    for ending, shortest in _ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            word = word[: -len(ending)]
            break
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM else word


_WEAK = frozenset(
    _stem(word)
    for word in [
        "test",
        "unit",
        "integration",
        "documentation",
        "docs",
        "guide",
        "code",
        "module",
        "script",
        "logic",
        "feature",
        "api",
        "tool",
        "support",
        "task",
        "work",
        "update",
        "review",
        "error",
        "handling",
        "logging",
        "monitoring",
        "validation",
        "performance",
        "cleanup",
        "refactoring",
        "config",
        "general",
        "improvement",
        "write",
        "written",
        "missing",
        "no",
        "not",
    ]
)
"""Words that name a kind of work rather than the thing it is done to, as stems."""
