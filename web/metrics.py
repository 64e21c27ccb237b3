"""`GET /metrics`, and the count of requests."""

from __future__ import annotations

from collections.abc import Callable, Collection

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.metrics import Metrics

_STARTS = ("http.response.start", "websocket.http.response.start")


def route(metrics: Metrics, seen: Callable[[HTTPConnection], bool | Collection[str]]) -> Route:
    """`/metrics`; of what names hosts, that of those that are `seen` by who asks: all, none, or some names."""

    async def endpoint(request: Request) -> Response:
        text = metrics.render(named=seen(request))
        return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return Route("/metrics", endpoint)


class RequestCounter:
    """ASGI middleware that counts answers by route and status; a path that is no route counts as `other`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._requests = metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sender(message: Message) -> None:
            if message["type"] in _STARTS:
                self._count(scope, message["status"])
            elif message["type"] == "websocket.accept":
                self._count(scope, 101)
            await send(message)

        await self._app(scope, receive, sender)

    def _count(self, scope: Scope, status: int) -> None:
        # `route` is set by Starlette's router; its path is a template, never what a client made up.
        name = getattr(scope.get("route"), "path", None) or "other"
        self._requests.labels(name, str(status)).inc()
