"""Reads a log from the present to the past."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import replace

from aggregator import limits
from aggregator.history.reading.entry import Entry, Grouper, LineSplitter, Place, Raw, end_of, hint_of, loose
from aggregator.history.reading.log import Hits, Log
from aggregator.history.reading.mark import NO_GENERATION, Mark, locate
from aggregator.history.reading.select import Chooser, Hit
from aggregator.history.seeking.seek import Slice


async def backward(log: Log, mark: Mark) -> Hits:
    """What is wanted of a log up to a mark, newest first. Raises HostError, Gone."""
    reader = _Backward(log, mark)
    more = reader.begins
    while more:
        hits, more = await reader.chunk()
        hits.reverse()
        if mark.skip and mark.place and hits and hits[0].end.same(mark.place):
            hits[0].given = mark.skip
        at = reader.mark
        if mark.skip and mark.place and at.place and at.place.same(mark.place):
            at = replace(at, skip=mark.skip)  # that record is still to come
        yield hits, at
        await asyncio.sleep(0)


class _Part:
    """What one part of a file holds, in its order: the lines before its first entry, that entry, and what is wanted of
    the others; when that takes more than `room`, `cut` is where the oldest begins that is kept."""

    def __init__(self, room: int) -> None:
        self.leading: list[Raw] = []
        self.first: Entry | None = None
        self.hits: deque[Hit] = deque()
        self.start: int | None = None  # of its first line
        self.cut: Place | None = None
        self.stamped = False
        self.loose = False
        self.doubtful = False
        self._room = room
        self._size = 0

    def take(self, entries: list[Entry], selector: Chooser) -> None:
        for entry in entries:
            hit = selector.select(entry)
            if self.first is None:
                self.first = entry
            elif hit is not None:
                self.hits.append(hit)
                self._size += hit.size
        while self._size > self._room and len(self.hits) > 1:
            self._size -= self.hits.popleft().size
            self.cut = self.hits[0].head


class _Backward:
    """Chunks of a log, the newest first. Lines without a stamp at a chunk's beginning (`_orphans`) go to the end of the
    next one; the oldest entry of a chunk (`_held`) waits for it, since lines before a log's first stamp join that."""

    def __init__(self, log: Log, mark: Mark) -> None:
        self._log = log
        last = len(log.slices) - 1
        self._index, self._end = locate(log.slices, mark.place, log.file, backward=True) if mark.place else (last, None)
        self._size = _first(log, log.slices[self._index]) if self._index >= 0 else limits.CHUNK_FIRST
        self._beyond = log.slices[-1].beyond if mark.place is None else 0  # what will give nothing, most probably
        self._orphans: list[Raw] = []
        self._held: Entry | None = None
        self._loose = mark.loose
        self._stamped = False
        self.mark = mark

    @property
    def begins(self) -> bool:
        """Whether there is anything to read."""
        return self._index >= 0

    async def chunk(self) -> tuple[list[Hit], bool]:
        """The hits of the next chunk in the file's order, and whether there are more chunks."""
        piece = self._log.slices[self._index]
        end = next((at for at in (self._end, piece.end, piece.one.size) if at is not None), None)
        while True:
            start = piece.start
            if end is not None and piece.one.kind == "plain":
                start = max(start, end - self._size - self._beyond)
            part = await self._read(piece, start, end if start > piece.start else self._end)
            if not part.doubtful or start == piece.start:
                break
            self._size *= 4  # an hour that came twice: what was written before it tells which one
        self._beyond = 0
        if part.cut is not None:
            self._size = max(limits.CHUNK_FIRST, self._size // 4)
            self._end, self._orphans, self._held = part.cut.offset, [], None
            self.mark = Mark(part.cut)
            return list(part.hits), True
        hits = self._settle(part)
        if start > piece.start:
            if sum(hit.count for hit in hits) < limits.CHUNK_LINES:
                self._size *= 4
            if part.start is not None:
                self._size = min(self._size, limits.CHUNK_MOST)
            self._end = end if part.start is None else part.start
        else:
            hits = [*self._step(), *hits]
        self._set_mark(piece)
        return hits, self._index >= 0

    def _step(self) -> list[Hit]:
        """Go on with the slice before; what is left where there is none."""
        last = self._index == 0
        if last or not self._log.joins(self._index):
            left = self._finish(begins=self._log.begins(self._index, None))
        else:
            left = []
        self._index, self._end = self._index - 1, None
        return left

    async def _read(self, piece: Slice, start: int, end: int | None) -> _Part:
        part = _Part(self._log.room)
        grouper = Grouper("loose" if self._loose else "keep")
        splitter, selector = LineSplitter(self._log.zone, self._previous(start)), self._log.selector()
        misses = self._log.wanted.misses
        if start > piece.start and end is not None:
            batches = self._log.lines_from(piece, start, end)
        else:
            batches = self._log.lines(piece, start, end)
        async with aclosing(batches):
            async for batch in batches:
                if part.start is None:
                    part.start = batch.start
                part.take(grouper.feed(splitter.split(batch, piece.one, misses)), selector)
                await asyncio.sleep(0)
        part.take(grouper.feed(self._orphans) + grouper.finish(), selector)
        part.leading, part.stamped, part.loose = grouper.leading, grouper.stamped, grouper.unled
        part.doubtful = splitter.doubtful
        return part

    def _previous(self, start: int) -> int | None:
        """When the line before a generation was written, about (microseconds since the epoch)."""
        if start > 0 or self._index == 0 or not self._log.joins(self._index):
            return None
        return self._log.slices[self._index - 1].one.mtime * 1_000_000

    def _settle(self, part: _Part) -> list[Hit]:
        """The hits that are certain now, in the file's order."""
        self._stamped |= part.stamped
        if not part.stamped and not part.loose:
            self._orphans = part.leading
            return []
        hits = [*part.hits, *self._release()]
        self._loose = part.loose and not part.stamped
        self._held, self._orphans = part.first, part.leading
        if self._loose:
            hits = [*self._release(), *hits]
        return hits

    def _release(self) -> list[Hit]:
        held, self._held = self._held, None
        return self._log.selector().select_all([held]) if held else []

    def _finish(self, *, begins: bool) -> list[Hit]:
        """Nothing comes before: the lines before the first stamp join it, or belong to what is not wanted; in a log
        without stamps each is an entry of its own."""
        left, self._orphans = self._orphans, []
        if not self._stamped:
            return self._log.selector().select_all(map(loose, left))
        if begins and self._held and left:
            self._held = Entry(self._held.time, [*left, *self._held.lines], self._held.name)
        return self._release()

    def _set_mark(self, piece: Slice) -> None:
        """Where reading goes on when all that was given out is gone."""
        if self._held:
            self.mark = Mark(self._held.end)
        elif self._orphans:
            self.mark = Mark(end_of(self._orphans[-1]))
        elif self._index < 0:
            self.mark = Mark(done=True)
        else:
            offset = piece.start if self._end is None else self._end
            self.mark = Mark(Place(piece.one.id or NO_GENERATION, offset, hint_of(piece.one)), loose=self._loose)


def _first(log: Log, piece: Slice) -> int:
    """How many bytes to read at first: those of a page's lines, where that can be told, and what they settle on."""
    wanted = log.wanted.filter
    if log.page is None or wanted.grep or wanted.exclude or wanted.level is not None:
        return limits.CHUNK_FIRST
    spare = limits.SETTLE_LEAST // 4 if not piece.beyond else limits.SETTLE_LEAST  # where a time is, is a guess
    return min(int(log.page * piece.rate) + limits.SETTLE_LEAST + spare, limits.CHUNK_PAGE)
