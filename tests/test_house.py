"""The house itself: documents agree with the code, floors hold, and nothing secret or local is committed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
import typer

from agent.cli import app
from tests.conftest import REPOSITORY


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    return [path for name in listed if (path := REPOSITORY / name).is_file()]


def test_derived_documents_are_up_to_date() -> None:
    """``.env.example`` names exactly the settings, ``docs/handlers.md`` exactly the handlers."""
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "docs" / "generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.stale() == []


def test_readme_names_every_command() -> None:
    """A command that a person can run stands in the README or in docs/."""
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    commands = list(root.commands)
    assert {"demo", "run", "handlers", "status"} <= set(commands)
    documents = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    prose = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    assert [name for name in commands if f"segue {name}" not in prose] == []


def test_parity_names_tests_that_exist() -> None:
    """Each line of the parity table has a verdict and at least one test, and every test it names is there."""
    text = (REPOSITORY / "docs" / "parity.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.search(r"\| (?:same|more|less|dropped) \|", line)]
    assert len(lines) > 90
    assert [line for line in lines if "`tests/" not in line] == []
    named = set(re.findall(r"`(tests/[^`\s]+\.py)::(\w+)`", text))
    assert [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (REPOSITORY / path).is_file()
        or f"\ndef {name}(" not in (REPOSITORY / path).read_text(encoding="utf-8")
    ] == []


def test_no_token_address_or_machine_path_is_committed() -> None:
    """No Notion token, no package index, no path of the machine it was written on."""
    forbidden = re.compile(r"\b(?:ntn|secret)_[A-Za-z0-9]{30,}|/root/|pypi\.org/simple|/work/main")
    offenders = [
        f"{path.relative_to(REPOSITORY)}: {match[0]}"
        for path in _tracked()
        if path.suffix not in (".png", ".npz", ".woff2") and path.name != "test_house.py"
        for match in [forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))]
        if match
    ]
    assert offenders == []


def test_only_the_runner_catches_everything() -> None:
    """A blanket except stands where every error is judged and where one crosses a process border, nowhere else."""
    allowed = {"agent/runner.py", "agent/child.py"}
    pattern = re.compile(r"except (?:Base)?Exception\b|except:")
    found = {
        str(path.relative_to(REPOSITORY))
        for path in _tracked()
        if path.suffix == ".py"
        and path.parts[len(REPOSITORY.parts)]
        in ("agent", "handlers", "music_workflow", "notion_local", "notion_schema")
        and pattern.search(path.read_text(encoding="utf-8"))
    }
    assert found <= allowed
