"""The web application: the API's doors, the files, the control of faults, the board."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from notion_local import endpoints, ids, query, uploads
from notion_local.board.guard import Session
from notion_local.board.routes import board_routes
from notion_local.doors import LATEST, ActorFor, Door, Recorder
from notion_local.errors import ApiError, invalid_url
from notion_local.webhooks import Webhooks
from notion_local.workspace import Actor, Workspace

_log = logging.getLogger(__name__)


def create_app(
    workspace: Workspace,
    *,
    token: str,
    recorder: Recorder | None = None,
    webhooks: Webhooks | None = None,
    session: Session | None = None,
    closing: Callable[[], bool] = lambda: False,
) -> Starlette:
    """Return the application that serves a workspace.

    Args:
        workspace: what it serves; its faults are the ones that strike.
        token: the integration's bearer token.
        recorder: where every exchange of the API is written.
        webhooks: who is told of changes; subscribed to at ``/_control/webhooks``.
        session: asked of every request of the board when it is reachable from other machines.
        closing: True once the server is going away.
    """

    def integration(request: Request) -> Actor:
        _require_token(request, token)
        return workspace.bot

    def person(_request: Request) -> Actor:
        return workspace.person

    door = Door(workspace, endpoints.table(query.Cursors()), integration, prefix="/v1", recorder=recorder)
    board_api = api_routes(workspace, person, prefix="/board/v1")
    routes: list[BaseRoute] = [
        Route("/v1/{path:path}", door),
        Route("/files/{upload_id}/{name}", _file_route(workspace)),
        Route("/_control/faults", _faults_route(workspace, token), methods=["GET", "POST", "DELETE"]),
        *(
            [Route("/_control/webhooks", _webhooks_route(webhooks, token), methods=["POST"])]
            if webhooks
            else []
        ),
        *board_routes(workspace, api=board_api, session=session, closing=closing),
        Route("/{path:path}", _unknown, methods=["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]),
    ]
    return Starlette(routes=routes, exception_handlers={Exception: _defect})


def api_routes(workspace: Workspace, actor_for: ActorFor, *, prefix: str) -> list[BaseRoute]:
    """Return routes that serve the same API on behalf of another actor, to be mounted at a prefix.

    Args:
        workspace: what they serve.
        actor_for: names the actor of a request, or raises `ApiError` to refuse it.
        prefix: where their owner mounts them, such as ``/board/v1``.
    """
    door = Door(workspace, endpoints.table(query.Cursors()), actor_for, prefix=prefix, version=LATEST)
    return [Route("/{path:path}", door)]


def _require_token(request: Request, token: str) -> None:
    header = request.headers.get("authorization", "")
    scheme, _, given = header.partition(" ")
    if header and (scheme.lower() != "bearer" or not given):
        raise ApiError(401, "unauthorized", 'Authorization header must use the format "Bearer <token>".')
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise ApiError(401, "unauthorized", "API token is invalid.")


async def _defect(_request: Request, error: Exception) -> Response:
    """Answer a defect of this server as Notion answers one of its own; the traceback goes to the log alone."""
    request_id = ids.new_random_id()
    _log.error("request %s failed", request_id, exc_info=error)
    refusal = ApiError(500, "internal_server_error", "Unexpected error occurred.")
    return JSONResponse(refusal.body(request_id), refusal.status)


async def _unknown(_request: Request) -> Response:
    refusal = invalid_url()
    return JSONResponse(refusal.body(ids.new_random_id()), refusal.status)


def _file_route(workspace: Workspace) -> Any:
    async def serve_file(request: Request) -> Response:
        found = await run_in_threadpool(
            uploads.served,
            workspace,
            request.path_params["upload_id"],
            request.query_params.get("expires", ""),
            request.query_params.get("signature", ""),
        )
        if found is None:
            return Response("Request has expired", 403, media_type="text/plain")
        content, content_type = found
        # What people upload must never run as a page of this origin, where the board's session lives.
        headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=content_type, headers=headers)

    return serve_file


def _webhooks_route(webhooks: Webhooks, token: str) -> Any:
    async def subscribe(request: Request) -> Response:
        try:
            _require_token(request, token)
            url = (await request.json())["url"]
            subscription = await run_in_threadpool(webhooks.subscribe, url)
        except ApiError as refusal:
            return JSONResponse(refusal.body(""), refusal.status)
        except (ValueError, TypeError, KeyError, httpx.HTTPError) as error:
            return JSONResponse({"error": f"could not subscribe: {error}"}, 400)
        return JSONResponse({"id": subscription.id, "url": subscription.url})

    return subscribe


def _faults_route(workspace: Workspace, token: str) -> Any:
    async def control_faults(request: Request) -> Response:
        try:
            _require_token(request, token)
            if request.method == "DELETE":
                workspace.faults.reset()
            elif request.method == "POST":
                workspace.faults.set(**await request.json())
        except ApiError as refusal:
            return JSONResponse(refusal.body(""), refusal.status)
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        settings = asdict(workspace.faults.settings)
        return JSONResponse(json.loads(json.dumps(settings, default=sorted)))

    return control_faults
