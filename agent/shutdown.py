"""How a worker process ends: politely when asked once, at once when asked twice or when it must not go on.

Ends the process with `os._exit`, because a thread in the middle of a step cannot be stopped in any other way; what it
was doing is not recorded and is done again by the next worker. Called by ``cli`` and ``wiring``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from agent import log

LOST = 75
"""The exit code of a worker that lost its database: start it again later (sysexits' EX_TEMPFAIL)."""
_LAST_S = 8.0


def end_now(code: int) -> NoReturn:
    """Ends this process and its children without waiting for anybody."""
    for child in multiprocessing.active_children():
        # One that is being put away by its own thread needs nothing from us.
        with suppress(ValueError, OSError):
            child.kill()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def lost(why: str) -> NoReturn:
    """The worker has lost its database: says so and ends."""
    log.get().error("worker stops", why=f"{why}. Its runs go on in another worker, or here after a restart.")
    end_now(LOST)


def on_signals(ask: Callable[[], None], grace_s: float) -> None:
    """SIGTERM and SIGINT: the first asks to stop, the second ends the process at once.

    Args:
        ask: told at the first signal; in a thread of its own.
        grace_s: how long steps may go on after it. Whatever hangs beyond that and a little more is ended.
    """
    asked = False

    def stop() -> None:
        # In a thread: a signal's handler may meet the very lock that the code it interrupts is holding.
        ask()
        time.sleep(grace_s + _LAST_S)
        end_now(LOST)

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            end_now(128 + number)
        asked = True
        threading.Thread(target=stop, name="segue-stop", daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
