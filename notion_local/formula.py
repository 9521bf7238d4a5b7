"""Formulas as text: reading them, resolving the properties they name, writing them the way Notion writes them back.

Grammar (of Notion's formulas 2.0): literals, ``prop("Name")``, function calls, method calls, lists, ``a ? b : c``,
unary ``not - +``, and the binary operators below. Notion answers with a formula reprinted from its tree: an operand
that is itself an operation stands in parentheses, an argument does not, and a property stands by id. Values are
computed in `evaluation`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NoReturn

from notion_local import ids, schema
from notion_local.errors import invalid
from notion_local.schema import Schema

_TOKEN = re.compile(
    r"\s*(?:(?P<reference>\{\{[^{}]*\}\})|(?P<number>\d+(?:\.\d+)?)|(?P<string>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<operator>==|!=|>=|<=|&&|\|\||[-+*/%^<>?:,.()\[\]!]))",
    re.DOTALL,
)
_BINARY = (
    ("or", "||"),
    ("and", "&&"),
    ("==", "!="),
    (">", ">=", "<", "<="),
    ("+", "-"),
    ("*", "/", "%"),
    ("^",),
)
_SAME = {"||": "or", "&&": "and", "!": "not"}
_REFERENCE = re.compile(r"\{\{(?:notion:block_property:)?([^:{}]+)[^{}]*\}\}")
_MAX_DEPTH = 100


@dataclass(frozen=True)
class Literal:
    """A number, text or truth value."""

    value: float | str | bool


@dataclass(frozen=True)
class Reference:
    """A property: by name as the request says it, by id once resolved."""

    key: str
    resolved: bool


@dataclass(frozen=True)
class Name:
    """A variable, such as ``current`` inside ``map``."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function, or with a subject the method of that name."""

    name: str
    arguments: tuple[Node, ...]
    subject: Node | None = None


@dataclass(frozen=True)
class Unary:
    """``not``, ``-`` or ``+``."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """An operation on two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Choice:
    """``condition ? then : otherwise``."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]


Node = Literal | Reference | Name | Call | Unary | Binary | Choice | Items


class _Reader:
    """A recursive-descent reader over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def read(self) -> Node:
        node = self._choice()
        if self._at < len(self._tokens):
            self._fail()
        return node

    def _fail(self) -> NoReturn:
        raise _unreadable(self._text)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *operators: str) -> str | None:
        kind, text = self._peek()
        if kind in ("operator", "name") and text in operators:
            self._at += 1
            return text
        return None

    def _require(self, operator: str) -> None:
        if self._take(operator) is None:
            self._fail()

    def _choice(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail()
        node = self._binary(0)
        if self._take("?"):
            then = self._choice()
            self._require(":")
            node = Choice(node, then, self._choice())
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_BINARY):
            return self._unary()
        node = self._binary(level + 1)
        while operator := self._take(*_BINARY[level]):
            # Powers group to the right, everything else to the left.
            right = self._binary(level if operator == "^" else level + 1)
            node = Binary(_SAME.get(operator, operator), node, right)
        return node

    def _unary(self) -> Node:
        operators = []
        while operator := self._take("not", "!", "-", "+"):
            operators.append(_SAME.get(operator, operator))
            if len(operators) > _MAX_DEPTH:
                self._fail()
        node = self._methods()
        for operator in reversed(operators):
            node = Unary(operator, node)
        return node

    def _methods(self) -> Node:
        node = self._primary()
        while self._take("."):
            kind, name = self._peek()
            if kind != "name":
                self._fail()
            self._at += 1
            self._require("(")
            node = Call(name, self._arguments(")"), node)
        return node

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        arguments: list[Node] = []
        if self._take(closing):
            return ()
        while True:
            arguments.append(self._choice())
            if self._take(closing):
                return tuple(arguments)
            self._require(",")

    def _primary(self) -> Node:  # noqa: PLR0911 one case per kind of token
        kind, text = self._peek()
        self._at += 1
        if kind == "number":
            return Literal(float(text))
        if kind == "string":
            return Literal(_unquoted(text))
        if kind == "reference":
            return self._reference(text)
        if kind == "operator" and text == "(":
            node = self._choice()
            self._require(")")
            return node
        if kind == "operator" and text == "[":
            return Items(self._arguments("]"))
        if kind != "name":
            self._fail()
        if text in ("true", "false"):
            return Literal(text == "true")
        if not self._take("("):
            return Name(text)
        arguments = self._arguments(")")
        if text == "prop" and len(arguments) == 1 and isinstance(arguments[0], Literal):
            return Reference(str(arguments[0].value), resolved=False)
        return Call(text, arguments)

    def _reference(self, text: str) -> Node:
        match = _REFERENCE.fullmatch(text)
        if match is None:
            self._fail()
        return Reference(ids.decode_property_id(match.group(1)), resolved=True)


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _unreadable(text)
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def _unreadable(text: str) -> Exception:
    return invalid(f"Formula could not be parsed: {text[:200]}")


def _unquoted(text: str) -> str:
    replacements = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
    return re.sub(
        r"\\(.)", lambda match: replacements.get(match.group(1), match.group(0)), text[1:-1], flags=re.DOTALL
    )


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Return the tree of a formula.

    Raises:
        ApiError: when it cannot be read.
    """
    return _Reader(text).read()


def resolve(text: str, entries: Schema) -> str:
    """Return the stored form of a formula: reprinted, its properties by id.

    Raises:
        ApiError: when it cannot be read, or names a property that does not exist.
    """
    if not text.strip():
        return ""

    def found(reference: Reference) -> Reference:
        if reference.resolved:
            return reference
        entry = schema.find(entries, reference.key)
        if entry is None:
            raise invalid(
                f"Type error with formula: Undefined property {json.dumps(reference.key, ensure_ascii=False)}"
            )
        return Reference(entry.id, resolved=True)

    return printed(
        rewritten(parse(text), found), lambda reference: "{{" + ids.encode_property_id(reference.key) + "}}"
    )


def shown(stored: str, source_id: str, workspace_id: str) -> str:
    """Return a stored formula as a data source's answer shows it."""
    return _REFERENCE.sub(
        lambda match: f"{{{{notion:block_property:{match.group(1)}:{source_id}:{workspace_id}}}}}", stored
    )


def rewritten(  # noqa: PLR0911 one case per kind of node
    node: Node, change: Callable[[Reference], Reference]
) -> Node:
    """Return a tree whose references went through a function."""
    if isinstance(node, Reference):
        return change(node)
    if isinstance(node, Call):
        subject = None if node.subject is None else rewritten(node.subject, change)
        return replace(
            node, arguments=tuple(rewritten(entry, change) for entry in node.arguments), subject=subject
        )
    if isinstance(node, Unary):
        return replace(node, operand=rewritten(node.operand, change))
    if isinstance(node, Binary):
        return replace(node, left=rewritten(node.left, change), right=rewritten(node.right, change))
    if isinstance(node, Choice):
        parts = (rewritten(part, change) for part in (node.condition, node.then, node.otherwise))
        return Choice(*parts)
    if isinstance(node, Items):
        return Items(tuple(rewritten(entry, change) for entry in node.items))
    return node


def printed(  # noqa: PLR0911 one case per kind of node
    node: Node, reference: Callable[[Reference], str]
) -> str:
    """Return the text of a tree, in Notion's spacing and parentheses."""

    def plain(part: Node) -> str:
        return printed(part, reference)

    def operand(part: Node) -> str:
        return f"({plain(part)})" if isinstance(part, Binary | Choice) else plain(part)

    if isinstance(node, Literal):
        return _literal(node.value)
    if isinstance(node, Reference):
        return reference(node)
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Call):
        call = f"{node.name}({', '.join(plain(part) for part in node.arguments)})"
        return call if node.subject is None else f"{operand(node.subject)}.{call}"
    if isinstance(node, Unary):
        gap = " " if node.operator == "not" else ""
        return f"{node.operator}{gap}{operand(node.operand)}"
    if isinstance(node, Binary):
        return f"{operand(node.left)} {node.operator} {operand(node.right)}"
    if isinstance(node, Choice):
        return f"{operand(node.condition)} ? {operand(node.then)} : {operand(node.otherwise)}"
    return f"[{', '.join(plain(part) for part in node.items)}]"


def _literal(value: float | str | bool) -> str:  # noqa: FBT001 a literal may be a truth value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'
    return str(int(value)) if value == int(value) else str(value)
