"""The lines between two addresses of one log, through all of its generations."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Fault, Gone, UsageError
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.kept import NOTHING_KNOWN, Known
from aggregator.history.generation.read import Where, read_range, read_rest
from aggregator.history.generation.seam import look_back, wonders
from aggregator.model import Batch, File, Position
from aggregator.remote.link import Link
from aggregator.stream import positions
from aggregator.stream.proof import Place, Proof
from aggregator.stream.reader import LineReader
from aggregator.stream.records import Line

_NOTHING = Proof.of(b"")


@dataclass(frozen=True, slots=True)
class Span:
    """Some lines in their order, the address of the next one (None: there is none before the end), and what it cost."""

    lines: list[Line]
    cursor: Position | None
    scanned: int


async def read_span(
    link: Link,
    start: Position,
    end: Position,
    limit: int,
    reader: Callable[[], LineReader],
    wanted: Callable[[list[Line]], list[Line]],
) -> Span:
    """At most `limit` lines from `start` (included) to `end` (excluded) that `wanted` lets pass; fewer, with a cursor,
    when they take much memory or much was read for them. `reader` is called once the host was reached. Raises
    HostError, UsageError, and Gone when a generation between is no longer there."""
    lines: list[Line] = []
    scanned = size = 0
    read: LineReader | None = None
    looked = False
    while True:
        async with aclosing(batches_between(link, start, end, ended=True)) as batches:
            async for batch, one in batches:
                read = read or reader()
                if not looked and wonders(read, batch):
                    looked = True
                    break
                scanned += batch.end - batch.start
                found = wanted(read.read(batch, at=float(one.mtime), history=True))
                lines += found
                size += sum(min(line.size, limits.LINE_BYTES) + limits.LINE_COST for line in found)
                if len(lines) > limit:
                    return Span(lines[:limit], positions.decode(lines[limit].record.position), scanned)
                if size > limits.PAGE_BYTES or scanned > limits.PAGE_SCAN:
                    return Span(lines, Position(start.file, batch.generation, batch.end), scanned)
            else:
                return Span(lines, None, scanned)
        await look_back(link, batch, Where(one.name, one.kind, one.inode), read, reader)


async def batches_between(
    link: Link, start: Position, end: Position | None, known: Known = NOTHING_KNOWN, *, ended: bool = False
) -> AsyncGenerator[tuple[Batch, Generation], None]:
    """The lines from one address (included) to another (excluded), or to the end of the closed generations (None). Of
    closed generations in between no more than was given out live, which is `known`. `ended`: see `generations`.

    Raises HostError, UsageError for the wrong order, and Gone when a generation is not there, when the line at `start`
    is another than the one that was named, or when the files change meanwhile.
    """
    found = await generations(link, start.file, ended=ended)
    begin = await begin_of(link, found, start, known.before)
    stop = _index(found, end, known.now)[0] if end else next((i for i, one in enumerate(found) if one.live), len(found))
    if end and (begin, start.offset) > (stop, end.offset):
        raise UsageError(Fault("to", "this position comes before `from`"))
    for index in range(begin, stop + 1 if end else stop):
        one = found[index]
        offset = start.offset if index == begin else 0
        reach = end.offset if end and index == stop else known.reach(one)
        if reach is not None and reach <= offset:
            continue
        async with aclosing(batches_of(link, one, start.file, offset, reach)) as lines:
            async for batch in lines:
                yield batch, one


async def oldest(link: Link, file: File) -> str | None:
    """The oldest generation that is still there. Raises HostError."""
    return next((one.id for one in await generations(link, file) if one.id is not None), None)


async def begin_of(link: Link, found: Sequence[Generation], start: Position, likely: str = "") -> int:
    """The generation whose line at an address is the one that was named. Raises Gone."""
    for index in _index(found, start, likely):
        one = found[index]
        if start.checksum is None:
            return index
        async with aclosing(batches_of(link, one, start.file, start.offset, None)) as batches:
            async for batch in batches:
                text = batch.text if batch.length is not None else batch.text[: batch.text.find(b"\n")]
                if zlib.crc32(text) == start.checksum:
                    return index
                break
    raise Gone(f"{start.file.path} on {start.file.host} holds another line there now")


def _index(found: Sequence[Generation], place: Position, likely: str) -> list[int]:
    """The generations that may hold an address: the file with the inode `likely` first, then plain and long ones, as a
    copy may be cut short. Raises Gone."""
    held = [
        index
        for index, one in enumerate(found)
        if one.id == place.generation and (one.size is None or one.size >= place.offset)
    ]
    if not held:
        raise Gone(f"what {place.file.path} on {place.file.host} held there is gone")
    return sorted(held, key=lambda index: _rank(found[index], likely))


async def batches_of(
    link: Link, one: Generation, file: File, begin: int, stop: int | None
) -> AsyncGenerator[Batch, None]:
    """The lines of one generation from one offset to another, or to its end. Raises HostError, Gone."""
    where = Where(one.name, one.kind)
    if one.id is None:
        return
    if stop is not None:
        async with aclosing(read_range(link, file, one.id, begin, stop, where)) as lines:
            async for batch in lines:
                yield batch
        return
    place = Place(one.id, begin, _NOTHING, one.inode)
    async with aclosing(read_rest(link, file, place, where)) as rest:
        async for batch, _ in rest:
            yield batch


def _rank(one: Generation, likely: str) -> tuple[bool, bool, int]:
    return one.inode != likely, one.kind != "plain", -(one.size or 0)
