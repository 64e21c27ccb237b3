"""Logs of the past as files, with rotation and all that makes their times hard to tell; and a plain reading of them."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from local import LocalTransport

from aggregator.history.seeking.seek import Slice
from aggregator.metrics import Metrics
from aggregator.model import File, Host, SshOptions
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.stream.reader import LineReader

Stamp = Callable[[float, tzinfo], str]
PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}
OPENERS = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress}


def iso(time: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def local(time: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time, zone).strftime("%Y-%m-%d %H:%M:%S,%f")


def bsd(time: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time, zone).strftime("%b %e %H:%M:%S") + " host app[1]:"


@dataclass(slots=True)
class OldLog:
    """A log that ends at `end` (seconds since the epoch). Lines are `width` bytes or so."""

    path: Path
    rng: random.Random
    zone: tzinfo
    stamp: Stamp = iso
    disorder: float = 0.0  # seconds that a stamp may be older than one before it
    runs: int = 0  # lines without a stamp in a row, at most
    width: int = 200
    texts: list[tuple[Path, bytes, int]] = field(default_factory=list)  # file, its text, its mtime; oldest first

    def lines(self, start: float, end: float, count: int) -> bytes:
        """So many stamped lines with stamps between two times, and some without between them."""
        times = sorted(self.rng.uniform(start, end) for _ in range(count))
        latest = start
        late = 0.0
        found = []
        for time in times:
            latest = max(latest, time)
            if self.rng.random() < 0.05:
                late = self.rng.choice((0.0, self.disorder))
            found.append(f"{self.stamp(latest - late, self.zone)} {self._words()}\n")
            if self.runs and self.rng.random() < 0.2:
                found += [f"  at {self._words()}\n" for _ in range(self.rng.randint(1, self.runs))]
        return "".join(found).encode()

    def _words(self) -> str:
        return f"n={self.rng.random()} " + "x" * self.rng.randint(0, self.width)

    def put(self, texts: Sequence[tuple[bytes, float, str | None]]) -> None:
        """Write generations, oldest first: text, mtime and how it is compressed; the last one is live."""
        for number, (text, mtime, packed) in enumerate(reversed(texts)):
            name = self.path.name + (f".{number}" if number else "") + (f".{packed}" if packed else "")
            file = self.path.with_name(name)
            file.write_bytes(PACKERS[packed](text) if packed else text)
            os.utime(file, (mtime, mtime))
            self.texts.insert(0, (file, text, int(mtime)))

    def plain(self, reader: LineReader) -> list[tuple[str, int, int, int]]:
        """All lines as they are read from the log's beginning: file, offset, end, time of their record (µs)."""
        found: list[tuple[str, int, int, int | None]] = []
        time: int | None = None
        stamped = False
        for file, text, mtime in self.texts:
            offset = 0
            for line in text.splitlines(keepends=True):
                stamps = reader.stamps(line if line.endswith(b"\n") else line + b"\n", float(mtime))
                if stamps:
                    time, stamped = stamps[0][1], True
                found.append((str(file), offset, offset + len(line), time if stamped else None))
                offset += len(line)
        first = next((time for *_, time in found if time is not None), None)
        mtimes = {str(file): mtime * 1_000_000 for file, _, mtime in self.texts}
        return [
            (name, offset, end, time if time is not None else mtimes[name] if first is None else first)
            for name, offset, end, time in found
        ]


def held(slices: Sequence[Slice], name: str, offset: int, end: int) -> bool:
    """Whether a line lies in one of the slices."""
    return any(one.one.name == name and one.start <= offset and (one.end is None or end <= one.end) for one in slices)


def within(slices: Sequence[Slice], log: OldLog) -> OldLog:
    """What the slices hold, as a log."""
    texts = {str(file): (text, mtime) for file, text, mtime in log.texts}
    found = OldLog(log.path, log.rng, log.zone)
    for one in slices:
        text, mtime = texts[one.one.name]
        found.texts.append((Path(one.one.name), text[one.start : one.end], mtime))
    return found


@asynccontextmanager
async def link_here(transport: LocalTransport) -> AsyncIterator[Link]:
    """The way to a machine without SSH."""
    async with asyncio.TaskGroup() as tasks:
        links = Links(transport, tasks, Metrics(), lambda link: None)
        link = links.link(Host("here", "127.0.0.1", SshOptions(), {}))
        try:
            async with link.hold():
                yield link
        finally:
            await links.close()
            await transport.end()


def file_of(path: Path) -> File:
    return File("here", "app", str(path))
