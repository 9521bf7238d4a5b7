"""Uploaded files: created, sent in one part or several, attached to what shows them, served by URLs that expire.

The bytes are kept in the store, so that a file is as durable as the row that shows it. All functions run inside the
caller's transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from notion_local import ids
from notion_local import validation as check
from notion_local.errors import ApiError, invalid
from notion_local.store import Record
from notion_local.workspace import Actor, Workspace

HOUR_MS = 3_600_000
SINGLE_PART_LIMIT = 20 * 1024 * 1024
MAX_PARTS = 10_000
_MAX_FILENAME_BYTES = 900
_MODES = ("single_part", "multi_part", "external_url")
_EXTENSIONS = frozenset(
    [
        ".aac",
        ".adts",
        ".mid",
        ".midi",
        ".mp3",
        ".mpga",
        ".m4a",
        ".m4b",
        ".oga",
        ".ogg",
        ".wav",
        ".wma",
        ".aif",
        ".aiff",
        ".flac",
        ".opus",
        ".pdf",
        ".txt",
        ".json",
        ".doc",
        ".dot",
        ".docx",
        ".dotx",
        ".xls",
        ".xlt",
        ".xla",
        ".xlsx",
        ".xltx",
        ".ppt",
        ".pot",
        ".pps",
        ".ppa",
        ".pptx",
        ".potx",
        ".csv",
        ".md",
        ".html",
        ".xml",
        ".zip",
        ".gz",
        ".gif",
        ".heic",
        ".jpeg",
        ".jpg",
        ".png",
        ".svg",
        ".tif",
        ".tiff",
        ".webp",
        ".ico",
        ".avif",
        ".bmp",
        ".apng",
        ".amv",
        ".asf",
        ".wmv",
        ".avi",
        ".f4v",
        ".flv",
        ".gifv",
        ".m4v",
        ".mp4",
        ".mkv",
        ".webm",
        ".mov",
        ".qt",
        ".mpeg",
        ".ogv",
    ]
)


def create(workspace: Workspace, actor: Actor, body: dict[str, Any]) -> Record:
    """Begin an upload as a request says."""
    check.no_other_keys(
        body,
        "body",
        ("mode", "filename", "content_type", "number_of_parts", "external_url", "content_length"),
    )
    mode = check.one_of(body.get("mode", "single_part"), "body.mode", _MODES)
    if mode == "external_url":
        check.a_string(body.get("external_url", check.MISSING), "body.external_url", most=check.MAX_URL)
    filename = _filename(body, required=mode != "single_part")
    parts = 1
    if mode == "multi_part":
        number = check.a_number(body.get("number_of_parts", check.MISSING), "body.number_of_parts")
        if isinstance(number, float) or not 1 <= number <= MAX_PARTS:
            check.refuse("body.number_of_parts", f"between `1` and `{MAX_PARTS}`", number)
        parts = number
    elif "number_of_parts" in body:
        check.refuse("body.number_of_parts", "not present", body["number_of_parts"])
    content_type = body.get("content_type")
    if content_type is not None:
        check.a_string(content_type, "body.content_type")
    now = workspace.now()
    record = Record(
        id=ids.new_record_id(now),
        kind="file_upload",
        parent=workspace.id,
        parent_kind="workspace",
        position=0.0,
        created=now,
        edited=now,
        created_by=actor.user_id,
        edited_by=actor.user_id,
        in_trash=False,
        data={
            "mode": mode,
            "filename": filename,
            "content_type": content_type or _guessed(filename),
            "content_length": None,
            "parts": parts,
            "status": "pending",
            "expires": now + HOUR_MS,
        },
    )
    workspace.store.put(record)
    workspace.store.changed("file_upload.created", record, actor.user_id, now)
    return record


def _filename(body: dict[str, Any], *, required: bool) -> str | None:
    if body.get("filename") is None:
        if required:
            check.refuse("body.filename", "defined", check.MISSING)
        return None
    filename = check.a_string(body["filename"], "body.filename")
    if len(filename.encode()) > _MAX_FILENAME_BYTES:
        raise invalid(f"File name must be at most {_MAX_FILENAME_BYTES} bytes.")
    extension = PurePosixPath(filename).suffix.lower()
    if extension and extension not in _EXTENSIONS:
        raise invalid(
            "Provided `filename` has an extension that is not supported for the File Upload API."
            f" Extension: {extension}"
        )
    return filename


def _guessed(filename: str | None) -> str | None:
    return mimetypes.guess_type(filename)[0] if filename else None


def send(
    workspace: Workspace,
    upload: Record,
    content: bytes,
    *,
    filename: str | None,
    content_type: str | None,
    part_number: str | None,
) -> Record:
    """Take the bytes of an upload, or of one of its parts."""
    data = dict(upload.data)
    upload = _current(workspace, upload)
    if upload.data["status"] != "pending":
        raise invalid(
            f"File upload with ID {upload.id} has status {upload.data['status']} and cannot be sent again."
        )
    part = _part(data, part_number)
    if len(content) > min(SINGLE_PART_LIMIT, workspace.max_upload):
        raise ApiError(
            400,
            "validation_error",
            f"File size {len(content)} exceeds the limit of {workspace.max_upload} bytes.",
        )
    declared = data["content_type"]
    if data["mode"] == "single_part" and declared and content_type and content_type != declared:
        raise invalid(
            f"Content type of the file {content_type} does not match the one the upload was created with: {declared}."
        )
    workspace.store.put_file(upload.id, part, content)
    if data["mode"] == "single_part":
        data["filename"] = data["filename"] or filename or "file"
        data["content_type"] = (
            declared or content_type or _guessed(data["filename"]) or "application/octet-stream"
        )
        data |= {"status": "uploaded", "content_length": len(content)}
    changed = replace(upload, data=data, edited=workspace.now())
    workspace.store.put(changed)
    return changed


def _part(data: dict[str, Any], part_number: str | None) -> int:
    if data["mode"] == "single_part":
        if part_number is not None:
            raise invalid(
                "body failed validation: body.part_number should be not present for a single part upload."
            )
        return 1
    if part_number is None or not (part_number.isascii() and part_number.isdigit()):
        check.refuse(
            "body.part_number", "a number", part_number if part_number is not None else check.MISSING
        )
    part = int(part_number)
    if not 1 <= part <= data["parts"]:
        raise invalid(
            f"body failed validation: body.part_number should be ≤ `{data['parts']}`, instead was `{part}`."
        )
    return part


def complete(workspace: Workspace, actor: Actor, upload: Record) -> Record:
    """Put the parts of an upload together."""
    upload = _current(workspace, upload)
    data = upload.data
    if data["mode"] != "multi_part" or data["status"] != "pending":
        raise invalid(f"File upload with ID {upload.id} cannot be completed: its status is {data['status']}.")
    received = workspace.store.file_parts(upload.id)
    if len(received) != data["parts"]:
        raise invalid(
            f"File upload with ID {upload.id} is not complete: {len(received)} of {data['parts']} parts were sent."
        )
    content = workspace.store.file(upload.id) or b""
    data = {**data, "status": "uploaded", "content_length": len(content)}
    data["content_type"] = data["content_type"] or "application/octet-stream"
    changed = replace(upload, data=data, edited=workspace.now())
    workspace.store.put(changed)
    workspace.store.changed("file_upload.completed", changed, actor.user_id, changed.edited)
    return changed


def _current(workspace: Workspace, upload: Record) -> Record:
    """Return the upload as time has left it: expired after an hour unless attached; never fetched from elsewhere."""
    data = upload.data
    if data["mode"] == "external_url" and data["status"] == "pending":
        upload = replace(upload, data={**data, "status": "failed", "expires": None})
        workspace.store.put(upload)
    elif (
        data["expires"] is not None
        and data["status"] in ("pending", "uploaded")
        and workspace.now() >= data["expires"]
    ):
        upload = replace(upload, data={**data, "status": "expired"})
        workspace.store.put(upload)
    return upload


def show(workspace: Workspace, upload: Record) -> dict[str, Any]:
    """Return an upload as answers show it."""
    return show_new(workspace, _current(workspace, upload))


def show_new(workspace: Workspace, upload: Record) -> dict[str, Any]:
    """Return an upload that has just been created, before anything became of it."""
    data = upload.data
    shown: dict[str, Any] = {
        "object": "file_upload",
        "id": upload.id,
        "created_time": ids.floored(upload.created),
        "created_by": {"id": upload.created_by, "type": workspace.user(upload.created_by)["type"]},
        "last_edited_time": ids.floored(upload.edited),
        "expiry_time": ids.floored(data["expires"]) if data["expires"] is not None else None,
        "in_trash": False,
        "status": data["status"],
        "filename": data["filename"],
        "content_type": data["content_type"],
        "content_length": data["content_length"],
    }
    if data["status"] == "failed":
        shown["file_import_result"] = {
            "imported_time": ids.floored(upload.edited),
            "type": "error",
            "error": {
                "type": "download_error",
                "code": "download_failed",
                "message": "This server does not fetch files from other machines.",
                "parameter": None,
                "status_code": None,
            },
        }
    if data["status"] == "pending" and data["mode"] != "external_url":
        url = f"{workspace.public_url}/v1/file_uploads/{upload.id}"
        shown["upload_url"] = f"{url}/send"
        if data["mode"] == "multi_part":
            shown["complete_url"] = f"{url}/complete"
    if data["mode"] == "multi_part":
        sent = len(workspace.store.file_parts(upload.id))
        shown["number_of_parts"] = {"total": data["parts"], "sent": sent}
    return shown


def attach(workspace: Workspace, stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """Tie a file object to its upload, which then never expires.

    Raises:
        ApiError: when the upload does not exist, was not sent, or has expired.
    """
    if stored is None or stored.get("type") != "file_upload":
        return stored
    upload_id = stored["file_upload"]["id"]
    upload = workspace.store.get(upload_id)
    if upload is None or upload.kind != "file_upload":
        raise workspace.missing("file_upload", upload_id)
    upload = _current(workspace, upload)
    if upload.data["status"] != "uploaded":
        raise invalid(
            f"File upload with ID {upload_id} has status {upload.data['status']};"
            " only an uploaded file can be attached."
        )
    if upload.data["expires"] is not None:
        workspace.store.put(replace(upload, data={**upload.data, "expires": None}))
    return {"name": upload.data["filename"], **stored}


def show_file(
    workspace: Workspace, stored: dict[str, Any] | None, *, named: bool = False
) -> dict[str, Any] | None:
    """Return a file, icon or cover as answers show it: uploads by a signed URL good for an hour.

    Args:
        workspace: where it is.
        stored: the file object; None gives None.
        named: whether its name is shown beside it; that of an upload stands in its URL in any case.
    """
    if stored is None or stored["type"] != "file_upload":
        return stored
    upload_id = stored["file_upload"]["id"]
    expires = workspace.now() + HOUR_MS
    name = stored.get("name") or "file"
    signature = sign(workspace, upload_id, expires)
    url = f"{workspace.public_url}/files/{upload_id}/{quote(name)}?expires={expires}&signature={signature}"
    shown = {"name": name} if named else {}
    return {**shown, "type": "file", "file": {"url": url, "expiry_time": ids.zulu(expires)}}


def sign(workspace: Workspace, upload_id: str, expires: int) -> str:
    """Return the signature of a file's URL."""
    message = f"{upload_id}:{expires}".encode()
    return hmac.new(workspace.secret.encode(), message, hashlib.sha256).hexdigest()


def served(workspace: Workspace, upload_id: str, expires: str, signature: str) -> tuple[bytes, str] | None:
    """Return the bytes and content type behind a signed URL; None when it is wrong or has expired."""
    if not (expires.isascii() and expires.isdigit()):
        return None
    right = hmac.compare_digest(sign(workspace, upload_id, int(expires)).encode(), signature.encode())
    upload = workspace.store.get(upload_id)
    if not right or workspace.now() > int(expires) or upload is None:
        return None
    content = workspace.store.file(upload_id)
    return None if content is None else (content, upload.data["content_type"] or "application/octet-stream")
