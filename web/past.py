"""`GET /api/v1/lines` and `/api/v1/context`: lines that were written before."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from aggregator.errors import Fault, UsageError
from aggregator.pages import Page
from aggregator.past import Around, Between
from aggregator.service import Aggregator

from .identity import principal_of
from .parameters import past_query_of

_OTHER = ("hosts", "source", "since", "until", "direction")


class PastLines:
    """The endpoints."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def lines(self, request: Request) -> Response:
        past = self._aggregator.past(principal_of(request))
        given = request.query_params
        if "from" in given or "to" in given:
            return _json(await past.between(_between(given.multi_items())))
        return _json(await past.page(past_query_of(given)))

    async def context(self, request: Request) -> Response:
        given = request.query_params
        if "position" not in given:
            raise UsageError(Fault("position", "a line's position is needed"))
        asked = Around(given["position"], given.get("before", "10"), given.get("after", "10"))
        return _json(await self._aggregator.past(principal_of(request)).around(asked))


def _between(items: list[tuple[str, str]]) -> Between:
    """The parameters. Raises UsageError."""
    given = dict(items)
    faults = [Fault(name, "this does not go with `from` and `to`") for name in _OTHER if name in given]
    faults += [Fault(name, "a position is needed") for name in ("from", "to") if name not in given]
    if faults:
        raise UsageError(faults)
    return Between(
        given["from"],
        given["to"],
        given.get("cursor"),
        tuple(value for name, value in items if name == "grep"),
        tuple(value for name, value in items if name == "exclude"),
        given.get("level") or None,
        given.get("limit", "1000"),
    )


def _json(page: Page) -> Response:
    return Response(msgspec.json.encode(page), media_type="application/json")
