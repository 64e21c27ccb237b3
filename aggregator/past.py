"""What was written before: by selector and time, between two positions, or around one; decided, written down, read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.access.door import Door, Opening
from aggregator.access.events import EventName
from aggregator.access.inuse import InUse
from aggregator.access.policy import Action
from aggregator.access.request import Request
from aggregator.access.sight import Sight
from aggregator.errors import Fault, HostError, UsageError
from aggregator.histogram import Counting
from aggregator.history.generation.around import lines_around
from aggregator.history.generation.find import plain_file
from aggregator.history.generation.span import read_span
from aggregator.history.search.hostread import HostRead
from aggregator.history.search.search import Looked, Search, Shared, searching
from aggregator.hub.feed import line_reader
from aggregator.hub.view import select
from aggregator.inventory import Inventory
from aggregator.model import File, Position, Principal, Source
from aggregator.pages import Failure, Page, Reading
from aggregator.pastquery import HistogramQuery, PastPlan, PastQuery, plan_histogram, plan_past
from aggregator.query import known, reason_of, whole_number
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.real import judge_by, judged_by
from aggregator.stream import positions
from aggregator.stream.filters import Filter
from aggregator.stream.reader import LineReader
from aggregator.stream.redactor import Redactor
from aggregator.stream.runs import runs_of


@dataclass(frozen=True, slots=True)
class Between:
    """The parameters of a range as given; numbers still as text. `cursor` is where an earlier page ended."""

    start: str
    end: str
    cursor: str | None = None
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    limit: str = "1000"
    raw: str = "0"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """The parameters of a context as given; numbers still as text."""

    position: str
    before: str = "10"
    after: str = "10"
    raw: str = "0"
    reason: str | None = None


class Past:
    """Reads of what lies on the hosts, for one principal, with an inventory as it is now."""

    def __init__(
        self,
        door: Door,
        in_use: InUse,
        links: Links,
        inventory: Inventory,
        principal: Principal,
        sight: Sight,
        shared: Shared,
        redactor: Redactor | None = None,
    ) -> None:
        self._door = door
        self._in_use = in_use
        self._links = links
        self._inventory = inventory
        self._principal = principal
        self._sight = sight
        self._shared = shared
        self._redactor = redactor

    async def between(self, asked: Between) -> Page:
        """The lines between two positions of one file. Raises UsageError, Denied, AuditUnavailable, Gone."""
        start, end = self._range(asked)
        wanted = Filter.compile(asked.grep, asked.exclude, asked.level)
        limit = whole_number("limit", asked.limit, limits.PAGE_LINES)
        file = start.file
        reason = reason_of(asked.raw, asked.reason)
        link, reader = self._way(file, raw=reason is not None)
        request = Request(
            "view",
            "/api/v1/lines",
            (file.host,),
            (file.source,),
            (file,),
            asked.grep,
            asked.exclude,
            asked.level,
            reason,
            "open" if reason is None else "reveal",
        )
        async with self._opened(request) as opening:
            opening.require(file)
            try:
                with judged_by(opening.judge):
                    async with link.hold(limits.HISTORY_LINGER):
                        span = await read_span(link, start, end, limit, reader, lambda lines: select(lines, wanted))
            except HostError as error:
                return _failed(file, error)
            opening.delivered(runs_of(span.lines), len(span.lines), sum(line.size for line in span.lines))
            cursor = positions.encode(span.cursor) if span.cursor else None
            return Page([line.record for line in span.lines], cursor, True, span.scanned, [])

    async def around(self, asked: Around) -> Page:
        """A line and its neighbours in its own file, unfiltered. Raises UsageError, Denied, AuditUnavailable, Gone."""
        place = self._position(asked.position, "position")
        if place.checksum is None:
            raise UsageError(Fault("position", "this is the end of a line; a line's own position is needed"))
        before = whole_number("before", asked.before, limits.CONTEXT_LINES)
        after = whole_number("after", asked.after, limits.CONTEXT_LINES)
        file = place.file
        reason = reason_of(asked.raw, asked.reason)
        link, reader = self._way(file, raw=reason is not None)
        event: EventName = "context" if reason is None else "reveal"
        request = Request("view", "/api/v1/context", (file.host,), (file.source,), (file,), reason=reason, event=event)
        async with self._opened(request) as opening:
            opening.require(file)
            try:
                with judged_by(opening.judge):
                    async with link.hold(limits.HISTORY_LINGER):
                        lines = await lines_around(link, place, before, after, reader)
            except HostError as error:
                return _failed(file, error)
            size = sum(line.size for line in lines)
            opening.delivered(runs_of(lines), len(lines), size)
            return Page([line.record for line in lines], None, True, size, [])

    @asynccontextmanager
    async def lines(self, asked: PastQuery) -> AsyncIterator[Reading]:
        """What lies on the hosts, merged. Raises UsageError, Denied, AuditUnavailable."""
        plan = self._plan(asked)
        action: Action = "search" if plan.ranged else "view"
        async with self._searching(plan, self._request(plan, action, "/api/v1/lines")) as reading:
            yield reading

    @asynccontextmanager
    async def all_lines(self, asked: PastQuery) -> AsyncIterator[Reading]:
        """As `lines`, and all there are unless there is a limit, which may be large. Raises as `lines`."""
        plan = self._plan(asked, most=None, bound=limits.SEARCH_LINES)
        async with self._searching(plan, self._request(plan, "search", "/api/v1/lines")) as reading:
            yield reading

    @asynccontextmanager
    async def download(self, asked: PastQuery) -> AsyncIterator[Reading]:
        """The same as one file, oldest first unless the newest lines are asked for. Raises as `lines`."""
        asked = replace(asked, direction=asked.direction or ("forward" if asked.limit is None else "backward"))
        plan = self._plan(asked, most=None)
        plan = replace(plan, range=replace(plan.range, wanted=replace(plan.range.wanted, bare=True)))
        async with self._searching(plan, self._request(plan, "download", "/api/v1/download")) as reading:
            yield reading

    @asynccontextmanager
    async def counting(self, asked: HistogramQuery) -> AsyncIterator[Counting]:
        """How many lines of what is asked for lie in each part of a range. Raises as `lines`."""
        plan, tally, exact = plan_histogram(asked, self._inventory, self._sight, time.time())
        plan = self._hiding(plan)
        request = self._request(plan, "search", "/api/v1/histogram")
        request = request if request.reason else replace(request, event="histogram")
        async with self._searching(plan, request) as reading:
            yield Counting(reading, tally, exact=exact)

    def _plan(self, asked: PastQuery, most: int | None = limits.PAGE_USUAL, bound: int = limits.PAGE_LINES) -> PastPlan:
        return self._hiding(plan_past(asked, self._inventory, self._sight, time.time(), most, bound))

    def _hiding(self, plan: PastPlan) -> PastPlan:
        """A plan that takes out what is secret, unless there is a reason not to."""
        wanted = replace(plan.range.wanted, redactor=None if plan.reason else self._redactor)
        return replace(plan, range=replace(plan.range, wanted=wanted))

    def _request(self, plan: PastPlan, action: Action, command: str) -> Request:
        """What is written down of a plan; files that must be looked for are added when they are found."""
        asked = plan.query
        files = [self._plain(host, source) for host, source in sorted(plan.pairs)]
        return Request(
            action,
            command,
            tuple(sorted({host for host, _ in plan.pairs})),
            tuple(sorted({source for _, source in plan.pairs})),
            tuple(file for file in files if file),
            asked.grep,
            asked.exclude,
            asked.level,
            reason=plan.reason,
            event="reveal" if plan.reason else "open" if action == "view" else action,
        )

    def _plain(self, host: str, source: str) -> File | None:
        return plain_file(self._inventory.hosts[host], self._inventory.sources[source])

    @asynccontextmanager
    async def _opened(self, request: Request) -> AsyncIterator[Opening]:
        """An opening that ends when its right is taken away. Raises Denied, AuditUnavailable."""
        async with await self._door.open(self._principal, request) as opening, self._in_use.reading(opening):
            yield opening

    @asynccontextmanager
    async def _searching(self, plan: PastPlan, request: Request) -> AsyncIterator[Reading]:
        sources: dict[str, list[Source]] = {}
        for host, source in sorted(plan.pairs if plan.limit != 0 else ()):
            sources.setdefault(host, []).append(self._inventory.sources[source])
        hosts = [Looked(self._links.link(self._inventory.hosts[host]), these) for host, these in sources.items()]
        async with self._opened(request) as opening:

            async def read(search: Search, looked: Looked) -> None:
                async def admit(files: Sequence[File]) -> Sequence[File]:
                    """The files that the rules allow of those that a pattern found. Raises AuditUnavailable."""
                    allowed = [file for file in files if opening.allows(file)]
                    for words in filter(None, map(opening.withheld, files)):
                        search.fail(looked.link.host.name, words)
                    await opening.add(allowed)
                    return allowed

                judge_by(opening.judge)
                await HostRead(search, looked, admit).run()

            async with searching(hosts, plan.range, self._shared, read) as search:
                yield Reading(plan, search, opening)

    def _way(self, file: File, *, raw: bool) -> tuple[Link, Callable[[], LineReader]]:
        """How a file is reached and read; `raw` with its secrets."""
        source = self._inventory.sources[file.source]
        link = self._links.link(self._inventory.hosts[file.host])
        zone = ZoneInfo(source.timezone) if source.timezone else None
        return link, lambda: line_reader(file, zone, link, None if raw else self._redactor)

    def _position(self, text: str, parameter: str) -> Position:
        """A position, looked up in the inventory. Raises UsageError."""
        place = positions.decode(text, parameter)
        known(place.file, self._inventory, self._sight, parameter)
        return place

    def _range(self, asked: Between) -> tuple[Position, Position]:
        """Two positions of one file. Raises UsageError."""
        start = self._position(asked.start, "from")
        end = self._position(asked.end, "to")
        if start.file != end.file:
            raise UsageError(Fault("to", "this is a position of another file than `from`"))
        if asked.cursor is None:
            return start, end
        cursor = self._position(asked.cursor, "cursor")
        if cursor.file != end.file:
            raise UsageError(Fault("cursor", "this is a position of another file than `from`"))
        return cursor, end


def _failed(file: File, error: HostError) -> Page:
    return Page([], None, False, 0, [Failure(file.host, str(error))])
