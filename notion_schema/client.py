"""Notion over HTTP, as typed functions: the only file that imports the client library.

Every call keeps the token's pace, is retried for seconds when Notion stumbles, and ends as one of the
errors in ``errors``. A call that may have been carried out although its answer was lost is repeated only
where repeating is harmless, or after the caller's ``lookup`` said that nothing is there. The library's own
retry is off, and its endpoint functions are not used: they drop arguments they do not know without a word.
Called by ``workspace`` and ``provisioning``; the worker asks those, and this for uploads, blocks and
comments.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import notion_client
from notion_client.errors import HTTPResponseError, RequestTimeoutError

from notion_schema import blocks, refusals
from notion_schema.calls import Call, Json, Lookup, Patience, Position, Repeat, RequestNote
from notion_schema.pace import LocalPace, Pace
from notion_schema.sending import PAGE_SIZE, Sender

NOTION_VERSION = "2026-03-11"
SINGLE_PART_BYTES = 20 * 1024 * 1024
PART_BYTES = 10 * 1024 * 1024
OLDEST_FIRST: tuple[Json, ...] = ({"timestamp": "created_time", "direction": "ascending"},)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Notion:
    """Notion's API for one token. Safe to share between threads; close it, or use it with ``with``.

    Args:
        token: The integration's secret. It appears in no error, log or ``repr``.
        base_url: Where Notion answers; the embedded workspace's address in the demo.
        rate_per_s: Requests a second, when no ``pace`` is given.
        timeout_s: Longest wait for one answer.
        on_request: Told of every HTTP request, in the thread that made it.
        patience: How long stumbling is borne.
        pace: A pace shared with others who use the token (``pace.SharedPace`` for processes on one machine).
        before_send: Called in the last moment before each request; what it raises is raised instead of sending.

    Raises:
        ValueError: When the token is empty or ``base_url`` is no HTTP address.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = "https://api.notion.com",
        rate_per_s: float = 3.0,
        timeout_s: float = 60.0,
        on_request: Callable[[RequestNote], None] | None = None,
        patience: Patience | None = None,
        pace: Pace | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> None:
        address = httpx.URL(base_url)
        if address.scheme not in {"http", "https"} or not address.host:
            raise ValueError(f"“{base_url}” is no HTTP address; write for instance https://api.notion.com.")
        if not token.strip():
            raise ValueError("The Notion token is empty. Set NOTION_TOKEN.")
        self.base_url = base_url.rstrip("/")
        self._token = token
        self._before_send = before_send
        self._sender = Sender(
            self._exchange,
            pace=pace or LocalPace(rate_per_s),
            patience=patience or Patience(),
            on_request=on_request,
        )
        # The library logs to the console by itself and names addresses there; our notes go to on_request.
        silent = logging.Logger("notion_client", level=logging.CRITICAL)  # noqa: LOG001  not a global one: nobody may switch it on
        silent.addHandler(logging.NullHandler())
        self._http = httpx.Client(trust_env=address.host not in _LOOPBACK)
        self._api = notion_client.Client(
            client=self._http,
            auth=token,
            base_url=self.base_url,
            timeout_ms=int(timeout_s * 1000),
            notion_version=NOTION_VERSION,
            logger=silent,
            log_level=logging.CRITICAL,
            retry=False,
        )

    def __repr__(self) -> str:
        return f"Notion(base_url={self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up waits in progress and close the connections."""
        self._sender.stop()
        self._http.close()

    def counts(self) -> dict[str, int]:
        """HTTP requests sent so far, by method and endpoint."""
        return self._sender.counts()

    def wait_s(self) -> float:
        """Seconds until the next request could be sent; more than a moment when Notion asked to be left alone."""
        return self._sender.wait_s()

    # --- who and what -----------------------------------------------------------------------------------

    def me(self) -> Json:
        """The integration itself, as Notion's bot user."""
        return self._sender.call(
            Call(operation="ask who the token belongs to", method="GET", endpoint="users/me")
        )

    def search_data_sources(self, title: str = "") -> Iterator[Json]:
        """Data sources shared with the integration whose title holds these words; all of them without words."""
        body: Json = {"filter": {"property": "object", "value": "data_source"}}
        if title:
            body["query"] = title
        call = Call(operation="search for databases", method="POST", endpoint="search", body=body)
        return self._sender.pages(call)

    # --- pages ------------------------------------------------------------------------------------------

    def retrieve_page(self, page_id: str) -> Json:
        """A page with its properties, as it is now (reads one's own writes, which a query may not)."""
        return self._sender.call(
            Call(operation="read a page", method="GET", endpoint="pages/{}", ids=(page_id,))
        )

    def create_page(
        self,
        *,
        data_source_id: str | None = None,
        page_id: str | None = None,
        properties: Json,
        children: Sequence[Json] = (),
        icon: Json | None = None,
        cover: Json | None = None,
        lookup: Lookup | None = None,
    ) -> Json:
        """Create a page below a data source or below a page.

        Args:
            data_source_id: The data source the page becomes a row of; or
            page_id: the page it stands under.
            properties: By property name or id, in Notion's form.
            children: Any number of blocks; what exceeds one request is appended afterwards.
            icon: Notion's icon object.
            cover: Notion's cover object.
            lookup: Finds the page that a lost call may have made.

        Raises:
            Unavailable: With ``maybe_landed`` when the answer was lost and no ``lookup`` was given.
        """
        if (data_source_id is None) == (page_id is None):
            raise ValueError("A page needs one parent: a data source or a page.")
        kind, parent = ("data_source_id", data_source_id) if data_source_id else ("page_id", page_id)
        first, *rest = list(blocks.batches(children)) or [blocks.Batch([])]
        body = _given(
            parent={"type": kind, kind: parent},
            properties=properties,
            icon=icon,
            cover=cover,
            children=first.blocks or None,
        )
        page = self._sender.call(
            Call(
                operation="create a page", method="POST", endpoint="pages", body=body, repeat=Repeat.DOUBLES
            ),
            lookup,
        )
        if first.later:
            created = [block["id"] for block in self.list_children(page["id"])]
            self._append_later(created, first)
        for batch in rest:
            self._append(page["id"], batch, None, None)
        return page

    def update_page(
        self,
        page_id: str,
        *,
        properties: Json | None = None,
        in_trash: bool | None = None,
        icon: Json | None = None,
        cover: Json | None = None,
        lookup: Lookup | None = None,
        once: bool = False,
    ) -> Json:
        """Set properties of a page, or move it to the trash and back. Repeating it changes nothing more.

        Args:
            page_id: The page.
            properties: By property name or id, in Notion's form.
            in_trash: ``True`` moves it there, ``False`` back.
            icon: Notion's icon object.
            cover: Notion's cover object.
            lookup: Asked before each repetition; a page it returns is taken as the answer, and nothing is sent.
            once: Not worth repeating or waiting for.
        """
        body = _given(properties=properties, in_trash=in_trash, icon=icon, cover=cover)
        call = Call(
            operation="update a page",
            method="PATCH",
            endpoint="pages/{}",
            ids=(page_id,),
            body=body,
            once=once,
        )
        return self._sender.call(call, lookup)

    def page_property(self, page_id: str, property_id: str) -> Iterator[Json]:
        """All items of one property, also of relations and texts that a page shows only the beginning of."""
        call = Call(
            operation="read a property of a page",
            method="GET",
            endpoint="pages/{}/properties/{}",
            ids=(page_id, property_id),
        )
        return self._sender.pages(call)

    def query(
        self,
        data_source_id: str,
        *,
        filter: Json | None = None,  # noqa: A002  Notion's own word
        sorts: Sequence[Json] = OLDEST_FIRST,
        properties: Sequence[str] = (),
        page_size: int = PAGE_SIZE,
        in_trash: bool | None = None,
    ) -> Iterator[Json]:
        """All rows that match, page after page; each once.

        Args:
            data_source_id: The data source.
            filter: Notion's filter object.
            sorts: Notion's sort objects; oldest first when none are given, since Notion promises no order.
            properties: Names or ids of the properties the rows shall carry; all when empty.
            page_size: Rows a request, at most 100; halved when Notion runs out of time.
            in_trash: ``True`` reads the trash instead.

        Raises:
            ResultLimit: Notion stopped at its cap of 10,000; what was yielded is not everything.
            Unavailable: Notion could not finish; what was yielded is not everything.
        """
        body = _given(filter=filter, sorts=list(sorts) or None, in_trash=in_trash)
        call = Call(
            operation="read the rows of a database",
            method="POST",
            endpoint="data_sources/{}/query",
            ids=(data_source_id,),
            query={"filter_properties": list(properties)} if properties else None,
            body=body,
        )
        return self._sender.pages(call, page_size)

    # --- databases --------------------------------------------------------------------------------------

    def retrieve_database(self, database_id: str) -> Json:
        """A database: its title and its data sources; the properties are theirs."""
        return self._sender.call(
            Call(operation="read a database", method="GET", endpoint="databases/{}", ids=(database_id,))
        )

    def create_database(
        self,
        *,
        page_id: str,
        title: str,
        properties: Json,
        icon: Json | None = None,
        description: str = "",
        lookup: Lookup | None = None,
    ) -> Json:
        """Create a database with one data source under a page."""
        body = _given(
            parent={"type": "page_id", "page_id": page_id},
            title=blocks.rich_text(title),
            description=blocks.rich_text(description) or None,
            icon=icon,
            initial_data_source={"properties": properties},
        )
        call = Call(
            operation=f"create the database {title}",
            method="POST",
            endpoint="databases",
            body=body,
            repeat=Repeat.DOUBLES,
        )
        return self._sender.call(call, lookup)

    def update_database(
        self,
        database_id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        icon: Json | None = None,
        in_trash: bool | None = None,
    ) -> Json:
        """Set a database's title, description or icon, or move it to the trash."""
        body = _given(
            title=None if title is None else blocks.rich_text(title),
            description=None if description is None else blocks.rich_text(description),
            icon=icon,
            in_trash=in_trash,
        )
        return self._sender.call(
            Call(
                operation="update a database",
                method="PATCH",
                endpoint="databases/{}",
                ids=(database_id,),
                body=body,
            )
        )

    def retrieve_data_source(self, data_source_id: str) -> Json:
        """A data source with its properties: types, options, ids."""
        return self._sender.call(
            Call(
                operation="read the properties of a database",
                method="GET",
                endpoint="data_sources/{}",
                ids=(data_source_id,),
            )
        )

    def update_data_source(self, data_source_id: str, *, properties: Json) -> Json:
        """Add or change properties. A list of options replaces the one that is there: send all of them."""
        return self._sender.call(
            Call(
                operation="change the properties of a database",
                method="PATCH",
                endpoint="data_sources/{}",
                ids=(data_source_id,),
                body={"properties": properties},
            )
        )

    # --- content ----------------------------------------------------------------------------------------

    def list_children(self, block_id: str) -> Iterator[Json]:
        """The blocks directly inside a page or block, in order."""
        call = Call(
            operation="read the content of a page",
            method="GET",
            endpoint="blocks/{}/children",
            ids=(block_id,),
        )
        return self._sender.pages(call)

    def append_children(
        self,
        block_id: str,
        children: Sequence[Json],
        *,
        position: Position | None = None,
        lookup: Lookup | None = None,
    ) -> list[str]:
        """Append blocks of any number and depth.

        Args:
            block_id: The page or block.
            children: Blocks, with their own children inside.
            position: Where among the children that are there; last when ``None``.
            lookup: Finds blocks that a lost call may have made, as ``{"results": [blocks]}``. It is asked
                for each call of at most a hundred blocks.

        Returns:
            Ids of the blocks created directly below ``block_id``, in order.

        Raises:
            Unavailable: With ``maybe_landed`` when an answer was lost and no ``lookup`` was given. Blocks
                of earlier calls are there.
        """
        created: list[str] = []
        for batch in blocks.batches(children):
            ids = self._append(block_id, batch, position, lookup)
            created += ids
            position = Position(after=ids[-1]) if position else None
        return created

    def _append(
        self, block_id: str, batch: blocks.Batch, position: Position | None, lookup: Lookup | None
    ) -> list[str]:
        call = Call(
            operation="add content to a page",
            method="PATCH",
            endpoint="blocks/{}/children",
            ids=(block_id,),
            body=_given(children=batch.blocks, position=position.json() if position else None),
            repeat=Repeat.DOUBLES,
        )
        # Some answers list the blocks that follow the new ones as well; the new ones come first.
        ids = [block["id"] for block in self._sender.call(call, lookup)["results"]][: len(batch.blocks)]
        self._append_later(ids, batch)
        return ids

    def _append_later(self, ids: Sequence[str], batch: blocks.Batch) -> None:
        for place, children in batch.later.items():
            self.append_children(ids[place], children)

    def update_block(self, block_id: str, kind: str, content: Json) -> Json:
        """Replace the content of a block; ``kind`` is its type, which cannot change."""
        return self._sender.call(
            Call(
                operation="change a block",
                method="PATCH",
                endpoint="blocks/{}",
                ids=(block_id,),
                body={kind: content},
            )
        )

    def delete_block(self, block_id: str) -> Json:
        """Move a block, and what is inside it, to the trash."""
        call = Call(
            operation="delete a block",
            method="DELETE",
            endpoint="blocks/{}",
            ids=(block_id,),
            repeat=Repeat.DOUBLES,
        )
        # Deleting twice is refused, so that a lost answer is looked for like one to a creation.
        return self._sender.call(call, lookup=lambda: self._trashed(block_id))

    def _trashed(self, block_id: str) -> Json | None:
        call = Call(operation="read a block", method="GET", endpoint="blocks/{}", ids=(block_id,))
        block = self._sender.call(call)
        return block if block.get("in_trash") else None

    def create_comment(
        self, text: str, *, page_id: str | None = None, discussion_id: str | None = None
    ) -> Json:
        """Comment on a page, or answer a discussion."""
        if (page_id is None) == (discussion_id is None):
            raise ValueError("A comment needs one place: a page or a discussion.")
        place: Json = {"parent": {"page_id": page_id}} if page_id else {"discussion_id": discussion_id}
        call = Call(
            operation="write a comment",
            method="POST",
            endpoint="comments",
            body={**place, "rich_text": blocks.rich_text(text)},
            repeat=Repeat.DOUBLES,
        )
        return self._sender.call(call)

    # --- files ------------------------------------------------------------------------------------------

    def upload_file(self, source: Path | bytes, *, filename: str, content_type: str) -> str:
        """Upload a file, in parts above 20 MiB, and return the id that blocks and properties refer to.

        An upload that nothing refers to is dropped by Notion after an hour, so every step may be repeated.
        """
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        parts = -(-size // PART_BYTES) if size > SINGLE_PART_BYTES else 1
        body = _given(
            mode="multi_part" if parts > 1 else "single_part",
            filename=filename,
            content_type=content_type,
            number_of_parts=parts if parts > 1 else None,
        )
        upload_id = str(
            self._sender.call(
                Call(operation="begin a file upload", method="POST", endpoint="file_uploads", body=body)
            )["id"]
        )
        for number, part in enumerate(_parts_of(source, PART_BYTES if parts > 1 else max(size, 1)), start=1):
            self._send_part(upload_id, (filename, part, content_type), number if parts > 1 else None)
        if parts > 1:
            self._sender.call(
                Call(
                    operation="finish a file upload",
                    method="POST",
                    endpoint="file_uploads/{}/complete",
                    ids=(upload_id,),
                    repeat=Repeat.DOUBLES,
                ),
                lookup=lambda: self._uploaded(upload_id),
            )
        return upload_id

    def find_upload(self, filename: str) -> str | None:
        """Id of the latest finished upload under this name, when there is one."""
        call = Call(
            operation="look for a file upload",
            method="GET",
            endpoint="file_uploads",
            query={"status": "uploaded"},
        )
        found = [upload for upload in self._sender.pages(call) if upload.get("filename") == filename]
        return str(max(found, key=lambda upload: str(upload["created_time"]))["id"]) if found else None

    def _send_part(self, upload_id: str, part: tuple[str, bytes, str], number: int | None) -> None:
        call = Call(
            operation="send a file",
            method="POST",
            endpoint="file_uploads/{}/send",
            ids=(upload_id,),
            form=_given(file=part, part_number=None if number is None else str(number)),
            repeat=Repeat.DOUBLES,
        )
        # A part that arrived may be sent again; a whole file that arrived may not, so that one is looked for.
        self._sender.call(
            call, lookup=(lambda: self._uploaded(upload_id)) if number is None else (lambda: None)
        )

    def _uploaded(self, upload_id: str) -> Json | None:
        upload = self._sender.call(
            Call(operation="read a file upload", method="GET", endpoint="file_uploads/{}", ids=(upload_id,))
        )
        return upload if upload.get("status") == "uploaded" else None

    def _exchange(self, call: Call) -> Json:
        """Send once. The library's and the transport's errors end here."""
        self._before_send()
        try:
            answer = self._api.request(
                path=call.path,
                method=call.method,
                query=dict(call.query) if call.query else None,
                body=call.body,
                form_data=call.form,
            )
        except HTTPResponseError as error:
            refusal = refusals.Answer(
                status=error.status,
                body=error.body.replace(self._token, "[token]"),
                retry_after=error.headers.get("retry-after"),
                request_id=error.headers.get("x-notion-request-id"),
            )
            raise refusals.error_for(call, refusal) from None
        except RequestTimeoutError as error:
            sent = not isinstance(error.__context__, _NOT_SENT)
            raise refusals.no_answer(call, "it did not answer in time", sent=sent) from error
        except httpx.RequestError as error:
            sent = not isinstance(error, _NOT_SENT)
            raise refusals.no_answer(
                call, f"the connection failed ({type(error).__name__})", sent=sent
            ) from error
        except ValueError as error:
            raise refusals.no_answer(call, "the answer was not JSON", sent=True) from error
        if not isinstance(answer, dict):
            raise refusals.no_answer(call, "the answer was not an object", sent=True)
        return answer


def _given(**arguments: Any) -> Json:
    """The arguments that were given: Notion refuses ``null`` where a key may be left out."""
    return {name: value for name, value in arguments.items() if value is not None}


def _parts_of(source: Path | bytes, size: int) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield from (source[start : start + size] for start in range(0, len(source) or 1, size))
        return
    with source.open("rb") as stream:
        empty = True
        while part := stream.read(size):
            empty = False
            yield part
        if empty:
            yield b""
