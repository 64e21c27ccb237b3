"""`/ws`: a view over a WebSocket, records in JSON arrays. The client sends nothing."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from aggregator import limits
from aggregator.hub.subscription import Subscription
from aggregator.model import EndReason
from aggregator.service import Aggregator
from aggregator.stream.records import EndRecord

from .identity import principal_of
from .parameters import query_of
from .pump import while_there

_CODES: dict[EndReason, int] = {  # RFC 6455, 7.4.1, and IANA's registry for 1013
    "complete": 1000,
    "slow-viewer": 1008,
    "revoked": 1008,
    "shutdown": 1001,
    "audit-unavailable": 1013,
}


class Live:
    """The endpoint: the view is opened before the socket is accepted, so that a refusal is an HTTP answer."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def view(self, socket: WebSocket) -> None:
        principal = principal_of(socket)
        plan = self._aggregator.plan(principal, query_of(socket.query_params))
        async with self._aggregator.watch(principal, plan, "/ws") as subscription:
            await socket.accept()
            await while_there(_pump(subscription, socket), _gone(socket))


async def _pump(subscription: Subscription, socket: WebSocket) -> None:
    reason: EndReason = "complete"
    try:
        async for block in subscription:
            try:
                async with asyncio.timeout(limits.VIEWER_STALL):
                    await socket.send_text(block.encoded("array").decode())
            except TimeoutError:
                reason = "slow-viewer"
                subscription.abandon(reason)
                break
            if block.records and isinstance(block.records[-1], EndRecord):
                reason = block.records[-1].reason
        async with asyncio.timeout(limits.CLOSE_TIMEOUT):
            await socket.close(_CODES[reason], reason)
    except (TimeoutError, WebSocketDisconnect):
        return


async def _gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
