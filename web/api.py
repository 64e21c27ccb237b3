"""`/api/v1/*`: what there is, and the stream."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aggregator.service import Aggregator

from .context import Context
from .counts import Counts
from .download import Download
from .identity import principal_of
from .lines import Lines
from .stream import Stream


def routes(aggregator: Aggregator, *, allow_download: bool = True) -> list[BaseRoute]:
    """The routes of the API, without a prefix for the relative root."""

    async def hosts(request: Request) -> Response:
        return _json(aggregator.hosts(principal_of(request)))

    async def sources(request: Request) -> Response:
        return _json(aggregator.sources(principal_of(request)))

    async def whoami(request: Request) -> Response:
        principal = principal_of(request)
        via = (principal.ticket or "local").partition(":")[0]
        known = {"name": principal.name, "via": via, "roles": principal.roles}
        return _json({**known, "reveals": aggregator.reveals(principal)})

    return [
        Route("/api/v1/hosts", hosts),
        Route("/api/v1/sources", sources),
        Route("/api/v1/whoami", whoami),
        Route("/api/v1/lines", Lines(aggregator), methods=["GET"]),
        Route("/api/v1/histogram", Counts(aggregator), methods=["GET"]),
        Route("/api/v1/download", Download(aggregator, allowed=allow_download), methods=["GET"]),
        Route("/api/v1/context", Context(aggregator).around),
        Route("/api/v1/stream", Stream(aggregator), methods=["GET"]),
    ]


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
