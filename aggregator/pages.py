"""A page of history: lines, where the next page begins, and which hosts could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing

import msgspec

from aggregator import limits
from aggregator.history import cursor
from aggregator.history.lane import Lane
from aggregator.history.search import Search
from aggregator.history.select import Hit
from aggregator.pastquery import PastPlan
from aggregator.stream.records import Line, LineRecord


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


async def collect(search: Search, plan: PastPlan) -> list[Line]:
    """The lines of a page, oldest first: as many as were asked for, fewer where they take much memory or end."""
    blocks: list[list[Line]] = []
    left, room = limits.PAGE_USUAL if plan.limit is None else plan.limit, limits.PAGE_BYTES
    async with aclosing(search.merge.hits()) as hits:
        while left > 0 and room > 0:
            try:
                lane, hit = await anext(hits)
            except StopAsyncIteration:
                break
            block = give(lane, hit, left, backward=plan.range.backward)
            blocks.append(block)
            left -= len(block)
            room -= hit.size
    if plan.range.backward:
        blocks.reverse()
    return [line for block in blocks for line in block]


def give(lane: Lane, hit: Hit, most: int, *, backward: bool) -> list[Line]:
    """The lines of a hit that were not given out yet, at most so many; what is left goes back into its lane."""
    lines = hit.lines[: len(hit.lines) - hit.given] if backward else hit.lines[hit.given :]
    if len(lines) <= most:
        return lines
    hit.given += most
    lane.put_back(hit)
    return lines[-most:] if backward else lines[:most]


def cursor_of(search: Search, plan: PastPlan) -> str | None:
    """Where the next page begins; None where there is none. Raises TooMany."""
    if search.exhausted:
        return None
    reach = plan.range
    return cursor.encode(
        cursor.Cursor(reach.wanted.since, reach.until, reach.backward, plan.ranged, plan.filters, search.marks())
    )


def failures(failed: Iterable[tuple[str, str]]) -> list[Failure]:
    return [Failure(host, detail) for host, detail in failed]
