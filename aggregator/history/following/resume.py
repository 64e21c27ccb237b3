"""All lines of a log after an address that somebody was given once, up to where live lines begin."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from aggregator import limits
from aggregator.errors import Gone
from aggregator.history.following.closed import NOTHING, is_short, where
from aggregator.history.following.gaps import first_of
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.inode import is_older, is_unique
from aggregator.history.generation.kept import Known
from aggregator.history.generation.read import Where, holds, read_range, read_rest
from aggregator.model import Batch, File, Gap, Position
from aggregator.remote.link import Link
from aggregator.stream.proof import Place, Proof


@dataclass(frozen=True, slots=True)
class Part:
    """Lines in their order, the mtime of their file in seconds, what is missing before them, and where they lie."""

    batch: Batch
    mtime: int
    gap: Gap | None
    where: Where


class Resume:
    """Goes on after `place` through all generations up to `end` (None: to the end of the closed ones).

    `proof` is a place that the file of `end` holds: others may begin alike. A Resume that was interrupted goes on where
    it was when `parts` is called again. `gap` is what is missing before the next line.
    """

    def __init__(
        self, link: Link, place: Position, end: Position | None, known: Known, proof: Place | None = None
    ) -> None:
        self.gap: Gap | None = None
        self._link = link
        self._file: File = place.file
        self._place = place
        self._end = end
        self._proof = proof
        self._known = known
        self._at: Place | None = None  # None until `place` was found
        self._last = place  # where the last line ended that was given out, or that one itself
        self._mtime = known.since if place.generation == known.generation_before else 0  # of the file that `at` is in
        self._done: set[str] = set()  # inodes of files that were given out
        self._read = {place.generation: place.offset}  # by generation, up to where
        self._misses = 0

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Raises HostError, and Gone while the files are being moved: to be called again then."""
        found = await generations(self._link, self._file, self._mtime)
        stop, whole = await self._stop(found)
        begin = await self._begin(found)
        if begin is None:
            begin = self._next(found[: stop + 1])
        elif begin == stop and not whole and self._end and self._at and self._at.offset > self._end.offset:
            return  # the place lies behind what is live
        for index in range(begin, stop + 1):
            one = found[index]
            if one.id is None:
                self._pass_over(one)
                continue
            if index > begin or self._at is None:
                self._at = Place(one.id, 0, NOTHING, one.inode)
            self._mtime = one.mtime
            reach = self._known.reach(one) if whole or index < stop or not self._end else self._end.offset
            async with aclosing(self._lines(one, self._at, reach)) as batches:
                async for batch, after in batches:
                    self._at, self._misses = after, 0
                    self._last = Position(self._file, batch.generation, batch.end)
                    self._read[batch.generation] = max(batch.end, self._read.get(batch.generation, 0))
                    gap, self.gap = self.gap, None
                    yield Part(batch, one.mtime, gap and replace(gap, end=first_of(batch)), where(one))
            self._done.add(one.inode)
        if whole and self._end and self._end.offset:
            self.lose()  # the file in which live lines begin is gone since

    def has_read(self, batch: Batch) -> bool:
        """Whether lines were given out, or stand before those that were."""
        return batch.end <= self._read.get(batch.generation, -1)

    def lose(self) -> None:
        """What comes next is missing: one gap up to the next line."""
        self.gap = self.gap or Gap(self._file, self._last, None, None, None, "rotated-away")

    async def _stop(self, found: list[Generation]) -> tuple[int, bool]:
        """The last file to read, and whether to its end. Where the file in which live lines begin is gone since, those
        that are older than it: what is newer comes live. Raises HostError, Gone."""
        now = [index for index, one in enumerate(found) if one.inode == self._known.now]
        if self._end is not None:
            holding = [index for index, one in enumerate(found) if _may_hold(one, self._end)]
            sure = [index for index in holding if index in now] if is_unique(self._known.now) else []
            holding = sure or [index for index in holding if await self._holds_end(found[index])]
            if holding:
                return next((index for index in holding if index in now), holding[-1]), False
        first_live = next((index for index, one in enumerate(found) if one.live), len(found))
        if now or not self._known.now:
            return min([*now, first_live]) - 1, True
        older = [index for index, one in enumerate(found[:first_live]) if self._is_older(one)]
        return max(older, default=-1), True

    async def _holds_end(self, one: Generation) -> bool:
        """Whether a file that may hold the place where live lines begin does. Raises HostError, Moved."""
        return self._proof is None or await holds(self._link, self._file, self._proof, where(one))

    def _is_older(self, one: Generation) -> bool:
        """Whether a file is older than the one that was followed when we began."""
        return one.mtime < self._known.opened or is_older(one.inode, self._known.now)

    async def _begin(self, found: list[Generation]) -> int | None:
        """The file that holds our place, which is `at` then; None where no file does. Raises HostError, Gone."""
        if self._at is not None:
            return await self._find_again(found, self._at)
        held = [index for index, one in enumerate(found) if _may_hold(one, self._place)]
        for index in sorted(held, key=lambda index: (found[index].inode != self._known.before, -index)):
            self._at = await self._after_line(found[index])
            if self._at:
                self._read[self._at.generation] = self._at.offset
                return index
        return None

    async def _find_again(self, found: list[Generation], at: Place) -> int | None:
        """The file of a place where we were; where it may be another that begins alike, the oldest, behind a gap."""
        place = Position(self._file, at.generation, at.offset)
        held = [
            index
            for index, one in enumerate(found)
            if _may_hold(one, place) and await holds(self._link, self._file, at, where(one))
        ]
        same = [index for index in held if found[index].inode == at.inode]
        if is_short(at) and not (same and (is_unique(at.inode) or len(held) == 1)):
            self.lose()
            same = [index for index in held if found[index].inode not in self._done]
        index = next(iter(same or held), None)
        if index is not None:
            self._at = Place(at.generation, at.offset, at.proof, found[index].inode)
        return index

    async def _after_line(self, one: Generation) -> Place | None:
        """The place after the line that was named, if a file holds that; of a mere place, the place."""
        place = self._place
        if place.checksum is None:
            return Place(place.generation, place.offset, NOTHING, one.inode)
        start = Place(place.generation, place.offset, NOTHING, one.inode)
        async with aclosing(read_rest(self._link, self._file, start, where(one))) as batches:
            async for batch, _ in batches:
                text = batch.text if batch.length is not None else batch.text[: batch.text.find(b"\n")]
                if zlib.crc32(text) != place.checksum:
                    return None
                if batch.length is not None:
                    return Place(place.generation, batch.end, NOTHING, one.inode)
                line = text + b"\n"
                return Place(place.generation, place.offset + len(line), Proof.of(line), one.inode)
        return None

    def _next(self, found: list[Generation]) -> int:
        """Our place is gone: the file to go on with, behind a gap. Raises Gone until it was looked for often enough."""
        self._misses += 1
        if self._misses < limits.LOCATE_TRIES:
            raise Gone(f"{self._file.path} on {self._file.host} does not hold the place, for now")
        self.lose()
        self._at = None
        newer = (i for i, one in enumerate(found) if one.inode not in self._done and one.mtime >= self._mtime)
        return next(newer, len(found))

    def _pass_over(self, one: Generation) -> None:
        """A file that is empty, or can't be read: then it is missing."""
        if one.unread and one.inode not in self._done:
            self.lose()
        self._done.add(one.inode)

    async def _lines(self, one: Generation, at: Place, reach: int | None) -> AsyncGenerator[tuple[Batch, Place], None]:
        """The lines of a file after a place, up to an offset or to its end."""
        if reach is None:
            async with aclosing(read_rest(self._link, self._file, at, where(one))) as rest:
                async for batch, after in rest:
                    yield batch, after
        elif reach > at.offset:
            lines = read_range(self._link, self._file, at.generation, at.offset, reach, where(one))
            async with aclosing(lines) as batches:
                async for batch in batches:
                    proof = NOTHING if batch.length is not None else Proof.of(batch.text)
                    yield batch, Place(at.generation, batch.end, proof, one.inode)


def _may_hold(one: Generation, place: Position) -> bool:
    return one.id == place.generation and (one.size is None or one.size >= place.offset)
