"""The refusals of the API: a status, one of Notion's codes and a sentence, as one exception.

Raised by every module that judges a request; turned into an answer only by `app.py`. Never raised for a defect of
this server: such an error keeps its own class and surfaces as a 500 with a traceback in the log.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that Notion would refuse.

    Attributes:
        status: the HTTP status.
        code: Notion's error code, such as ``validation_error``.
        message: the sentence a client shows.
        additional_data: Notion's extra facts, absent when empty.
        headers: extra response headers, such as ``Retry-After``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        additional_data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.additional_data = additional_data or {}
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the JSON body that Notion sends for this refusal."""
        answer: dict[str, Any] = {
            "object": "error",
            "status": self.status,
            "code": self.code,
            "message": self.message,
        }
        if self.additional_data:
            answer["additional_data"] = self.additional_data
        answer["request_id"] = request_id
        return answer


def invalid(message: str) -> ApiError:
    """Return a 400 ``validation_error``."""
    return ApiError(400, "validation_error", message)


def invalid_url() -> ApiError:
    """Return Notion's answer to an unknown path or method."""
    return ApiError(400, "invalid_request_url", "Invalid request URL.")


def restricted(message: str) -> ApiError:
    """Return a 403 ``restricted_resource``."""
    return ApiError(403, "restricted_resource", message)
