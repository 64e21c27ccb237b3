"""Sends to a client for as long as it stays, and takes what is sent in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
from starlette.types import Message, Receive, Send

from aggregator import limits


class Sending:
    """A `send` that knows whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self.begun = False
        self._send = send

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


async def while_there(pump: Coroutine[Any, Any, None], gone: Coroutine[Any, Any, None]) -> None:
    """Run `pump` until it ends, or until `gone` does because the client has left; raises what `pump` raises."""
    sending, leaving = asyncio.create_task(pump), asyncio.create_task(gone)
    try:
        await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        await asyncio.wait([sending, leaving])
    if not sending.cancelled():
        sending.result()


async def left(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def begin_records(send: Send) -> None:
    """The head of an answer in records (NDJSON)."""
    headers = [(b"content-type", b"application/x-ndjson; charset=utf-8"), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def record_of(value: msgspec.Struct) -> bytes:
    """A record of such an answer."""
    return msgspec.json.encode(value) + b"\n"


async def sent(send: Send, data: bytes, patience: float = limits.VIEWER_STALL) -> bool:
    """Send a part of an answer; whether the client has taken it in time (seconds)."""
    try:
        async with asyncio.timeout(patience):
            await send({"type": "http.response.body", "body": data, "more_body": True})
    except TimeoutError:
        return False
    return True


async def end_records(send: Send, data: bytes) -> None:
    """Send the last record, to a client that may have stopped reading: it is cut off then."""
    if await sent(send, data, limits.FAREWELL):
        await send({"type": "http.response.body"})
