"""Reads a log from the past to the present."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

from aggregator.history.reading.entry import Grouper, LineSplitter, Place, hint_of
from aggregator.history.reading.log import Hits, Log
from aggregator.history.reading.mark import Mark, locate
from aggregator.history.reading.select import Hit


async def forward(log: Log, mark: Mark) -> Hits:
    """What is wanted of a log from a mark on, oldest first. Raises HostError, Gone."""
    slices = log.slices
    index, start = locate(slices, mark.place, log.file, backward=False) if mark.place else (0, None)
    previous = None if mark.key is None else mark.key + int(log.offset * 1e6)
    grouper, splitter = _grouper(log, mark, index, start), LineSplitter(log.zone, previous)
    selector, misses = log.selector(mark.key), log.wanted.misses
    at = mark
    for number in range(index, len(slices)):
        piece = slices[number]
        if number > index and not log.joins(number):
            hits = selector.select_all(grouper.finish())
            yield hits, replace(at, key=selector.key)
            grouper = Grouper("drop")
        begin = start if number == index and start is not None else piece.start
        async with aclosing(log.lines(piece, begin, None)) as batches:
            async for batch in batches:
                entries = grouper.feed(splitter.split(batch, piece.one, misses))
                hits = selector.select_all(entries)
                _leave_out(hits, mark)
                place = grouper.pending or Place(batch.generation, batch.end, hint_of(piece.one))
                at = Mark(place, key=selector.key, loose=grouper.loose)
                yield hits, at
                await asyncio.sleep(0)
    hits = selector.select_all(grouper.finish())
    _leave_out(hits, mark)
    yield hits, replace(at, key=selector.key, done=True)


def _grouper(log: Log, mark: Mark, index: int, start: int | None) -> Grouper:
    if mark.loose:
        return Grouper("loose")
    return Grouper("join" if log.begins(index, start) else "drop")


def _leave_out(hits: list[Hit], mark: Mark) -> None:
    """Lines of the hit at the mark that were given before are not given again."""
    if mark.skip and mark.place and hits and hits[0].head.same(mark.place):
        hits[0].given = mark.skip
