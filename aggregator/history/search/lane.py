"""What was found in one file and waits to be merged with that of others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from aggregator import limits
from aggregator.history.reading.log import Hits
from aggregator.history.reading.mark import START, Mark
from aggregator.history.reading.select import Hit
from aggregator.model import File


class Lane:
    """Hits of one file, in the order of giving out; at most about `room` bytes and `lines` lines of them wait.
    `changed` is told how many lines have come, and that the end has.

    The merge keeps here for how many seconds its hits were `held` back for others, whether it is `tardy` (others do
    not wait for it) and `behind` (they may have gone on past it)."""

    def __init__(
        self,
        file: File,
        mark: Mark,
        room: Callable[[], int],
        changed: Callable[[int], None],
        lines: Callable[[], int | None],
        *,
        backward: bool,
    ) -> None:
        self.file = file
        self.done = mark.done
        self.answered = mark.done
        self.held = 0.0
        self.tardy = False
        self.behind = False
        self.hits: deque[Hit] = deque()
        self.reached = mark
        self._room = room
        self._size = 0
        self._most = lines
        self._lines = 0
        self._changed = changed
        self._backward = backward
        self._drained = asyncio.Event()

    async def fill(self, read: Callable[[Mark], Hits], wanted: Callable[[], bool]) -> None:
        """Take all that is found, as it is given out. While nobody takes it, reading ends soon, at once when others
        have `wanted` the place, and begins again where it was. Raises what reading raises."""
        while not self.done:
            await self._drain(lambda: False)
            async with aclosing(read(self.reached)) as found:
                async for hits, mark in found:
                    self._put(hits, mark)
                    if self._is_full() and not mark.done and not await self._drained_soon(wanted):
                        break
                else:
                    self.end()

    def _put(self, hits: list[Hit], mark: Mark) -> None:
        self.hits.extend(hits)
        self._size += sum(hit.size for hit in hits)
        lines = sum(hit.count for hit in hits)
        self._lines += lines
        self.reached = mark
        if hits:
            self.answered = True
            self._changed(lines)

    @property
    def open(self) -> bool:
        """Whether hits may come, and none is there."""
        return not self.hits and not self.done

    def _is_full(self, part: int = 1) -> bool:
        """Whether enough bytes wait, or lines: a `part` of as many as may wait."""
        most = self._most()
        return self._size > self._room() or (most is not None and self._lines * part >= most > 0)

    async def _drained_soon(self, wanted: Callable[[], bool]) -> bool:
        if self._backward:
            await self._drain(lambda: False)  # nothing is held on the host meanwhile
            return True
        try:
            async with asyncio.timeout(limits.HISTORY_PAUSE):
                return await self._drain(wanted)
        except TimeoutError:
            return False

    async def _drain(self, wanted: Callable[[], bool]) -> bool:
        """Wait until there is room again, and half of the lines are gone: a page that is nearly done needs no more of
        them. False when others want the place."""
        while self._is_full(2):
            if wanted():
                return False
            self._drained.clear()
            try:
                async with asyncio.timeout(limits.ROOM_BEAT):
                    await self._drained.wait()
            except TimeoutError:
                continue
        return True

    def end(self) -> None:
        """Nothing more comes."""
        self.done = True
        self._changed(0)

    def take(self) -> Hit:
        """Give the next hit out."""
        hit = self.hits.popleft()
        self._size -= hit.size
        self._lines -= hit.count
        self.held = 0.0
        self._drained.set()
        return hit

    def put_back(self, hit: Hit) -> None:
        """The hit that was taken last was given out in part (`given`)."""
        self.hits.appendleft(hit)
        self._size += hit.size
        self._lines += hit.count

    @property
    def mark(self) -> Mark:
        """Where to go on so that all that was not given out comes, and nothing else."""
        if not self.hits:
            return self.reached
        hit = self.hits[0]
        if self._backward:
            return Mark(hit.end, hit.given, loose=hit.loose)
        return Mark(hit.head, hit.given, hit.key, loose=hit.loose)

    @property
    def untouched(self) -> bool:
        """Whether going on is beginning anew."""
        return replace(self.mark, key=None) == START
