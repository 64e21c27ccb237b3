"""What an earlier follower of a log left behind, as far as it is still there."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from aggregator import limits
from aggregator.history.following.closed import NOTHING, Closed, where
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.kept import Kept
from aggregator.history.generation.read import holds, read_bytes
from aggregator.model import File
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.stream.lines import generation_of
from aggregator.stream.proof import Place, Proof


@dataclass(frozen=True, slots=True)
class Recalled:
    """The closed generations to look back at, oldest first, and the inode of the file that holds the place."""

    closed: list[Closed]
    before: str


async def recall(link: Link, file: File, kept: Kept, header: Header) -> Recalled:
    """Whether the file that was opened now is the one of then; if not, which generations were closed meanwhile, and
    how far they reach: viewers that come back read them so far, what is written later is late. Raises HostError, Gone.
    """
    closed = [Closed(one.end, one.mtime, one.partial) for one in kept.ended]
    at = kept.at
    same = header.inode == at.inode and header.size >= at.offset and generation_of(header.head) == at.generation
    if same:
        return Recalled(closed, at.inode)
    found = [one for one in await generations(link, file, kept.since) if one.inode != header.inode and not one.live]
    own = await _own(link, file, found, at)
    known = {one.end.inode for one in closed}
    for one in found[found.index(own) :] if own else found:
        if one.kind == "plain" and not one.unread and one.inode not in known:
            end = await _end(link, file, one)
            if end:
                closed.append(Closed(end, one.mtime))
    return Recalled(closed, own.inode if own else at.inode)


async def _own(link: Link, file: File, found: list[Generation], at: Place) -> Generation | None:
    for one in sorted(found, key=lambda one: one.inode != at.inode):
        fits = one.id == at.generation and (one.size is None or one.size >= at.offset)
        if fits and await holds(link, file, at, where(one)):
            return one
    return None


async def _end(link: Link, file: File, one: Generation) -> Place | None:
    """The place after a closed generation's last complete line; None where that line is too long to look for."""
    size = one.size or 0
    start = max(0, size - limits.LINE_BYTES - limits.PROOF_BYTES)
    data = b""
    if size:
        async with aclosing(read_bytes(link, file, one.id, start, size, where(one))) as chunks:
            async for part in chunks:
                data += part
    end = data.rfind(b"\n") + 1
    if end == 0:
        return Place(one.id or "", 0, NOTHING, one.inode) if start == 0 else None
    if start and end < limits.PROOF_BYTES:
        return None
    return Place(one.id or "", start + end, Proof.of(data[:end]), one.inode)
