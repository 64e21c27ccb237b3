"""`GET /api/v1/histogram`: how many lines there were when, whole or while they are counted (`format=ndjson`)."""

from __future__ import annotations

import asyncio
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aggregator import limits
from aggregator.access.inuse import Revoked
from aggregator.errors import AuditUnavailable
from aggregator.histogram import Counting
from aggregator.service import Aggregator

from .identity import principal_of
from .parameters import histogram_query_of, page_format_of
from .pump import Sending, begin_records, end_records, left, record_of, sent, while_there


class Counts:
    """The endpoint, as an ASGI application: what counts on hosts ends when the client goes away."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = histogram_query_of(request.query_params)
        form = page_format_of(request.query_params)
        sending = Sending(send)
        try:
            async with self._aggregator.past(principal_of(request)).counting(asked) as counting:
                if form == "ndjson":
                    await while_there(_stream(counting, sending), left(receive))
                else:
                    await while_there(_whole(counting, scope, receive, sending), left(receive))
        except Revoked as error:
            if not sending.begun:
                raise
            if form == "ndjson":
                await end_records(sending, record_of(counting.whole("revoked", str(error))))


async def _whole(counting: Counting, scope: Scope, receive: Receive, send: Send) -> None:
    body = msgspec.json.encode(await counting.histogram())
    await Response(body, media_type="application/json")(scope, receive, send)


async def _stream(counting: Counting, send: Send) -> None:
    """The counts so far and how far each host has come, from time to time, and all counts at the end."""
    await begin_records(send)
    counted = asyncio.create_task(counting.ended())
    try:
        if not await _tell(counting, send, counted):
            return
        await counted
        end = counting.whole("complete")
    except AuditUnavailable as error:
        end = counting.whole("audit-unavailable", str(error))
    finally:
        counted.cancel()
        await asyncio.wait([counted])
    if await sent(send, _progress(counting) + record_of(end)):
        await send({"type": "http.response.body"})


async def _tell(counting: Counting, send: Send, counted: asyncio.Task[None]) -> bool:
    """Tell what is new until all is counted; whether the client reads. Raises AuditUnavailable."""
    told: dict[str, bytes] = {}
    while not counted.done():
        began = time.monotonic()
        now = {"counts": record_of(counting.so_far()), "progress": _progress(counting)}
        data = b"".join(part for name, part in now.items() if told.get(name) != part)
        told = now
        pause = max(limits.PROGRESS_BEAT, limits.COUNTS_SHARE * (time.monotonic() - began))
        if data and not await sent(send, data):
            return False
        await asyncio.wait([counted], timeout=pause)
    return True


def _progress(counting: Counting) -> bytes:
    return b"".join(map(record_of, [*counting.progress(), counting.total()]))
