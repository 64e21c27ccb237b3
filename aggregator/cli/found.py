"""Lines that a search finds, printed while they come, or the newest last."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import IO, Protocol

from aggregator.cli.printing import printed
from aggregator.cli.progress import wipe
from aggregator.cli.terminal import Painter, wants_colour
from aggregator.pages import Page
from aggregator.pastquery import PastQuery
from aggregator.stream.records import LineRecord, encode

Take = Callable[[Sequence[LineRecord]], Awaitable[bool]]  # lines in the order of reading; false: no more is wanted


class Source(Protocol):
    """Where lines come from."""

    async def read(self, query: PastQuery, take: Take, *, late: bool) -> Page:
        """Have all lines taken, in the order of reading; with `late` those of slow hosts may come after their place.
        The page is the end: without lines."""
        ...


class Printer:
    """Lines to standard output. `count` are those that were printed."""

    def __init__(self, output: str, environ: Mapping[str, str]) -> None:
        self.count = 0
        self._json = output == "json"
        self._painter = Painter(colour=wants_colour(sys.stdout, environ))

    def text(self, lines: Sequence[LineRecord]) -> str:
        self.count += len(lines)
        if self._json:
            return "".join([encode(line).decode() + "\n" for line in lines])
        return "".join(map(self._painter.paint, lines))

    async def take(self, lines: Sequence[LineRecord]) -> bool:
        """Print lines as they are."""
        text = self.text(lines)
        wipe()
        return await printed(text)


async def as_they_come(source: Source, query: PastQuery, printer: Printer, *, late: bool) -> Page:
    """Print what is found, in the order of reading."""
    return await source.read(query, printer.take, late=late)


async def newest_last(source: Source, query: PastQuery, printer: Printer) -> Page:
    """Print the newest lines, oldest first. They wait in a file without a name: memory is not for millions of them."""
    with tempfile.TemporaryFile() as file:
        ends = [0]

        async def take(lines: Sequence[LineRecord]) -> bool:
            file.write(printer.text(list(reversed(lines))).encode("utf-8", "surrogateescape"))
            ends.append(file.tell())
            return True

        page = await source.read(query, take, late=False)
        await _backward(file, ends)
        return page


async def _backward(file: IO[bytes], ends: Sequence[int]) -> None:
    """Print the parts of a file that end there, the last first."""
    for start, end in zip(reversed(ends[:-1]), reversed(ends[1:]), strict=True):
        file.seek(start)
        if not await printed(file.read(end - start).decode("utf-8", "surrogateescape")):
            return
