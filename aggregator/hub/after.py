"""What a viewer who comes back gets of a file: all lines after an address, up to those that are live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import takewhile

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.following.resume import Part, Resume
from aggregator.history.generation.seam import look_back, wonders
from aggregator.hub.backlog import Backlog, Cut, before, generation_of, stop_of
from aggregator.hub.feed import Feed
from aggregator.hub.ring import Entry
from aggregator.model import Batch, Gap, Position
from aggregator.remote.trouble import trouble
from aggregator.stream import positions
from aggregator.stream.reader import LineReader
from aggregator.stream.records import Line


class After:
    """The lines of a file after `place` and before `cut`, through all generations; where the place is gone, a gap, then
    the oldest generation after it that is there. To be made in the same moment in which `cut` is taken."""

    def __init__(self, feed: Feed, place: Position, cut: Cut, *, raw: bool) -> None:
        self.feed = feed
        self._raw = raw
        self._place = place
        self._stop = stop_of(feed, cut)
        self._entries = feed.ring.until(self._stop.cut[0]) if self._stop else []
        self._gaps = feed.ring.gaps()
        end = Position(place.file, self._stop.generation, self._stop.offset) if self._stop else None
        self._resume = Resume(feed.link, place, end, feed.known(), self._stop.proof if self._stop else None)
        self._lines: list[Line] = []
        self._size = 0  # bytes of them
        self._gap: Gap | None = None  # before them

    async def parts(self) -> AsyncGenerator[Backlog, None]:
        """To be called again after a HostError that passes: goes on where it was."""
        if recent := await self._from_ring():
            for known in recent:
                yield known
            return
        reader = self.feed.new_reader(raw=self._raw)
        tries = 0
        while tries <= limits.RESTARTS:
            try:
                wondered: Part | None = None
                async with aclosing(self._resume.parts()) as parts:
                    async for part in parts:
                        tries = 0
                        if (part.gap and self._lines) or self._size > limits.BACKLOG_PART:
                            yield self._take()
                        if part.gap and (gone := await self._deleted(part.gap, part.batch)):
                            part = replace(part, gap=None)
                            for known in gone[:-1]:
                                yield known
                            self._lines, self._gap = gone[-1].lines, gone[-1].gap
                        if wonders(reader, part.batch):
                            wondered = part
                            break
                        self._add(part, reader.read(part.batch, at=float(part.mtime), history=True))
                if wondered:
                    await self._look_back(wondered, reader)
                    continue
                for last in await self._ends():
                    yield last
                return
            except Gone:
                tries += 1
                await asyncio.sleep(limits.LOCATE_PAUSE)
        detail = f"the files beside {self._place.file.path} keep changing"
        raise trouble("remote-error", host=self._place.file.host, detail=detail)

    async def _look_back(self, part: Part, reader: LineReader) -> None:
        """What the lines before a part say of it, which is read then whatever becomes of that."""
        try:
            await look_back(self.feed.link, part.batch, part.where, reader, lambda: self.feed.new_reader(raw=True))
        finally:
            self._add(part, reader.read(part.batch, at=float(part.mtime), history=True))

    async def pause(self) -> None:
        """Until the host is tried again."""
        pause = (self.feed.link.next_try or 0) - asyncio.get_running_loop().time()
        await asyncio.sleep(max(pause, limits.LOCATE_PAUSE))

    async def without_host(self, error: HostError) -> list[Backlog]:
        """What is there when the host can't be read."""
        self._resume.lose()
        parts = await self._ends()
        return [*parts[:-1], replace(parts[-1], note=f"the lines before could not be read: {error}")]

    async def _from_ring(self) -> list[Backlog]:
        """All of it, when the ring holds the place; else nothing."""
        found = next((index for index, entry in enumerate(self._entries) if _holds(entry, self._place)), None)
        if found is None or self._stop is None:
            return []
        entries = self._entries[found:]
        lines = _following(before(await self.feed.read_again(entries, raw=self._raw), self._stop.cut), self._place)
        if lines is None:
            return []
        return self._parted(lines, None, entries[0].seq, self._stop.cut[0])

    def _parted(self, lines: list[Line], gap: Gap | None, first: int, stop: int) -> list[Backlog]:
        """Lines of the ring's entries from `first` to before `stop`, parted by what is missing between them."""
        parts: list[Backlog] = []
        for seq, following in self._gaps:
            if first <= seq < stop:
                parts.append(Backlog([line for line in lines if line.seq <= seq], gap))
                lines, gap = [line for line in lines if line.seq > seq], following
        return [*parts, Backlog(lines, gap)]

    async def _deleted(self, gap: Gap, batch: Batch) -> list[Backlog]:
        """What only the ring still has of generations before the first one that is there; `gap` is before them."""
        here = (index for index, entry in enumerate(self._entries) if entry.batch.generation == batch.generation)
        entries = self._entries[: next(here, 0)]
        entries = [entry for entry in entries if not self._resume.has_read(entry.batch)]
        lines = await self.feed.read_again(entries, raw=self._raw)
        if not lines:
            return []
        self._entries = self._entries[self._entries.index(entries[-1]) + 1 :]
        gap = replace(gap, end=positions.decode(lines[0].record.position))
        return self._parted(lines, gap, entries[0].seq, self._entries[0].seq)

    def _add(self, part: Part, lines: list[Line]) -> None:
        self._gap = part.gap or self._gap
        self._lines += lines
        self._size += sum(line.size for line in lines)

    def _take(self) -> Backlog:
        part = Backlog(self._lines, self._gap)
        self._lines, self._size, self._gap = [], 0, None
        return part

    async def _ends(self) -> list[Backlog]:
        """What was read last, and of the ring what can't be read any more: late lines, and what was truncated since."""
        left = [entry for entry in self._entries if not self._resume.has_read(entry.batch)]
        lines = before(await self.feed.read_again(left, raw=self._raw), self._stop.cut) if self._stop else []
        if gap := self._resume.gap:
            end = positions.decode(lines[0].record.position) if lines else None
            return [self._take(), Backlog(lines, replace(gap, end=end))]
        self._lines += lines
        return [self._take()]


def _holds(entry: Entry, place: Position) -> bool:
    """Whether an entry holds a place, or begins or ends at it."""
    batch = entry.batch
    return batch.generation == place.generation and batch.start <= place.offset <= batch.end


def _following(lines: list[Line], place: Position) -> list[Line] | None:
    """The lines after `place`; None where the line there is another than the one that was named."""
    seen = takewhile(lambda line: line.offset < place.offset and generation_of(line) == place.generation, lines)
    rest = lines[sum(1 for _ in seen) :]
    if place.checksum is None:
        return rest
    return rest[1:] if rest and rest[0].record.position == positions.encode(place) else None
