"""`--server URL`: history from another tailon-agg, by plain requests."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from aggregator import limits
from aggregator.cli.client import TOKEN, refusal
from aggregator.cli.found import Take
from aggregator.cli.progress import shown
from aggregator.errors import Fault, ServerError, UsageError
from aggregator.histogram import Histogram
from aggregator.pages import Failure, FoundRecord, Note, Page, ProgressRecord, TotalRecord
from aggregator.pastquery import HistogramQuery, PastQuery
from aggregator.stream.records import LineRecord

T = TypeVar("T")
_Found = LineRecord | ProgressRecord | TotalRecord | FoundRecord
_decoder: msgspec.json.Decoder[_Found] = msgspec.json.Decoder(_Found)


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: urllib would send the token along, wherever it leads to."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = build_opener(_NoRedirects)


class Server:
    """A server as a history (aggregator.cli.search.History). Raises UsageError for what is no URL of one."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UsageError(Fault("--server", f"an address like https://logs.example.org, not {url!r}"))
        self.hosts: int | None = None
        self._url = url.rstrip("/")
        token = environ.get(TOKEN)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def page(self, query: PastQuery) -> Page:
        """Raises UsageError, Denied, ServerError."""
        return await asyncio.to_thread(self._get, "lines", _parameters(query), Page)

    async def too_large(self, query: PastQuery) -> list[Failure]:
        """Hosts that would read more than is allowed, and are not read for that. Raises UsageError, Denied,
        ServerError."""
        most = limits.MAX_SCAN if query.max_scan is None else int(query.max_scan)
        parameters = [*_parameters(replace(query, limit=None)), ("format", "ndjson")]
        answer = await asyncio.to_thread(self._open, "lines", parameters)
        known: dict[str, ProgressRecord] = {}
        total: TotalRecord | None = None
        async with _closing(answer), shown(lambda: total), aclosing(self._records(answer)) as found:
            async for records in found:
                known.update({record.host: record for record in records if isinstance(record, ProgressRecord)})
                total = next((record for record in reversed(records) if isinstance(record, TotalRecord)), total)
                ended = any(isinstance(record, FoundRecord) for record in records)
                if ended or (known and all(one.is_measured for one in known.values())):
                    break
        large = [one for one in known.values() if one.stage == "failed" and one.to_scan > most]
        return [Failure(one.host, "", one.to_scan) for one in large]

    async def read(self, query: PastQuery, take: Take, *, late: bool) -> Page:
        """All lines (see aggregator.cli.found.Source), page by page. Raises UsageError, Denied, ServerError."""
        left = None if query.limit is None else int(query.limit)
        failed: dict[str, Failure] = {}
        notes: dict[tuple[str, str], Note] = {}
        scanned = 0
        while True:
            size = limits.PAGE_LINES if left is None else min(left, limits.PAGE_LINES)
            query = replace(query, limit=str(size))
            count, wanted, end = await (self._found(query, take) if late else self._whole(query, take))
            left = None if left is None else left - count
            scanned += end.scanned_bytes
            failed.update({failure.host: failure for failure in end.failed})
            notes.update({(note.host, note.detail): note for note in end.notes})
            if end.cursor is None or left == 0 or not wanted:
                return Page([], end.cursor, not failed, scanned, [*failed.values()], [*notes.values()])
            query = replace(query, cursor=end.cursor)

    async def _whole(self, query: PastQuery, take: Take) -> tuple[int, bool, Page]:
        """A page's lines in their order: how many were taken, whether more are wanted, and its end."""
        page = await self.page(query)
        forward = query.direction == "forward"
        return len(page.lines), await take(page.lines if forward else page.lines[::-1]), page

    async def _found(self, query: PastQuery, take: Take) -> tuple[int, bool, FoundRecord]:
        """A page's lines as they are found: how many were taken, whether more are wanted, and its end."""
        parameters = [*_parameters(query), ("format", "ndjson")]
        answer = await asyncio.to_thread(self._open, "lines", parameters)
        total: TotalRecord | None = None
        count = 0
        async with _closing(answer), shown(lambda: total), aclosing(self._records(answer)) as found:
            async for records in found:
                lines = [record for record in records if isinstance(record, LineRecord)]
                count += len(lines)
                if lines and not await take(lines):
                    return count, False, FoundRecord("complete", None, True, 0, [])
                for record in records:
                    if isinstance(record, TotalRecord):
                        total = record
                    elif isinstance(record, FoundRecord):
                        return count, True, record
        raise ServerError(f"{self._url} ended its answer early; see its log")

    async def _records(self, answer: http.client.HTTPResponse) -> AsyncGenerator[list[_Found], None]:
        """The records of each part of an answer that came; those of types that this version does not know are left
        out."""
        rest = b""
        while True:
            try:
                data = await asyncio.to_thread(answer.read1, limits.READ_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise ServerError(f"{self._url} was lost: {error}") from None
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield [record for line in lines if (record := _record(line))]

    async def histogram(self, query: HistogramQuery) -> Histogram:
        """Raises UsageError, Denied, ServerError."""
        parameters = [*_parameters(query.query), ("exact", query.exact)]
        if query.buckets is not None:
            parameters.append(("buckets", query.buckets))
        return await asyncio.to_thread(self._get, "histogram", parameters, Histogram)

    def _get(self, what: str, parameters: list[tuple[str, str]], kind: type[T]) -> T:
        try:
            with self._open(what, parameters) as answer:
                return msgspec.json.decode(answer.read(), type=kind)
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{self._url} was lost: {error}") from None
        except msgspec.DecodeError:
            raise ServerError(f"{self._url} does not answer like tailon-agg") from None

    def _open(self, what: str, parameters: list[tuple[str, str]]) -> http.client.HTTPResponse:
        """An answer that has begun. Raises UsageError, Denied, ServerError."""
        address = f"{self._url}/api/v1/{what}?{urlencode(parameters)}"
        request = Request(address, headers=self._headers)  # noqa: S310 - http or https, see above
        try:
            answer: http.client.HTTPResponse = _opener.open(request, timeout=limits.SEARCH_PATIENCE)
        except HTTPError as error:
            if location := error.headers.get("Location"):
                where = repr(urlsplit(urljoin(address, location))._replace(query="", fragment="").geturl())
                raise ServerError(f"{self._url} leads to {where}; name the server itself with --server") from None
            raise refusal(self._url, error.code, error.read()) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            words = getattr(error, "reason", None) or error
            raise ServerError(f"{self._url} can't be reached: {words}; see whether tailon-agg serves there") from None
        return answer


@contextlib.asynccontextmanager
async def _closing(answer: http.client.HTTPResponse) -> AsyncIterator[None]:
    """Close an answer behind the block, also one that a thread waits for: closing alone would not wake that."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError), socket.socket(fileno=os.dup(answer.fileno())) as twin:
            twin.shutdown(socket.SHUT_RDWR)
        answer.close()


def _record(line: bytes) -> _Found | None:
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError:
        return None


def _parameters(query: PastQuery) -> list[tuple[str, str]]:
    several = [("hosts", query.hosts), ("source", query.sources), ("grep", query.grep), ("exclude", query.exclude)]
    single = [
        (name, getattr(query, name)) for name in ("level", "since", "until", "limit", "direction", "cursor", "max_scan")
    ]
    single += [("raw", query.raw), ("reason", query.reason)] if query.raw == "1" else []
    found = [(name, value) for name, values in several for value in values]
    return found + [(name, value) for name, value in single if value is not None]
