"""Heavy or foreign work in a child process of its own: cancellable, bounded in time, safe from native crashes.

The child ends when its parent dies, so that a killed worker leaves nobody writing to the same files.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from agent import records

# A server process that has the heavy modules loaded forks each child in milliseconds; where there is none, they are
# started afresh. Never a fork of the worker itself: its threads would be lost in the middle of what they hold.
_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_TICK_S = 0.5


class StoppedError(Exception):
    """The work was stopped on purpose: its row was cancelled, or the worker shuts down."""


class TimedOutError(Exception):
    """The work took longer than its task type allows."""


class CrashedError(Exception):
    """The child process died without a word."""


@dataclass(frozen=True, slots=True)
class _ToParent:
    """The progress callback that works from inside the child."""

    connection: Connection

    def __call__(self, fraction: float, words: str) -> None:
        self.connection.send(("progress", (fraction, words)))


def preload(modules: Sequence[str]) -> None:
    """Names what children will need, so that it is loaded once; before the first child."""
    # One thread per child: two children fill two cores, and idle linear-algebra threads only spin.
    for library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(library, "1")
    multiprocessing.get_context(_METHOD).set_forkserver_preload(list(modules))


def run(
    work: Callable[..., Any],
    args: Sequence[Any],
    *,
    progress: Callable[[float, str], None],
    timeout_s: float,
    stopped: Callable[[], bool],
) -> Any:
    """Runs ``work(*args)`` in a fresh process and returns its result.

    Args:
        work: importable or a bound method of a picklable object.
        args: picklable; where ``progress`` itself stands among them, the child gets a line to it.
        progress: called here, in the parent.
        timeout_s: the child is ended after so many seconds.
        stopped: asked about twice a second; True ends the child.

    Raises:
        StoppedError, TimedOutError, CrashedError: as their names say; else whatever ``work`` raised.
    """
    context: Any = multiprocessing.get_context(_METHOD)
    ours, theirs = context.Pipe(duplex=False)
    args = [_ToParent(theirs) if arg is progress else arg for arg in args]
    process = context.Process(target=_main, args=(theirs, work, args), daemon=True)
    with _deaf():
        process.start()
    theirs.close()
    try:
        return _listen(ours, process, progress, timeout_s, stopped)
    finally:
        _end(process)
        ours.close()
        process.close()


def _listen(
    connection: Connection,
    process: Any,
    progress: Callable[[float, str], None],
    timeout_s: float,
    stopped: Callable[[], bool],
) -> Any:
    deadline = time.monotonic() + timeout_s
    while True:
        if wait([connection], timeout=_TICK_S):
            try:
                kind, content = connection.recv()
            except EOFError:
                process.join()
                raise CrashedError(f"The helper process ended with code {process.exitcode}.") from None
            if kind == "result":
                return content
            if kind == "error":
                raise records.load_error(content)
            progress(*content)
        if stopped():
            raise StoppedError("Stopped.")
        if time.monotonic() > deadline:
            raise TimedOutError(f"It took longer than {timeout_s / 60:.0f} minutes.")


def _end(process: Any) -> None:
    if process.is_alive():
        process.join(_TICK_S)
    if process.is_alive():
        process.kill()
    process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started inside never hears Ctrl-C or a service manager's SIGTERM, which reach the whole group.

    The server process that forks the children would die of one, and with it the step that is just starting: the worker
    would take for the work's fate what is its own end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting it unblocks both signals, in the middle of what follows if it were not running by then.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _main(connection: Connection, work: Callable[..., Any], args: Sequence[Any]) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        result = ("result", work(*args))
    except Exception as error:  # noqa: BLE001 - it crosses a process border here; the runner judges it
        result = ("error", records.dump_error(error))
    connection.send(result)
    connection.close()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
