"""Settings: the names people have, from the environment or .env, and none of it where it must not be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.settings import Settings
from notion_schema.vocabulary import State


@pytest.mark.parametrize("name", ["TRACKS_DB_ID", "DATABASE_ID", "MUSIC_TRACKS_DB_ID", "NOTION_TRACKS_DB_ID"])
def test_names_in_use_are_accepted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """All of them mean Music Tracks."""
    monkeypatch.setenv(name, "abc")
    assert Settings().database_ids == {"music_tracks": "abc"}


def test_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As everywhere."""
    (tmp_path / ".env").write_text("POLL_SECONDS=33\nOUT_DIR=/music\nALLOWED_HOSTS=a.example, b.example\n")
    monkeypatch.setenv("POLL_SECONDS", "44")
    settings = Settings()
    assert settings.poll_seconds == 44
    assert settings.out_dir == Path("/music")
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_isolated_settings_read_neither(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo and the tests never see a person's token."""
    (tmp_path / ".env").write_text("NOTION_TOKEN=ntn_mine\n")
    monkeypatch.setenv("AGENT_TASKS_DB_ID", "mine")
    settings = Settings.isolated()
    assert settings.notion_token.get_secret_value() == ""
    assert settings.database_ids == {}


def test_a_wrong_value_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently replaced by a default."""
    monkeypatch.setenv("M4A_CODEC", "mp3")
    with pytest.raises(ValidationError, match="M4A_CODEC"):
        Settings()


def test_the_token_is_hidden_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repr and str carry stars."""
    monkeypatch.setenv("NOTION_TOKEN", "ntn_verysecret")
    assert "verysecret" not in repr(Settings())
    assert Settings().secrets == ("ntn_verysecret",)


def test_status_words_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word is written, further ones are read, what is not set keeps its usual word."""
    monkeypatch.setenv("AGENT_TASKS_STATUS_READY", "To Do, Ready")
    monkeypatch.setenv("ISSUES_QUESTIONS_STATUS_DONE", "Closed")
    words = Settings().vocabularies
    assert words["agent_tasks"].words(State.READY) == ("To Do", "Ready")
    assert words["agent_tasks"].word(State.DONE) == "Completed"
    assert words["issues_questions"].word(State.DONE) == "Closed"
    assert words["issues_questions"].word(State.READY) == "Unreported"


def test_the_documented_status_words_are_those_in_use() -> None:
    """The default that a variable's purpose names is the word Segue uses."""
    for key, prefix in (("agent_tasks", "agent_tasks"), ("issues_questions", "issues")):
        for state in State:
            said = Settings.model_fields[f"{prefix}_status_{state}"].description or ""
            word = Settings.isolated().vocabularies[key].word(state)
            assert said.endswith(f"Default: {word or 'no option means this'}.")
