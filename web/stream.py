"""`GET /api/v1/stream`: a view as NDJSON or text, for as long as the client stays."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from aggregator import limits
from aggregator.hub.chunk import Format
from aggregator.hub.subscription import Subscription
from aggregator.service import Aggregator

from .identity import principal_of
from .parameters import format_of, query_of
from .pump import left, while_there

_TYPES: dict[Format, bytes] = {
    "ndjson": b"application/x-ndjson; charset=utf-8",
    "text": b"text/plain; charset=utf-8",
}


class Stream:
    """The endpoint, as an ASGI application: the view is opened before the first byte of an answer."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        form = format_of(request.query_params)
        principal = principal_of(request)
        plan = self._aggregator.plan(principal, query_of(request.query_params))
        if request.method == "HEAD":
            await self._aggregator.check(principal, plan, "/api/v1/stream")
            await _start(send, form)
            await send({"type": "http.response.body"})
            return
        async with self._aggregator.watch(principal, plan, "/api/v1/stream") as subscription:
            await _start(send, form)
            await while_there(_pump(subscription, send, form), left(receive))


async def _start(send: Send, form: Format) -> None:
    headers = [(b"content-type", _TYPES[form]), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _pump(subscription: Subscription, send: Send, form: Format) -> None:
    """Send what comes; a client that does not read for `limits.VIEWER_STALL` seconds is ended."""
    async for block in subscription:
        try:
            async with asyncio.timeout(limits.VIEWER_STALL):
                await send({"type": "http.response.body", "body": block.encoded(form), "more_body": True})
        except TimeoutError:
            subscription.abandon("slow-viewer")
            return
    await send({"type": "http.response.body"})
