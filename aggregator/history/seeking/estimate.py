"""About how much a log holds for each of some stretches of time, without reading it: from few of its lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aggregator import limits
from aggregator.history.generation.read import Moved
from aggregator.history.seeking.marks import Marks
from aggregator.history.seeking.seek import Seek, listed, moving
from aggregator.history.seeking.timeline import Piece
from aggregator.history.seeking.times import TimesCache
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.stream.reader import LineReader


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many bytes of lines, and how many lines, lie in each bucket."""

    bytes: list[int]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class _Point:
    """Where in a log, in bytes from its beginning, which time is reached; `rate` is the bytes of a line there."""

    at: int
    time: int
    rate: float


async def estimate(
    link: Link,
    file: File,
    reader: Callable[[], LineReader],
    edges: Sequence[int],
    cache: TimesCache,
    *,
    retention: int | None = None,
) -> Estimate:
    """What lies between each two neighbours of `edges`, two or more ascending times in microseconds since the epoch.
    Compressed generations are spread evenly up to the next one's beginning; a log without stamps lies where its mtimes
    are. `reader` and `retention` as for `slices`. Raises HostError."""
    async with link.hold():
        await link.reached()
        for _ in range(limits.LISTINGS):
            try:
                log = await listed(link, file, reader, cache, retention)
                marks = await Seek(link, file, reader, log).survey(edges[0], edges[-1])
                return _spread(list(_points(log, marks)), edges)
            except Moved:
                continue
            finally:
                cache.trim()
    raise moving(file)


def _points(log: Sequence[Piece], marks: Marks) -> Iterator[_Point]:
    """The known times of a log, never going back; its beginning and its end have those of the nearest ones."""
    starts = [0]
    for piece in log:
        starts.append(starts[-1] + piece.facts.size)
    if not marks:
        for start, piece in zip(starts, log, strict=False):
            yield _Point(start, piece.one.mtime * 1_000_000, limits.USUAL_LINE)
            yield _Point(start + piece.facts.size, piece.one.mtime * 1_000_000, limits.USUAL_LINE)
        return
    time: int | None = None
    rate = limits.USUAL_LINE
    for (index, first), sample in marks.all():
        if time is None:
            yield _Point(0, sample.low, sample.rate)
        time = sample.low if time is None else max(time, sample.low)
        yield _Point(starts[index] + first, time, sample.rate)
        time, rate = max(time, sample.high), sample.rate
    if time is not None:
        yield _Point(starts[-1], time, rate)


def _spread(points: Sequence[_Point], edges: Sequence[int]) -> Estimate:
    """The bytes between two points evenly over the time between them."""
    sizes = [0.0] * (len(edges) - 1)
    lines = [0.0] * (len(edges) - 1)
    for left, right in pairwise(points):
        size = max(0, right.at - left.at)
        for bucket, part in _parts(left.time, right.time, edges):
            sizes[bucket] += size * part
            lines[bucket] += size * part / left.rate
    return Estimate([round(size) for size in sizes], [round(count) for count in lines])


def _parts(start: int, end: int, edges: Sequence[int]) -> Iterator[tuple[int, float]]:
    """The buckets that [start, end) lies in, each with its part of that; an instant lies in one."""
    if start >= edges[-1] or end < edges[0]:
        return
    bucket = max(0, bisect_right(edges, start) - 1)
    if end <= start:
        if start >= edges[0]:
            yield bucket, 1.0
        return
    while bucket < len(edges) - 1 and edges[bucket] < end:
        part = min(end, edges[bucket + 1]) - max(start, edges[bucket])
        yield bucket, part / (end - start)
        bucket += 1
