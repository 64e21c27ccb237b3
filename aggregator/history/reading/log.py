"""One log as a reader of history sees it: its slices, and what is looked for in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import tzinfo

from aggregator.history.generation.read import Where, read_bytes
from aggregator.history.generation.seam import Batches, redacted
from aggregator.history.generation.span import batches_of
from aggregator.history.reading.mark import Mark
from aggregator.history.reading.seats import Seats
from aggregator.history.reading.select import Chooser, Hit, Selector, Wanted
from aggregator.history.reading.tally import Tally
from aggregator.history.scanning.scan import scan
from aggregator.history.seeking.seek import Slice
from aggregator.model import File
from aggregator.remote.link import Link
from aggregator.stream.lines import Cutter
from aggregator.stream.literal import Literal

Hits = AsyncGenerator[tuple[list[Hit], Mark], None]  # in the order of giving out, and where reading goes on after them


class Steps:
    """Tells how much more was read, where it is told how much was read so far."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._before = 0

    def __call__(self, so_far: int) -> None:
        self._told(so_far - self._before)
        self._before = so_far


@dataclass(frozen=True, slots=True)
class Log:
    """A file and the slices of it that may hold what is `wanted`, oldest first. `offset` is the host's clock minus ours
    in seconds; `scanned` is told the bytes that were read, `note` what went another way than usual; `room` are the
    bytes of memory that hits may take at once. `seats` are those of its host. With a `tally`, what is wanted is counted
    and not given out. `page` are the lines of it that will be taken, about (None: all).
    """

    link: Link
    file: File
    zone: tzinfo
    offset: float
    slices: list[Slice]
    wanted: Wanted
    scanned: Callable[[int], None]
    note: Callable[[str], None]
    room: int
    seats: Seats
    tally: Tally | None = None
    page: int | None = None

    def selector(self, key: int | None = None) -> Chooser:
        if self.tally:
            return self.tally.counter(self.file.host, self.wanted)
        return Selector(self.file, self.wanted, self.offset, key)

    @property
    def crosses(self) -> bool:
        """Whether what is secret in a line may depend on the other lines of its record."""
        return self.wanted.redactor is not None and self.wanted.redactor.crosses

    def lines(self, piece: Slice, start: int, end: int | None) -> Batches:
        """The lines from one beginning of a line to another, or to the slice's end. Raises HostError, Gone."""
        return self._shown(piece, self._scan(piece, start, end, ()))

    def sifted(self, piece: Slice, start: int, end: int | None, literal: Literal) -> Batches:
        """Of these the lines that hold a literal, and some around each. Raises HostError, Gone."""
        return self._shown(piece, self._scan(piece, start, end, (literal,)))

    def near(self, piece: Slice, start: int, end: int | None) -> Batches:
        """As `lines`, for a few, while a search of the same file goes on; these bytes are counted there. Raises
        HostError, Gone."""
        return self._shown(piece, self._near(piece, start, end), lambda at: self._near(piece, at, end))

    def lines_from(self, piece: Slice, start: int, end: int, *, near: bool = False) -> Batches:
        """The lines that begin between `start`, which may be within one, and `end`; `near` as there. Raises HostError,
        Gone."""
        batches = self._lines_from(piece, start, end, count=not near)
        return self._shown(piece, batches, lambda at: self._near(piece, at, end))

    def _shown(self, piece: Slice, batches: Batches, again: Callable[[int], Batches] | None = None) -> Batches:
        """Batches with what is secret in them, where anybody looks at their text."""
        wanted = self.wanted.filter
        if self.wanted.redactor is None or (self.tally and not (wanted.grep or wanted.exclude)):
            return batches
        one = piece.one
        return redacted(self.link, batches, Where(one.name, one.kind, one.inode), self.wanted.redactor, again)

    def _near(self, piece: Slice, start: int, end: int | None) -> Batches:
        stop = piece.end if end is None else end
        if not piece.one.live and stop == piece.one.size:
            stop = None
        return batches_of(self.link, piece.one, self.file, start, stop)

    async def _scan(self, piece: Slice, start: int, end: int | None, literals: Sequence[Literal]) -> Batches:
        stop = piece.end if end is None else end
        if not piece.one.live and (piece.one.kind != "plain" or stop == piece.one.size):
            stop = None  # a last line without its newline counts, too
        part = replace(piece, start=start, end=stop)
        scanned = scan(self.link, self.file, part, literals, Steps(self.scanned), self.note)
        async with self.seats.taken(), aclosing(scanned) as batches:
            async for batch, _ in batches:
                if end is None or batch.end <= end:
                    yield batch
                    continue
                if batch.start < end:
                    yield replace(batch, text=batch.text[: end - batch.start], end=end)
                return

    def begins(self, index: int, start: int | None) -> bool:
        """Whether a place in a slice (None: where it starts) is the log's very beginning."""
        return self.slices[index].first and not start

    def joins(self, index: int) -> bool:
        """Whether a slice goes on where the one before it ends."""
        before, this = self.slices[index - 1], self.slices[index]
        return this.start == 0 and (before.end is None or before.end == before.one.size)

    async def _lines_from(self, piece: Slice, start: int, end: int, *, count: bool) -> Batches:
        one = piece.one
        cutter = Cutter(self.file, one.id, start, skip=True)
        where = Where(one.name, one.kind, one.inode)
        async with aclosing(read_bytes(self.link, self.file, one.id, start, end, where)) as chunks:
            async for data in chunks:
                if count:
                    self.scanned(len(data))
                for batch in cutter.feed(data):
                    yield batch
        if end == one.size and not one.live:
            for batch in cutter.finish():
                yield batch
