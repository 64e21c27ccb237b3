"""`GET /api/v1/context`: what is around a line."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from aggregator.errors import Fault, UsageError
from aggregator.past import Around
from aggregator.service import Aggregator

from .identity import principal_of


class Context:
    """The endpoint."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def around(self, request: Request) -> Response:
        given = request.query_params
        if "position" not in given:
            raise UsageError(Fault("position", "a line's position is needed"))
        raw = (given.get("raw", "0"), given.get("reason"))
        asked = Around(given["position"], given.get("before", "10"), given.get("after", "10"), *raw)
        page = await self._aggregator.past(principal_of(request)).around(asked)
        return Response(msgspec.json.encode(page), media_type="application/json")
