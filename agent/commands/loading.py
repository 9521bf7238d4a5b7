"""Settings for a command: read, checked for what the command needs, and the log set up by them."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from agent import log, setup
from agent.settings import Settings


class SettingsError(Exception):
    """A required setting is missing, or a setting cannot be understood; the text names it."""


def settings(*, need_notion: bool = True, need_databases: bool = True, quiet: bool = False) -> Settings:
    """The settings of the environment and ``.env``.

    Args:
        need_notion: Without a token the command is useless.
        need_databases: Without the required databases as well.
        quiet: Nothing is logged: the command says it all itself.

    Raises:
        SettingsError: Something needed is missing, or a value is wrong.
    """
    read = read_settings()
    level = "critical" if quiet else read.log_level
    log.configure(as_json=read.log_json, level=level, secrets=read.secrets)
    if need_notion and not read.notion_token.get_secret_value():
        raise SettingsError(
            "NOTION_TOKEN is not set. Run “segue init”, or put your integration's token into .env."
        )
    missing = [setup.VARIABLES[key] for key in setup.REQUIRED if key not in read.database_ids]
    if need_notion and need_databases and missing:
        raise SettingsError(
            f"{', '.join(missing)} not set. Run “segue init”, which finds the databases or creates them;"
            " or put their links into .env."
        )
    return read


def read_settings(env_file: Path | None = None) -> Settings:
    """The settings as they stand, whether or not they are complete.

    Args:
        env_file: Another file than ``.env``.

    Raises:
        SettingsError: A value is wrong; the text names each variable, and no value.
    """
    try:
        return Settings.from_file(env_file) if env_file else Settings()
    except ValidationError as wrong:
        said = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in wrong.errors(include_input=False, include_url=False, include_context=False)
        )
        raise SettingsError(f"A setting cannot be understood. {said}. See .env.example.") from None
