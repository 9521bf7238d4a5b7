"""Sending a call: at the token's pace, again when Notion stumbles, and noted.

A call is repeated within ``Patience`` (90 s unless set); what takes longer is the caller's to wait for. A call whose
second sending could double its effect is repeated only when it was turned away, or after ``lookup`` found nothing.
Lists are read to their end, or raise. The HTTP itself is a function given by ``client``, the only caller.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.nap import sleep_using_event
from tenacity.wait import wait_exponential_jitter

from notion_schema import refusals
from notion_schema.calls import Call, Json, Lookup, Patience, Repeat, RequestNote
from notion_schema.errors import NotionError, Refused, ResultLimit, Unavailable
from notion_schema.pace import Pace

PAGE_SIZE = 100
RESCANS = 3


class Sender:
    """Sends calls for one token. Safe to share between threads.

    Args:
        exchange: Sends a call once and returns the answer, or raises a ``NotionError``.
        pace: When the next call may go.
        patience: How long stumbling is borne.
        on_request: Told of every sending, in the thread that made it.
    """

    def __init__(
        self,
        exchange: Callable[[Call], Json],
        *,
        pace: Pace,
        patience: Patience,
        on_request: Callable[[RequestNote], None] | None,
    ) -> None:
        self._exchange = exchange
        self._pace = pace
        self._patience = patience
        self._on_request = on_request
        self._closing = threading.Event()
        self._counting = threading.Lock()
        self._counts: Counter[str] = Counter()

    def stop(self) -> None:
        """Give up waits in progress; nothing is sent any more."""
        self._closing.set()

    def wait_s(self) -> float:
        """Seconds until the next call could go; takes no place in the line."""
        return self._pace.reserve(-1.0)

    def counts(self) -> dict[str, int]:
        """Sendings so far, by method and endpoint."""
        with self._counting:
            return dict(self._counts)

    def pages(self, call: Call, page_size: int = PAGE_SIZE) -> Iterator[Json]:
        """Every result of a paginated call, each once, from a fresh start when a cursor dies.

        Raises:
            ResultLimit: Notion stopped at its cap; what was yielded is not everything.
            NotionError: The end was not reached; what was yielded is not everything.
        """
        seen: set[str] = set()
        cursor: str | None = None
        rescans = 0
        while True:
            try:
                answer = self.call(_at(call, cursor, page_size))
            except Unavailable as error:
                page_size = _smaller(page_size, error)
                continue
            except Refused as error:
                # Cursors die after a while; the items of one property have no id of their own to tell them apart by.
                died = cursor is not None and "start_cursor" in error.message
                if not died or rescans == RESCANS or call.endpoint.endswith("/properties/{}"):
                    raise
                rescans, cursor = rescans + 1, None
                continue
            if answer.get("object") != "list":
                yield answer
                return
            for result in answer["results"]:
                if result.get("object") == "property_item" or result["id"] not in seen:
                    seen.add(str(result["id"]))
                    yield result
            _check_complete(call, answer)
            cursor = answer.get("next_cursor")
            if not answer.get("has_more"):
                return

    def call(self, call: Call, lookup: Lookup | None = None) -> Json:
        """Send a call until it is answered, within patience.

        Args:
            call: What to send.
            lookup: Asked before a call is sent again whose answer was lost, and before each repetition of one that
                sets values, which somebody may have changed meanwhile; what it returns stands for the answer.

        Raises:
            NotionError: As the last sending ended.
        """
        patience = self._patience
        lost = False

        def once() -> Json:
            nonlocal lost
            if lost and lookup is not None:
                found = _looked(call, lookup)
                if found is not None:
                    return found
                lost = False
            try:
                return self._once(call, attempts.statistics["attempt_number"])
            except Unavailable as error:
                lost = error.maybe_landed or call.repeat is Repeat.HARMLESS
                raise

        attempts = Retrying(
            retry=retry_if_exception(lambda error: not call.once and _worth_repeating(error, lookup)),
            stop=stop_after_attempt(patience.attempts) | stop_before_delay(patience.total_s),
            wait=self._wait,
            sleep=sleep_using_event(self._closing),
            reraise=True,
        )
        return attempts(once)

    def _wait(self, state: RetryCallState) -> float:
        patience = self._patience
        error = state.outcome.exception() if state.outcome else None
        growing = wait_exponential_jitter(
            multiplier=patience.first_wait_s, max=patience.longest_wait_s, jitter=patience.first_wait_s
        )(state)
        if not isinstance(error, Unavailable):
            return growing
        return max(growing, error.retry_after_s or 0.0, patience.settle_s if error.maybe_landed else 0.0)

    def _once(self, call: Call, attempt: int) -> Json:
        waited = self._stand_in_line(call)
        begun = time.monotonic()
        try:
            answer = self._exchange(call)
        except NotionError as error:
            if isinstance(error, Unavailable) and error.retry_after_s:
                self._pace.pause(error.retry_after_s)
            self._note(call, attempt, waited, begun, error)
            raise
        self._note(call, attempt, waited, begun, answer)
        return answer

    def _stand_in_line(self, call: Call) -> float:
        longest = self._patience.once_s if call.once else self._patience.total_s
        wait = self._pace.reserve(longest)
        if wait > longest:
            raise Unavailable(
                f"Notion asked to be left alone for another {wait:.0f} seconds; Segue did not {call.operation}.",
                operation=call.operation,
                retry_after_s=wait,
            )
        if wait > 0:
            self._closing.wait(wait)
        if self._closing.is_set():
            raise Unavailable(f"Segue is stopping and did not {call.operation}.", operation=call.operation)
        return wait

    def _note(self, call: Call, attempt: int, waited_s: float, begun: float, end: Json | NotionError) -> None:
        with self._counting:
            self._counts[call.name] += 1
        if self._on_request is None:
            return
        failed = end if isinstance(end, NotionError) else None
        self._on_request(
            RequestNote(
                method=call.method,
                endpoint=call.endpoint,
                status=failed.status if failed else 200,
                code=failed.code if failed else None,
                request_id=end.request_id if isinstance(end, NotionError) else end.get("request_id"),
                seconds=time.monotonic() - begun,
                waited_s=waited_s,
                attempt=attempt,
            )
        )


def _looked(call: Call, lookup: Lookup) -> Json | None:
    try:
        return lookup()
    except Unavailable as blind:
        # Not knowing is not the same as not finding: the call may still have been carried out.
        raise refusals.no_answer(call, "whether it was done cannot be seen either", sent=True) from blind


def _worth_repeating(error: BaseException, lookup: Lookup | None) -> bool:
    return isinstance(error, Unavailable) and (not error.maybe_landed or lookup is not None)


def _at(call: Call, cursor: str | None, page_size: int) -> Call:
    """The call for one page of results."""
    place = {"page_size": page_size, **({"start_cursor": cursor} if cursor else {})}
    spread = {field: getattr(call, field) for field in ("operation", "method", "endpoint", "ids", "repeat")}
    if call.method == "GET":
        return Call(**spread, query={**(call.query or {}), **place})
    return Call(**spread, query=call.query, body={**(call.body or {}), **place})


def _smaller(page_size: int, error: Unavailable) -> int:
    """Half the page when Notion ran out of time over it; else the error stands."""
    if error.status != HTTPStatus.GATEWAY_TIMEOUT or page_size == 1:
        raise error
    return max(1, page_size // 2)


def _check_complete(call: Call, answer: Json) -> None:
    status = answer.get("request_status") or {}
    if status.get("type") == "incomplete":
        raise ResultLimit(
            f"Notion stopped before the end ({status.get('incomplete_reason', 'no reason given')}), so Segue could not "
            f"{call.operation} completely. Narrow the filter, or archive old rows.",
            operation=call.operation,
            code="incomplete",
            request_id=answer.get("request_id"),
        )
    if answer.get("has_more") and not answer.get("next_cursor"):
        raise Unavailable(
            f"Notion said there is more but not where, so Segue could not {call.operation} completely.",
            operation=call.operation,
            request_id=answer.get("request_id"),
        )
