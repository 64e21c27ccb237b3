"""The hits of many files as one, in the order of their times."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Sequence

from aggregator.history.reading.select import Hit
from aggregator.history.search.lane import Lane

Key = tuple[int, str, str, str]
_LAST_NAME = "\U0010ffff"  # of hosts: none sorts behind it


class Merge:
    """A k-way merge: a hit goes out when no file can have one that comes before it, or when that was waited for for
    long enough.

    Order: key, then host, source and path; `backward` is the exact reverse. Within a file it is always the file's.
    Hosts whose lanes will come are told first, so that none is overtaken. `frontier` is the key up to which hits went
    out before, on an earlier page; with `catching_up`, files that were overtaken then are waited for without end.
    """

    def __init__(self, *, backward: bool, frontier: int | None = None, catching_up: bool = False) -> None:
        self.lanes: list[Lane] = []
        self._backward = backward
        self._expected: set[str] = set()
        self._tardy: set[str] = set()  # of these, those that are not waited for any more
        self._news = asyncio.Event()
        self._catching_up = catching_up
        self._resumed = frontier is not None
        self._frontier = None if frontier is None else self._ordered((frontier, _LAST_NAME if backward else "", "", ""))

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
        lane.tardy = lane.file.host in self._tardy
        lane.behind = lane.tardy or self._resumed
        self.lanes.append(lane)
        self._news.set()

    async def found(self) -> None:
        """Wait until all hosts have said which files they have, or that they can't."""
        while self._expected:
            await self._hear()

    async def begun(self) -> None:
        """Wait until the first hit is known, or that there is none."""
        while self._expected or any(lane.open for lane in self.lanes):
            await self._hear()

    async def answered(self) -> None:
        """Wait until every file has shown its first hit, or that it has none."""
        while self._expected or any(lane.open and not lane.answered for lane in self.lanes):
            await self._hear()

    @property
    def frontier(self) -> int | None:
        """The key that was reached."""
        rank = self._frontier
        return rank if rank is None else (rank.key if isinstance(rank, _Reversed) else rank)[0]

    @property
    def overtaken(self) -> bool:
        """Whether hits are to come that belong before some that went out."""
        return any(
            lane.tardy if lane.open else lane.hits and lane.behind and self._is_late(self._rank(lane))
            for lane in self.lanes
        )

    async def hits(self, patience: float | None = None) -> AsyncGenerator[tuple[Lane, Hit, bool] | None, None]:
        """All hits, and whether each comes late: others went out that come after it. What is not used of one is put
        back into its lane. None before every wait.

        Files that keep hits of others back for `patience` seconds (None: for ever) are not waited for any more, until
        they have caught up.
        """
        while True:
            self._news.clear()
            ready = [number for number, lane in enumerate(self.lanes) if lane.hits]
            if self._waits(ready):
                yield None
                await self._wait([self.lanes[number] for number in ready], None if self._catching_up else patience)
                continue
            if not ready:
                return
            heap = [(self._rank(self.lanes[number]), number) for number in ready]
            heapq.heapify(heap)
            lagging = bool(self._expected) or any(lane.open for lane in self.lanes)
            while heap and not (lagging and self._news.is_set()):
                rank, number = heap[0]
                lane = self.lanes[number]
                late = self._pass(lane, rank)
                yield lane, lane.take(), late
                if lane.hits:
                    heapq.heapreplace(heap, (self._rank(lane), number))
                elif lane.done or lane.tardy:
                    heapq.heappop(heap)
                    lagging |= not lane.done
                else:
                    break

    def _waits(self, ready: Sequence[int]) -> bool:
        """Whether something may come before what is there, and is waited for."""
        if not ready:
            return bool(self._expected) or any(lane.open for lane in self.lanes)
        return not self._expected <= self._tardy or any(lane.open and not lane.tardy for lane in self.lanes)

    async def _wait(self, ready: Sequence[Lane], patience: float | None) -> None:
        """Wait for news, at most until one of those that are ready was kept back for long."""
        if patience is None or not ready:
            await self._news.wait()
            return
        began = time.monotonic()
        try:
            async with asyncio.timeout(patience - max(lane.held for lane in ready)):
                await self._news.wait()
        except TimeoutError:
            self._leave_behind()
        passed = time.monotonic() - began
        for lane in ready:
            lane.held += passed

    def _leave_behind(self) -> None:
        """Those who are awaited are not any more."""
        self._tardy |= self._expected
        for lane in self.lanes:
            if lane.open:
                lane.tardy = lane.behind = True

    def _pass(self, lane: Lane, rank: Rank) -> bool:
        """A lane's next hit goes out; whether it is late."""
        if lane.behind:
            if self._is_late(rank):
                return True
            lane.behind = lane.tardy = self._catching_up = False
        if self._frontier is None or (self._frontier,) < (rank,):
            self._frontier = rank
        return False

    def _is_late(self, rank: Rank) -> bool:
        return self._frontier is not None and (rank,) < (self._frontier,)

    def _rank(self, lane: Lane) -> Rank:
        return self._ordered((lane.hits[0].key, lane.file.host, lane.file.source, lane.file.path))

    def _ordered(self, key: Key) -> Rank:
        return _Reversed(key) if self._backward else key

    async def _hear(self) -> None:
        self._news.clear()
        await self._news.wait()


class _Reversed:
    """A key that sorts the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key = key

    def __lt__(self, other: _Reversed) -> bool:
        return other.key < self.key


Rank = Key | _Reversed
