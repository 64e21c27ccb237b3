"""Hits of one file that wait: when it is read on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aggregator.history.reading.entry import Entry, Raw
from aggregator.history.reading.mark import START, Mark
from aggregator.history.reading.select import Hit
from aggregator.history.search.lane import Lane
from aggregator.model import File

LINES = 4  # that may wait


def hit(number: int) -> Hit:
    line = Raw("0" * 16, number * 10, 10, b"x", "x", number, 0, 0)
    return Hit(number, Entry(number, [line], line), 10, lambda _: [])


async def test_a_page_that_is_nearly_done_is_not_read_on_for() -> None:
    reads = 0

    async def found(mark: Mark) -> AsyncGenerator[tuple[list[Hit], Mark]]:
        nonlocal reads
        while True:
            reads += 1
            yield [hit(number) for number in range(LINES)], mark

    lane = Lane(File("web", "app", "/a"), START, lambda: 1 << 20, lambda _: None, lambda: LINES, backward=True)
    async with asyncio.timeout(30):
        filling = asyncio.create_task(lane.fill(found, lambda: False))
        seen = []
        for _ in range(LINES):
            for _ in range(10):  # what may happen happens
                await asyncio.sleep(0)
            seen.append((reads, len(lane.hits)))
            lane.take()
        filling.cancel()
        await asyncio.wait([filling])
    assert seen == [(1, 4), (1, 3), (1, 2), (2, 5)]
