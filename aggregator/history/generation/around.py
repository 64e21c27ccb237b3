"""The neighbours of one line in its own log, going on into the generations before and after."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.read import Where, count_lines, read_back
from aggregator.history.generation.seam import look_back
from aggregator.history.generation.span import batches_of, begin_of
from aggregator.model import Batch, Position
from aggregator.remote.link import Link
from aggregator.stream import positions
from aggregator.stream.reader import LineReader
from aggregator.stream.records import Line


async def lines_around(
    link: Link, place: Position, before: int, after: int, reader: Callable[[], LineReader]
) -> list[Line]:
    """At most `before` lines before the line at `place`, that line, and at most `after` lines after it. `reader` is
    called once the host was reached. Raises HostError, and Gone when the line is no longer there."""
    found = await generations(link, place.file, ended=True)
    index = await begin_of(link, found, place)
    batches = await _before(link, found[: index + 1], place, before)
    batches += await _from(link, found[index:], place, after + 1)
    read = reader()
    lines: list[Line] = []
    for batch, one in batches:
        await look_back(link, batch, Where(one.name, one.kind, one.inode), read, reader)
        lines += read.read(batch, at=float(one.mtime), history=True)
    named = positions.encode(place)
    middle = next(i for i, line in enumerate(lines) if line.record.position.startswith(named))
    return lines[max(0, middle - before) : middle + after + 1]


async def _before(
    link: Link, found: Sequence[Generation], place: Position, lines: int
) -> list[tuple[Batch, Generation]]:
    """At least the last `lines` lines before a place, or all there are."""
    batches: list[tuple[Batch, Generation]] = []
    for one in reversed(found):
        if lines <= 0 or one.unread:
            break
        if one.id is None:
            continue
        end = place.offset if one is found[-1] else one.size
        if one.kind == "plain" and end is not None:
            read = await read_back(link, place.file, one.id, end, lines, Where(one.name), finish=not one.live)
        else:
            async with aclosing(batches_of(link, one, place.file, 0, end)) as all_of_it:
                read = await _last(all_of_it, lines)
        batches = [(batch, one) for batch in read] + batches
        lines -= sum(count_lines(batch) for batch in read)
    return batches


async def _from(link: Link, found: Sequence[Generation], place: Position, lines: int) -> list[tuple[Batch, Generation]]:
    """At least the first `lines` lines from a place on, or all there are now."""
    batches: list[tuple[Batch, Generation]] = []
    for one in found:
        start = place.offset if one is found[0] else 0
        async with aclosing(batches_of(link, one, place.file, start, one.size if one.live else None)) as rest:
            async for batch in rest:
                batches.append((batch, one))
                lines -= count_lines(batch)
                if lines <= 0:
                    return batches
    return batches


async def _last(batches: AsyncGenerator[Batch, None], lines: int) -> list[Batch]:
    """The newest batches that together hold at least `lines` lines."""
    kept: deque[Batch] = deque()
    held = 0
    async for batch in batches:
        kept.append(batch)
        held += count_lines(batch)
        while held - count_lines(kept[0]) >= lines:
            held -= count_lines(kept.popleft())
    return list(kept)
