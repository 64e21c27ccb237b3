"""`GET /api/v1/context` and `/api/v1/histogram`: what is around a line, and how many lines there were when."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from aggregator.errors import Fault, UsageError
from aggregator.histogram import Histogram
from aggregator.pages import Page
from aggregator.past import Around
from aggregator.service import Aggregator

from .identity import principal_of
from .parameters import histogram_query_of
from .pump import left, while_there


class PastLines:
    """The endpoints."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def histogram(self, request: Request) -> Response:
        asked = histogram_query_of(request.query_params)
        past = self._aggregator.past(principal_of(request))
        found: list[Histogram] = []

        async def count() -> None:
            found.append(await past.histogram(asked))

        await while_there(count(), left(request.receive))
        return _json(found[0]) if found else Response()  # nobody is there to read it

    async def context(self, request: Request) -> Response:
        given = request.query_params
        if "position" not in given:
            raise UsageError(Fault("position", "a line's position is needed"))
        raw = (given.get("raw", "0"), given.get("reason"))
        asked = Around(given["position"], given.get("before", "10"), given.get("after", "10"), *raw)
        return _json(await self._aggregator.past(principal_of(request)).around(asked))


def _json(answer: Page | Histogram) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
