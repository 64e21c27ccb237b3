"""Where the next line of a log begins, and which of the log's files holds that place now."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from aggregator import limits
from aggregator.history.closed import Ledger, is_older, is_short, is_unique, where
from aggregator.history.files import Generation
from aggregator.history.read import holds, read_bytes
from aggregator.model import File, Position
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.stream.proof import Place, Proof, Start

ANYTHING = Start(None, "")  # nothing of what was followed is left: whatever comes next


class Whereabouts:
    """`at` is the place of the next line, None before the first opening. `next` is what comes after the generation of
    `at`, known only once that one was given out up to its end."""

    def __init__(self, link: Link, file: File, ledger: Ledger) -> None:
        self.at: Place | Start | None = None
        self.next: Start | None = None
        self.since = 0  # mtime of the live file when it was opened: what was last written before it is older
        self._opened = ""  # the inode of that file
        self._trusted = 0.0  # event loop time until which an inode alone tells `next`
        self._link = link
        self._file = file
        self._ledger = ledger

    def opened(self, header: Header) -> None:
        """The live file is being read, at our place."""
        self.since = header.mtime
        self._opened = header.inode

    async def own(self, found: list[Generation]) -> Generation | None:
        """The file that holds our place; a closed one where several do, unless the live one has all of it too."""
        if self.at == ANYTHING:
            return None
        if isinstance(self.at, Start) and self.at.generation is None:
            return await self._own_blank(found)
        live = [one for one in found if one.live and await self._holds(one)]
        closed = [one for one in found if not one.live and await self._holds(one)]
        for one in sorted(closed, key=lambda one: one.inode != self.inode):
            if not live or one.inode == self.inode or not await self._is_copy(one, live[0]):
                return one
        return next(iter(live), None)

    async def _own_blank(self, found: list[Generation]) -> Generation | None:
        """What had no line yet when it was opened: that file, or the first of its copies. Where it has another inode
        now, as after compression, an older generation that is still there shows that it can't be gone."""
        closed = [one for one in found if not one.live]
        new = await self.new_ones(closed)
        own = next((one for one in found if one.inode == self.inode), None)
        if own is None and len(new) == len(closed):
            return None
        return next(iter(new), own or next((one for one in found if one.live), None))

    @property
    def inode(self) -> str:
        return self.at.inode if self.at else ""

    async def _holds(self, one: Generation) -> bool:
        """Whether a file may be the one of our place: the same first line, the same bytes before the place."""
        at = self.at
        if at is None:
            return one.live
        if isinstance(at, Start):
            return one.id == at.generation and (
                one.live or one.inode == at.inode or await self._ledger.find(one) is None
            )
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
            return isinstance(self.at, Place) and not is_short(self.at) and live.inode == self.inode
        if one.id is None or one.id != live.id or live.size is None or live.size < one.size:
            return False
        start = max(0, one.size - limits.PROOF_BYTES)
        data = b""
        async with aclosing(read_bytes(self._link, self._file, one.id, start, one.size, where(one))) as chunks:
            async for part in chunks:
                data += part
        return await holds(self._link, self._file, Place(one.id, one.size, Proof.of(data), ""), where(live))

    def follows(self, inode: str) -> None:
        """The host says which file comes after the one of our place, of which nothing is left unread."""
        self.next = Start(None, inode)
        self._trusted = asyncio.get_running_loop().time() + limits.INODE_TRUST

    def lost_sight(self) -> None:
        """The connection was lost: from now on another file may have the number of one that was deleted."""
        self._trusted = 0.0

    async def is_next(self, one: Generation) -> bool:
        """Whether a file is the one after that of our place, which was given out."""
        if self.next is None or self.next.generation not in (None, one.id):
            return False
        if one.inode == self.next.inode:
            sure = self.next.generation is not None or is_unique(one.inode)
            return sure or asyncio.get_running_loop().time() < self._trusted
        return self.next.generation is not None and await self._ledger.find(one) is None

    async def new_ones(self, closed: list[Generation]) -> list[Generation]:
        """The closed generations that were not there when we last looked, and of which nothing was given out."""
        new: list[Generation] = []
        for one in closed:
            if await self._ledger.find(one) is not None:
                new.clear()
            elif one.mtime >= self.since and not is_older(one.inode, self._opened):
                new.append(one)
        return new

    def first_missing(self) -> Position | None:
        """Where what is missing begins; None when that is not known."""
        match self.next or self.at:
            case Place(generation, offset) if generation:
                return Position(self._file, generation, offset)
            case Start(str() as generation, _):
                return Position(self._file, generation, 0)
            case _:
                return None
