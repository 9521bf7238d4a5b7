"""What Notion can do to us, in four words the worker judges by.

Every error says which service, which operation and which remote request it was, so that a refusal by one
service is never blamed on another. The text is a sentence for the person who owns the workspace, remedy
included; tokens never appear in it. Nothing here decides what happens next: that is the worker's table of
outcomes.
"""

from __future__ import annotations

from typing import Any, Self


class NotionError(Exception):
    """A call to Notion did not do what was asked.

    Attributes:
        service: Always ``Notion``.
        operation: What was tried, in words ("update a page").
        status: HTTP status, or ``None`` when no answer came.
        code: Notion's error code, or ``None``.
        request_id: Notion's id of the request, for its support and for our log.
        message: The sentence without the reference that ``str`` appends.
    """

    service = "Notion"

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [
            str(self.status) if self.status else "",
            self.code or "",
            f"request {self.request_id}" if self.request_id else "",
        ]
        known = ", ".join(part for part in parts if part)
        return f"{self.message} (Notion: {known})" if known else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The engine keeps errors between processes, and pickle would call __init__ without the named
        # arguments.
        return _revive, (type(self), dict(self.__dict__))

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        error = cls.__new__(cls, state["message"])
        error.args = (state["message"],)
        error.__dict__.update(state)
        return error


def _revive(cls: type[NotionError], state: dict[str, Any]) -> NotionError:
    return cls._from_state(state)


class Unavailable(NotionError):
    """Notion is busy, down or out of reach; the same call may work later.

    Attributes:
        retry_after_s: Seconds Notion asked us to wait, or ``None`` when it named none.
        maybe_landed: The call may have been carried out although no answer came. Look before repeating it.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        maybe_landed: bool = False,
    ) -> None:
        super().__init__(message, operation=operation, status=status, code=code, request_id=request_id)
        self.retry_after_s = retry_after_s
        self.maybe_landed = maybe_landed


class NotShared(NotionError):
    """The token is wrong, or the page or database is not shared, or lies in the trash (401, 403, 404)."""


class SchemaDrift(NotionError):
    """The database no longer looks the way it was bound: a property or an option is missing or has another type.

    Attributes:
        signature: Stable key of this very difference, so that it is reported once.
        database: Title of the database.
        property_name: The property concerned, or ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        signature: str,
        operation: str = "bind the database",
        database: str = "",
        property_name: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation)
        self.signature = signature
        self.database = database
        self.property_name = property_name


class Incomplete(SchemaDrift):
    """A plan was carried out as far as Notion allows it.

    Attributes:
        ids: What stands for each database in the settings, by key.
    """

    def __init__(self, message: str, *, signature: str, ids: dict[str, str]) -> None:
        super().__init__(message, signature=signature, operation="provision")
        self.ids = ids


class Refused(NotionError):
    """Notion understood the call and will never accept it (any other 4xx): a bug of ours, or a limit."""


class ResultLimit(Refused):
    """Notion stopped a query at its cap, so that what was read is not everything there is."""
