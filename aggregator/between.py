"""The lines between two positions of one file, as a gap names them: decided, written down, then read."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from aggregator import limits
from aggregator.access.door import Door
from aggregator.access.request import Request
from aggregator.errors import Fault, HostError, UsageError
from aggregator.history.span import Span, read_span
from aggregator.hub.feed import line_reader
from aggregator.hub.view import select
from aggregator.inventory import Inventory
from aggregator.model import Position, Principal
from aggregator.query import known, whole_number
from aggregator.remote.pool import Links
from aggregator.stream import positions
from aggregator.stream.filters import Filter
from aggregator.stream.records import LineRecord


class Failure(msgspec.Struct):
    """A host that could not be read, and why."""

    host: str
    detail: str


class Page(msgspec.Struct):
    """Lines, oldest first; `cursor` goes on after them; `complete` is false when a host failed."""

    lines: list[LineRecord]
    cursor: str | None
    complete: bool
    scanned_bytes: int
    failed: list[Failure]


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters as given; numbers still as text. `cursor` is where an earlier page ended."""

    start: str
    end: str
    cursor: str | None = None
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    limit: str = "1000"


async def lines_between(
    door: Door, inventory: Inventory, links: Links, principal: Principal, visible: frozenset[str], asked: Asked
) -> Page:
    """A page of what was asked for. Raises UsageError, Denied, AuditUnavailable, Gone."""
    start, end, wanted, limit = _check(asked, inventory, visible)
    file = start.file
    source = inventory.sources[file.source]
    link = links.link(inventory.hosts[file.host])
    zone = ZoneInfo(source.timezone) if source.timezone else None
    request = Request(
        action="view",
        command="/api/v1/lines",
        hosts=(file.host,),
        sources=(file.source,),
        files=(file,),
        grep=asked.grep,
        exclude=asked.exclude,
        level=asked.level,
    )
    async with await door.open(principal, request) as opening:
        opening.require(file)
        try:
            async with link.hold():
                span = await read_span(
                    link, start, end, limit, lambda: line_reader(file, zone, link), lambda lines: select(lines, wanted)
                )
        except HostError as error:
            return Page([], None, False, 0, [Failure(file.host, str(error))])
        opening.delivered(len(span.lines), sum(line.size for line in span.lines))
        return _page(span)


def _page(span: Span) -> Page:
    cursor = positions.encode(span.cursor) if span.cursor else None
    return Page([line.record for line in span.lines], cursor, True, span.scanned, [])


def _check(asked: Asked, inventory: Inventory, visible: frozenset[str]) -> tuple[Position, Position, Filter, int]:
    """The parameters, checked against the inventory. Raises UsageError."""
    start = positions.decode(asked.start, "from")
    end = positions.decode(asked.end, "to")
    known(start.file, inventory, visible, "from")
    if start.file != end.file:
        raise UsageError(Fault("to", "this is a position of another file than `from`"))
    if asked.cursor is not None:
        start = positions.decode(asked.cursor, "cursor")
        if start.file != end.file:
            raise UsageError(Fault("cursor", "this is a position of another file than `from`"))
    wanted = Filter.compile(asked.grep, asked.exclude, asked.level)
    return start, end, wanted, whole_number("limit", asked.limit, limits.PAGE_LINES)
