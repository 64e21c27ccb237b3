"""Entries of which the host has found lines: those that may be wanted, each made whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from aggregator import limits
from aggregator.history.reading.entry import Entry, Grouper, LineSplitter, Place, Raw, cost
from aggregator.history.reading.log import Log
from aggregator.history.reading.reach import lines_after, lines_before
from aggregator.model import Batch
from aggregator.stream.filters import Prefilter


class Unsure(Exception):
    """What the host leaves out is needed here: all lines must be read."""


class Sifter:
    """Reads parts of a log of which the host gives only lines near those that hold the `prefilter`'s literal.

    A line that the pattern matches is always among them, so an entry none of whose visible lines does can't be wanted;
    one that is cut off where lines were left out is read on. `seen` is where that went beyond the part that was read.
    """

    def __init__(self, log: Log, prefilter: Prefilter) -> None:
        self.seen: Place | None = None
        self._log = log
        self._prefilter = prefilter
        self._loose = False
        self._mended = 0

    async def entries(self, index: int, start: int, end: int | None) -> AsyncGenerator[list[Entry], None]:
        """Entries of a slice from one offset where an entry begins to another (None: to its end), oldest first: at
        least all that may be wanted. Raises HostError, Gone, and Unsure."""
        part = _Part(self._log, index, end)
        run: _Run | None = None
        upto = start
        async with aclosing(self._lines(part, start)) as batches:
            async for batch in batches:
                if batch.end <= upto:
                    continue
                if run is None or batch.start > run.end:
                    if run:
                        found, upto = await self._finish(part, run)
                        yield found
                    run = _Run(self._grouper(part, max(batch.start, upto)), LineSplitter(self._log.zone))
                lines = [line for line in run.splitter.split(batch, part.one) if line.offset >= upto]
                run.end = batch.end
                if run.splitter.doubtful:
                    raise Unsure
                yield await self._feed(part, run, lines)
        if run:
            found, _ = await self._finish(part, run)
            yield found

    async def _lines(self, part: _Part, start: int) -> AsyncGenerator[Batch, None]:
        """What the host finds; of a log's beginning all lines, since those before its first stamp join that."""
        piece = self._log.slices[part.index]
        if self._log.begins(part.index, start) and piece.one.kind == "plain":
            stop = min(at for at in (part.end, piece.end, piece.one.size) if at is not None)
            async with aclosing(self._log.lines(piece, start, part.end)) as batches:
                async for batch in batches:
                    yield batch
                    start = batch.end
                    if start >= min(stop, limits.CHUNK_FIRST):
                        break
            if start >= stop:
                return
        async with aclosing(self._log.sifted(piece, start, part.end, self._prefilter.literal)) as sifted:
            async for batch in sifted:
                yield batch

    def _grouper(self, part: _Part, first: int) -> Grouper:
        if self._loose:
            return Grouper("loose")
        return Grouper("join" if self._log.begins(part.index, first) else "keep")

    async def _feed(self, part: _Part, run: _Run, lines: list[Raw]) -> list[Entry]:
        entries = run.grouper.feed(lines)
        if run.grouper.stamped:
            entries = [*await self._lead(part, run), *entries]
        return entries

    async def _lead(self, part: _Part, run: _Run) -> list[Entry]:
        """The entry that the lines before a run's first stamp belong to, if it may be wanted."""
        leading, run.grouper.leading = run.grouper.leading, []
        if not leading or not self._may_match(leading):
            return []
        self._mend(part)
        before = await lines_before(self._log, part.index, leading[0].offset)
        name = next((line for line in before if line.stamp is not None), None)
        if name is not None:
            return [Entry(name.stamp or 0, [*before, *leading], name)]
        if sum(map(cost, before)) <= limits.ENTRY_BYTES:
            raise Unsure  # lines before a log's first stamp
        self._loose = True
        return [Entry(line.written, [line], None) for line in leading]

    async def _finish(self, part: _Part, run: _Run) -> tuple[list[Entry], int]:
        """The last entries of a run, and where reading goes on."""
        entries = self._wanted([*await self._lead(part, run), *run.grouper.finish()])
        upto = run.end
        last = entries[-1] if entries else None  # a newline that it lacks counts as its own: it may end behind the run
        if last and last.name is not None and last.end.offset >= run.end and part.goes_on(run.end):
            self._mend(part)
            more = await lines_after(self._log, part.index, run.end)
            last.lines += more
            if more and more[-1].generation == part.one.id and more[-1].hint == part.one.hint:
                upto = more[-1].offset + more[-1].size
            elif more:
                self.seen = last.end
        return entries, upto

    def _mend(self, part: _Part) -> None:
        """An entry is read on; of compressed files that is as much work as reading all."""
        self._mended += 1
        if part.one.kind != "plain" and self._mended > limits.SIFT_MENDS:
            raise Unsure

    def _may_match(self, lines: Iterable[Raw]) -> bool:
        if self._log.crosses:
            return self._prefilter.may_hold(line.text for line in lines)
        return self._prefilter.may_match(line.shown for line in lines)

    def _wanted(self, entries: list[Entry]) -> list[Entry]:
        return [entry for entry in entries if self._may_match(entry.lines)]


class _Part:
    """A part of a slice up to `end`, where an entry ends; None: to the slice's end."""

    def __init__(self, log: Log, index: int, end: int | None) -> None:
        self.index = index
        self.end = end
        self.one = log.slices[index].one
        self._log = log

    def goes_on(self, offset: int) -> bool:
        """Whether an entry that reaches to an offset may have more lines."""
        if self.end is not None and offset >= self.end:
            return False
        piece = self._log.slices[self.index]
        end = piece.end if piece.end is not None else piece.one.size
        if end is None or offset < end:
            return True
        return self.index + 1 < len(self._log.slices) and self._log.joins(self.index + 1)


class _Run:
    """Lines of which none was left out between, up to the offset `end`."""

    def __init__(self, grouper: Grouper, splitter: LineSplitter) -> None:
        self.grouper = grouper
        self.splitter = splitter
        self.end = 0
