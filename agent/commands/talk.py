"""Asking and telling at a terminal: what the set-up commands say, and how they get their answers.

`Terminal` asks the person; `Unattended` gives each question its default and refuses where there is none, for scripts
and ``--yes``. Used by ``init``.
"""

from __future__ import annotations

from typing import Protocol

import typer


class Unanswered(Exception):  # noqa: N818  a fact that ends the command, told to the person as it is
    """A question that only a person can answer came up while nobody is asked; the text says what to give instead."""


class Talk(Protocol):
    """Questions and answers."""

    def say(self, line: str = "") -> None:
        """Tells something."""

    def ask(self, question: str, *, default: str = "", instead: str = "") -> str:
        """The answer to a question, blanks around it removed.

        Args:
            question: What is asked.
            default: The answer of somebody who just presses Enter.
            instead: What to do when nobody can be asked; with a text, the default is not good enough then.
        """

    def agree(self, question: str) -> bool:
        """Whether something may be done."""

    def secret(self, question: str, *, instead: str) -> str:
        """An answer that is not shown while it is typed."""


class Terminal:
    """Asks the person at the terminal."""

    def say(self, line: str = "") -> None:
        """See `Talk`."""
        typer.echo(line)

    def ask(self, question: str, *, default: str = "", instead: str = "") -> str:  # noqa: ARG002  somebody is there
        """See `Talk`."""
        return str(typer.prompt(question, default=default, show_default=bool(default))).strip()

    def agree(self, question: str) -> bool:
        """See `Talk`."""
        return typer.confirm(question, default=False)

    def secret(self, question: str, *, instead: str) -> str:  # noqa: ARG002
        """See `Talk`."""
        return str(typer.prompt(question, hide_input=True)).strip()


class Unattended:
    """Nobody is there: what has a default is done, what has none ends the command."""

    def say(self, line: str = "") -> None:
        """See `Talk`."""
        typer.echo(line)

    def ask(self, question: str, *, default: str = "", instead: str = "") -> str:
        """See `Talk`."""
        if instead:
            raise Unanswered(f"{question}: nobody is there to answer. {instead}")
        return default

    def agree(self, question: str) -> bool:
        """See `Talk`."""
        typer.echo(f"{question} Yes.")
        return True

    def secret(self, question: str, *, instead: str) -> str:
        """See `Talk`."""
        raise Unanswered(f"{question}: nobody is there to answer. {instead}")
