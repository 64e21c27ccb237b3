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
    Hosts whose lanes will come are told first, so that none is overtaken.
    """

    def __init__(self, *, backward: bool) -> None:
        self.lanes: list[Lane] = []
        self._backward = backward
        self._expected: set[str] = set()
        self._news = asyncio.Event()

    def expect(self, host: str) -> None:
        """Lanes may come from a host."""
        self._expected.add(host)

    def settled(self, host: str) -> None:
        """All lanes of a host are there."""
        self._expected.discard(host)
        self._news.set()

    def changed(self) -> None:
        """A lane has hits, or has ended."""
        self._news.set()

    def add(self, lane: Lane) -> None:
        self.lanes.append(lane)
        self._news.set()

    async def begun(self) -> None:
        """Wait until the first hit is known, or that there is none."""
        while self._waits():
            self._news.clear()
            await self._news.wait()

    async def hits(self) -> AsyncGenerator[tuple[Lane, Hit] | None, None]:
        """All hits, each for good: what is not used of one is put back into its lane. None before every wait."""
        while True:
            self._news.clear()
            if self._waits():
                yield None
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

    def _waits(self) -> bool:
        """Whether something may come before what is there."""
        return bool(self._expected) or any(not lane.hits and not lane.done for lane in self.lanes)

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
