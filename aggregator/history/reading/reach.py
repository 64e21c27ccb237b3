"""The lines just before or after a place in a log, up to one with a stamp."""

from __future__ import annotations

from contextlib import aclosing

from aggregator import limits
from aggregator.history.reading.entry import LineSplitter, Raw, cost
from aggregator.history.reading.log import Log


async def lines_after(log: Log, index: int, offset: int) -> list[Raw]:
    """The lines without a stamp from a place in a slice on, also in those that go on where it ends; at most about
    `limits.ENTRY_BYTES`. Raises HostError, Gone."""
    found: list[Raw] = []
    size = 0
    for number in range(index, len(log.slices)):
        piece = log.slices[number]
        if number > index and not log.joins(number):
            break
        splitter = LineSplitter(log.zone)
        async with aclosing(log.near(piece, offset if number == index else piece.start, None)) as batches:
            async for batch in batches:
                for line in splitter.split(batch, piece.one):
                    if line.stamp is not None or size > limits.ENTRY_BYTES:
                        return found
                    found.append(line)
                    size += cost(line)
    return found


async def lines_before(log: Log, index: int, offset: int) -> list[Raw]:
    """The lines before a place in a slice from the last one with a stamp on, also in those that it goes on from, with
    those that join it at the log's beginning; about `limits.ENTRY_BYTES` of lines without a stamp, where there is none
    so near. Raises HostError, Gone."""
    found: list[Raw] = []
    end: int | None = offset
    while index >= 0:
        piece = log.slices[index]
        size = limits.CHUNK_FIRST
        while end is None or end > piece.start:
            lines = await _lines_to(log, index, end, size)
            stamped = max((at for at, line in enumerate(lines) if line.stamp is not None), default=None)
            if stamped is not None:
                return [*await _leading(log, index, lines[stamped]), *lines[stamped:], *found]
            found = [*lines, *found]
            if sum(map(cost, found)) > limits.ENTRY_BYTES:
                return found
            if lines:
                end = lines[0].offset
            elif piece.one.kind != "plain":
                end = piece.start
            size *= 4
        if index == 0 or not log.joins(index):
            return found
        index, end = index - 1, None
    return found


async def _leading(log: Log, index: int, line: Raw) -> list[Raw]:
    """The lines before a log's first stamp, which join the line that has it; none before any other line."""
    if not log.begins(index, 0) or not 0 < line.offset <= limits.ENTRY_BYTES:
        return []
    found: list[Raw] = []
    splitter = LineSplitter(log.zone)
    async with aclosing(log.near(log.slices[index], 0, line.offset)) as batches:
        async for batch in batches:
            found += splitter.split(batch, log.slices[index].one)
    return found if all(one.stamp is None for one in found) else []


async def _lines_to(log: Log, index: int, end: int | None, size: int) -> list[Raw]:
    """Lines up to a place in a slice; of a compressed one those of its last entry."""
    piece = log.slices[index]
    splitter = LineSplitter(log.zone)
    stop = next((at for at in (end, piece.end, piece.one.size) if at is not None), None)
    if piece.one.kind == "plain" and stop is not None and stop - size > piece.start:
        batches = log.lines_from(piece, stop - size, stop, near=True)
    else:
        batches = log.near(piece, piece.start, end)
    kept: list[Raw] = []
    async with aclosing(batches):
        async for batch in batches:
            lines = splitter.split(batch, piece.one)
            stamped = max((at for at, line in enumerate(lines) if line.stamp is not None), default=None)
            kept = [*kept, *lines] if stamped is None else lines[stamped:]
            while sum(map(cost, kept)) > 2 * limits.ENTRY_BYTES:
                kept = kept[len(kept) // 2 :]
    return kept
