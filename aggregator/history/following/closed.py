"""What was given out of a log's closed generations, and which of its files that is now."""

from __future__ import annotations

from collections import deque
from contextlib import aclosing
from dataclasses import dataclass

from aggregator import limits
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Where, holds, read_rest
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.stream.proof import Place, Proof

NOTHING = Proof.of(b"")


@dataclass(slots=True, eq=False)
class Closed:
    """A generation up to `end`. It is looked at again, at `due` (event loop's time), for late writes.

    `partial` tells that a line without its newline stands after `end`; `mtime` is what the file had, in seconds.
    """

    end: Place
    mtime: int
    partial: bool = False
    looks: int = 0
    due: float | None = None


def where(one: Generation) -> Where:
    return Where(one.name, one.kind, one.inode)


def is_short(place: Place) -> bool:
    """Whether all bytes before a place are in its proof, so that they may be a mere banner."""
    return place.offset <= limits.PROOF_BYTES


class Ledger:
    """The closed generations of one log that were given out, the newest of them last."""

    def __init__(self, link: Link, file: File) -> None:
        self._link = link
        self._file = file
        self.closed: deque[Closed] = deque(maxlen=limits.GENERATIONS)

    async def find(self, one: Generation) -> Closed | None:
        """What was given out of this file. Raises HostError, Moved.

        The same inode first. Another one only of a compressed file, and where that can't be a generation that begins
        alike: behind more than a banner, or no longer than what was given out.
        """
        for closed in sorted(self.closed, key=lambda closed: closed.end.inode != one.inode):
            same, end = one.inode == closed.end.inode, closed.end
            if not same and one.kind == "plain":
                return None
            if not end.generation:
                if same:
                    return closed
            elif one.id == end.generation and (one.size is None or one.size >= end.offset):
                trusted = same or not is_short(end)
                held = (trusted or one.size is None) and await holds(self._link, self._file, end, where(one))
                if held and (trusted or await self._ends(one, end)):
                    return closed
        return None

    async def _ends(self, one: Generation, end: Place) -> bool:
        """Whether nothing stands in a file after a place."""
        async with aclosing(read_rest(self._link, self._file, end, where(one))) as rest:
            async for _ in rest:
                return False
        return True

    def add(self, closed: Closed) -> None:
        self.closed.append(closed)
