"""What one request is: who asks, in which version, for what; and how it becomes a call of the API's operations.

A `Door` is an ASGI endpoint that serves the API on behalf of whatever actor its owner names: the bearer token's bot
at ``/v1``, the person at the board's own door. It checks headers, reads the body, runs the operation in a worker
thread as one transaction, and writes the answer. It knows no operation; `endpoints` is its table.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from notion_local import ids
from notion_local import validation as check
from notion_local.errors import ApiError, invalid, invalid_url
from notion_local.workspace import Actor, Workspace

VERSIONS = ("2025-09-03", "2026-03-11")
LATEST = VERSIONS[-1]
_BEFORE_SOURCES = ("2021-05-11", "2021-05-13", "2021-08-16", "2022-02-22", "2022-06-28")
_WRITES = ("POST", "PATCH", "DELETE")
_READS_BY_POST = ("/query", "/search")
_MAX_FORM_BYTES = 32 * 1024 * 1024

ActorFor = Callable[[Request], Actor]
"""Names the actor of a request, or raises `ApiError`."""


@dataclass(frozen=True)
class Call:
    """One request, ready to be carried out."""

    workspace: Workspace
    actor: Actor
    version: str
    ids: dict[str, str]
    """What stands in the path, ids already dashed."""
    query: QueryParams
    body: dict[str, Any] = field(default_factory=dict)
    file: SentFile | None = None

    @property
    def old_version(self) -> bool:
        """Whether the version is older than the latest."""
        return self.version != LATEST


@dataclass(frozen=True)
class SentFile:
    """The file of a multipart request."""

    content: bytes
    filename: str | None
    content_type: str | None
    part_number: str | None


Operation = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """One method and path of the API, with ``{names}`` for what stands between the slashes."""

    method: str
    path: str
    operation: Operation

    def match(self, method: str, parts: list[str]) -> dict[str, str] | None:
        """Return what stands at the names of the path, or None when it is another."""
        own = self.path.split("/")
        if method != self.method or len(own) != len(parts):
            return None
        found = {}
        for mine, theirs in zip(own, parts, strict=True):
            if mine.startswith("{"):
                found[mine[1:-1]] = theirs
            elif mine != theirs:
                return None
        return found


class Recorder:
    """Writes each exchange as a JSON line in the shape of the recordings of Notion's API."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def write(self, **exchange: Any) -> None:
        """Append one exchange."""
        line = json.dumps(exchange, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class Door:
    """An ASGI endpoint that serves the API beneath one prefix.

    Args:
        workspace: what it serves.
        endpoints: the operations, paths without the prefix.
        actor_for: names the actor of a request.
        prefix: what stands before the paths, such as ``/v1``.
        recorder: where exchanges are written.
        version: the API version of requests that name none; None refuses them, as Notion does.
    """

    def __init__(
        self,
        workspace: Workspace,
        endpoints: list[Endpoint],
        actor_for: ActorFor,
        *,
        prefix: str,
        recorder: Recorder | None = None,
        version: str | None = None,
    ) -> None:
        self._workspace = workspace
        self._endpoints = endpoints
        self._actor_for = actor_for
        self._prefix = prefix
        self._recorder = recorder
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        request_id = ids.new_random_id()
        name = f"{request.method} {request.url.path}"
        try:
            raw = b"" if _is_form(request) else await _read(request)
            status, answer, headers = await self._answer(request, raw, request_id)
        except ClientDisconnect:
            return
        self._record(request, raw, status, answer)
        faults = self._workspace.faults
        if delay := faults.delay(name):
            await asyncio.sleep(delay)
        response = JSONResponse(answer, status, {"x-notion-request-id": request_id, **headers})
        if request.method in _WRITES and not name.endswith(_READS_BY_POST) and faults.drops(name):
            await _break_off(response, send)
            return
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, raw: bytes, request_id: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        try:
            self._strike(f"{request.method} {request.url.path}")
            actor = self._actor_for(request)
            version = self._checked_version(request)
            endpoint, names = self._find(request)
            call = Call(
                self._workspace,
                actor,
                version,
                _parsed_ids(names),
                request.query_params,
                file=await _file(request),
            )
            answer = await run_in_threadpool(self._run, endpoint, call, request, raw)
        except ApiError as refusal:
            return refusal.status, refusal.body(request_id), refusal.headers
        return 200, {**versioned(answer, version), "request_id": request_id}, {}

    def _run(self, endpoint: Endpoint, call: Call, request: Request, raw: bytes) -> dict[str, Any]:
        body = _parsed_body(raw) if request.method in _WRITES else {}
        with self._workspace.transaction():
            return endpoint.operation(
                Call(call.workspace, call.actor, call.version, call.ids, call.query, body, call.file)
            )

    def _strike(self, name: str) -> None:
        """Fail the request when a fault says so."""
        faults = self._workspace.faults
        retry = {"Retry-After": str(faults.settings.retry_after)}
        if faults.refused_by_rate():
            raise _failure(429, retry)
        status = faults.error_for(name)
        if status is not None:
            raise _failure(status, retry)

    def _checked_version(self, request: Request) -> str:
        version = request.headers.get("notion-version") or self._version
        if version is None:
            raise ApiError(
                400,
                "missing_version",
                "Notion-Version header failed validation: Notion-Version header should be defined, instead was"
                " `undefined`.",
            )
        if version in _BEFORE_SOURCES:
            raise invalid("Databases with multiple data sources are not supported in this API version.")
        if version not in VERSIONS:
            known = [f'`"{word}"`' for word in VERSIONS]
            raise ApiError(
                400,
                "missing_version",
                f"Notion-Version header failed validation: Notion-Version header should be {', or '.join(known)},"
                f" instead was {check.shown(version)}.",
            )
        return version

    def _find(self, request: Request) -> tuple[Endpoint, dict[str, str]]:
        path = request.url.path.removeprefix(self._prefix).strip("/")
        parts = path.split("/")
        for endpoint in self._endpoints:
            names = endpoint.match(request.method, parts)
            if names is not None:
                return endpoint, names
        raise invalid_url()

    def _record(self, request: Request, raw: bytes, status: int, answer: dict[str, Any]) -> None:
        if self._recorder is None:
            return
        query = f"?{request.url.query}" if request.url.query else ""
        try:
            body = _loaded(raw) if raw else None
        except (ValueError, RecursionError):
            body = None  # a body that is no JSON has no place in a line of JSON
        self._recorder.write(
            method=request.method,
            path=request.url.path + query,
            version=request.headers.get("notion-version") or self._version,
            request=body,
            status=status,
            response=answer,
        )


_MESSAGES = {
    409: ("conflict_error", "Conflict occurred while saving. Please try again."),
    429: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
    500: ("internal_server_error", "Unexpected error occurred."),
    502: ("bad_gateway", "Bad gateway."),
    503: ("service_unavailable", "Notion is temporarily unavailable. Please try again later."),
    504: ("gateway_timeout", "Gateway timeout."),
    529: ("service_overload", "Notion is overloaded. Please try again later."),
}


def _failure(status: int, retry: dict[str, str]) -> ApiError:
    code, message = _MESSAGES[status]
    data = {"rate_limit_reason": "integration_rate_limit"} if status == 429 else None  # noqa: PLR2004 the status itself
    return ApiError(
        status, code, message, additional_data=data, headers=retry if status in (429, 529) else {}
    )


async def _break_off(response: Response, send: Send) -> None:
    """Announce an answer and end without it, so that the client's connection breaks."""
    await send(
        {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    )


def _parsed_ids(names: dict[str, str]) -> dict[str, str]:
    """Return the names of a path with their ids dashed; the name of a property stays as it is."""
    return {
        name: value if name == "property" else check.a_uuid(value, f"path.{name}")
        for name, value in names.items()
    }


async def _read(request: Request) -> bytes:
    """Return the body of a request, as far as it is needed to see that it is too large."""
    raw = b""
    async for chunk in request.stream():
        if len(raw) <= check.MAX_BODY_BYTES:
            raw += chunk
    return raw


def _parsed_body(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    if len(raw) > check.MAX_BODY_BYTES:
        raise invalid(f"Request body is too large: the limit is {check.MAX_BODY_BYTES} bytes.")
    try:
        body = _loaded(raw)
        text = raw.decode()
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_json", "Error parsing JSON body.") from error
    if "\\ud" in text.lower():
        body = _well_formed(body)
    if not isinstance(body, dict):
        check.refuse("body", "an object", body)
    return body


def _loaded(raw: bytes) -> Any:
    return json.loads(raw, parse_constant=_no_constant)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _well_formed(value: Any) -> Any:
    """Replace halves of surrogate pairs, which no database can keep, by the replacement character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


async def _file(request: Request) -> SentFile | None:
    if not _is_form(request):
        return None
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal() or int(announced) > _MAX_FORM_BYTES:
        raise invalid(
            f"The form is too large, or its size is not announced: the limit is {_MAX_FORM_BYTES} bytes."
        )
    try:
        async with request.form(max_files=1, max_fields=10, max_part_size=_MAX_FORM_BYTES) as form:
            sent = form.get("file")
            part = form.get("part_number")
            if not isinstance(sent, UploadFile):
                check.refuse("body.file", "defined", check.MISSING)
            return SentFile(
                await sent.read(), sent.filename, sent.content_type, part if isinstance(part, str) else None
            )
    except MultiPartException as error:
        raise invalid(f"Invalid multipart form data: {error.message}") from error


def versioned(answer: Any, version: str) -> Any:
    """Return an answer in the shape of an API version; the latest is how everything is made."""
    if version == LATEST:
        return answer
    if isinstance(answer, list):
        return [versioned(item, version) for item in answer]
    if not isinstance(answer, dict):
        return answer
    shaped = {key: versioned(item, version) for key, item in answer.items()}
    if (
        shaped.get("object") in ("page", "block", "database", "data_source", "file_upload")
        and "in_trash" in shaped
    ):
        shaped["archived"] = shaped["in_trash"]
    return shaped
