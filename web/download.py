"""`GET /api/v1/download`: lines of history as a file that is streamed, for as long as the client stays."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from aggregator import limits
from aggregator.access.inuse import Revoked
from aggregator.errors import Denied
from aggregator.pages import Reading
from aggregator.service import Aggregator

from .identity import principal_of
from .parameters import past_query_of
from .pump import Sending, left, while_there

_RULE = "--no-allow-download"


class Download:
    """The endpoint, as an ASGI application: hosts are reached before the first byte of an answer."""

    def __init__(self, aggregator: Aggregator, *, allowed: bool) -> None:
        self._aggregator = aggregator
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        principal = principal_of(request)
        if not self._allowed:
            detail = "downloads are switched off here"
            await self._aggregator.door.refuse(principal, detail, _RULE, command="/api/v1/download")
            raise Denied(detail, _RULE)
        sending = Sending(send)
        try:
            async with self._aggregator.past(principal).download(past_query_of(request.query_params)) as reading:
                if request.method == "HEAD":
                    await while_there(reading.search.merge.found(), left(receive))
                    await _start(sending, reading)
                    await sending({"type": "http.response.body"})
                else:
                    await while_there(_pump(reading, sending), left(receive))
        except Revoked:
            if not sending.begun:
                raise  # else it is cut off here


async def _pump(reading: Reading, send: Send) -> None:
    """Send all there is. A host that is lost when the answer has begun cuts it off, so that nobody takes a part for
    the whole; those that failed before are named in a header."""
    await reading.search.merge.begun()
    await _start(send, reading)
    before = len(reading.failed())
    newest_first = reading.plan.range.backward
    blocks: list[bytes] = []
    async with aclosing(reading.blocks()) as found:
        async for block in found:
            texts = [line.record.text for line in (reversed(block) if newest_first else block)]
            data = "".join([f"{text}\n" for text in texts]).encode("utf-8", "replace")
            if newest_first:
                blocks.append(data)
            elif not await _sent(send, data):
                return
    for data in reversed(blocks):
        if not await _sent(send, data):
            return
    if len(reading.failed()) == before:
        await send({"type": "http.response.body"})


async def _start(send: Send, reading: Reading) -> None:
    name = datetime.fromtimestamp(time.time(), UTC).strftime("logs-%Y%m%dT%H%M%SZ.txt")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"x-accel-buffering", b"no"),
    ]
    failed = sorted({failure.host for failure in reading.failed()})
    if failed:
        headers.append((b"x-failed-hosts", ", ".join(failed).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _sent(send: Send, data: bytes) -> bool:
    """Whether the client has taken it in time."""
    try:
        async with asyncio.timeout(limits.DOWNLOAD_STALL):
            await send({"type": "http.response.body", "body": data, "more_body": True})
    except TimeoutError:
        return False
    return True
