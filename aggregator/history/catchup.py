"""Gives out what a log's closed generations still hold after a place: after a rotation, an outage, a truncation."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Protocol

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.files import Generation, generations
from aggregator.history.read import Where, read_rest
from aggregator.model import Batch, File, Gap, GapReason, Position
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.stream.proof import Place, Proof, Start

ANYTHING = Start(None, "")  # nothing of what was followed is left: whatever has the log's name next
_NOTHING = Proof.of(b"")
_Key = tuple[str, str]  # a generation and its inode: two that begin alike are told apart


class Missing(Exception):
    """The place is nowhere; it may be between two names. To be looked for again."""


class Sink(Protocol):
    """Where lines and news go; every call but `room` is synchronous and quick."""

    def batch(self, batch: Batch) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    def rotated(self) -> None: ...

    async def room(self) -> None:
        """Wait while nobody who is shown this has room for more."""


def is_start(generation: str | None, inode: str, at: Start) -> bool:
    """Whether an opened file is the one whose first byte comes next, or another rotation slipped between."""
    if at == ANYTHING:
        return True
    return generation == at.generation if at.generation else inode == at.inode


class CatchUp:
    """Of one log: knows which generations were given out, and looks at closed ones again for late writes."""

    def __init__(self, link: Link, file: File, sink: Sink) -> None:
        self._link = link
        self._file = file
        self._sink = sink
        self._misses = 0
        self._opened = 0
        self._done: set[_Key] = set()
        self._watched: dict[_Key, Place] = {}

    def found(self, header: Header) -> None:
        """The live file holds our place; generations that were last written before it are older."""
        self._misses = 0
        self._opened = header.mtime

    async def run(self, at: Place | Start, tasks: asyncio.TaskGroup, *, complete: bool) -> Place | Start:
        """Give out everything from `at` to the end of the last closed generation; returns what comes next.

        `complete` says that nothing of its own generation is missing, whether that can still be found or not. Raises
        HostError, Gone when the files change meanwhile, Missing until the place has been looked for often enough.
        """
        found = await generations(self._link, self._file)
        at, rest = await self._locate(at, found, tasks, complete=complete)
        for one in rest:
            if one.id is not None and not one.live and (one.id, one.inode) not in self._done:
                at = await self._finish(one, Place(one.id, 0, _NOTHING, one.inode), tasks)
        self._misses = 0
        if found and found[-1].live:
            self._sink.rotated()
            return Start(found[-1].id, found[-1].inode)
        return at

    async def _locate(
        self, at: Place | Start, found: list[Generation], tasks: asyncio.TaskGroup, *, complete: bool
    ) -> tuple[Place | Start, list[Generation]]:
        """Give out the rest of the generation of `at`; the generations after it."""
        for index in _candidates(at, found):
            one = found[index]
            if isinstance(at, Start):
                return at, found[index:]
            try:
                return await self._finish(one, at, tasks), found[index + 1 :]
            except Gone:
                continue
        if isinstance(at, Start) and found and found[-1].live and is_start(found[-1].id, found[-1].inode, at):
            return at, []
        self._misses += 1
        if self._misses < limits.LOCATE_TRIES and not complete:
            raise Missing
        later = [one for one in found if one.mtime >= self._opened]
        if not complete:
            self._tell_gap(at, found, later)
        return ANYTHING, later

    async def _finish(self, one: Generation, place: Place, tasks: asyncio.TaskGroup) -> Place:
        """Give out a closed generation from a place to its end; it is looked at again for late writes."""
        async with aclosing(read_rest(self._link, self._file, place, Where(one.name, one.kind))) as rest:
            async for batch, after in rest:
                self._sink.batch(batch)
                place = after
                await self._sink.room()
        key = (place.generation, one.inode)
        self._done.add(key)
        if one.kind == "plain" and key not in self._watched:
            tasks.create_task(self._look_back(key))
        self._watched[key] = place
        return place

    async def _look_back(self, key: _Key) -> None:
        """Late writes to a generation that was renamed: its writer may not know yet."""
        looks = iter(limits.LOOK_BACKS)
        while (pause := next(looks, None)) is not None:
            await asyncio.sleep(pause)
            try:
                if await self._late_writes(key):
                    looks = iter(limits.LOOK_BACKS)
            except (HostError, Gone):
                continue  # the host is away, or the file is being moved: the next look will tell
        del self._watched[key]

    async def _late_writes(self, key: _Key) -> bool:
        place = self._watched[key]
        found = await generations(self._link, self._file)
        index = next((index for index in _candidates(place, found) if found[index].size != place.offset), None)
        if index is None:
            return False
        one, before = found[index], place
        async with aclosing(read_rest(self._link, self._file, place, Where(one.name, one.kind))) as rest:
            async for batch, after in rest:
                self._sink.batch(batch)
                self._watched[key] = before = after
        return before is not place and one.kind == "plain"

    def _tell_gap(self, at: Place | Start, found: list[Generation], later: list[Generation]) -> None:
        """What is missing between our place and the oldest generation after it."""
        reason: GapReason = "rotated-away"
        if any(one.inode == at.inode for one in found):
            reason = "truncated"
        start = Position(self._file, at.generation, at.offset) if isinstance(at, Place) else None
        first = next((one.id for one in later if one.id is not None), None)
        end = Position(self._file, first, 0) if first else None
        self._sink.gap(Gap(self._file, start, end, None, None, reason))


def _candidates(at: Place | Start, found: list[Generation]) -> list[int]:
    """Which closed files may hold a place: the same first line and long enough; the same inode first."""
    if isinstance(at, Start):
        same = [one.id == at.generation if at.generation else one.inode == at.inode for one in found]
    else:
        same = [one.id == at.generation and (one.size is None or one.size >= at.offset) for one in found]
    indices = [index for index, one in enumerate(found) if same[index] and not one.live]
    return sorted(indices, key=lambda index: (found[index].inode != at.inode, -index))
