"""Which entries of a document are gaps, and what is said of each.

A gap is an unchecked box, a **Gap:** line or a bullet under "Incomplete Work". Success criteria, immediate actions and
summaries only point to gaps; what is completed, ticked or "none identified" is not one, nor is a line that is only a
heading. Whatever is passed over is named with the reason, so that nothing is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gap_analysis import markdown, wording
from gap_analysis.markdown import GAP
from gap_analysis.merging import merge
from gap_analysis.model import Analysis, Entry, Form, Home, Mention, PassedOver, Section

_INCOMPLETE = re.compile(r"incomplete work\b")
_POINTING = re.compile(
    r"\b(?:success criteria|acceptance criteria|definition of done|immediate actions?|priority summary"
    r"|executive summary)\b"
)
_ABOUT_ROWS = re.compile(
    r"\b(?:create|created|file|filed)\b.*\b(?:tasks?|issues?|entries|tickets?)\b", re.IGNORECASE
)
_NOT_FILED_YET = re.compile(
    r"\b(?:tasks?|issues?)\b.*\bnot (?:yet )?(?:been )?(?:created|filed)\b", re.IGNORECASE
)
_NONE = re.compile(
    r"\W*(?:none|n/?a|nothing|no (?:\w+ )?(?:gaps?|failures?|issues?))"
    r"(?: (?:identified|found|known|remaining|left))?\W*$",
    re.IGNORECASE,
)
_NONE_TITLE = re.compile(
    r"\b(?:none|nothing|no (?:\w+ ){0,2}(?:gaps?|failures?|issues?)) (?:identified|found)\b"
)
_DONE_WORDS = r"(?:completed?|done|implemented|resolved|closed|fixed|finished)"
_DONE_STATUS = re.compile(rf"(?:\W*\bfully\s+)?\W*{_DONE_WORDS}\s*(?:$|[-\u2013\u2014:;,.(])", re.IGNORECASE)
_NOT_REALLY = re.compile(r"\b(?:not|partial|partially|partly|incomplete)\b", re.IGNORECASE)
_DONE_TITLE = re.compile(rf"\([^)]*\b{_DONE_WORDS}\)\s*$", re.IGNORECASE)
_TITLE_REMARK = re.compile(
    r"\s*\([^()]*\b(?:priority|completed?|future|long term|done)\b[^()]*\)\s*$", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)*[.)]?|[IVX]+\.)\s+")
_DONE_SIGNS = ("✅", "✔", "☑", "~~")
_PLACEHOLDER = re.compile(r"\W*(?:tbd|todo|tba|placeholder|xxx|\.\.\.)?\W*$", re.IGNORECASE)
_TASKS = re.compile(r"agent[- ]tasks?\b", re.IGNORECASE)
_ISSUES = re.compile(r"issues\s*(?:\+|&|and)\s*questions\b", re.IGNORECASE)
_AUTOMATION = re.compile(r"\bautomat(?:ion|ions|e|ed|ing)\b", re.IGNORECASE)
_FACTS = {
    "impact": "Impact",
    "effort": "Effort",
    "dependencies": "Dependencies",
    "source": "Source",
    "fix": "Fix",
}
_LONGEST = 100


def analyse(text: str, *, title: str = "", key: str = "") -> Analysis:
    """Everything a gap analysis says is missing.

    Args:
        text: Markdown.
        title: What the document is called, where it does not say so itself.
        key: What the keys of its rows begin with, where that is known; else it follows from the title.
    """
    document = markdown.parse(text, title=title)
    key = key or wording.document_key(document.title)
    mentions: list[Mention] = []
    passed_over: list[PassedOver] = []
    for section in document.sections:
        for found in _Reader(section, key).read():
            if isinstance(found, Mention):
                mentions.append(found)
            else:
                passed_over.append(found)
    gaps, aimless = merge(mentions)
    passed_over += [PassedOver(place.section, place.wording, place.done_why or why) for place, why in aimless]
    return Analysis(title=document.title, key=key, gaps=gaps, passed_over=tuple(passed_over))


class _Reader:
    """Reads one section."""

    def __init__(self, section: Section, document_key: str) -> None:
        self._section = section
        self._document_key = document_key
        self._label = _shown_path(section.path)
        self._titles = " / ".join(section.path).casefold()
        self._done = _is_done(section.path, {**section.outer_fields, **section.fields})
        self._has_boxes = any(entry.box is not None for entry in section.entries)
        statements = [entry for entry in section.entries if self._is_statement(entry)]
        self._is_about_one = len(statements) == 1 and not self._has_boxes

    def read(self) -> Iterator[Mention | PassedOver]:
        """The section's mentions, and what is none although it looks like one."""
        for entry in self._section.entries:
            form = self._form(entry)
            if form is None:
                continue
            why_not = self._why_not(entry, form)
            if why_not:
                if form in (Form.BOX, Form.STATEMENT):
                    yield PassedOver(self._label, wording.plain(entry.text) or "(empty)", why_not)
                continue
            yield self._mention(entry, form)

    def _form(self, entry: Entry) -> Form | None:
        if _POINTING.search(self._titles) or _POINTING.search(entry.label):
            is_listed = entry.box is not None or (not entry.is_line and not entry.parent)
            return Form.POINTER if is_listed else None
        if entry.box is not None:
            return Form.BOX
        if self._is_statement(entry):
            return Form.STATEMENT
        return Form.SIGNED if entry.text.startswith(_DONE_SIGNS) and not entry.is_line else None

    def _is_statement(self, entry: Entry) -> bool:
        if entry.box is not None:
            return False
        if GAP.fullmatch(entry.label):
            # Behind the label, or listed under a label with nothing behind it.
            others = [
                other for other in self._section.entries if other.label == entry.label and other.is_line
            ]
            return entry.is_line or not others
        under_heading = bool(self._section.path) and bool(
            _INCOMPLETE.search(self._section.path[-1].casefold())
        )
        return bool(_INCOMPLETE.match(entry.label)) or (under_heading and not entry.label)

    def _why_not(self, entry: Entry, form: Form) -> str:
        text = entry.text.strip()
        bare = wording.plain(text)
        if not any(character.isalnum() for character in bare) or _PLACEHOLDER.match(bare):
            return "it says nothing"
        if bare.endswith(":"):
            return "it is a heading, not a task"
        if _NONE.match(bare):
            return "it says that there is none"
        if form is Form.STATEMENT and self._has_boxes and entry.is_line:
            return "it sums up the list under it"
        if form is Form.STATEMENT and _NOT_FILED_YET.search(bare):
            return "it says that rows are to be filed"
        return ""

    def _mention(self, entry: Entry, form: Form) -> Mention:
        text = wording.without_priority(wording.plain(entry.text)).lstrip("✅✔☑ ")
        name_text = _lead(entry.text) if form is Form.POINTER else text
        name = wording.name_of(name_text, is_statement=form is Form.STATEMENT)
        scope = f"{_scope(self._section.path)}|{entry.parent.casefold()}"
        key = wording.key_of(name, "" if wording.is_telling(name.full) else scope)
        home, is_said = self._home(entry)
        done_why = self._done_why(entry)
        return Mention(
            form=form,
            wording=text,
            section=self._label,
            name=name,
            subject=wording.name_of(_title(self._section.path[-1]))
            if form is Form.STATEMENT and self._is_about_one and self._section.path
            else None,
            key=f"{self._document_key}:{key}",
            key_apart=f"{self._document_key}:{wording.key_of(name, f'apart|{scope}')}",
            done=bool(done_why),
            done_why=done_why,
            counts_as_done=form is not Form.POINTER
            or not (_ABOUT_ROWS.search(self._titles) or name.action == "begin"),
            home=home,
            home_is_said=is_said,
            own_priority=wording.bracketed_priority(wording.plain(entry.text)),
            section_priority=self._priority(),
            facts=self._facts(entry),
            details=self._details(entry),
        )

    def _done_why(self, entry: Entry) -> str:
        if entry.box:
            return "ticked"
        if entry.text.lstrip("* ").startswith(_DONE_SIGNS):
            return "marked as done"
        return self._done

    def _priority(self) -> str | None:
        fields = self._section.fields
        if named := wording.priority_in(fields.get("priority", "")):
            return named
        for title in reversed(self._section.path):
            remarks = " ".join(re.findall(r"\(([^()]*)\)", title))
            if named := wording.priority_in(remarks) or wording.priority_in(
                " ".join(re.findall(r"\b(\w+)[ -]priority\b", title, re.IGNORECASE))
            ):
                return named
        inherited = self._section.outer_fields
        return (
            wording.priority_in(fields.get("impact", ""))
            or wording.priority_in(inherited.get("priority", ""))
            or wording.priority_in(inherited.get("impact", ""))
        )

    def _home(self, entry: Entry) -> tuple[Home, bool]:
        fields, outer = self._section.fields, self._section.outer_fields
        said = (entry.label, fields.get("target", ""), fields.get("action", ""))
        for text in (*said, *reversed(self._section.path), outer.get("target", ""), outer.get("action", "")):
            tasks, issues = _TASKS.search(text), _ISSUES.search(text)
            if bool(tasks) != bool(issues):
                return (Home.TASKS if tasks else Home.ISSUES), True
        return (Home.TASKS if _AUTOMATION.search(self._titles) else Home.ISSUES), False

    def _facts(self, entry: Entry) -> Mapping[str, str]:
        facts = {**self._section.outer_fields, **self._section.fields}
        own = dict(filter(None, (markdown.split_field(line) for line in entry.details)))
        if "effort" in facts and "effort" not in own and self._how_many() > 1:
            whole = self._label.split(" ", 1)[0] if self._label[:1].isdigit() else self._label
            facts["effort"] += f" for the whole of {whole}"
        facts.update(own)
        return {name: wording.plain(facts[name]) for name in _FACTS if facts.get(name)}

    def _summed_up(self) -> list[str]:
        """The sentences over the section's list, unless they only say that rows are to be filed."""
        lines = [other.text for other in self._section.entries if other.is_line and self._is_statement(other)]
        return [text for text in lines if not _NOT_FILED_YET.search(text) and not _NONE.match(text)]

    def _how_many(self) -> int:
        return sum(self._form(entry) in (Form.BOX, Form.STATEMENT) for entry in self._section.entries)

    def _details(self, entry: Entry) -> tuple[str, ...]:
        lines = [line for line in entry.details if not markdown.split_field(line)]
        if entry.parent:
            lines.insert(0, f"Part of: {entry.parent}")
        if self._has_boxes:
            lines += [f"Gap: {text}" for text in self._summed_up()]
        if self._is_about_one:
            lines += [
                f"{other.label.capitalize()}: {other.text}"
                for other in self._section.entries
                if other is not entry and other.label
            ]
        return tuple(wording.plain(line) for line in lines)


def _is_done(path: tuple[str, ...], fields: Mapping[str, str]) -> str:
    """Why the whole section is done; empty when it is not."""
    status = wording.plain(fields.get("status", ""))
    if not _NOT_REALLY.search(status) and (status.startswith(_DONE_SIGNS) or _DONE_STATUS.match(status)):
        return f"the section's status is “{status}”"
    for title in path:
        if not _NOT_REALLY.search(title) and (
            _DONE_TITLE.search(title) or title.startswith(_DONE_SIGNS) or _NONE_TITLE.search(title.casefold())
        ):
            return f"the section is headed “{title}”"
    return ""


def _lead(text: str) -> str:
    """The bold beginning of an entry, which names it; else the whole of it."""
    lead = re.match(r"\*\*([^*]+)\*\*", text.strip())
    return lead[1] if lead else text


def _title(heading: str) -> str:
    """A heading without its number and without priority or state in brackets."""
    return _TITLE_REMARK.sub("", _NUMBER.sub("", wording.plain(heading), count=1)).strip()


def _shown_path(path: tuple[str, ...]) -> str:
    """The innermost numbered heading and what follows it, as people refer to it: "7.2 Maintenance Tasks"."""
    if not path:
        return "(beginning)"
    names = [_TITLE_REMARK.sub("", wording.plain(heading)) for heading in path]
    numbered = [place for place, heading in enumerate(names) if _NUMBER.match(heading)]
    shown = names[numbered[-1] :] if numbered else names[-2:]
    return " \u203a ".join(shown)[:_LONGEST]


def _scope(path: tuple[str, ...]) -> str:
    return "/".join(_title(heading).casefold() for heading in path)
