"""Looks again at the closed generations of a log, for late writes: their writers may not know of the rotation yet."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import Protocol

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.following.closed import Closed, Ledger, is_short, where
from aggregator.history.following.gaps import first_of
from aggregator.history.following.whereabouts import Whereabouts
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.inode import is_unique
from aggregator.history.generation.read import holds, read_rest
from aggregator.model import Batch, File, Gap, Position
from aggregator.remote.link import Link
from aggregator.stream.proof import Place


class Sink(Protocol):
    """Where late lines go; `room` waits while nobody who is shown them has room for more."""

    def batch(self, batch: Batch) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    async def room(self) -> None: ...


class LookBack:
    """Over the closed generations of one log that `ledger` holds; `here` is where the log's next line begins. Nobody
    else gives out lines of closed generations while `lock` is held."""

    def __init__(
        self, link: Link, file: File, sink: Sink, ledger: Ledger, here: Whereabouts, lock: asyncio.Lock
    ) -> None:
        self._link = link
        self._file = file
        self._sink = sink
        self._ledger = ledger
        self._here = here
        self._lock = lock
        self._blank: deque[Closed] = deque(maxlen=limits.GENERATIONS)
        self._changed = asyncio.Event()

    def later(self, closed: Closed) -> None:
        """Set when a closed generation is looked at next; after the last look, never."""
        if closed.looks < len(limits.LOOK_BACKS):
            closed.due = asyncio.get_running_loop().time() + limits.LOOK_BACKS[closed.looks]
        else:
            closed.due = None
        closed.looks += 1
        self._changed.set()

    def blank(self, closed: Closed) -> None:
        """Of a closed file without a line only the number is known, which may be another's: no entry of the ledger."""
        self._blank.append(closed)
        self.later(closed)

    async def run(self) -> None:
        """Give out what comes late, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = [closed.due for closed in self._all if closed.due is not None]
            try:
                async with asyncio.timeout_at(min(due, default=None)):
                    await self._changed.wait()
                self._changed.clear()
                continue
            except TimeoutError:
                pass
            now = loop.time()
            overdue = [closed for closed in self._all if closed.due is not None and closed.due <= now]
            if not overdue:
                continue  # the timer was a moment early
            try:
                async with self._lock:
                    await self._look(overdue)
            except (HostError, Gone):
                pass  # the host is away, or the file is being moved: the next look will tell
            for closed in overdue:
                self.later(closed)

    async def _look(self, overdue: list[Closed]) -> None:
        """Give out what came late, and at the end of patience a last line without its newline."""
        since = min(closed.mtime for closed in overdue)
        found = await generations(self._link, self._file, since)
        for index, one in enumerate(found):
            if one.live or all(one.inode == closed.end.inode and one.size == closed.end.offset for closed in overdue):
                continue
            closed = await self._ledger.find(one) or await self._once_blank(one, found[index + 1 :])
            if closed is None or closed not in overdue:
                continue
            finish = one.kind != "plain" or closed.looks > limits.PARTIAL_LOOKS
            if await self._give_out(one, closed, finish=finish):
                closed.looks = 0
            closed.mtime = one.mtime
            if one.kind != "plain":
                closed.looks = len(limits.LOOK_BACKS)  # nobody writes to it any more

    @property
    def _all(self) -> list[Closed]:
        return [*self._ledger.closed, *self._blank]

    async def _once_blank(self, one: Generation, newer: list[Generation]) -> Closed | None:
        """A file that was closed without a line. That it is no other with its number, such as a copy of what was read
        since, tells our place, which is in a newer one for sure. Raises HostError, Moved."""
        at = self._here.at
        closed = next((closed for closed in self._blank if closed.end.inode == one.inode), None)
        if closed is None or not isinstance(at, Place) or one.id == at.generation:
            return None
        alike = [other for other in newer if other.id == at.generation]
        ours = len(alike) == 1 and alike[0].inode == at.inode
        return closed if ours and await holds(self._link, self._file, at, where(alike[0])) else None

    async def _give_out(self, one: Generation, closed: Closed, *, finish: bool) -> bool:
        """What a closed file holds beyond what was given out of it; whether there was anything."""
        end = closed.end
        place = Place(end.generation, end.offset, end.proof, one.inode)
        async with aclosing(read_rest(self._link, self._file, place, where(one), finish=finish)) as rest:
            async for batch, after in rest:
                if closed.end is end and self._may_be_another(one, end):
                    start = Position(self._file, end.generation, end.offset)
                    self._sink.gap(Gap(self._file, start, first_of(batch), None, None, "rotated-away"))
                if closed in self._blank:
                    self._blank.remove(closed)
                    self._ledger.add(closed)
                self._sink.batch(batch)
                closed.end = after
                await self._sink.room()
        return closed.end is not end

    def _may_be_another(self, one: Generation, end: Place) -> bool:
        """Whether a file's number may be that of a deleted one by now, of which no more than a banner was given out."""
        alike = sum(closed.end.generation == end.generation for closed in self._ledger.closed)
        return is_short(end) and alike > 1 and not is_unique(one.inode)
