"""Gives out what a log's closed generations still hold after a place: after a rotation, an outage, a truncation."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Protocol

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.closed import NOTHING, Closed, Ledger, is_short, is_unique, where
from aggregator.history.files import Generation, generations
from aggregator.history.read import holds, read_bytes, read_rest
from aggregator.model import Batch, File, Gap, GapReason, Position
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.proof import Place, Proof, Start

ANYTHING = Start(None, "")  # nothing of what was followed is left: whatever has the log's name next


class Missing(Exception):
    """The place is nowhere; it may be between two names. To be looked for again."""


class Sink(Protocol):
    """Where lines and news go; every call but `room` is synchronous and quick."""

    def batch(self, batch: Batch) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    def rotated(self) -> None: ...
    def trouble(self, error: HostError) -> None: ...

    async def room(self) -> None:
        """Wait while nobody who is shown this has room for more."""


class CatchUp:
    """Of one log: where the next line begins (`at`, None before the first opening), and what was given out before.

    `sure` tells that a listing has shown the place in the live file, which then had `least` bytes, and nothing unread
    before it. `at` moves with every batch, so that whatever interrupts goes on where it was.
    """

    def __init__(self, link: Link, file: File, sink: Sink) -> None:
        self.at: Place | Start | None = None
        self.sure = False
        self.least = 0
        self._link = link
        self._file = file
        self._sink = sink
        self._misses = 0
        self._since = 0  # mtime of the live file when it was opened: what was last written before it is older
        self._ledger = Ledger(link, file)
        self._lock = asyncio.Lock()
        self._watch = asyncio.Event()
        self._told: set[str] = set()

    def found(self, header: Header) -> None:
        """The live file holds our place."""
        self._misses = 0
        self._since = header.mtime

    async def run(self, *, complete: bool) -> bool:
        """Give out everything from `at` to the end of the last closed generation; whether there is a live one then.

        `complete` says that nothing of its own generation is missing, whether that can still be found or not. Raises
        HostError, Gone when the files change meanwhile, Missing until the place has been looked for often enough.
        """
        async with self._lock:
            found = await generations(self._link, self._file, self._since)
            live = found[-1] if found and found[-1].live else None
            own = await self._own(found)
            if own is None:
                rest = await self._lost(found, complete=complete)
            elif own.live:
                self._settle(own)
                return True
            else:
                rest = found[found.index(own) + (1 if isinstance(self.at, Place) else 0) :]
                if isinstance(self.at, Place):
                    await self._finish(own, self.at)
                rest = [one for one in rest if not one.live]
            for one in rest:
                await self._give_out(one)
            self._misses = 0
            if live is None:
                return False
            self._sink.rotated()
            self.at = Start(live.id, live.inode)
            self._settle(live)
            return True

    async def look_back(self) -> None:
        """Late writes to generations that were closed: their writers may not know yet. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = [closed.due for closed in self._ledger.closed if closed.due is not None]
            try:
                async with asyncio.timeout_at(min(due, default=None)):
                    await self._watch.wait()
                self._watch.clear()
                continue
            except TimeoutError:
                pass
            now = loop.time()
            overdue = [closed for closed in self._ledger.closed if closed.due is not None and closed.due <= now]
            if not overdue:
                continue  # the timer was a moment early
            try:
                async with self._lock:
                    await self._look(overdue)
            except (HostError, Gone):
                pass  # the host is away, or the file is being moved: the next look will tell
            for closed in overdue:
                self._later(closed)

    async def _own(self, found: list[Generation]) -> Generation | None:
        """The file that holds our place; a closed one where several do, unless the live one has all of it too."""
        live = [one for one in found if one.live and await self._holds(one)]
        closed = [one for one in found if not one.live and await self._holds(one)]
        for one in sorted(closed, key=lambda one: one.inode != self._inode):
            if not live or one.inode == self._inode or not await self._is_copy(one, live[0]):
                return one
        return next(iter(live), None)

    @property
    def _inode(self) -> str:
        return self.at.inode if self.at else ""

    async def _holds(self, one: Generation) -> bool:
        """Whether a file may be the one of our place: the same first line, the same bytes before the place."""
        at = self.at
        if at == ANYTHING or at is None:
            return one.live
        if isinstance(at, Start):
            if at.generation is None:
                same = one.inode == at.inode or (not one.live and one.mtime >= self._since)
            else:
                same = one.id == at.generation
            return same and (one.live or one.inode == at.inode or await self._ledger.find(one) is None)
        if one.id != at.generation or (one.size is not None and one.size < at.offset):
            return False
        if not await holds(self._link, self._file, at, where(one)):
            return False
        return one.live or one.inode == at.inode or not await self._is_given(one, at)

    async def _is_given(self, one: Generation, at: Place) -> bool:
        """Whether more of a closed file was given out than up to our place: it is an older one that begins alike."""
        known = await self._ledger.find(one)
        return known is not None and known.end.offset > at.offset

    async def _is_copy(self, one: Generation, live: Generation) -> bool:
        """Whether the live file has all of a closed one: it is being copied, and not truncated yet."""
        if one.size is None:
            return isinstance(self.at, Place) and not is_short(self.at) and live.inode == self._inode
        if one.id is None or one.id != live.id or live.size is None or live.size < one.size:
            return False
        start = max(0, one.size - limits.PROOF_BYTES)
        data = b""
        async with aclosing(read_bytes(self._link, self._file, one.id, start, one.size, where(one))) as chunks:
            async for part in chunks:
                data += part
        return await holds(self._link, self._file, Place(one.id, one.size, Proof.of(data), ""), where(live))

    def _settle(self, live: Generation) -> None:
        """Our place is in the live file."""
        match self.at:
            case Place(generation, offset, proof):
                self.at = Place(generation, offset, proof, live.inode)
            case _:
                self.at = Start(live.id, live.inode)
        self.sure = True
        self.least = live.size or 0

    async def _lost(self, found: list[Generation], *, complete: bool) -> list[Generation]:
        """The place is nowhere: the generations after it, behind a gap. Raises Missing."""
        self._misses += 1
        if self._misses < limits.LOCATE_TRIES and not complete:
            raise Missing
        later = [one for one in found if one.mtime >= self._since and not one.live]
        later = [one for one in later if one.inode in self._told or await self._ledger.find(one) is None]
        for one in later:
            if one.unread:
                self._tell_unread(one, gap=False)
        if not complete:
            self._tell_gap(found, later)
        self.at = ANYTHING
        return later

    async def _give_out(self, one: Generation) -> None:
        """A whole closed generation, or what is new in it."""
        if one.unread:
            self._tell_unread(one, gap=True)
            return
        known = await self._ledger.find(one)
        start = known.end if known else Place(one.id or "", 0, NOTHING, one.inode)
        if known is None:
            self.at = Start(one.id, one.inode)
        await self._finish(one, start, known)

    async def _finish(self, one: Generation, place: Place, known: Closed | None = None) -> None:
        """Give out a closed generation from a place to its end; it is looked at again for late writes."""
        known = known or await self._ledger.find(one)
        if known and known.end.offset > place.offset:
            place = known.end
        place = Place(place.generation, place.offset, place.proof, one.inode)
        place = self.at = await self._read_on(one, place, finish=one.kind != "plain")
        if known is None:
            known = Closed(place, one.mtime)
            if place.offset or one.size or is_unique(one.inode):
                self._ledger.add(known)
        known.end, known.mtime = place, one.mtime
        known.partial = one.size is not None and one.size != place.offset
        known.looks = 0
        known.due = None
        if one.kind == "plain":
            self._later(known)

    async def _read_on(self, one: Generation, place: Place, *, finish: bool, known: Closed | None = None) -> Place:
        """Give out what a closed file holds after a place; the place after it."""
        async with aclosing(read_rest(self._link, self._file, place, where(one), finish=finish)) as rest:
            async for batch, after in rest:
                self._sink.batch(batch)
                place = after
                if known:
                    known.end = place
                else:
                    self.at = place
                await self._sink.room()
        return place

    def _later(self, closed: Closed) -> None:
        """When a closed generation is looked at next; after the last look, never."""
        if closed.looks < len(limits.LOOK_BACKS):
            closed.due = asyncio.get_running_loop().time() + limits.LOOK_BACKS[closed.looks]
        else:
            closed.due = None
        closed.looks += 1
        self._watch.set()

    async def _look(self, overdue: list[Closed]) -> None:
        """Give out what came late, and at the end of patience a last line without its newline."""
        since = min(closed.mtime for closed in overdue)
        for one in await generations(self._link, self._file, since):
            if one.live or all(one.inode == closed.end.inode and one.size == closed.end.offset for closed in overdue):
                continue
            closed = await self._ledger.find(one)
            if closed is None or closed not in overdue:
                continue
            finish = one.kind != "plain" or closed.looks > limits.PARTIAL_LOOKS
            place = Place(closed.end.generation, closed.end.offset, closed.end.proof, one.inode)
            if await self._read_on(one, place, finish=finish, known=closed) is not place:
                closed.looks = 0
            closed.mtime = one.mtime
            if one.kind != "plain":
                closed.looks = len(limits.LOOK_BACKS)  # nobody writes to it any more

    def _tell_gap(self, found: list[Generation], later: list[Generation]) -> None:
        """What is missing between our place and the oldest generation after it."""
        same = any(one.live and one.inode == self._inode for one in found)
        reason: GapReason = "truncated" if same and not later else "rotated-away"
        start = Position(self._file, self.at.generation, self.at.offset) if isinstance(self.at, Place) else None
        first = next((one.id for one in [*later, *(one for one in found if one.live)] if one.id is not None), None)
        end = Position(self._file, first, 0) if first else None
        self._sink.gap(Gap(self._file, start, end, None, None, reason))

    def _tell_unread(self, one: Generation, *, gap: bool) -> None:
        """A generation whose text can't be read is missing."""
        if one.inode in self._told:
            return
        self._told.add(one.inode)
        host = self._file.host
        if one.unread == "rights":
            self._sink.trouble(trouble("remote-error", host=host, detail=f"{one.name} may not be read"))
        else:
            self._sink.trouble(trouble("no-decompressor", path=one.name, host=host, detail=one.unread))
        start = Position(self._file, self.at.generation, self.at.offset) if isinstance(self.at, Place) else None
        if gap:
            self._sink.gap(Gap(self._file, start, None, None, None, "rotated-away"))
