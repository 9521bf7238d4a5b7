"""From gaps and the rows filed earlier to what is to be written, and what is left alone and why.

A row is found by any key its gap may have been filed under. A value is written where the row still says what was last
written; what a person changed stays. A row is closed when its gap is done and a person has not touched it, and opened
again when the tick is taken away. A row whose gap is no longer in the document is left as it is: that something is not
mentioned does not prove it done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gap_analysis.merging import apart, keys_apart
from gap_analysis.model import PRIORITIES, Analysis, Form, Gap, Home
from gap_analysis.wording import is_rewording, is_telling, name_of, plain, same_words

OPEN = "open"
DONE = "done"
CAP = 100
"""Rows created in one run unless told otherwise."""
_LONGEST_TITLE = 150
_SHOWN_FACTS = ("impact", "effort", "dependencies", "source", "fix")


class Move(StrEnum):
    """What becomes of a gap's row."""

    CREATE = "create"
    UPDATE = "update"
    CLOSE = "close"
    REOPEN = "reopen"
    UNCHANGED = "unchanged"
    LEFT = "left alone"
    """A person has changed, closed or deleted it, or it is no longer in the document."""
    DONE = "done"
    """Done, and never filed."""
    WAIT = "wait"
    """Beyond the cap; the next run files it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRow:
    """A row that an earlier run filed."""

    key: str
    home: Home
    page_id: str
    url: str = ""
    now: Mapping[str, str]
    """What it says: title, priority, description, and status as ``OPEN``, ``DONE`` or a person's own word."""
    written: Mapping[str, str]
    """What was last written to it; empty when that is not known."""
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done about one gap, or about one row whose gap is gone."""

    move: Move
    key: str
    home: Home
    values: Mapping[str, str]
    """What is to be written; for a row left alone, nothing."""
    gap: Gap | None = None
    row: FiledRow | None = None
    title: str
    why: str = ""
    kept: tuple[str, ...] = ()
    """What a person has changed and what therefore stays."""
    adopted: Mapping[str, str] = field(default_factory=dict)
    """Values the row already has although they are not known to have been written: a run ended in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run will do."""

    analysis: Analysis
    steps: tuple[Step, ...]
    unknown_refusals: tuple[str, ...] = ()
    """Keys whose merge was refused although no merged gap has them."""

    def of(self, *moves: Move) -> tuple[Step, ...]:
        """The steps of these kinds, in order."""
        return tuple(step for step in self.steps if step.move in moves)

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return self.of(Move.CREATE, Move.UPDATE, Move.CLOSE, Move.REOPEN)


@dataclass
class _Rows:
    """The filed rows, taken one by one by the gaps they belong to."""

    by_key: dict[str, FiledRow]
    left: dict[str, FiledRow] = field(default_factory=dict)

    @classmethod
    def of(cls, filed: Sequence[FiledRow]) -> _Rows:
        by_key: dict[str, FiledRow] = {}
        for row in filed:
            # Of two rows with one key (a person's copy) the one that was filed first is ours; it comes first.
            by_key.setdefault(row.key, row)
        return cls(by_key, dict(by_key))

    def take(self, keys: Collection[str]) -> FiledRow | None:
        for key in keys:
            if row := self.left.pop(key, None):
                return row
        return None


def plan(
    analysis: Analysis, filed: Sequence[FiledRow], *, no_merge: Collection[str] = (), cap: int = CAP
) -> Plan:
    """What is to be done so that the rows say what the document says.

    Args:
        analysis: The document.
        filed: The rows that earlier runs filed for it, oldest first.
        no_merge: Keys of gaps (with or without the document's part) whose places shall be rows of their own.
        cap: Most rows created by this run; the most urgent first.
    """
    rows = _Rows.of(filed)
    refused = {key.rsplit(":", 1)[-1] for key in no_merge}
    merged = {key.rsplit(":", 1)[-1] for gap in analysis.gaps if gap.is_merged for key in gap.keys}
    gaps = [
        one
        for gap in analysis.gaps
        for one in (apart(gap) if _is_refused(gap, refused, rows.by_key) else (gap,))
    ]
    found = {gap.key: rows.take(gap.keys) for gap in gaps}
    _match_reworded(gaps, found, rows)
    steps = [
        _step(gap, found[gap.key], analysis.title)
        for gap in sorted(gaps, key=_urgency)
        if found[gap.key] or not gap.is_only_signed
    ]
    return Plan(
        analysis=analysis,
        steps=(*_capped(steps, cap), *(_gone(row) for row in rows.left.values() if not row.deleted)),
        unknown_refusals=tuple(sorted(refused - merged)),
    )


def wanted(gap: Gap, document: str) -> Mapping[str, str]:
    """What a gap's row says while the gap is open; a priority nobody named is left out."""
    priority = priority_of(gap)
    return {
        "title": title_of(gap),
        "description": _description(gap, document),
        "status": OPEN,
        **({"priority": priority} if priority else {}),
    }


def title_of(gap: Gap) -> str:
    """The wording that gives the row its name; what tells little without its section says that first."""
    first = gap.mentions[0]
    text = first.wording
    if first.form is Form.STATEMENT or not is_telling(first.name.full):
        heading = first.section.rsplit(" \u203a ", 1)[-1]
        about = heading.split(" ", 1)[-1] if heading[:1].isdigit() else heading
        text = f"{about}: {text}"
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1].rstrip()}…"


def home_of(gap: Gap) -> Home:
    """The database the document names for it, else the one that follows from its first heading."""
    places = (*gap.mentions, *gap.pointers)
    return next((place.home for place in places if place.home_is_said), gap.mentions[0].home)


def priority_of(gap: Gap) -> str | None:
    """What is said of the gap itself; else the most urgent of its sections."""
    own = [place.own_priority for place in (*gap.mentions, *gap.pointers) if place.own_priority]
    named = own or [place.section_priority for place in gap.mentions if place.section_priority]
    return min(named, key=PRIORITIES.index) if named else None


def _description(gap: Gap, document: str) -> str:
    places = (*gap.mentions, *gap.pointers)
    lines = [f"Named in {document or 'the document'}:"]
    lines += dict.fromkeys(f"- {place.section}: {place.wording}" for place in places)
    for name in _SHOWN_FACTS:
        if said := next((place.facts[name] for place in places if name in place.facts), ""):
            lines.append(f"{name.capitalize()}: {plain(said)}")
    lines += dict.fromkeys(line for place in gap.mentions for line in place.details)
    return "\n".join(lines)


def _is_refused(gap: Gap, refused: Collection[str], filed: Mapping[str, FiledRow]) -> bool:
    """Refused now, or before: then rows stand under more than one of the keys its places have on their own."""
    if not gap.is_merged:
        return False
    if any(key.rsplit(":", 1)[-1] in refused for key in gap.keys):
        return True
    return sum(key in filed for key in keys_apart(gap)) > 1


def _match_reworded(gaps: Sequence[Gap], found: dict[str, FiledRow | None], rows: _Rows) -> None:
    """A new wording beside a row whose wording is gone: the same gap, edited, if each is the other's only match."""
    new = [(gap, name_of(title_of(gap))) for gap in gaps if found[gap.key] is None]
    matches: dict[str, list[str]] = defaultdict(list)
    for row in rows.left.values():
        old_name = name_of(row.written.get("title") or row.now.get("title", ""))
        for gap, name in new:
            if same_words(row.key, gap.key) or is_rewording(old_name, name):
                matches[gap.key].append(row.key)
    times: dict[str, int] = defaultdict(int)
    for keys in matches.values():
        for key in keys:
            times[key] += 1
    for gap, _ in new:
        if len(matches[gap.key]) == 1 and times[matches[gap.key][0]] == 1:
            found[gap.key] = rows.take(matches[gap.key])


def _urgency(gap: Gap) -> int:
    priority = priority_of(gap)
    return PRIORITIES.index(priority) if priority else len(PRIORITIES)


def _step(gap: Gap, row: FiledRow | None, document: str) -> Step:
    values = wanted(gap, document)
    home = row.home if row else home_of(gap)
    step = Step(
        move=Move.UNCHANGED, key=gap.key, home=home, values={}, gap=gap, row=row, title=values["title"]
    )
    if row is None:
        if gap.done:
            return replace(step, move=Move.DONE, why=_why_done(gap))
        return replace(step, move=Move.CREATE, values={**values, "key": gap.key})
    if row.deleted:
        return replace(step, move=Move.LEFT, why="a person has deleted its row")
    same = {name: text for name, text in values.items() if row.now.get(name) == text}
    step = replace(step, adopted={n: t for n, t in same.items() if row.written.get(n) != t})
    return _closing(step, gap, row) if gap.done else _updating(step, values, row)


def _closing(step: Step, gap: Gap, row: FiledRow) -> Step:
    if row.now.get("status") == DONE:
        return step
    known = {**row.written, **step.adopted}
    # An empty column is no sign of a person: a database may have no word for a priority.
    changed = [name for name, text in known.items() if row.now.get(name) and row.now[name] != text]
    if changed or "status" not in known:
        what = f"has changed its {' and '.join(sorted(changed))}" if changed else "may have changed it"
        return replace(step, move=Move.LEFT, why=f"{_why_done(gap)}, but a person {what}")
    return replace(step, move=Move.CLOSE, values={"status": DONE}, why=_why_done(gap))


def _updating(step: Step, values: Mapping[str, str], row: FiledRow) -> Step:
    changes: dict[str, str] = {}
    kept: list[str] = []
    for name, text in values.items():
        now, before = row.now.get(name), row.written.get(name)
        if text in (now, before):
            continue
        if now is None or now == before:
            changes[name] = text
        else:
            kept.append(f"{name} says “{_short(now)}” by hand; the document says “{_short(text)}”")
    if step.gap and row.key not in step.gap.keys:
        changes["key"] = step.key
    reopened = row.written.get("status") == DONE and changes.get("status") == OPEN
    if changes:
        move = Move.REOPEN if reopened else Move.UPDATE
        return replace(step, move=move, values=changes, why=_what_changes(changes), kept=tuple(kept))
    move = Move.LEFT if kept else Move.UNCHANGED
    return replace(step, move=move, why="; ".join(kept), kept=tuple(kept))


def _what_changes(changes: Mapping[str, str]) -> str:
    named = [name for name in changes if name != "key"]
    return f"the document has another {' and '.join(named)}" if named else "its wording was edited"


def _why_done(gap: Gap) -> str:
    said = next(place for place in (*gap.mentions, *gap.pointers) if place.done and place.counts_as_done)
    open_ = f", still open at {gap.contradictions[0].section}" if gap.contradictions else ""
    return f"{said.done_why} at {said.section}{open_}"


def _gone(row: FiledRow) -> Step:
    return Step(
        move=Move.LEFT,
        key=row.key,
        home=row.home,
        values={},
        row=row,
        title=row.now.get("title", ""),
        why="it is no longer in the document; that does not prove it done",
    )


def _capped(steps: Sequence[Step], cap: int) -> list[Step]:
    created = 0
    found = []
    for step in steps:
        over = step.move is Move.CREATE and created >= cap
        created += step.move is Move.CREATE and not over
        found.append(
            replace(step, move=Move.WAIT, values={}, why=f"only {cap} rows are filed in one run")
            if over
            else step
        )
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"  # noqa: PLR2004 - what fits a line
