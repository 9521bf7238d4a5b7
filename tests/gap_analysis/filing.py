"""A shelf of rows that takes a plan's steps as Notion would, so that plans can be carried out thousands of times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gap_analysis.planning import FiledRow, Move, Plan, plan
from gap_analysis.reading import analyse


@dataclass
class Shelf:
    """The rows of one workspace."""

    rows: dict[str, FiledRow] = field(default_factory=dict)

    def file(self, text: str, **options: object) -> Plan:
        """Plans a document against the rows and carries the plan out."""
        made = plan(analyse(text, title="Test"), tuple(self.rows.values()), **options)  # type: ignore[arg-type]  # the options of plan
        for step in made.steps:
            if step.move is Move.CREATE:
                said = {name: value for name, value in step.values.items() if name != "key"}
                page = f"page {len(self.rows) + 1}"
                self.rows[page] = FiledRow(
                    key=step.values["key"], home=step.home, page_id=page, now=said, written=said
                )
            elif step.row and step.values:
                said = {name: value for name, value in step.values.items() if name != "key"}
                row = step.row
                self.rows[row.page_id] = replace(
                    row,
                    key=step.values.get("key", row.key),
                    now={**row.now, **said},
                    written={**row.written, **step.adopted, **said},
                )
        return made

    def by_hand(self, title: str, values: Mapping[str, str]) -> FiledRow:
        """A person changes a row."""
        (row,) = [row for row in self.rows.values() if row.now["title"] == title]
        self.rows[row.page_id] = replace(row, now={**row.now, **values})
        return self.rows[row.page_id]

    def titles(self, status: str = "") -> list[str]:
        """Of all rows, or of those with a status."""
        return [row.now["title"] for row in self.rows.values() if not status or row.now["status"] == status]
