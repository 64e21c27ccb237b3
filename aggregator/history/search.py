"""Reads the logs of many hosts at once, and merges what is wanted of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.backward import backward
from aggregator.history.cursor import name_of
from aggregator.history.find import find_files
from aggregator.history.forward import forward
from aggregator.history.lane import Lane
from aggregator.history.log import Log
from aggregator.history.mark import START, Mark
from aggregator.history.merge import Merge
from aggregator.history.seek import slices
from aggregator.history.select import Wanted
from aggregator.history.times import TimesCache
from aggregator.history.turns import Turns
from aggregator.model import File, Source
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.reader import LineReader

Admit = Callable[[Sequence[File]], Awaitable[Sequence[File]]]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all readers of history share: where times were found in logs, and whose turn it is on each host."""

    times: TimesCache = field(default_factory=TimesCache)
    turns: Turns = field(default_factory=Turns)


@dataclass(frozen=True, slots=True)
class Looked:
    """A source on a host that is to be looked at."""

    link: Link
    source: Source


@dataclass(frozen=True, slots=True)
class Range:
    """What to read: entries that are `wanted`, in which direction, and from which marks on (by hash of the file)."""

    wanted: Wanted
    until: int
    backward: bool
    marks: Mapping[bytes, Mark]


class Search:
    """A search while it runs. `admit` says which files may be read; `failed` says which hosts could not be read to
    the end and why; `scanned` are bytes that were read, of each host."""

    def __init__(self, range_: Range, shared: Shared, admit: Admit) -> None:
        self.merge = Merge(backward=range_.backward)
        self.failed: dict[tuple[str, str], None] = {}  # in their order
        self.scanned: dict[str, int] = {}
        self._range = range_
        self._shared = shared
        self._admit = admit

    def marks(self) -> dict[bytes, Mark]:
        """Where each file that was read goes on."""
        return {name_of(lane.file): lane.mark for lane in self.merge.lanes if not lane.untouched}

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return all(lane.done and not lane.hits for lane in self.merge.lanes)

    async def look(self, looked: Looked) -> None:
        """Read what one source has on one host. Raises what `admit` raises; a host's troubles are in `failed`."""
        link, host = looked.link, looked.link.host
        waiting = True
        try:
            async with link.hold(limits.HISTORY_LINGER):
                patience = host.ssh.connect_timeout + limits.HISTORY_PATIENCE
                try:
                    async with asyncio.timeout(patience):
                        await link.reached()
                        files = await find_files(link, looked.source, self._range.wanted.since, self._range.until)
                except TimeoutError:
                    raise trouble("timeout", endpoint=host.name, seconds=patience) from None
                lanes = [self._lane(file) for file in await self._admit(files)]
                self.merge.settled()
                waiting = False
                async with asyncio.TaskGroup() as tasks:
                    for lane in lanes:
                        if not lane.done:
                            tasks.create_task(self._read(looked, lane))
        except HostError as error:
            self._fail(host.name, str(error))
        finally:
            if waiting:
                self.merge.settled()

    def _lane(self, file: File) -> Lane:
        mark = self._range.marks.get(name_of(file), START)
        lane = Lane(file, mark, limits.HITS_MOST, self.merge.changed, backward=self._range.backward)
        self.merge.add(lane)
        return lane

    async def _read(self, looked: Looked, lane: Lane) -> None:
        try:
            log = await self._log(looked, lane)
            if log.slices:
                read = backward if self._range.backward else forward
                await lane.fill(read(log, lane.mark))
        except (HostError, Gone) as error:
            self._fail(lane.file.host, str(error))
        finally:
            lane.end()

    async def _log(self, looked: Looked, lane: Lane) -> Log:
        """Raises HostError."""
        link, source, file = looked.link, looked.source, lane.file

        def reader() -> LineReader:
            zone = ZoneInfo(source.timezone) if source.timezone else link.known_probe().zone
            return LineReader(file, zone)

        wanted = self._range.wanted
        found = await slices(
            link, file, reader, wanted.since, wanted.until, self._shared.times, retention=source.retention
        )
        probe = link.known_probe()
        zone = ZoneInfo(source.timezone) if source.timezone else probe.zone

        def scanned(size: int) -> None:
            self.scanned[file.host] = self.scanned.get(file.host, 0) + size

        return Log(link, file, zone, probe.offset, found, wanted, scanned, limits.HITS_MOST)

    def _fail(self, host: str, detail: str) -> None:
        self.failed[host, detail] = None


@asynccontextmanager
async def searching(looked: Iterable[Looked], range_: Range, shared: Shared, admit: Admit) -> AsyncIterator[Search]:
    """A search that runs until the block ends; what it started has ended then. Raises what `admit` raises."""
    search = Search(range_, shared, admit)
    try:
        async with asyncio.TaskGroup() as tasks:
            started = []
            for one in looked:
                search.merge.expect()
                started.append(tasks.create_task(search.look(one), name=f"search {one.link.host.name}"))
            try:
                yield search
            finally:
                for task in started:
                    task.cancel()
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group: all of it is one request's."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
