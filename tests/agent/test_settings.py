"""Settings: the names people have, from the environment or .env, and none of it where it must not be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from agent.checks import configuration
from agent.settings import Settings
from notion_schema.vocabulary import State
from tests.conftest import REPOSITORY


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


def test_every_variable_is_documented() -> None:
    """Required or optional, what it is for, its default, and every other name it goes by."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    paragraphs = {
        match[1]: paragraph
        for paragraph in text.split("\n\n")
        if (match := re.search(r"^(?:# )?([A-Z0-9_]+)=", paragraph, re.MULTILINE))
    }
    for name, field in Settings.model_fields.items():
        variable, *others = configuration.names_of(name)
        said = " ".join(line.removeprefix("# ") for line in paragraphs[variable].splitlines())
        assert re.match(r"(Required|Optional)\. \S+ \S+", said), variable
        assert all(other in said for other in others), variable
        assert field.is_required() is False, variable


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    """Who copies it, and uncomments every line, has the settings of somebody who sets nothing."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    (tmp_path / "all.env").write_text("\n".join(line for line in lines if re.match(r"[A-Z0-9_]+=.", line)))
    plain, uncommented = Settings(), Settings.from_file(tmp_path / "all.env")
    differing = [name for name in Settings.model_fields if getattr(plain, name) != getattr(uncommented, name)]
    assert differing == []


def test_switches_say_what_they_switch() -> None:
    """A feature that is on or off says in its purpose what being on does; its default is shown as true or false."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    switches = [name for name, field in Settings.model_fields.items() if field.annotation is bool]
    assert switches
    for name in switches:
        variable = configuration.names_of(name)[0]
        assert re.search(rf"^# {variable}=(true|false)$", text, re.MULTILINE), variable
        assert len((Settings.model_fields[name].description or "").split()) >= 4, variable


def test_the_engine_database_s_password_is_a_secret_in_every_form() -> None:
    """A driver names it as it is, an address as it was escaped; neither reaches a log."""
    address = "postgresql://segue:hunter%2322@host/segue"
    settings = Settings.isolated(engine_database_url=SecretStr(address))

    assert settings.engine_url == address
    assert {"hunter%2322", "hunter#22"} <= set(settings.secrets)
    assert "hunter" not in repr(settings)
