"""The lines between two addresses of one log, through all of its generations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from aggregator.errors import Fault, Gone, UsageError
from aggregator.history.files import Generation, generations
from aggregator.history.read import Where, read_range, read_rest
from aggregator.model import Batch, Position
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
    """At most `limit` lines from `start` (included) to `end` (excluded) that `wanted` lets pass. `reader` is called
    once the host was reached. Raises HostError, UsageError, and Gone when a generation between is no longer there."""
    lines: list[Line] = []
    scanned = 0
    source = await _segments(link, start, end)
    first = True
    read: LineReader | None = None
    for one, begin, stop in source:
        async with aclosing(_batches(link, one, start, begin, stop)) as batches:
            async for batch in batches:
                read = read or reader()
                scanned += batch.end - batch.start
                found = read.read(batch, at=float(one.mtime), history=True)
                if first:
                    _check(found[0], start)
                    first = False
                lines += wanted(found)
                if len(lines) > limit:
                    return Span(lines[:limit], positions.decode(lines[limit].record.position), scanned)
    return Span(lines, None, scanned)


async def _segments(link: Link, start: Position, end: Position) -> list[tuple[Generation, int, int | None]]:
    """The generations from one address to the other, each with the offsets between which it is read."""
    found = await generations(link, start.file)
    begin = _index(found, start)
    stop = _index(found, end)
    if (begin, start.offset) > (stop, end.offset):
        raise UsageError(Fault("to", "this position comes before `from`"))
    return [
        (one, start.offset if index == begin else 0, end.offset if index == stop else None)
        for index, one in enumerate(found[begin : stop + 1], begin)
        if one.id is not None
    ]


def _index(found: list[Generation], place: Position) -> int:
    """The generation that holds an address: the longest one that begins like it, as a copy may be cut short."""
    held = [
        i for i, one in enumerate(found) if one.id == place.generation and (one.size or place.offset) >= place.offset
    ]
    if not held:
        raise Gone(f"what {place.file.path} on {place.file.host} held there is gone")
    return max(held, key=lambda index: (found[index].kind == "plain", found[index].size or 0))


async def _batches(
    link: Link, one: Generation, start: Position, begin: int, stop: int | None
) -> AsyncGenerator[Batch, None]:
    where = Where(one.name, one.kind)
    if one.id is None:
        return
    if stop is not None:
        async for batch in read_range(link, start.file, one.id, begin, stop, where):
            yield batch
        return
    place = Place(one.id, begin, _NOTHING, one.inode)
    async with aclosing(read_rest(link, start.file, place, where)) as rest:
        async for batch, _ in rest:
            yield batch


def _check(line: Line, start: Position) -> None:
    """The line at the first address must be the one that was named. Raises Gone."""
    if start.checksum is not None and line.record.position != positions.encode(start):
        raise Gone(f"{start.file.path} on {start.file.host} holds another line there now")
