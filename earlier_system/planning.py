"""From what the files wanted and the rows as they are to one proposal for each row.

Never over a newer value: a row that was edited after the file was written stays as it is. Nothing is started: no row
becomes ready or running by an import, and new rows wait as drafts without a task type. Nothing is closed because a
trigger file lies in ``02_processed``: agents moved files before they began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from earlier_system.model import (
    DESCRIPTION,
    LINK,
    PRIORITY,
    STATUS,
    TITLE,
    Current,
    EarlierIndex,
    Findings,
    Home,
    Move,
    Plan,
    Proposal,
    Source,
    Stage,
    Wish,
)

DONE_WORD, FAILED_WORD, BLOCKED_WORD = "done", "failed", "blocked"
"""States an import may write; everything else would start work or undo it."""
_STATUS: Mapping[str, str] = {
    **dict.fromkeys(
        ("done", "complete", "completed", "resolved", "closed", "success", "finished"), DONE_WORD
    ),
    **dict.fromkeys(("failed", "failure", "error"), FAILED_WORD),
    **dict.fromkeys(("blocked", "waiting", "on hold", "waiting on client"), BLOCKED_WORD),
}
_PRIORITY: Mapping[str, str] = {
    **dict.fromkeys(("critical", "5 - critical", "highest", "urgent", "p0"), "Critical"),
    **dict.fromkeys(("high", "3 - high", "4 - high", "p1"), "High"),
    **dict.fromkeys(("medium", "3 - medium", "2 - medium", "normal", "p2"), "Medium"),
    **dict.fromkeys(("low", "1 - low", "2 - low", "lowest", "p3"), "Low"),
    "routine": "Routine",
}
_MINUTE_S = 60.0
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows as they are now."""

    by_page: Mapping[str, Current] = field(default_factory=dict)
    """Page id -> row, for every page a wish names and that is there."""
    by_key: Mapping[str, Current] = field(default_factory=dict)
    """Segue key -> row."""
    by_title: Mapping[tuple[Home, str], Current] = field(default_factory=dict)
    """Home and title in lower case -> row."""
    noted: frozenset[str] = frozenset()
    """Keys of notes that were added before."""


def plan(findings: Findings, rows: Rows) -> Plan:
    """One proposal for each row that is meant, and one for each folder of an index."""
    by_row: dict[str, list[Wish]] = defaultdict(list)
    for wish in findings.wishes:
        updates = wish.page_id is not None and wish.source is Source.PENDING
        by_row[f"set:{wish.page_id}" if updates else wish.key].append(wish)
    proposals = [_propose(wishes, rows) for wishes in by_row.values()]
    proposals.sort(key=lambda one: (list(Move).index(one.move), one.home, one.title.casefold(), one.key))
    return Plan(
        proposals=(*proposals, *_of_indexes(findings.indexes)),
        unread=findings.unread,
        passed_over=findings.passed_over,
    )


def _propose(wishes: Sequence[Wish], rows: Rows) -> Proposal:
    latest = max(wishes, key=lambda wish: wish.written_at or 0.0)
    row = rows.by_page.get(latest.page_id or "")
    if Home.ELSEWHERE in (latest.home, row.home if row else latest.home):
        why = "it is about a database that Segue does not work in; enter it by hand if it still counts"
        return _proposal(Move.HUMAN, latest, row, why)
    if latest.settled:
        return _proposal(Move.SKIP, latest, row, latest.settled)
    if latest.source is Source.RETURN:
        return _note(latest, row, rows)
    if latest.page_id is not None and latest.source is Source.PENDING:
        return _update(wishes, row)
    if row is not None and not row.in_trash:
        return _proposal(Move.SKIP, latest, row, _standing(latest, row))
    return _new(latest, rows)


def _new(wish: Wish, rows: Rows) -> Proposal:
    title = wish.values.get(TITLE, "")
    if not title:
        return _proposal(Move.HUMAN, wish, None, "it says no title; read the file")
    if wish.stage is not Stage.NONE and wish.stage is not Stage.INBOX:
        where = "its row is gone, and" if wish.page_id else "no row is named, and"
        return _proposal(Move.SKIP, wish, None, f"{where} its file was taken out of the inbox ({wish.stage})")
    if known := rows.by_key.get(wish.key):
        return _proposal(Move.SKIP, wish, known, "imported before")
    if twin := rows.by_title.get((wish.home, title.casefold())):
        return _proposal(Move.SKIP, wish, twin, "a row of this title is there")
    values = {TITLE: title[:_LONGEST_TITLE]}
    if priority := _PRIORITY.get(wish.values.get(PRIORITY, "").casefold()):
        values[PRIORITY] = priority
    values[DESCRIPTION] = "\n\n".join(
        part for part in (wish.values.get(DESCRIPTION, ""), _origin(wish)) if part
    )
    if link := wish.values.get(LINK):
        values[LINK] = link
    why = f"its row {wish.page_id} is not there any more" if wish.page_id else "no row stands for it"
    return Proposal(
        move=Move.CREATE,
        key=wish.key,
        home=wish.home,
        title=title,
        why=why,
        values=values,
        places=wish.places,
    )


def _origin(wish: Wish) -> str:
    more = f" Not taken over: {', '.join(wish.left_out)}." if wish.left_out else ""
    return f"Imported from the earlier system ({wish.source}: {', '.join(wish.places)}).{more}"


def _update(wishes: Sequence[Wish], row: Current | None) -> Proposal:
    wishes = sorted(wishes, key=lambda wish: wish.written_at or 0.0)
    latest = wishes[-1]
    places = tuple(sorted({place for wish in wishes for place in wish.places}))
    if row is None or row.in_trash:
        gone = "its row is in the trash" if row else "its row cannot be found"
        return _proposal(Move.SKIP, latest, row, gone, places)
    values: dict[str, str] = {}
    kept: list[str] = []
    for wish in wishes:
        newer = _is_newer(row, wish.written_at)
        for name, text in wish.values.items():
            if newer:
                kept.append(f"{name}: {newer}")
            elif (reason := _refusal(name, text, row)) is not None:
                kept.append(f"{name}: {reason}")
            else:
                values[name] = _word(name, text)
    changed = {name: text for name, text in values.items() if row.values.get(name, "") != text}
    if not changed:
        why = "; ".join(dict.fromkeys(kept)) or "the row says so already"
        return _proposal(Move.SKIP, latest, row, why, places)
    return Proposal(
        move=Move.SET,
        key=latest.key,
        home=row.home,
        title=row.values.get(TITLE, "") or latest.values.get(TITLE, "Untitled"),
        why="; ".join(dict.fromkeys(kept)),
        page_id=row.page_id,
        url=row.url,
        values=changed,
        was={name: row.values.get(name, "") for name in changed},
        places=places,
    )


def _is_newer(row: Current, written_at: float | None) -> str:
    if written_at is None:
        return "the file does not say when it was written, so that the row may be newer"
    # Notion floors its times: an edit within the same minute may have come after the file.
    if row.edited_at + _MINUTE_S > written_at:
        return "the row was edited after the file was written"
    return ""


def _refusal(name: str, text: str, row: Current) -> str | None:
    """Why a value is not taken over; None when it may be."""
    if name == STATUS:
        if row.is_ours:
            return "Segue works on this row"
        if text.casefold() not in _STATUS:
            return f"“{text}” would start work, or means nothing here"
    if name == PRIORITY and text.casefold() not in _PRIORITY:
        return f"“{text}” is no priority"
    return None


def _word(name: str, text: str) -> str:
    if name == STATUS:
        return _STATUS[text.casefold()]
    return _PRIORITY[text.casefold()] if name == PRIORITY else text


def _note(wish: Wish, row: Current | None, rows: Rows) -> Proposal:
    if not wish.note:
        return _proposal(Move.SKIP, wish, row, "it reports nothing")
    if row is None or row.in_trash:
        return _proposal(Move.HUMAN, wish, row, f"the row it reports on cannot be found. {wish.note}")
    if wish.key in rows.noted:
        return _proposal(Move.SKIP, wish, row, "noted before")
    return Proposal(
        move=Move.NOTE,
        key=wish.key,
        home=row.home,
        title=row.values.get(TITLE, "") or "Untitled",
        why="an agent reported on it and the row was never told",
        page_id=row.page_id,
        url=row.url,
        note=wish.note,
        places=wish.places,
    )


def _standing(wish: Wish, row: Current) -> str:
    status = row.values.get(STATUS, "") or "without a status"
    if wish.stage is Stage.FAILED and not row.ended:
        return f"the row is there, {status}, and an agent put the file into failed; look at the row"
    if wish.stage is Stage.PROCESSED and not row.ended:
        return f"the row is there, {status}; that its file was moved proves no work"
    return f"the row is there, {status}"


def _proposal(
    move: Move, wish: Wish, row: Current | None, why: str, places: tuple[str, ...] | None = None
) -> Proposal:
    title = (row.values.get(TITLE, "") if row else "") or wish.values.get(TITLE, "") or wish.places[0]
    return Proposal(
        move=move,
        key=wish.key,
        home=row.home if row else wish.home,
        title=title,
        why=why,
        page_id=row.page_id if row else "",
        url=row.url if row else "",
        places=places or wish.places,
    )


def _of_indexes(indexes: Iterable[EarlierIndex]) -> Iterator[Proposal]:
    for index in indexes:
        if not index.files and not index.folders:
            yield _folder(Move.SKIP, index.path, index, "an empty stub; it never held anything")
        for folder in index.folders:
            said = f"the index names {folder.files} files there, {folder.present} are there now"
            if not folder.mounted:
                why = f"{said}: the folder is missing; mount its volume before you rely on it"
            else:
                why = f"{said}: add the folder to MUSIC_DIRECTORY_PATHS and run Rebuild index"
            yield _folder(Move.HUMAN, folder.path, index, why)


def _folder(move: Move, title: str, index: EarlierIndex, why: str) -> Proposal:
    return Proposal(
        move=move,
        key=f"earlier:index:{title}",
        home=Home.ELSEWHERE,
        title=title,
        why=why,
        places=(index.path,),
    )
