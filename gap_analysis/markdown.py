"""Markdown to sections and entries: as much of the language as gap analyses use.

Headings (``#``), bullets and numbers with and without boxes, nested; lines with a bold label; code blocks, comments and
front matter are not content. It judges nothing: which entry is a gap is said in ``reading``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gap_analysis.model import Document, Entry, Section

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"(?P<indent>\s*)(?:[-*+]|\d{1,9}[.)])\s+(?:\[(?P<box>[ xX]?)\](?=\s|$))?\s*(?P<text>.*)$")
_LABEL = re.compile(
    r"\*\*(?P<name>[^*]{1,80}?)(?P<inside>:?)\*\*\s*(?P<remark>\([^)]*\))?\s*(?P<outside>:?)\s*(?P<text>.*)$"
)
_PLAIN_LABEL = re.compile(r"(?P<name>[A-Z][A-Za-z ]{2,24}):\s+(?P<text>\S.*)$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_QUOTE = re.compile(r"\s{0,3}>\s?")
_RULE = re.compile(r"\s{0,3}([-*_])(?:\s*\1){2,}\s*$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)

FIELDS = {
    "source": "source",
    "sources": "source",
    "status": "status",
    "impact": "impact",
    "priority": "priority",
    "effort": "effort",
    "estimated effort": "effort",
    "implementation effort": "effort",
    "estimate": "effort",
    "estimated": "effort",
    "dependencies": "dependencies",
    "dependency": "dependencies",
    "depends on": "dependencies",
    "prerequisites": "dependencies",
    "action": "action",
    "action required": "action",
    "fix": "fix",
    "path": "path",
    "purpose": "purpose",
    "target": "target",
    "target database": "target",
    "database": "target",
    "destination": "target",
}
"""Labels whose text is said of the whole section, and what they are called here."""
GAP = re.compile(r"gaps?(?: \d+)?")


def parse(markdown: str, *, title: str = "") -> Document:
    """The document's sections in order.

    Args:
        markdown: Its text.
        title: What it is called; without one the first heading of the first level is its title.
    """
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    text = _COMMENT.sub("", _CONTROL.sub(" ", lines))
    chapters = list(_chapters(_FRONT.sub("", text)))
    first = next((chapter for chapter in chapters if chapter.headings), None)
    if first and len(first.headings) == 1 and first.level == 1 and (not title or title == first.headings[0]):
        title = title or first.headings[0]
        chapters = [_without_title(chapter, first.headings[0]) for chapter in chapters]
    said: dict[tuple[str, ...], dict[str, str]] = {}
    sections = []
    for chapter in chapters:
        section = _section(chapter)
        said[section.path] = {**said.get(section.path, {}), **section.fields}
        outer: dict[str, str] = {}
        # From 1: what the document says of itself before its first heading is not said of each gap.
        for depth in range(1, len(section.path)):
            outer.update(said.get(section.path[:depth], {}))
        sections.append(replace(section, outer_fields=outer))
    return Document(title=title, sections=tuple(sections))


def split_field(text: str) -> tuple[str, str] | None:
    """A text of the form ``Label: text`` with a label of ``FIELDS``, as its name here and the text."""
    match = _LABEL.match(text) or _PLAIN_LABEL.match(text)
    name = FIELDS.get(match["name"].strip().rstrip(":").casefold()) if match else None
    return (name, match["text"].strip()) if match and name else None


@dataclass
class _Chapter:
    headings: tuple[str, ...]
    level: int
    lines: list[str] = field(default_factory=list)


def _without_title(chapter: _Chapter, title: str) -> _Chapter:
    inside = chapter.headings[:1] == (title,)
    return replace(chapter, headings=chapter.headings[1:]) if inside else chapter


def _chapters(text: str) -> Iterator[_Chapter]:
    stack: list[tuple[int, str]] = []
    chapter = _Chapter((), 0)
    for line in _content(text):
        if heading := _HEADING.match(line):
            yield chapter
            level = len(heading[1])
            stack = [(other, name) for other, name in stack if other < level]
            stack.append((level, heading[2]))
            chapter = _Chapter(tuple(name for _, name in stack), level)
        else:
            chapter.lines.append(line)
    yield chapter


def _content(text: str) -> Iterator[str]:
    """The lines outside code blocks, quotation signs taken away."""
    fence = ""
    for line in text.split("\n"):
        bare = _QUOTE.sub("", line.expandtabs(4)) if _QUOTE.match(line) else line.expandtabs(4)
        if mark := _FENCE.match(bare):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not bare.strip().strip(fence[0]):
                fence = ""
            yield ""
        elif not fence:
            yield "" if _RULE.match(bare) else bare


def _section(chapter: _Chapter) -> Section:
    reader = _Reader()
    for line in chapter.lines:
        reader.read(line)
    entries = []
    for open_ in reader.entries:
        entry = replace(open_.entry, text=open_.text, details=tuple(open_.details))
        if entry.box is None and entry.label in FIELDS:
            _add_to_list(reader.fields, FIELDS[entry.label], entry.text)
        else:
            entries.append(entry)
    return Section(path=chapter.headings, entries=tuple(entries), fields=reader.fields)


def _add_to_list(fields: dict[str, str], name: str, text: str) -> None:
    """A field whose text is a list, such as dependencies one under the other."""
    before = fields.get(name, "")
    fields[name] = f"{before}{' ' if before.endswith(':') else '; '}{text}" if before else text


@dataclass
class _Open:
    """An entry that following lines may still belong to."""

    entry: Entry
    text: str
    indent: int
    details: list[str] = field(default_factory=list)


class _Reader:
    """Reads one section line by line."""

    def __init__(self) -> None:
        self.entries: list[_Open] = []
        self.fields: dict[str, str] = {}
        self._label = ""
        self._around: list[_Open] = []
        """The list items the line stands in, the outermost first."""
        self._field = ""
        self._after_blank = True

    def read(self, line: str) -> None:
        if not line.strip():
            self._after_blank = True
            self._field = ""
            return
        if item := _ITEM.match(line):
            self._item(len(item["indent"]), item["box"], item["text"].strip())
        elif not self._is_label(line.strip()):
            self._prose(line)
        self._after_blank = False

    def _item(self, indent: int, box: str | None, text: str) -> None:
        self._field = ""
        if box is None and self._bulleted_field(indent, text):
            return
        self._around = [open_ for open_ in self._around if open_.indent < indent]
        if box is None and self._around:
            self._around[-1].details.append(text)
            return
        parent = self._around[-1].text if self._around else ""
        ticked = None if box is None else box in ("x", "X")
        self._open(Entry(text=text, box=ticked, label=self._label, parent=parent), indent)

    def _bulleted_field(self, indent: int, text: str) -> bool:
        """A bullet may carry a field of the section, or a gap; inside another item it is that item's detail."""
        if any(open_.indent < indent for open_ in self._around):
            return False
        label = _LABEL.match(text)
        if label and (label["inside"] or label["outside"]) and GAP.fullmatch(label["name"].casefold()):
            return self._is_label(text)
        if named := split_field(text):
            self.fields.setdefault(*named)
            return True
        return False

    def _is_label(self, text: str) -> bool:
        label = _LABEL.match(text)
        if label is None or not (label["inside"] or label["outside"]):
            if named := split_field(text):
                self._set_field(*named)
                return True
            return False
        name, value = label["name"].strip().casefold(), label["text"].strip()
        self._around = []
        if name in FIELDS:
            self._label = name
            self._set_field(FIELDS[name], value)
        else:
            self._label = f"{name} {label['remark']}".strip() if label["remark"] else name
            if value:
                self._open(Entry(text=value, label=self._label, is_line=True), 0)
        return True

    def _set_field(self, name: str, value: str) -> None:
        self._field = name
        if value:
            self.fields.setdefault(name, value)

    def _prose(self, line: str) -> None:
        """A line without a sign goes on with what stands directly above it."""
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if self._field in self.fields and not self._after_blank:
            self.fields[self._field] += f" {text}"
        elif self._around and not self._after_blank and not self._around[-1].details:
            self._around[-1].text += f" {text}"
        elif self._around and indent > self._around[-1].indent:
            self._around[-1].details.append(text)
        else:
            self._around = []
            self._label = ""

    def _open(self, entry: Entry, indent: int) -> None:
        opened = _Open(entry, entry.text, indent)
        self.entries.append(opened)
        self._around.append(opened)
