"""The command line inside the test's own process: the same code from the arguments to the exit code, no start."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from unittest import mock

from agent import cli
from tests.story.conftest import House


@dataclass(frozen=True)
class Said:
    """What a command printed, its line breaks and columns taken out, and how it ended."""

    code: int
    out: str
    err: str


def segue(house: House, *arguments: str) -> Said:
    """Runs ``segue`` with the house's settings."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.dict(os.environ, house.environment()),
        mock.patch.object(sys, "argv", ["segue", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, *(" ".join(text.getvalue().split()) for text in (out, err)))
