"""``segue file-gaps``: what the *File gaps* handler does, at once and on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent import wiring
from agent.settings import Settings
from gap_analysis import showing
from gap_analysis.planning import Move
from handlers.file_gaps import Request, carry_out, make_plan, read_document, read_file
from notion_schema.ids import BadId, parse_id


def file(
    settings: Settings, document: str, *, dry_run: bool, no_merge: tuple[str, ...], cap: int
) -> Iterator[str]:
    """Files a document's gaps and tells what was done, line by line.

    Args:
        settings: Which workspace. A dry run of a file does without: then it is as if nothing had been filed.
        document: Path of a Markdown file, or link or id of a Notion page.
        dry_run: Write nothing.
        no_merge: Keys of gaps whose places are to be rows of their own.
        cap: Most rows created.

    Raises:
        NotionError: Notion cannot be reached, or refuses.
        HandlerWordError: The document cannot be read; the text says why.
        BadId: It is neither a file nor a Notion page.
    """
    request = _request(document, dry_run=dry_run, no_merge=no_merge, cap=cap)
    if dry_run and request.path and not _can_ask_notion(settings):
        plan = make_plan(request, read_file(Path(request.path)), None)
        yield from showing.lines(plan)
        yield f"Would be: {showing.summary(plan)}. Notion is not set up; rows filed earlier are not known."
        return
    with wiring.notion(settings) as notion:
        rows = wiring.gap_rows(wiring.workspace(notion, settings), settings)
        text = read_document(request, rows)
        with rows.alone():
            plan = make_plan(request, text, rows)
            yield from showing.lines(plan)
            if dry_run:
                yield f"Would be: {showing.summary(plan)}. Nothing was written."
                return
            created = carry_out(request, plan, rows)
    for step in plan.of(Move.CREATE):
        yield f"filed  {step.title}  {created[step.key]}"
    yield f"{text.title}: {showing.summary(plan)}."


def _request(document: str, *, dry_run: bool, no_merge: tuple[str, ...], cap: int) -> Request:
    path = Path(document).expanduser()
    looks_like_a_path = path.suffix.casefold() in (".md", ".markdown") and "://" not in document
    if path.is_file() or looks_like_a_path:
        return Request(path=str(path), dry_run=dry_run, no_merge=no_merge, cap=cap)
    try:
        page_id = parse_id(document)
    except BadId as error:
        raise BadId(f"There is no file {document}, and {error}") from None
    return Request(page_id=page_id, dry_run=dry_run, no_merge=no_merge, cap=cap)


def _can_ask_notion(settings: Settings) -> bool:
    return bool(
        settings.notion_token.get_secret_value()
        and settings.agent_tasks_db_id
        and settings.issues_questions_db_id
    )
