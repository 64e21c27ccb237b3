"""One log as a reader of history sees it: its slices, and what is looked for in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import tzinfo

from aggregator.history.mark import Mark
from aggregator.history.read import Where, read_bytes
from aggregator.history.select import Hit, Selector, Wanted
from aggregator.history.slices import Slice
from aggregator.history.span import batches_of
from aggregator.model import Batch, File
from aggregator.remote.link import Link
from aggregator.stream.lines import Cutter

Hits = AsyncGenerator[tuple[list[Hit], Mark], None]  # in the order of giving out, and where reading goes on after them


@dataclass(frozen=True, slots=True)
class Log:
    """A file and the slices of it that may hold what is `wanted`, oldest first. `begins` tells that nothing of the log
    lies before them; `offset` is the host's clock minus ours in seconds; `scanned` is told the bytes that were read;
    `room` are the bytes of memory that hits may take at once."""

    link: Link
    file: File
    zone: tzinfo
    offset: float
    slices: list[Slice]
    begins: bool
    wanted: Wanted
    scanned: Callable[[int], None]
    room: int

    def selector(self, key: int | None = None) -> Selector:
        return Selector(self.file, self.wanted, self.offset, key)

    async def lines(self, piece: Slice, start: int, end: int | None) -> AsyncGenerator[Batch, None]:
        """The lines from one beginning of a line to another, or to the slice's end. Raises HostError, Gone."""
        stop = piece.end if end is None else end
        if stop is not None and stop == piece.one.size and not piece.one.live:
            stop = None  # a closed file's last line counts without its newline, too
        async with aclosing(batches_of(self.link, piece.one, self.file, start, stop)) as batches:
            async for batch in batches:
                self.scanned(batch.end - batch.start)
                yield batch

    async def lines_from(self, piece: Slice, start: int, end: int) -> AsyncGenerator[Batch, None]:
        """The lines that begin between `start`, which may be within one, and `end`. Raises HostError, Gone."""
        one = piece.one
        cutter = Cutter(self.file, one.id, start, skip=True)
        where = Where(one.name, one.kind, one.inode)
        async with aclosing(read_bytes(self.link, self.file, one.id, start, end, where)) as chunks:
            async for data in chunks:
                self.scanned(len(data))
                for batch in cutter.feed(data):
                    yield batch
        if end == one.size and not one.live:
            for batch in cutter.finish():
                yield batch
