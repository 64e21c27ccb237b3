"""Time → place: which bytes of a log hold every record of a range of time, found by looking at few of its lines.

The generations of a log are one text, oldest first, of which some lines are known (samples). A place is a beginning of
the range when all samples before it are older than the range by more than `limits.STAMP_DISORDER`, an end when all
after it are newer. What lies between the last sample that is surely outside and the next one is looked at more closely,
part by part, and so is the neighbourhood that an hour repeated by a clock put back would lie in. Too much may be found;
too little only where a stamp is older than one before it by more than that and no look met it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Moved, read_bytes
from aggregator.history.seeking.alike import hints
from aggregator.history.seeking.look import look
from aggregator.history.seeking.marks import Marks, Place, Wanted
from aggregator.history.seeking.sample import before_fold
from aggregator.history.seeking.timeline import Piece, timeline
from aggregator.history.seeking.times import TimesCache
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.reader import LineReader

_SECOND = 1_000_000  # microseconds
_DAY = 86_400  # seconds
_MARGIN = int(limits.STAMP_DISORDER * _SECOND)


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes [start, end) of a generation's text, both beginnings of lines; `end` None: to its end, with a last
    line that lacks a newline (closed generations only, and all compressed ones). A generation whose text can't be
    read (`one.unread` says why) is a slice, too, if it may hold what is looked for: reading it raises. `first`
    tells that nothing of the log comes before, and that its first line may have no stamp; `bytes` are those of the
    file that reading it takes, and `beyond` about how many of them, at its end, are newer than the range, as far as
    stamps do not go back; `rate` are the bytes of a line, about; `begun` is the first stamp in its generation
    (microseconds since the epoch), where it is known: of those that begin alike, that tells them apart, also once
    they are compressed."""

    one: Generation
    start: int
    end: int | None
    first: bool = field(default=False, compare=False)
    bytes: int = field(default=0, compare=False)
    begun: int | None = field(default=None, compare=False)
    beyond: int = field(default=0, compare=False)
    rate: float = field(default=limits.USUAL_LINE, compare=False)


async def slices(
    link: Link,
    file: File,
    reader: Callable[[], LineReader],
    since: int | None,
    until: int | None,
    cache: TimesCache,
    *,
    retention: int | None = None,
) -> list[Slice]:
    """The bytes that hold every record of a log whose time lies in [since, until) (microseconds since the epoch; None:
    no bound), oldest first; what begins inside a generation begins at a line with a stamp. `retention` (days) is how
    far back closed generations are looked for. `reader` is called once the host was reached, also several times, and
    makes a reader that remembers nothing. Raises HostError."""
    async with link.hold():
        await link.reached()
        for _ in range(limits.LISTINGS):
            try:
                log = await listed(link, file, reader, cache, retention)
                return await Seek(link, file, reader, log).slices(since, until)
            except Moved:
                continue
            finally:
                cache.trim()
    raise moving(file)


def moving(file: File) -> HostError:
    """What is wrong where files are others each time that they are read."""
    return trouble("remote-error", host=file.host, detail=f"the files beside {file.path} keep changing")


async def listed(
    link: Link, file: File, reader: Callable[[], LineReader], cache: TimesCache, retention: int | None
) -> list[Piece]:
    """The generations of a log, oldest first. Raises HostError, also where there is none; Moved."""
    oldest = 0 if retention is None else int(time.time()) - retention * _DAY
    log = await timeline(link, file, reader, cache.of(file, str(reader().zone)), oldest)
    if not log:
        async with aclosing(read_bytes(link, file, None, 0, 0)) as nothing:
            async for _ in nothing:
                pass  # it raises what is wrong with the path
        raise Moved(f"{file.path} on {file.host} came meanwhile")
    return log


class Seek:
    """Looks for a range of time in one log."""

    def __init__(self, link: Link, file: File, reader: Callable[[], LineReader], log: Sequence[Piece]) -> None:
        self._link = link
        self._file = file
        self._reader = reader
        self._log = log
        self._hints = hints((piece.one.id, piece.facts.lead) for piece in log)

    async def slices(self, since: int | None, until: int | None) -> list[Slice]:
        """As the function `slices`. Raises HostError, Moved."""
        if since is not None and until is not None and since >= until:
            return []
        low = None if since is None else before_fold(since - _MARGIN, self._reader().zone)
        high = None if until is None else until + _MARGIN
        marks = await self._approach(low, high)
        if not marks and not (since is None and until is None):
            written = [each for each in self._whole() if each[1].unread or _written(each[1], since, until)]
            return [self._slice(index, one, 0, end) for index, one, end in written]
        found = self._between(marks.start(low), marks.stop(high))
        if until is not None and found:
            found[-1] = replace(found[-1], beyond=self._beyond(found[-1], marks.near(until)))
        return found

    def _beyond(self, last: Slice, until: Place) -> int:
        """How many bytes of the last slice are behind a place."""
        one = self._log[until[0]].one
        return max(0, last.end - until[1]) if last.end is not None and one.name == last.one.name else 0

    async def survey(self, since: int, until: int) -> Marks:
        """Samples all over a range, where it can be looked at, and about where it begins and ends."""
        marks = await self._approach(since, until, limits.SURVEY_ROUNDS)
        await self.look(marks.between(marks.start(since), marks.stop(until), limits.SURVEY_PARTS))
        return Marks(self._log)

    async def _approach(self, low: int | None, high: int | None, rounds: int = limits.SEEK_ROUNDS) -> Marks:
        """Look until it is known well where the range lies."""
        for _ in range(rounds):
            marks = Marks(self._log)
            wanted = marks.wanted(low, high)
            if not wanted:
                return marks
            await self.look(wanted)
        return Marks(self._log)

    async def look(self, wanted: Wanted) -> None:
        """Look at places in several generations at once. Raises HostError, Moved."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for index, places in wanted.items():
                    tasks.create_task(look(self._link, self._file, self._reader, self._log[index], places))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _between(self, start: Place, stop: Place | None) -> list[Slice]:
        """What lies between two places, generation by generation."""
        found: list[Slice] = []
        last = len(self._log) - 1 if stop is None else stop[0]
        for index, one, end in self._whole():
            begin = start[1] if index == start[0] and one.kind == "plain" else 0
            if stop is not None and index == last and (one.kind == "plain" or stop[1] == 0):
                end = stop[1]
            if start[0] <= index <= last and (end is None or begin < end):
                found.append(self._slice(index, one, begin, end))
        return found

    def _slice(self, index: int, one: Generation, begin: int, end: int | None) -> Slice:
        facts = self._log[index].facts
        stamped = facts.head is not None and facts.head.first == 0
        first = begin == 0 and not stamped and index == next((i for i, _, _ in self._whole()), 0)
        size = self._log[index].bytes
        if one.kind == "plain":
            size = (size if end is None else end) - begin
        begun = facts.head.begin if facts.head else None
        newest = facts.tail or facts.head
        rate = newest.rate if newest else limits.USUAL_LINE
        return Slice(replace(one, hint=self._hints[index]), begin, end, first, size, begun, rate=rate)

    def _whole(self) -> list[tuple[int, Generation, int | None]]:
        """The generations that have lines, or may have some: their index, and where they end."""
        return [
            (index, piece.one, piece.facts.stop if piece.one.live else None)
            for index, piece in enumerate(self._log)
            if piece.one.id is not None or piece.one.unread
        ]


def _written(one: Generation, since: int | None, until: int | None) -> bool:
    """Whether the mtime lies in a range: the time of all lines of a log without stamps."""
    mtime = one.mtime * _SECOND
    return (since is None or since <= mtime) and (until is None or mtime < until)
