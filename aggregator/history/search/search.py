"""Reads the logs of many hosts at once, and merges what is wanted of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aggregator import limits
from aggregator.history.generation.name import name_of
from aggregator.history.reading.mark import START, Mark
from aggregator.history.reading.select import Wanted
from aggregator.history.reading.tally import Tally
from aggregator.history.reading.turns import Turns
from aggregator.history.search.lane import Lane
from aggregator.history.search.merge import Merge
from aggregator.history.search.patience import Patience
from aggregator.history.seeking.times import TimesCache
from aggregator.model import File, Source
from aggregator.remote.link import Link

UNMEASURED = ("connecting", "finding")  # stages of a host that has not said yet how much it will read
Admit = Callable[[Sequence[File]], Awaitable[Sequence[File]]]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all readers of history share: where times were found in logs, whose turn it is on each host, and which hosts
    could not be reached, or did not answer, a moment ago."""

    times: TimesCache = field(default_factory=TimesCache)
    turns: Turns = field(default_factory=Turns)
    reaching: Patience = field(default_factory=lambda: Patience(goes_on=True))
    asking: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Looked:
    """A host, and the sources that are to be looked at there."""

    link: Link
    sources: Sequence[Source]


@dataclass(frozen=True, slots=True)
class Range:
    """What to read: entries that are `wanted`, in which direction, and from which marks on (by hash of the file).

    No more than `lines` lines will be taken (None: all). `sweeps` tells that all of the range will be read rather than
    as much as a page takes: at most `most` bytes of a host then. With a `tally` entries are counted and not given out,
    with `estimate` from few looks only. `frontier` and `catching_up` are where an earlier page ended (see Merge).
    """

    wanted: Wanted
    until: int
    backward: bool
    marks: Mapping[bytes, Mark]
    lines: int | None = None
    sweeps: bool = False
    most: int = limits.MAX_SCAN
    tally: Tally | None = None
    estimate: bool = False
    frontier: int | None = None
    catching_up: bool = False


@dataclass(slots=True)
class Progress:
    """How far a search has come on a host: the stage is `connecting`, `finding`, `waiting-turn` (another heavy search
    has it), `reading`, `done` or `failed`; `scanned` and `to_scan` are bytes of files, `matches` lines."""

    stage: str = "connecting"
    scanned: int = 0
    to_scan: int = 0
    matches: int = 0


class Search:
    """A search while it runs. `failed` says which hosts could not be read to the end and why, and where it would have
    been too much, how many bytes."""

    def __init__(self, range_: Range, shared: Shared) -> None:
        self.range = range_
        self.shared = shared
        self.merge = Merge(backward=range_.backward, frontier=range_.frontier, catching_up=range_.catching_up)
        self.failed: dict[tuple[str, str], int | None] = {}  # in their order
        self.progress: dict[str, Progress] = {}
        self.notes: dict[tuple[str, str], None] = {}  # in their order
        self._news = asyncio.Event()

    def marks(self) -> dict[bytes, Mark]:
        """Where each file that was read goes on."""
        return {name_of(lane.file): lane.mark for lane in self.merge.lanes if not lane.untouched}

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return all(lane.done and not lane.hits for lane in self.merge.lanes)

    @property
    def scanned(self) -> int:
        """Bytes that were read on all hosts."""
        return sum(one.scanned for one in self.progress.values())

    def lane(self, file: File) -> Lane:
        """A file that is to be read."""
        mark = self.range.marks.get(name_of(file), START)

        def changed(lines: int) -> None:
            self.progress[file.host].matches += lines
            self.merge.changed()

        lane = Lane(file, mark, lambda: self.room, changed, lambda: self.lines, backward=self.range.backward)
        self.merge.add(lane)
        return lane

    @property
    def lines(self) -> int | None:
        """Lines of each file that may wait: about its part of what will be taken."""
        most = self.range.lines
        return most and min(most, max(limits.LANE_LINES, 2 * most // max(1, len(self.merge.lanes))))

    @property
    def room(self) -> int:
        """Bytes of memory that each file's hits may take."""
        return max(limits.HITS_LEAST, min(limits.HITS_MOST, limits.HITS_BYTES // max(1, len(self.merge.lanes))))

    def fail(self, host: str, detail: str, to_scan: int | None = None) -> None:
        """A host could not be read to the end."""
        self.failed[host, detail] = to_scan
        self.reached(host, "failed")

    def reached(self, host: str, stage: str) -> None:
        """A host has come to a stage (see Progress); one that failed stays so."""
        one = self.progress[host]
        one.stage = "failed" if one.stage == "failed" else stage
        self._news.set()

    async def measured(self) -> None:
        """Wait until each host has said how much it will read, or that it can't."""
        while any(one.stage in UNMEASURED for one in self.progress.values()):
            await self._hear()

    async def ended(self, patience: float | None = None) -> None:
        """Wait until all hosts are done or failed. With `patience`, once one is done and there was no news for so many
        seconds, the others are told as failed."""
        while waiting := [host for host, one in self.progress.items() if one.stage not in ("done", "failed")]:
            some = any(one.stage == "done" for one in self.progress.values())
            try:
                async with asyncio.timeout(patience if some else None):
                    await self._hear()
            except TimeoutError:
                for host in waiting:
                    self.fail(host, "it takes longer than the other hosts and was not waited for")

    async def _hear(self) -> None:
        self._news.clear()
        await self._news.wait()

    def note(self, host: str, detail: str) -> None:
        """Something went another way than usual on a host."""
        if len(self.notes) < limits.HISTORY_NOTES:
            self.notes[host, detail] = None


Reader = Callable[[Search, Looked], Awaitable[None]]


@asynccontextmanager
async def searching(hosts: Sequence[Looked], range_: Range, shared: Shared, read: Reader) -> AsyncIterator[Search]:
    """A search that runs until the block ends; what it started has ended then. Raises what `read` raises."""
    search = Search(range_, shared)
    try:
        async with asyncio.TaskGroup() as tasks:
            started = []
            for one in hosts:
                search.progress[one.link.host.name] = Progress()
                search.merge.expect(one.link.host.name)
                started.append(tasks.create_task(_host(search, one, read), name=f"search {one.link.host.name}"))
            try:
                yield search
            finally:
                for task in started:
                    task.cancel()
    except BaseExceptionGroup as group:
        raise _first(group) from None


async def _host(search: Search, one: Looked, read: Reader) -> None:
    try:
        await read(search, one)
    finally:
        search.merge.settled(one.link.host.name)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group: all of it is one request's."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
