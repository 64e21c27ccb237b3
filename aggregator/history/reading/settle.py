"""The order of records that are read from the present to the past.

Forward, a record stands at the latest time that it or a record before it in its file has. Backward those before it come
later: it waits until so much was read of them that a later time among them is not to be expected.
"""

from __future__ import annotations

from collections import deque
from contextlib import aclosing

from aggregator import limits
from aggregator.history.reading.entry import Place
from aggregator.history.reading.log import Hits
from aggregator.history.reading.mark import Mark
from aggregator.history.reading.select import Hit

_DISORDER = int(limits.STAMP_DISORDER * 1_000_000)  # microseconds


async def settled(found: Hits, mark: Mark, offset: float) -> Hits:
    """What is found backward from a mark on, newest first, each hit once its key is known. `offset` (seconds) is the
    host's clock minus ours. Raises what `found` raises."""
    settling = Settling(mark.place, int(offset * 1e6))
    async with aclosing(found) as all_hits:
        async for hits, reached in all_hits:
            yield settling.add(hits, reached), settling.mark
    yield settling.rest(), settling.mark


class Settling:
    """Hits that wait for those before them in their file.

    One goes when `limits.SETTLE_LEAST` bytes before it were read and it is newer than the oldest of them by twice what
    stamps were seen to go back in the file (at most `limits.STAMP_DISORDER`), or when `limits.SETTLE_MOST` bytes were
    read.
    """

    def __init__(self, place: Place | None, offset: int) -> None:
        self.mark = Mark(place)
        self._offset = offset
        self._front = place
        self._read = 0  # bytes
        self._waiting: deque[tuple[Hit, int]] = deque()  # oldest first; bytes before each when none had been read
        self._least: int | None = None  # of all stamps
        self._drop = 0
        self._given: int | None = None  # the key of the hit that went last

    def add(self, hits: list[Hit], reached: Mark) -> list[Hit]:
        """Those that may go, newest first, once more were found (newest first) and all was read up to a mark."""
        self._advance(reached.place)
        top: int | None = None
        for hit in reversed(hits):
            time = hit.entry.time - self._offset
            top = max(hit.key, time if top is None else top)
            hit.key = top
            self._drop = max(self._drop, top - time)
        self._raise(top)
        for hit in hits:
            time = hit.entry.time - self._offset
            self._least = time if self._least is None else min(self._least, time)
            self._waiting.appendleft((hit, self._before(hit) - self._read))
        return self._go(reached)

    def rest(self) -> list[Hit]:
        """Those that are left, newest first, when nothing comes before them."""
        left = [self._leave() for _ in range(len(self._waiting))]
        self.mark = Mark(done=True)
        return left

    def _raise(self, top: int | None) -> None:
        """Those that wait come after what was found now."""
        if top is None:
            return
        if self._least is not None:
            self._drop = max(self._drop, top - self._least)
        for hit, _ in self._waiting:
            if hit.key >= top:
                break
            hit.key = top

    def _advance(self, place: Place | None) -> None:
        """All was read up to a place."""
        before, self._front = self._front, place
        if before is None or place is None:
            return
        same = (before.generation, before.hint) == (place.generation, place.hint)
        self._read += max(0, before.offset - place.offset) if same else before.offset

    def _before(self, hit: Hit) -> int:
        """Bytes that were read before a hit in its generation."""
        first, front = hit.entry.lines[0], self._front
        if front is None or (first.generation, first.hint) != (front.generation, front.hint):
            return first.offset
        return max(0, first.offset - front.offset)

    def _go(self, reached: Mark) -> list[Hit]:
        gone: list[Hit] = []
        while self._waiting and self._is_known(*self._waiting[-1]):
            gone.append(self._leave())
        newest = self._waiting[-1][0] if self._waiting else None
        self.mark = Mark(newest.end, newest.given, loose=newest.loose) if newest else reached
        return gone

    def _leave(self) -> Hit:
        hit, _ = self._waiting.pop()
        if self._given is not None:
            hit.key = min(hit.key, self._given)  # what was not expected can't be mended any more
        self._given = hit.key
        return hit

    def _is_known(self, hit: Hit, before: int) -> bool:
        read = before + self._read
        if read < limits.SETTLE_LEAST or self._least is None:
            return False
        return read >= limits.SETTLE_MOST or hit.key >= self._least + min(2 * self._drop, _DISORDER)
