"""The one file that picks concrete classes: from settings to a worker ready to start."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from tzlocal import get_localzone

from agent import answers, child, log
from agent.answers import Answers
from agent.doctor import Access, SetUpDoctor
from agent.engine import Engine
from agent.handing_on import returns, trigger_notes
from agent.handing_on.errands import Errands
from agent.handing_on.handoff import Handoff
from agent.handing_on.handoff_settings import agents_of
from agent.handing_on.returns import Returns
from agent.handing_on.trigger_files import Rules, TriggerFiles
from agent.known_columns import known_columns
from agent.ledger import Ledger
from agent.poller import Poller
from agent.problems import drift, issue_notes
from agent.problems.issues import Issues
from agent.reporting import Reporting
from agent.rows.earlier_rows import NotionEarlierRows
from agent.rows.edited_tracks import NotionEditedTracks
from agent.rows.filing import Filing
from agent.rows.gap_rows import NotionGapRows
from agent.rows.music_rows import LastWritten, TrackRows
from agent.rows.new_rows import NewRows
from agent.rows.playlist_rows import PlaylistRows
from agent.runner import REPORT_QUEUE, Guard, Runner
from agent.schedules import Schedules
from agent.settings import Settings
from agent.twins import Twins
from agent.upkeep import HouseKeeping
from agent.web.metrics import Metrics
from agent.web.notion_events import TokenFile
from agent.web.triggers import Triggers
from agent.web.webhooks import TOKEN_FILE, Address, Webhooks
from agent.worker import Worker
from handlers import registry
from handlers.base import Tools
from music_workflow.core.library import Library, LibrarySettings
from notion_schema.calls import Patience, RequestNote
from notion_schema.client import Notion
from notion_schema.databases import AGENT_TASKS, ISSUES
from notion_schema.errors import Unavailable
from notion_schema.ids import parse_id
from notion_schema.pace import SharedPace, Standing
from notion_schema.rows import Finding
from notion_schema.workspace import Workspace

_STALE_LOOK_S = 180.0
_LONGEST_START_WAIT_S = 60.0
_BRIEF = Patience(attempts=3, total_s=20.0)
"""A person waits for doctor."""
_SETTLE_S = 5.0
_HEAVY_MODULES = (
    "music_workflow.core.process",
    "music_workflow.core.verify",
    "music_workflow.integrations.ytdlp",
)


def library(settings: Settings) -> Library:
    """The music library on this machine."""
    megabyte = 1_000_000
    return Library(
        LibrarySettings(
            out_dir=str(settings.out_dir.expanduser().absolute()),
            data_dir=str(data_dir(settings)),
            index_export_path=str(index_export_path(settings)),
            m4a=settings.m4a_codec,
            max_bytes=settings.max_download_mb * megabyte,
            max_duration_s=settings.max_duration_minutes * 60.0,
            allowed_hosts=settings.allowed_hosts,
            allow_private_addresses=settings.allow_private_addresses,
            **settings.wishes(),
        )
    )


def index_export_path(settings: Settings) -> Path:
    """Where the volume index is exported to: as set, else /var when that is writable, else the data folder."""
    if settings.volume_index_path:
        return settings.volume_index_path.expanduser().absolute()
    usual = Path("/var/music_volume_index.json")
    if os.access(usual if usual.exists() else usual.parent, os.W_OK):
        return usual
    return data_dir(settings) / "music_volume_index.json"


@contextmanager
def notion(
    settings: Settings,
    on_request: Callable[[RequestNote], None] | None = None,
    patience: Patience | None = None,
    before_send: Callable[[], None] = lambda: None,
) -> Iterator[Notion]:
    """The client, closed at the end. All processes with this DATA_DIR and token share one pace."""
    token = settings.notion_token.get_secret_value()
    folder = data_dir(settings)
    folder.mkdir(parents=True, exist_ok=True)
    pace = SharedPace(folder, settings.notion_base_url, token, settings.notion_rate_per_s)
    usual = Patience(settle_s=min(_SETTLE_S, settings.notion_stale_seconds))
    with Notion(
        token,
        base_url=settings.notion_base_url,
        pace=pace,
        patience=patience or usual,
        on_request=on_request,
        before_send=before_send,
    ) as client:
        yield client


def pace_standing(settings: Settings) -> Standing | None:
    """How the token stands with Notion; None before anything was sent."""
    token = settings.notion_token.get_secret_value()
    return SharedPace(
        data_dir(settings), settings.notion_base_url, token, settings.notion_rate_per_s
    ).standing()


def data_dir(settings: Settings) -> Path:
    """Where the worker keeps what is its own."""
    return settings.data_dir.expanduser().absolute()


def workspace(client: Notion, settings: Settings) -> Workspace:
    """The databases of the settings, bound to what they look like now."""

    def tell(finding: Finding) -> None:
        log.get().warning(
            "database finding", database=finding.database, says=f"{finding.sentence} {finding.remedy}"
        )

    assigned = {"assigned_to": settings.assigned_property}
    columns = known_columns(settings)
    opened = Workspace.open(
        client,
        settings.database_ids,
        vocabularies=settings.vocabularies,
        names={AGENT_TASKS: assigned, ISSUES: assigned},
        on_finding=tell,
        known=columns.read(),
        on_binding=columns.keep,
    )
    for key, problem in opened.problems.items():
        log.get().error("database not opened", database=key, why=str(problem))
    return opened


def gap_rows(rows: Workspace, settings: Settings) -> NotionGapRows:
    """The rows of gap analyses, for the worker and the command line alike."""
    folder = data_dir(settings)
    return NotionGapRows(rows, LastWritten(folder / "written.sqlite"), folder / "gaps.lock")


def schedule_zone(settings: Settings) -> tzinfo:
    """Where a Schedule is meant that names no time zone."""
    return ZoneInfo(settings.schedule_time_zone) if settings.schedule_time_zone else get_localzone()


def doctor(settings: Settings) -> SetUpDoctor:
    """Who examines the set-up, for the worker and the command line alike."""
    access = Access(
        notion=lambda: notion(settings, patience=_BRIEF),
        workspace=lambda client: workspace(client, settings),
        library=library(settings).settings,
        registry=registry.load(),
        index_export=index_export_path(settings),
    )
    return SetUpDoctor(settings, access)


def ledger(settings: Settings) -> Ledger:
    """The notes that all workers of the engine share."""
    tables = (*issue_notes.TABLES, *drift.TABLES, *answers.TABLES, *returns.TABLES, *trigger_notes.TABLES)
    return Ledger(settings.engine_url, data_dir(settings), *tables)


def _upkeep(settings: Settings, engine: Engine) -> HouseKeeping:
    triggers = settings.agent_triggers_dir
    return HouseKeeping(
        data_dir=data_dir(settings),
        out_dir=settings.out_dir.expanduser().absolute(),
        triggers_dir=triggers.expanduser().absolute() if triggers else None,
        engine=engine,
        days=settings.clean_up_days,
        record_days=settings.engine_retention_days,
    )


def webhook_token_file(settings: Settings) -> TokenFile:
    """Where the verification token of Notion's webhook is kept."""
    return TokenFile(data_dir(settings) / TOKEN_FILE)


def address(settings: Settings, port: int | None = None) -> Address:
    """Where the worker listens, if it does."""
    return Address(host=settings.webhooks_host, port=settings.webhooks_port if port is None else port)


def _webhooks(
    settings: Settings,
    address: Address,
    rows: Workspace,
    engine: Engine,
    new_rows: NewRows,
    types: registry.Registry,
    metrics: Metrics,
) -> Webhooks:
    return Webhooks(
        address,
        workspace=rows,
        engine=engine,
        token=settings.notion_webhook_token.get_secret_value(),
        token_file=webhook_token_file(settings),
        triggers=Triggers(settings.trigger_secret.get_secret_value(), types, new_rows),
        metrics=metrics,
        stale_s=max(_STALE_LOOK_S, 4 * settings.poll_idle_seconds),
    )


def trigger_files(
    settings: Settings,
    rows: Workspace,
    notes: Ledger,
    types: registry.Registry,
    issues: Issues,
    told: Returns,
) -> TriggerFiles | None:
    """What hands rows to other agents; None when the settings do not ask for it."""
    if settings.agent_triggers_dir is None or not settings.agents:
        return None
    rules = Rules(
        agents=agents_of(settings.agents),
        myself=parse_id(settings.agent_page_id) if settings.agent_page_id else "",
        ttl_s=settings.trigger_ttl_hours * 3600,
        reissue=settings.trigger_stale == "reissue",
        every_s=settings.trigger_seconds,
    )
    return TriggerFiles(
        rows,
        notes,
        settings.agent_triggers_dir.expanduser().absolute(),
        rules,
        is_mine=lambda task_type: types.find(task_type) is not None,
        issues=issues,
        returns=told,
    )


def earlier_rows(rows: Workspace) -> NotionEarlierRows:
    """The rows that the earlier system's files are about, for the worker and the command line alike."""
    return NotionEarlierRows(rows, registry.load().names)


def _opened(client: Notion, settings: Settings, *, patient: bool) -> Workspace:
    """The databases; where Notion is away and the worker is to run for ever, as soon as it is back."""
    wait = 1.0
    while True:
        try:
            return workspace(client, settings)
        except Unavailable as error:
            if not patient:
                raise
            log.get().warning("not started yet", why=str(error), again_in_s=wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_START_WAIT_S)


@contextmanager
def worker(settings: Settings, *, listen: Address | None = None, patient: bool = False) -> Iterator[Worker]:
    """A worker with everything it needs; not started yet.

    Args:
        settings: where everything is.
        listen: the web address that it has while it runs.
        patient: wait for Notion where it is away now, instead of failing.
    """
    child.preload(_HEAVY_MODULES)
    handlers = registry.load()
    name = settings.worker_name or socket.gethostname()
    engine = Engine(
        settings.engine_url,
        poll_s=min(0.2, settings.poll_seconds),
        lease_s=settings.lease_seconds,
        worker=f"{name} ({os.getpid()})",
    )
    metrics = Metrics(handlers, engine.live, lambda: engine.lease_age_s) if listen else None
    on_request = metrics.on_request if metrics else None
    # Asked before each request: a worker that was frozen past its lease must not finish what it was about to write.
    with (
        notion(settings, on_request, before_send=engine.must_hold) as client,
        closing(ledger(settings)) as notes,
    ):
        rows = _opened(client, settings, patient=patient)
        clean = log.Redaction(settings.secrets).clean
        issues = Issues(rows, notes, clean, stale_s=settings.notion_stale_seconds)
        told = Returns(rows, notes, clean)
        guard = Guard()
        reporting = Reporting(
            rows,
            f"{name} ({os.getpid()})",
            answers=Answers(client, notes),
            issues=issues,
            handoff=Handoff(rows, issues, handlers.reviews, most_links=settings.handoff_max_depth),
            returns=told,
            clean=clean,
            guard=guard,
        )
        music = library(settings)
        folder = data_dir(settings)
        new_rows = NewRows(engine, rows)
        tools = Tools(
            library=music,
            tracks=TrackRows(rows, music, LastWritten(folder / "written.sqlite")),
            gaps=gap_rows(rows, settings),
            doctor=doctor(settings),
            rows=Filing(rows, new_rows),
            playlists=PlaylistRows(rows, LastWritten(folder / "written.sqlite")),
            upkeep=_upkeep(settings, engine),
            earlier=earlier_rows(rows),
            edited=NotionEditedTracks(rows, LastWritten(folder / "written.sqlite")),
        )
        poller = Poller(
            rows,
            handlers,
            agent_page_id=settings.agent_page_id or None,
            refresh_s=settings.schema_refresh_seconds,
            guard=guard,
        )
        yield Worker(
            rows,
            handlers,
            engine,
            poller,
            Runner(
                engine,
                handlers,
                tools,
                reporting,
                folder,
                on_report=metrics.on_report if metrics else None,
            ),
            reporting,
            guard=guard,
            poll_s=settings.poll_seconds,
            idle_poll_s=settings.poll_idle_seconds,
            concurrency={
                "default": 4,
                "download": settings.download_concurrency,
                "cpu": max(1, (os.cpu_count() or 2) - 1),
                REPORT_QUEUE: 4,
            },
            companions=(
                Twins(engine, rows, stale_s=settings.notion_stale_seconds),
                drift.DriftWatch(rows, issues, notes),
                Errands(issues, told, trigger_files(settings, rows, notes, handlers, issues, told)),
                new_rows,
                Schedules(rows, handlers, new_rows, zone=schedule_zone(settings)),
                *(
                    [metrics, _webhooks(settings, listen, rows, engine, new_rows, handlers, metrics)]
                    if listen and metrics
                    else []
                ),
            ),
        )
