"""Reads a log from the past to the present, or back, where its host can tell which lines may be wanted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace

from aggregator import limits
from aggregator.history.reading.backward import backward
from aggregator.history.reading.entry import LineSplitter, Place, Raw
from aggregator.history.reading.forward import forward
from aggregator.history.reading.log import Hits, Log
from aggregator.history.reading.mark import NO_GENERATION, Mark, locate
from aggregator.history.reading.select import Hit
from aggregator.history.reading.sift import Sifter, Unsure
from aggregator.history.seeking.seek import Slice
from aggregator.stream.filters import Prefilter


async def forward_sifted(log: Log, mark: Mark, prefilter: Prefilter) -> Hits:
    """What is wanted of a log from a mark on, oldest first. Raises HostError, Gone."""
    index, start = locate(log.slices, mark.place, log.file, backward=False) if mark.place else (0, None)
    sifter, selector = Sifter(log, prefilter), log.selector(mark.key)
    at = mark
    try:
        for number in range(index, len(log.slices)):
            piece = log.slices[number]
            begin = start if number == index and start is not None else piece.start
            if sifter.seen:
                reached, offset = locate(log.slices, sifter.seen, log.file, backward=False)
                if number < reached:
                    continue
                begin = max(begin, offset or 0) if number == reached else begin
            async with aclosing(sifter.entries(number, begin, None)) as parts:
                async for entries in parts:
                    if not entries:
                        continue
                    hits = selector.select_all(entries)
                    if mark.skip and mark.place and hits and hits[0].head.same(mark.place):
                        hits[0].given = mark.skip
                    at = Mark(entries[-1].end, key=selector.key)
                    yield hits, at
                    await asyncio.sleep(0)
        yield [], replace(at, done=True)
    except Unsure:
        async with aclosing(forward(log, at)) as rest:
            async for found in rest:
                yield found


async def backward_sifted(log: Log, mark: Mark, prefilter: Prefilter) -> Hits:
    """What is wanted of a log up to a mark, newest first. Raises HostError, Gone.

    The newest lines are read whole, as long as many of them are wanted: few are what a page of a frequent text takes.
    How many of them are wanted tells how much to search at once for the next ones.
    """
    size = limits.SIFT_FIRST
    if _is_plain(log, mark):
        async with aclosing(backward(log, mark)) as newest:
            async for hits, mark in newest:
                yield hits, mark
                found = sum(hit.count for hit in hits)
                if found < limits.SIFT_RARE:
                    if found and log.page:
                        size = min(size, limits.CHUNK_FIRST * log.page // found)
                    break
        if mark.done:
            return
    reader = _Backward(log, mark, prefilter, size)
    try:
        while reader.more:
            hits = await reader.chunk()
            hits.reverse()
            if mark.skip and mark.place and hits and hits[0].end.same(mark.place):
                hits[0].given = mark.skip
            yield hits, reader.mark
    except Unsure:
        async with aclosing(backward(log, reader.mark)) as rest:
            async for part in rest:
                yield part


def _is_plain(log: Log, mark: Mark) -> bool:
    """Whether the file that reading begins in is not compressed."""
    index = locate(log.slices, mark.place, log.file, backward=True)[0] if mark.place else len(log.slices) - 1
    return index >= 0 and log.slices[index].one.kind == "plain"


class _Backward:
    """Chunks of a log, the newest first, each so large that what is found in it should have room, and be about what a
    page takes; the first has `size` bytes."""

    def __init__(self, log: Log, mark: Mark, prefilter: Prefilter, size: int) -> None:
        self._log = log
        last = len(log.slices) - 1
        self._index, self._end = locate(log.slices, mark.place, log.file, backward=True) if mark.place else (last, None)
        self._sifter = Sifter(log, prefilter)
        self._size = size
        self.mark = mark

    @property
    def more(self) -> bool:
        return self._index >= 0

    async def chunk(self) -> list[Hit]:
        """The hits of the next chunk, in the file's order. Raises HostError, Gone, Unsure."""
        piece = self._log.slices[self._index]
        start = await self._start(piece)
        selector = self._log.selector()
        hits: deque[Hit] = deque()
        size = lost = 0
        plain = piece.one.kind == "plain"
        async with aclosing(self._sifter.entries(self._index, start, self._end)) as parts:
            async for entries in parts:
                found = selector.select_all(entries)
                hits += found
                size += sum(hit.size for hit in found)
                while size > self._log.room and len(hits) > 1:
                    oldest = hits.popleft().size
                    size, lost = size - oldest, lost + oldest
                if lost > limits.SIFT_LOST * self._log.room and self._size > limits.SIFT_FIRST and plain:
                    self._size = max(limits.SIFT_FIRST, self._size // limits.SIFT_GROWTH)
                    return []
                await asyncio.sleep(0)
        self._size = max(limits.CHUNK_MOST, self._size // 4) if lost else self._grown(size, hits)
        self._step(piece, start, hits[0].head if hits else None, cut=lost > 0)
        return list(hits)

    def _grown(self, size: int, hits: Iterable[Hit]) -> int:
        """How large the next chunk may be, when hits of `size` bytes were found in this one."""
        growth = self._log.room // (4 * max(1, size))
        if self._log.page:
            growth = min(growth, self._log.page // max(1, sum(hit.count for hit in hits)))
        return min(self._size * max(1, min(growth, limits.SIFT_GROWTH)), limits.SIFT_MOST)

    async def _start(self, piece: Slice) -> int:
        """Where the chunk begins: at a line with a stamp, if there is one near."""
        stop = next((at for at in (self._end, piece.end, piece.one.size) if at is not None), None)
        if piece.one.kind != "plain" or stop is None or stop - piece.start <= self._size * 3 // 2:
            return piece.start
        start, window = stop - self._size, limits.CHUNK_FIRST
        while True:
            lines: list[Raw] = []
            splitter = LineSplitter(self._log.zone)
            async with aclosing(self._log.lines_from(piece, start, min(stop, start + window))) as batches:
                async for batch in batches:
                    lines += splitter.split(batch, piece.one)
            stamped = next((line.offset for line in lines if line.stamp is not None), None)
            if stamped is not None:
                return stamped
            if window > limits.ENTRY_BYTES or start + window >= stop:
                return lines[0].offset if lines and window > limits.ENTRY_BYTES else piece.start
            window *= 4

    def _step(self, piece: Slice, start: int, first: Place | None, *, cut: bool) -> None:
        """Go on before what was read."""
        one = piece.one
        if first is not None and (cut or (first.generation, first.hint) != (one.id, one.hint)):
            self._index, self._end = locate(self._log.slices, first, self._log.file, backward=True)
            self.mark = Mark(first)
            return
        self.mark = Mark(Place(one.id or NO_GENERATION, start, one.hint))
        if start > piece.start:
            self._end = start
        else:
            self._index, self._end = self._index - 1, None
            if self._index < 0:
                self.mark = Mark(done=True)
