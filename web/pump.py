"""Sends to a client for as long as it stays."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Message, Receive, Send


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
