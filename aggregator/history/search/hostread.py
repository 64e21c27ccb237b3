"""What a search does on one host: finds the files, says how much there is to read, reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.find import find_files
from aggregator.history.reading.backward import backward
from aggregator.history.reading.forward import forward
from aggregator.history.reading.log import Hits, Log
from aggregator.history.reading.mark import Elsewhere, Mark
from aggregator.history.reading.seats import Seats
from aggregator.history.reading.settle import settled
from aggregator.history.reading.sifted import backward_sifted, forward_sifted
from aggregator.history.search.lane import Lane
from aggregator.history.search.search import Admit, Looked, Search
from aggregator.history.seeking.estimate import estimate
from aggregator.history.seeking.seek import Slice, slices
from aggregator.model import File, Source
from aggregator.stream.reader import LineReader

T = TypeVar("T")


def _comes_before(listed: Sequence[Generation], generation: str, found: Sequence[Slice]) -> bool:
    """Whether a generation is older than those that are to be read."""
    ids = [one.id for one in listed]
    return bool(found) and found[0].one.id in ids and ids.index(generation) < ids.index(found[0].one.id)


class HostRead:
    """One host's part of a search. `admit` says which files may be read."""

    def __init__(self, search: Search, looked: Looked, admit: Admit) -> None:
        self._search = search
        self._range = search.range
        self._looked = looked
        self._link = looked.link
        self._host = looked.link.host
        self._admit = admit
        self._progress = search.progress[self._host.name]
        self._seats = Seats(self._host.name, search.shared.turns, self._queued)

    async def run(self) -> None:
        """Read all. Raises what `admit` raises; troubles of the host are told to the search."""
        try:
            async with self._link.hold(limits.HISTORY_LINGER):
                await self._search.shared.reaching.wait(self._link, self._link.reached(), self._link.failure)
                self._search.reached(self._host.name, "finding")
                lanes = await self._lanes()
                self._search.merge.settled(self._host.name)
                if self._range.estimate:
                    await self._each(lanes, self._estimate)
                    return
                parts = await self._slices(lanes)
                if self._is_too_much(parts):
                    return
                self._search.reached(self._host.name, "reading")
                async with asyncio.TaskGroup() as tasks:
                    for lane, (source, found) in parts.items():
                        tasks.create_task(self._read(lane, source, found))
        except HostError as error:
            self._fail(error)
        finally:
            for lane in self._search.merge.lanes:
                if lane.file.host == self._host.name and not lane.done:
                    lane.end()
            self._search.reached(self._host.name, "done")

    async def _patiently(self, work: Awaitable[T]) -> T:
        """What a living host does in time. Raises HostError."""
        return await self._search.shared.asking.wait(self._link, work)

    async def _lanes(self) -> dict[Lane, Source]:
        """The files that may be read, of each source; sources without any are told as failed."""
        since, until = self._range.wanted.since, self._range.until
        lanes: dict[Lane, Source] = {}
        for source in self._looked.sources:
            try:
                files = await self._patiently(find_files(self._link, source, since, until))
            except HostError as error:
                self._fail(error)
                continue
            for file in await self._admit(files):
                lanes[self._search.lane(file)] = source
        return {lane: source for lane, source in lanes.items() if not lane.done}

    async def _each(self, lanes: dict[Lane, Source], work: Callable[[Lane, Source], Awaitable[T]]) -> list[T | None]:
        """Do something for all files at once; one that fails is told."""

        async def safely(lane: Lane, source: Source) -> T | None:
            try:
                try:
                    return await self._patiently(work(lane, source))
                except HostError as error:
                    if error.cause != "lost":
                        raise
                    await asyncio.sleep(limits.BACKOFF_BASE)  # the link dials again after that
                    return await self._patiently(work(lane, source))
            except (HostError, Gone) as error:
                self._fail(error)
                lane.end()
                return None

        return await asyncio.gather(*(safely(lane, source) for lane, source in lanes.items()))

    async def _slices(self, lanes: dict[Lane, Source]) -> dict[Lane, tuple[Source, list[Slice]]]:
        found = await self._each(lanes, self._find)
        return {
            lane: (source, parts)
            for (lane, source), parts in zip(lanes.items(), found, strict=True)
            if parts is not None
        }

    async def _find(self, lane: Lane, source: Source) -> list[Slice]:
        wanted = self._range.wanted
        return await slices(
            self._link,
            lane.file,
            lambda: LineReader(lane.file, self._zone(source)),
            wanted.since,
            wanted.until,
            self._search.shared.times,
            retention=source.retention,
        )

    async def _estimate(self, lane: Lane, source: Source) -> None:
        tally = self._range.tally
        if tally is None:
            return
        guess = await estimate(
            self._link,
            lane.file,
            lambda: LineReader(lane.file, self._zone(source)),
            tally.edges,
            self._search.shared.times,
            retention=source.retention,
        )
        for hosts, lines in zip(tally.hosts, guess.lines, strict=True):
            hosts[self._host.name] += lines

    def _is_too_much(self, parts: dict[Lane, tuple[Source, list[Slice]]]) -> bool:
        """Say how much there is to read, and whether that is more than is allowed."""
        size = self._progress.to_scan = sum(part.bytes for _, found in parts.values() for part in found)
        self._seats.heavy = self._range.sweeps and size >= limits.HEAVY_SCAN
        if not self._range.sweeps or size <= self._range.most:
            return False
        words = f"{size:,} bytes would be read on {self._host.name}, and {self._range.most:,} are allowed"
        self._search.fail(self._host.name, f"{words}; narrow the range, or allow it: max_scan={size}", size)
        return True

    async def _read(self, lane: Lane, source: Source, found: list[Slice]) -> None:
        """Read one file; where it was rotated meanwhile, go on in what it is now."""
        for attempt in range(limits.LISTINGS):
            try:
                if attempt:
                    found = await self._patiently(self._find(lane, source))
                if found:
                    await lane.fill(self._reader(lane.file, source, found), lambda: self._seats.wanted)
                break
            except Elsewhere as error:
                place = lane.reached.place
                listed = await generations(self._link, lane.file, ended=True)
                if place is None or all(one.id != place.generation for one in listed):
                    self._fail(error)
                    break
                if not _comes_before(listed, place.generation, found) or self._range.backward:
                    break
                lane.reached = Mark(key=lane.reached.key)
            except Gone as error:
                if attempt + 1 == limits.LISTINGS:
                    self._fail(error)
            except HostError as error:
                if attempt or error.cause != "lost":
                    self._fail(error)
                    break
                await asyncio.sleep(limits.BACKOFF_BASE)  # the link dials again after that
        lane.end()

    def _reader(self, file: File, source: Source, found: list[Slice]) -> Callable[[Mark], Hits]:
        probe = self._link.known_probe()
        log = Log(
            self._link,
            file,
            self._zone(source),
            probe.offset,
            found,
            self._range.wanted,
            self._scanned,
            self._note,
            self._search.room,
            self._seats,
            self._range.tally,
            self._search.lines,
        )
        prefilter = self._range.wanted.filter.prefilter(self._range.wanted.redactor)
        if prefilter is None or sum(part.bytes for part in found) < limits.SIFT_LEAST:
            if self._range.backward:
                return lambda mark: settled(backward(log, mark), mark, log.offset)
            return lambda mark: forward(log, mark)
        if self._range.backward:
            return lambda mark: settled(backward_sifted(log, mark, prefilter), mark, log.offset)
        return lambda mark: forward_sifted(log, mark, prefilter)

    def _zone(self, source: Source) -> tzinfo:
        return ZoneInfo(source.timezone) if source.timezone else self._link.known_probe().zone

    def _scanned(self, size: int) -> None:
        self._progress.scanned += size

    def _note(self, detail: str) -> None:
        self._search.note(self._host.name, detail)

    def _queued(self, waits: bool) -> None:
        self._search.reached(self._host.name, "waiting-turn" if waits else "reading")

    def _fail(self, error: HostError | Gone) -> None:
        self._search.fail(self._host.name, str(error))
