"""Where the next line of a log begins, and which of the log's files holds that place now.

An inode names a file for sure only where it tells the file's birth: without, as from BusyBox's stat, another file may
have the number of one that was deleted."""

from __future__ import annotations

from contextlib import aclosing

from aggregator import limits
from aggregator.history.following.closed import Ledger, is_short, where
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.inode import is_older, is_unique
from aggregator.history.generation.read import holds, read_bytes
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
        self.certain = True
        self.since = 0  # mtime of the live file when it was opened: what was last written before it is older
        self._opened = ""  # the inode of that file
        self._link = link
        self._file = file
        self._ledger = ledger

    def opened(self, header: Header) -> None:
        """The live file is being read, at our place."""
        self.since = header.mtime
        self._opened = header.inode

    async def own(self, found: list[Generation]) -> Generation | None:
        """The file that holds our place; a closed one where several do, unless the live one has all of it too.

        `certain` tells afterwards whether it can't be another that begins alike.
        """
        self.certain = True
        if self.at == ANYTHING:
            return None
        if isinstance(self.at, Start) and self.at.generation is None:
            return await self._own_blank(found)
        alike = [one for one in found if await self._holds(one)]
        own = await self._choose(alike)
        self.certain = own is None or await self._is_certain(own, alike, found)
        return own

    async def _choose(self, alike: list[Generation]) -> Generation | None:
        live = [one for one in alike if one.live]
        closed = [one for one in alike if not one.live]
        if is_unique(self.inode):
            closed.sort(key=lambda one: one.inode != self.inode)
        for one in closed:
            if not live or one.inode == self.inode or not await self._is_copy(one, live[0]):
                return one
        return next(iter(live), None)

    async def _own_blank(self, found: list[Generation]) -> Generation | None:
        """What had no line yet when it was opened: that file, or the first of its copies."""
        new = await self.new_ones([one for one in found if not one.live])
        same = next((one for one in found if one.inode == self.inode), None)
        own = next(iter(new), same or next(iter(found), None))
        if own is not same or not is_unique(self.inode):
            self.certain = (own is same and not new) or (own is not None and await self._is_kept(own, found))
        return own

    async def _is_certain(self, own: Generation, alike: list[Generation], found: list[Generation]) -> bool:
        """Whether a file that holds our place is ours: by more than a banner, or by its inode, or as the only one."""
        if isinstance(self.at, Place) and not is_short(self.at):
            return True
        if own.inode == self.inode and (is_unique(own.inode) or len(alike) == 1):
            return True
        if own.live and own.inode != self.inode:
            return False
        return len(alike) == 1 or await self._is_kept(own, found)

    async def _is_kept(self, own: Generation, found: list[Generation]) -> bool:
        """Whether ours can't have been deleted: rotation deletes the oldest first, and an older one is still there."""
        if own.kind == "plain" and all(one.inode != self.inode for one in found):
            return False
        return await self._is_some_known()

    async def is_overrun(self, between: list[Generation]) -> bool:
        """Whether the next file, known by its inode alone, may have been copied and truncated so often that the copies
        of what it held first, the oldest of those `between` ours and it, were deleted."""
        blank = self.next is not None and self.next.generation is None
        return blank and bool(between) and not await self._is_some_known()

    async def _is_some_known(self) -> bool:
        """Whether a closed file of which something was given out is still there."""
        older = [one for one in await generations(self._link, self._file) if not one.live]
        return len(await self.new_ones(older)) < len(older)

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

    async def is_next(self, one: Generation, found: list[Generation]) -> bool:
        """Whether a file is the one after that of our place, which was given out: with another inode only when it is a
        closed one, and none of those found begins alike."""
        if self.next is None or self.next.generation not in (None, one.id):
            return False
        if one.inode == self.next.inode:
            return self.next.generation is not None or is_unique(one.inode)
        alike = [other for other in found if other.id == one.id]
        return self.next.generation is not None and not one.live and alike == [one]

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
