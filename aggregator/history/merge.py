"""The hits of many files as one, in the order of their times."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator

from aggregator.history.lane import Lane
from aggregator.history.select import Hit

Key = tuple[int, str, str, str]


class Merge:
    """A k-way merge: a hit goes out when no file can have one that comes before it.

    Order: key, then host, source and path; `backward` is the exact reverse. Within a file it is always the file's.
    Who adds lanes says first how many things are `expected`, and counts them off, so that none is overtaken.
    """

    def __init__(self, *, backward: bool) -> None:
        self.lanes: list[Lane] = []
        self._backward = backward
        self._expected = 0
        self._news = asyncio.Event()

    def expect(self, count: int = 1) -> None:
        """Lanes may come from so many more places."""
        self._expected += count

    def settled(self) -> None:
        """One of these has added all of its lanes."""
        self._expected -= 1
        self._news.set()

    def changed(self) -> None:
        """A lane has hits, or has ended."""
        self._news.set()

    def add(self, lane: Lane) -> None:
        self.lanes.append(lane)
        self._news.set()

    async def hits(self) -> AsyncGenerator[tuple[Lane, Hit], None]:
        """All hits; what is not consumed stays in its lane. Each is given out for good when the next is asked for."""
        while True:
            self._news.clear()
            if self._expected or any(not lane.hits and not lane.done for lane in self.lanes):
                await self._news.wait()
                continue
            ready = [(self._rank(lane), number) for number, lane in enumerate(self.lanes) if lane.hits]
            if not ready:
                return
            heapq.heapify(ready)
            while ready:
                number = ready[0][1]
                lane = self.lanes[number]
                yield lane, lane.take()
                if lane.hits:
                    heapq.heapreplace(ready, (self._rank(lane), number))
                elif lane.done:
                    heapq.heappop(ready)
                else:
                    break

    def _rank(self, lane: Lane) -> Key | _Reversed:
        key = (lane.hits[0].key, lane.file.host, lane.file.source, lane.file.path)
        return _Reversed(key) if self._backward else key


class _Reversed:
    """A key that sorts the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key = key

    def __lt__(self, other: _Reversed) -> bool:
        return other.key < self.key
