"""What was found in one file and waits to be merged with that of others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from aggregator.history.log import Hits
from aggregator.history.mark import START, Mark
from aggregator.history.select import Hit
from aggregator.model import File


class Lane:
    """Hits of one file, in the order of giving out; at most about `room` bytes of them wait. `changed` is called when
    there is news."""

    def __init__(self, file: File, mark: Mark, room: int, changed: Callable[[], None], *, backward: bool) -> None:
        self.file = file
        self.done = mark.done
        self.hits: deque[Hit] = deque()
        self._mark = mark
        self._room = room
        self._size = 0
        self._changed = changed
        self._backward = backward
        self._drained = asyncio.Event()

    async def fill(self, found: Hits) -> None:
        """Take all that is found, as it is given out. Raises what `found` raises."""
        async for hits, mark in found:
            self.hits.extend(hits)
            self._size += sum(hit.size for hit in hits)
            self._mark = mark
            if hits:
                self._changed()
            while self._size > self._room:
                self._drained.clear()
                await self._drained.wait()
        self.end()

    def end(self) -> None:
        """Nothing more comes."""
        self.done = True
        self._changed()

    def take(self) -> Hit:
        """Give the next hit out."""
        hit = self.hits.popleft()
        self._size -= hit.size
        self._drained.set()
        return hit

    def put_back(self, hit: Hit) -> None:
        """The hit that was taken last was given out in part (`given`)."""
        self.hits.appendleft(hit)
        self._size += hit.size

    @property
    def mark(self) -> Mark:
        """Where to go on so that all that was not given out comes, and nothing else."""
        if not self.hits:
            return self._mark
        hit = self.hits[0]
        if self._backward:
            return Mark(hit.end, hit.given, loose=hit.loose)
        return Mark(hit.head, hit.given, hit.key, loose=hit.loose)

    @property
    def untouched(self) -> bool:
        """Whether going on is beginning anew."""
        return replace(self.mark, key=None) == START
