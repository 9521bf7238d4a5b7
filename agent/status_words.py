"""Which options of a Status column mean what, as settings: one variable for each state of each task database.

Several options may mean one state, separated by commas; the first is the one Segue writes. What is not set keeps the
words of ``notion_schema.databases``. A part of `Settings`; compared with the live options when a database is opened
and while it is worked.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from agent.setting_types import Listed, names
from notion_schema.databases import AGENT_TASKS, ISSUES, SPECS
from notion_schema.vocabulary import State, Vocabulary

_TASKS, _ISSUES = "Agent-Tasks", "Issues+Questions"
_PREFIXES = {AGENT_TASKS: "agent_tasks", ISSUES: "issues"}


def _says(database: str, meaning: str, usual: str = "") -> str:
    default = f"Default: {usual}." if usual else "Default: no option means this."
    return f"Optional. The Status of a row in {database} that {meaning}. {default}"


class StatusWords(BaseSettings):
    """The words of the two Status columns that people and Segue steer by."""

    agent_tasks_status_ready: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_READY"),
        description=_says(_TASKS, "waits for Segue", "Ready"),
    )
    agent_tasks_status_running: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_RUNNING"),
        description=_says(_TASKS, "is being worked on", "In Progress"),
    )
    agent_tasks_status_blocked: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_BLOCKED"),
        description=_says(_TASKS, "needs a person", "Blocked"),
    )
    agent_tasks_status_review: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_REVIEW"),
        description=_says(_TASKS, "is to be looked at by a person", "Review"),
    )
    agent_tasks_status_done: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_DONE"),
        description=_says(_TASKS, "is finished", "Completed"),
    )
    agent_tasks_status_failed: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_FAILED"),
        description=_says(_TASKS, "has failed for good", "Failed"),
    )
    agent_tasks_status_cancelled: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_CANCELLED"),
        description=_says(_TASKS, "shall be stopped", "Archived"),
    )
    agent_tasks_status_archived: Listed = Field(
        default=(),
        validation_alias=names("AGENT_TASKS_STATUS_ARCHIVED"),
        description=_says(_TASKS, "was put away", "Archived"),
    )
    issues_status_ready: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_READY", "ISSUES_QUESTIONS_STATUS_READY"),
        description=_says(_ISSUES, "waits for Segue", "Unreported"),
    )
    issues_status_running: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_RUNNING", "ISSUES_QUESTIONS_STATUS_RUNNING"),
        description=_says(_ISSUES, "is being worked on", "Solution In Progress"),
    )
    issues_status_blocked: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_BLOCKED", "ISSUES_QUESTIONS_STATUS_BLOCKED"),
        description=_says(_ISSUES, "needs a person", "Troubleshooting"),
    )
    issues_status_review: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_REVIEW", "ISSUES_QUESTIONS_STATUS_REVIEW"),
        description=_says(_ISSUES, "is to be looked at by a person", "Troubleshooting"),
    )
    issues_status_done: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_DONE", "ISSUES_QUESTIONS_STATUS_DONE"),
        description=_says(_ISSUES, "is finished", "Resolved"),
    )
    issues_status_failed: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_FAILED", "ISSUES_QUESTIONS_STATUS_FAILED"),
        description=_says(_ISSUES, "has failed for good", "Troubleshooting"),
    )
    issues_status_cancelled: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_CANCELLED", "ISSUES_QUESTIONS_STATUS_CANCELLED"),
        description=_says(_ISSUES, "shall be stopped"),
    )
    issues_status_archived: Listed = Field(
        default=(),
        validation_alias=names("ISSUES_STATUS_ARCHIVED", "ISSUES_QUESTIONS_STATUS_ARCHIVED"),
        description=_says(_ISSUES, "was put away"),
    )

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        """The words of each task database, by its key: those that are set, and the usual ones for the rest."""
        found = {}
        for key, prefix in _PREFIXES.items():
            usual = SPECS[key].vocabulary
            if usual is not None:
                chosen = {
                    state: words for state in State if (words := getattr(self, f"{prefix}_status_{state}"))
                }
                found[key] = usual.with_words(chosen)
        return found
