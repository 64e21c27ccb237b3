"""Gives out what a log's closed generations still hold after a place: after a rotation, an outage, a truncation."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Protocol

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.following.closed import NOTHING, Closed, Ledger, where
from aggregator.history.following.gaps import Gaps
from aggregator.history.following.lookback import LookBack
from aggregator.history.following.recall import recall
from aggregator.history.following.whereabouts import ANYTHING, Whereabouts
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.inode import is_unique
from aggregator.history.generation.kept import Ended, Kept, Known
from aggregator.history.generation.read import read_rest
from aggregator.model import Batch, File, Gap
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.proof import Place, Start


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
    """Of one log: where the next line begins (`here`), and what was given out before.

    `sure` tells that a listing has shown the place in the live file, which then had `least` bytes, and nothing unread
    before it. The place moves with every batch, so that whatever interrupts goes on where it was. `look_back` brings
    what is written late to generations that were given out.
    """

    def __init__(self, link: Link, file: File, sink: Sink, kept: Kept | None = None) -> None:
        self._ledger = Ledger(link, file)
        self.here = Whereabouts(link, file, self._ledger)
        self.sure = False
        self.least = 0
        self._link = link
        self._file = file
        self._sink = sink
        self._gaps = Gaps(file, sink)
        self._misses = 0
        self._lock = asyncio.Lock()
        self.look_back = LookBack(link, file, sink, self._ledger, self.here, self._lock)
        self._told: set[str] = set()
        self._kept = kept
        self._before = ""  # the inode of the file that holds the place of an earlier follower
        self._ended = kept  # where that one was

    async def recall(self, header: Header) -> None:
        """Look back at what an earlier follower of this log looked back at, and at what was closed since. Raises
        HostError, Gone."""
        if self._kept is None:
            return
        recalled = await recall(self._link, self._file, self._kept, header)
        self._kept, self._before = None, recalled.before
        for closed in recalled.closed:
            self._ledger.add(closed)
            self.look_back.later(closed)

    def kept(self) -> Kept | None:
        """What a later follower of this log should know; None while there is nothing new."""
        at = self.here.at
        if at is None or not at.inode:
            return None
        place = at if isinstance(at, Place) else Place(at.generation or "", 0, NOTHING, at.inode)
        ended = tuple(Ended(one.end, one.mtime, one.partial) for one in self._ledger.closed if one.due is not None)
        return Kept(place, self.here.since, ended[-limits.PLACES_ENDED :])

    def known(self) -> Known:
        """What readers by address should know now."""
        closed = (one for one in self._ledger.closed if one.due is not None)
        ends = {(one.end.inode, one.end.generation): one.end.offset for one in closed}
        at = self.here.at
        ended = self._ended
        return Known(
            (at and at.generation) or "",
            self.here.inode,
            self._before,
            ends,
            ended.at.generation if ended else "",
            ended.since if ended else 0,
            self.here.since,
        )

    def found(self, header: Header) -> None:
        """The live file holds our place."""
        self._misses = 0
        self.here.opened(header)

    def read(self, batch: Batch) -> None:
        """Give out lines of the live file."""
        self._gaps.batch(batch)

    def close(self) -> None:
        """Nobody listens any more."""
        self._gaps.close()

    async def run(self) -> bool:
        """Give out everything from `at` to the end of the last closed generation; whether there is a live one then.

        Raises HostError, Gone when the files change meanwhile, Missing until the place has been looked for often
        enough.
        """
        async with self._lock:
            found = await generations(self._link, self._file, self.here.since)
            own = await self.here.own(found)
            if not self.here.certain:
                self._gaps.lost(self.here.first_missing(), "rotated-away")
            if own is None:
                rest = await self._lost(found)
            elif own.live:
                if isinstance(self.here.at, Place):
                    self._settle(
                        own, Place(self.here.at.generation, self.here.at.offset, self.here.at.proof, own.inode)
                    )
                else:
                    self._settle(own, Start(own.id, own.inode))
                return True
            else:
                rest = found[found.index(own) :]
                if isinstance(self.here.at, Place):
                    await self._finish(own, self.here.at)
                    rest = rest[1:]
                    self.here.next = _start(rest)
            while rest and not rest[0].live:
                one, *rest = rest
                await self._give_out(one)
                self.here.next = _start(rest)
            self._misses = 0
            if not rest:
                return False
            self._sink.rotated()
            self._settle(rest[0], Start(rest[0].id, rest[0].inode))
            return True

    def _settle(self, live: Generation, at: Place | Start) -> None:
        """The next line is in the live file, and nothing unread is before it."""
        self.here.at, self.here.next = at, None
        self.sure = True
        self.least = live.size or 0

    async def _lost(self, found: list[Generation]) -> list[Generation]:
        """The place is nowhere: what comes after it, behind a gap unless all before that was given out.

        Raises Missing until it was looked for often enough.
        """
        for index, one in enumerate(found):
            if await self.here.is_next(one, found):
                between = await self.here.new_ones(found[:index])  # the host looks once a second: they came and went
                if await self.here.is_overrun(between):
                    self._gaps.lost(self.here.first_missing(), "rotated-away")
                self._go_to([*between, *found[index:]])
                return [*between, *found[index:]]
        self._misses += 1
        if self.here.at != ANYTHING and self._misses < limits.LOCATE_TRIES:
            raise Missing
        later = await self.here.new_ones([one for one in found if not one.live])
        for one in later:
            if one.unread:
                self._is_news(one)
        if self.here.at != ANYTHING:
            same = any(one.live and one.inode == self.here.inode for one in found)
            self._gaps.lost(self.here.first_missing(), "truncated" if same and not later else "rotated-away")
        later += [one for one in found if one.live]
        self._go_to(later)
        return later

    def _go_to(self, rest: list[Generation]) -> None:
        """The next line is at the start of these; there may be none yet."""
        self.here.at = _start([one for one in rest if not one.unread or one.live]) or ANYTHING
        self.here.next = None

    async def _give_out(self, one: Generation) -> None:
        """A whole closed generation, or what is new in it."""
        if one.unread:
            if self._is_news(one):
                self._gaps.lost(self.here.first_missing(), "rotated-away")
            return
        known = await self._ledger.find(one)
        start = known.end if known else Place(one.id or "", 0, NOTHING, one.inode)
        if known is None:
            self.here.at, self.here.next = Start(one.id, one.inode), None
        await self._finish(one, start, known)

    async def _finish(self, one: Generation, place: Place, known: Closed | None = None) -> None:
        """Give out a closed generation from a place to its end; it is looked at again for late writes."""
        known = known or await self._ledger.find(one)
        if known and known.end.offset > place.offset:
            place = known.end
        place = Place(place.generation, place.offset, place.proof, one.inode)
        place = self.here.at = await self._read_on(one, place, finish=one.kind != "plain")
        blank = known is None and not place.offset and not one.size and not is_unique(one.inode)
        known = known or Closed(place, one.mtime)
        known.end, known.mtime = place, one.mtime
        known.partial = one.size is not None and one.size != place.offset
        known.looks = 0
        known.due = None
        if blank:
            self.look_back.blank(known)
            return
        if known not in self._ledger.closed:
            self._ledger.add(known)
        if one.kind == "plain":
            self.look_back.later(known)

    async def _read_on(self, one: Generation, place: Place, *, finish: bool) -> Place:
        """Give out what a closed file holds after a place; the place after it."""
        async with aclosing(read_rest(self._link, self._file, place, where(one), finish=finish)) as rest:
            async for batch, after in rest:
                place = after
                self._gaps.batch(batch)
                self.here.at = place
                await self._sink.room()
        return place

    def _is_news(self, one: Generation) -> bool:
        """Tell once that a generation's text can't be read."""
        if one.inode in self._told:
            return False
        self._told.add(one.inode)
        host = self._file.host
        if one.unread == "rights":
            self._sink.trouble(trouble("remote-error", host=host, detail=f"{one.name} may not be read"))
        else:
            self._sink.trouble(trouble("no-decompressor", path=one.name, host=host, detail=one.unread))
        return True


def _start(rest: list[Generation]) -> Start | None:
    """The first byte of the next one of these."""
    return Start(rest[0].id, rest[0].inode) if rest else None
