"""Secrets never reach a log; what is logged in a run is kept for its row."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from agent import log

TOKEN = "ntn_" + "a1B2" * 10


@pytest.mark.parametrize(
    "text",
    [
        f"the token is {TOKEN}",
        f"Authorization: Bearer {'x' * 30}",
        "https://user:hunter22@example.org/a",
        "https://example.org/a?access_token=hunter22&x=1",
        "https://s3/a?X-Amz-Signature=hunter22",
        "my own hunter22",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(text: str) -> None:
    """Known values, token shapes, headers, user info and signed addresses."""
    stream = io.StringIO()
    log.configure(as_json=True, secrets=["hunter22"], to=stream)
    log.get().info(f"said {text}", detail=text, nested={"deep": [text]})
    logging.getLogger("some.library").warning("library says %s", text)
    shown = stream.getvalue()
    assert shown.count("[hidden]") >= 3
    for secret in ("hunter22", TOKEN, "x" * 30):
        assert secret not in shown


def test_an_exception_in_a_log_is_cleaned_too() -> None:
    """A traceback that carries the token does not show it."""
    stream = io.StringIO()
    log.configure(as_json=True, to=stream)
    try:
        raise ValueError(f"refused {TOKEN}")  # noqa: TRY301 - a traceback is wanted
    except ValueError:
        log.get().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_run_log_carries_the_run_id_and_keeps_readable_lines(tmp_path: Path) -> None:
    """Each event inside names the run; the file holds the row's log, secrets hidden."""
    stream = io.StringIO()
    log.configure(as_json=True, secrets=["hunter22"], to=stream)
    with log.run_log("run-1", tmp_path / "runs" / "1.log"):
        log.get().info("step started", step="download", why="hunter22")
    log.get().info("outside")
    inside, outside = (json.loads(line) for line in stream.getvalue().splitlines())
    assert inside["run_id"] == "run-1"
    assert "run_id" not in outside
    kept = (tmp_path / "runs" / "1.log").read_text(encoding="utf-8")
    assert "step started step=download why=[hidden]" in kept
    assert "outside" not in kept
