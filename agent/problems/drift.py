"""Notices when the databases change under the worker, and keeps one issue for each such change.

What stops a database is always an issue. What Segue only does without (a column it could fill) is one when that
column has served before: what a workspace never had, on the first day or after an upgrade, is doctor's to say, and no
flood of issues. An issue is brought up to date while the trouble lasts and resolved when it is mended, also when that
happened while no worker ran. Asks Notion nothing itself: it reads what the poller's looks and refreshes have found.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from agent import log
from agent.companion import Companion
from agent.ledger import Ledger, LedgerError
from agent.poller import TASK_DATABASES, Look
from agent.problems.issues import Issues
from notion_schema.databases import SPECS
from notion_schema.rows import Finding, Level
from notion_schema.workspace import Workspace

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS drift (
        signature TEXT PRIMARY KEY, database_key TEXT NOT NULL, filed INTEGER NOT NULL, sentence TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS drift_column (served TEXT PRIMARY KEY)",
)
TAG: Final = "Schema Drift"
_LONGEST_TITLE = 150


class DriftWatch(Companion):
    """Compares what is wrong with the databases now with what was wrong before.

    Args:
        workspace: The databases.
        issues: Who files.
        ledger: Where what was wrong before is kept; it must hold `TABLES`.
    """

    def __init__(self, workspace: Workspace, issues: Issues, ledger: Ledger) -> None:
        self._workspace = workspace
        self._issues = issues
        self._ledger = ledger
        self._seen: Mapping[str, Finding] | None = None

    def tend(self, look: Look) -> int:
        """Files, brings up to date and resolves; costs nothing while nothing changes."""
        del look
        found = self._found()
        if found != self._seen:
            try:
                self._compare(found)
            except LedgerError as error:
                log.get().warning("drift not noted yet", why=str(error))
            else:
                self._seen = found
        return 0

    def _found(self) -> dict[str, Finding]:
        """What is wrong now, by signature."""
        return {
            finding.signature: finding
            for finding in self._workspace.preflight()
            if finding.level is not Level.INFO and finding.subject
        }

    def _compare(self, found: Mapping[str, Finding]) -> None:
        # Read, file, write: filing has transactions of its own, and doing it twice after a crash changes nothing.
        with self._ledger.notes() as notes:
            before = {row["signature"]: row for row in notes.rows("SELECT * FROM drift")}
            served = {row["served"] for row in notes.rows("SELECT served FROM drift_column")}
        filed = {signature for signature in found if self._is_news(found[signature], before, served)}
        over = [
            signature
            for signature, row in before.items()
            if signature not in found and row["database_key"] not in self._workspace.problems
        ]
        for signature in filed:
            finding = found[signature]
            self._issues.report(signature, _title(finding), _description(finding), tags=(TAG,))
        for signature in over:
            if before[signature]["filed"]:
                self._issues.resolve(signature, f"This is no longer so: {before[signature]['sentence']}")
        self._keep(found, filed, over, served)
        self._log(found, before)

    def _is_news(
        self, finding: Finding, before: Mapping[str, Mapping[str, Any]], served: Container[str]
    ) -> bool:
        """Whether it is worth an issue: it stops a database, was filed before, or concerns a column that has served."""
        if finding.level is Level.FAILURE:
            return True
        if finding.signature in before:
            return bool(before[finding.signature]["filed"])
        return _column_of(finding.subject) in served

    def _keep(
        self,
        found: Mapping[str, Finding],
        filed: Container[str],
        over: Iterable[str],
        served: AbstractSet[str],
    ) -> None:
        with self._ledger.notes() as notes:
            for signature, finding in found.items():
                notes.run(
                    "INSERT INTO drift (signature, database_key, filed, sentence)"
                    " VALUES (:signature, :key, :filed, :sentence) ON CONFLICT (signature)"
                    " DO UPDATE SET filed = excluded.filed, sentence = excluded.sentence",
                    signature=signature,
                    key=_database_of(finding),
                    filed=int(signature in filed),
                    sentence=finding.sentence,
                )
            for signature in over:
                notes.run("DELETE FROM drift WHERE signature = :signature", signature=signature)
            for column in self._serving() - served:
                notes.run(
                    "INSERT INTO drift_column (served) VALUES (:served) ON CONFLICT (served) DO NOTHING",
                    served=column,
                )

    def _serving(self) -> set[str]:
        """The columns that serve now, as subjects begin."""
        return {
            f"{key}/{attr}"
            for key, database in self._workspace.databases.items()
            for attr in database.binding.columns
        }

    def _log(self, found: Mapping[str, Finding], before: Iterable[str]) -> None:
        for signature in found.keys() - set(before):
            finding = found[signature]
            log.get().warning("database finding", database=finding.database, says=finding.sentence)
        for signature in set(before) - found.keys():
            log.get().info("database finding is gone", signature=signature)


def _database_of(finding: Finding) -> str:
    """The key that a finding's subject begins with."""
    return finding.subject.split("/", 1)[0]


def _column_of(subject: str) -> str:
    """The database and the attribute that a subject begins with."""
    return "/".join(subject.split("/", 2)[:2])


def _title(finding: Finding) -> str:
    said = finding.sentence
    return said if len(said) <= _LONGEST_TITLE else f"{said[: _LONGEST_TITLE - 1].rstrip()}…"


def _description(finding: Finding) -> str:
    key = _database_of(finding)
    title = SPECS[key].title
    if finding.level is not Level.FAILURE:
        effect = "Segue works on without it."
    elif key in TASK_DATABASES:
        effect = f"Until this is mended Segue takes no rows from {title}; everything else goes on."
    else:
        effect = f"Until this is mended Segue does without {title}."
    return f"{finding.sentence} {finding.remedy}".strip() + f"\n{effect} This issue resolves itself then."
