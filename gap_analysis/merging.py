"""Which mentions are one gap, and which gap a pointer means.

Cautious by design, since a wrong merge hides work: boxes are one only when their names are equal word for word; a
**Gap:** line joins a box that its own words or its section's title name; a pointer joins a gap when there is exactly
one it can mean. Equality is judged in pairs: no chain of resemblances makes two things one. The order of sections in
the document changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from gap_analysis.model import Form, Gap, Mention
from gap_analysis.wording import is_only_a_kind, is_telling

_Group = list[Mention]
_NO_WAY = "it points to no single gap that is named elsewhere"


def merge(mentions: Iterable[Mention]) -> tuple[tuple[Gap, ...], tuple[tuple[Mention, str], ...]]:
    """Gaps with all their places, and pointers that point nowhere, each with the reason."""
    ordered = sorted(mentions, key=lambda mention: mention.order)
    named = list(_equal(mention for mention in ordered if mention.form in (Form.BOX, Form.SIGNED)))
    boxes = [group for group in named if group[0].form is Form.BOX]
    signed = [group for group in named if group[0].form is Form.SIGNED]
    statements = list(_equal(mention for mention in ordered if mention.form is Form.STATEMENT))
    groups = _joined(boxes, statements)
    pointers: dict[int, list[Mention]] = defaultdict(list)
    aimless: list[tuple[Mention, str]] = []
    index = _Index(groups)
    for pointer in (mention for mention in ordered if mention.form is Form.POINTER):
        at = index.meant_by(pointer)
        if at is None:
            aimless.append((pointer, _NO_WAY))
        else:
            # A tick beside other words ("Begin …", "… documented") need not mean that this very thing is done.
            is_exact = any(pointer.name.full == mention.name.full for mention in groups[at])
            counts = pointer.counts_as_done and is_exact
            pointers[at].append(replace(pointer, counts_as_done=counts))
    gaps = [
        Gap(mentions=tuple(group), pointers=tuple(pointers.get(at, ()))) for at, group in enumerate(groups)
    ]
    return (*gaps, *(Gap(mentions=tuple(group)) for group in signed)), tuple(aimless)


def apart(gap: Gap) -> tuple[Gap, ...]:
    """The gap's places as gaps of their own; the first keeps the key, equal wordings get the key of their section."""
    used: set[str] = set()
    found: dict[str, Gap] = {}
    for mention in gap.mentions:
        key = mention.key if mention.key not in used else mention.key_apart
        used.add(key)
        found.setdefault(
            key, Gap(mentions=(replace(mention, key=key),), pointers=gap.pointers if not found else ())
        )
    return tuple(found.values())


def keys_apart(gap: Gap) -> frozenset[str]:
    """The keys its places would have, were they not merged."""
    return frozenset(one.key for one in apart(gap))


def _equal(mentions: Iterable[Mention]) -> Iterator[_Group]:
    """Groups of equal names. Names too common to tell things apart have keys of their own section."""
    by_name: dict[tuple[object, ...], _Group] = defaultdict(list)
    for mention in mentions:
        scope = () if is_telling(mention.name.full) else (mention.key,)
        by_name[(mention.name.full, *scope)].append(mention)
    for group in by_name.values():
        actions = {mention.name.action for mention in group} - {""}
        if len(actions) < 2:  # noqa: PLR2004 - two kinds of doing are two things
            yield group
            continue
        by_action: dict[str, _Group] = defaultdict(list)
        for mention in group:
            by_action[mention.name.action].append(mention)
        yield from by_action.values()


def _joined(boxes: Sequence[_Group], statements: Sequence[_Group]) -> list[_Group]:
    """Statements join the one box they can mean, if no other statement means it too."""
    index = _Index(boxes)
    targets = [index.stated_by(group[0]) for group in statements]
    times = Counter(targets)
    groups = [list(group) for group in boxes]
    for group, at in zip(statements, targets, strict=True):
        if at is not None and times[at] == 1:
            groups[at] += group
        else:
            groups.append(list(group))
    return groups


class _Index:
    """Finds the group that a wording means."""

    def __init__(self, groups: Sequence[_Group]) -> None:
        self._groups = groups
        self._by_name: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._by_head: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._by_word: dict[str, set[int]] = defaultdict(set)
        for at, group in enumerate(groups):
            for mention in group:
                for name in filter(None, (mention.name, mention.subject)):
                    self._by_name[name.full].add(at)
                    self._by_head[name.head].add(at)
                for word in _words(mention):
                    self._by_word[word].add(at)

    def stated_by(self, statement: Mention) -> int | None:
        """The box a statement means: named by it or by its section's title, or made of their words."""
        names = [name for name in (statement.subject, statement.name) if name]
        for table in (self._by_name, self._by_head):
            for name in names:
                if len(name.full) > 1 and (found := table.get(name.full)):
                    return _only(found)
        if statement.subject is None:
            return None
        title, words = set(statement.subject.full), _words(statement)
        candidates = set().union(*(self._by_word.get(word, set()) for word in words))
        return _only(
            {
                at
                for at in candidates
                if self._any_of(at, lambda full: full <= words and len(full & title) * 2 >= len(title))
            }
        )

    def meant_by(self, pointer: Mention) -> int | None:
        """The gap a pointer means: the same name, or the same head, or its words among the gap's, if only one has."""
        full, head = pointer.name.full, pointer.name.head
        for found in (self._by_name.get(full), self._by_head.get(full), self._by_head.get(head)):
            if found:
                return _only(found)
        if len(full) == 1 or is_only_a_kind(full):
            return None
        words = set(full) - _LINKING
        return _only(
            {
                at
                for at in self._by_word.get(full[0], set())
                if any(words <= _words(mention) for mention in self._groups[at])
            }
        )

    def _any_of(self, at: int, holds: Callable[[set[str]], bool]) -> bool:
        return any(
            is_telling(mention.name.full) and holds(set(mention.name.full)) for mention in self._groups[at]
        )


def _words(mention: Mention) -> set[str]:
    return {word for name in (mention.name, mention.subject) if name for word in name.full} - _LINKING


_LINKING = {"for", "with", "from", "via", "using", "in", "on", "per", "by", "when", "to", "all", "and"}


def _only(found: set[int]) -> int | None:
    return next(iter(found)) if len(found) == 1 else None
