"""The .env file: what is added stands there, what was there stays, and nobody else can read it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.env_file import EnvFile

VALUES = st.text(st.characters(exclude_characters="\x00\r\n", exclude_categories=("Cs",)))


def test_lines_of_a_person_stay(tmp_path: Path) -> None:
    """A variable is changed in its place, a commented one set below its comment, the rest added at the end."""
    path = tmp_path / ".env"
    path.write_text(
        "# mine\nexport NOTION_TOKEN=x\nTRACKS_DB_ID=old # shared\n# ARTISTS_DB_ID=\nMY_OWN='a b'\n"
    )
    env = EnvFile(path)
    assert env.write({"TRACKS_DB_ID": "new", "ARTISTS_DB_ID": "a1", "AGENT_TASKS_DB_ID": "t1"})
    assert path.read_text().splitlines() == [
        "# mine",
        "export NOTION_TOKEN=x",
        "TRACKS_DB_ID=new",
        "# ARTISTS_DB_ID=",
        "ARTISTS_DB_ID=a1",
        "MY_OWN='a b'",
        "AGENT_TASKS_DB_ID=t1",
    ]


def test_what_stands_there_is_not_written_again(tmp_path: Path) -> None:
    """The file is left alone to the byte."""
    path = tmp_path / ".env"
    path.write_text('A="1"\nB = 2')
    assert not EnvFile(path).write({"A": "1", "B": "2"})
    assert path.read_text() == 'A="1"\nB = 2'


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """It holds the token, whatever mode it had before; nothing else is left in the folder."""
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    EnvFile(path).write({"NOTION_TOKEN": "t"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    """Somebody who keeps .env elsewhere keeps it there."""
    real = tmp_path / "kept" / "my.env"
    real.parent.mkdir()
    real.write_text("A=1\n")
    link = tmp_path / ".env"
    link.symlink_to(real)
    EnvFile(link).write({"A": "2"})
    assert link.is_symlink()
    assert real.read_text() == "A=2\n"


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """A value with a line break could set another variable."""
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    with pytest.raises(ValueError, match="line break"):
        EnvFile(path).write({"A": "2\nNOTION_TOKEN=evil"})
    assert path.read_text() == "A=1\n"


def test_differences_are_told_before_they_are_overwritten(tmp_path: Path) -> None:
    """Empty variables are free to be filled."""
    path = tmp_path / ".env"
    path.write_text("A=1\nB=\nC=3\n")
    assert EnvFile(path).differing({"A": "2", "B": "2", "C": "3", "D": "4"}) == {"A": "1"}


@given(st.dictionaries(st.sampled_from(["A", "B", "NOTION_TOKEN"]), VALUES, min_size=1))
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, str]
) -> None:
    """Any value without line breaks survives, beside others."""
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text("B=old\n# A=\nX=kept\n")
    env = EnvFile(path)
    env.write(wanted)
    assert {name: env.values()[name] for name in wanted} == wanted
    assert env.values()["X"] == "kept"
    assert not env.write(wanted)
