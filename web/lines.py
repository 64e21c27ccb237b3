"""`GET /api/v1/lines`: the lines between two positions of one file."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from aggregator.between import Asked
from aggregator.errors import Fault, UsageError
from aggregator.service import Aggregator

from .identity import principal_of

_LATER = ("hosts", "source", "since", "until", "direction", "raw", "reason")


class Lines:
    """The endpoint."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def page(self, request: Request) -> Response:
        given = request.query_params
        page = await self._aggregator.lines(principal_of(request), _asked(given.multi_items()))
        return Response(msgspec.json.encode(page), media_type="application/json")


def _asked(items: list[tuple[str, str]]) -> Asked:
    """The parameters. Raises UsageError."""
    given = dict(items)
    faults = [Fault(name, "this version reads `from` … `to` of one file only") for name in _LATER if name in given]
    faults += [Fault(name, "a position is needed") for name in ("from", "to") if name not in given]
    if faults:
        raise UsageError(faults)
    return Asked(
        given["from"],
        given["to"],
        given.get("cursor"),
        tuple(value for name, value in items if name == "grep"),
        tuple(value for name, value in items if name == "exclude"),
        given.get("level") or None,
        given.get("limit", "1000"),
    )
