"""Work in a child process: its result, its errors, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import child
from music_workflow.errors import Removed

Progress = Callable[[float, str], None]


def _quiet(_fraction: float, _words: str) -> None:
    pass


def _never() -> bool:
    return False


def add(one: int, other: int) -> int:
    return one + other


def tell(progress: Progress) -> str:
    progress(0.5, "half")
    return "told"


def fail() -> None:
    raise Removed("It is gone.", service="SoundCloud", operation="download")


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def write_pid_and_wait(path: str) -> None:
    Path(path).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_result_comes_back() -> None:
    """Like a call."""
    assert child.run(add, (2, 3), progress=_quiet, timeout_s=30, stopped=_never) == 5


def test_progress_reaches_the_parent() -> None:
    """Where the callback stands among the arguments, the child gets a line to it."""
    heard: list[tuple[float, str]] = []

    def hear(fraction: float, words: str) -> None:
        heard.append((fraction, words))

    assert child.run(tell, (hear,), progress=hear, timeout_s=30, stopped=_never) == "told"
    assert heard == [(0.5, "half")]


def test_errors_come_back_as_themselves() -> None:
    """With class and facts."""
    with pytest.raises(Removed, match="gone") as caught:
        child.run(fail, (), progress=_quiet, timeout_s=30, stopped=_never)
    assert caught.value.service == "SoundCloud"


def test_a_native_crash_is_an_error_not_a_crash_of_ours() -> None:
    """The signal's number is said."""
    with pytest.raises(child.CrashedError, match="-11"):
        child.run(die, (), progress=_quiet, timeout_s=30, stopped=_never)


def test_timeout_and_stop_end_the_child(tmp_path: Path) -> None:
    """No process is left behind."""
    path = tmp_path / "pid"
    with pytest.raises(child.TimedOutError):
        child.run(write_pid_and_wait, (str(path),), progress=_quiet, timeout_s=5, stopped=_never)
    assert _wait_for(lambda: _gone(int(path.read_text())))
    path.unlink()
    with pytest.raises(child.StoppedError):
        child.run(write_pid_and_wait, (str(path),), progress=_quiet, timeout_s=60, stopped=path.exists)
    assert _wait_for(lambda: _gone(int(path.read_text())))


def test_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the worker leaves nobody writing to its files."""
    path = tmp_path / "pid"
    script = (
        "from agent import child\n"
        "from tests.agent.test_child import write_pid_and_wait, _quiet, _never\n"
        "if __name__ == '__main__':\n"
        f"    child.run(write_pid_and_wait, ({str(path)!r},), progress=_quiet, timeout_s=60, stopped=_never)\n"
    )
    program = tmp_path / "parent.py"
    program.write_text(script, encoding="utf-8")
    repository = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(program)], env={**os.environ, "PYTHONPATH": str(repository)}
    )
    assert _wait_for(lambda: path.exists() and bool(path.read_text()), 20)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _wait_for(lambda: _gone(int(path.read_text())))


def tell_and_go_on(progress: Progress) -> str:
    progress(0.5, str(os.getpid()))
    time.sleep(0.5)
    return "went on"


def test_a_signal_to_the_whole_group_does_not_end_a_child() -> None:
    """Ctrl-C reaches children too; whether they may finish is for the worker to say."""

    def signal_it(_fraction: float, words: str) -> None:
        os.kill(int(words), signal.SIGINT)
        os.kill(int(words), signal.SIGTERM)

    assert (
        child.run(tell_and_go_on, [signal_it], progress=signal_it, timeout_s=20, stopped=_never) == "went on"
    )
