"""Follows one file on its host: opens, reads, resumes after a lost connection, goes over to the next generation."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from aggregator import limits
from aggregator.errors import HostError
from aggregator.model import Batch, File, Gap, GapReason, Position
from aggregator.remote import commands
from aggregator.remote.header import Header, Truncated, read_header
from aggregator.remote.link import Link
from aggregator.remote.probe import Probe
from aggregator.remote.transport import Channel
from aggregator.stream.lines import Cutter, generation_of

_NEWS = re.compile(rb"^(?:([RMS]) (\d+)|tail: .*file truncated)$", re.MULTILINE)  # of follow.sh and of GNU tail


@dataclass(frozen=True, slots=True)
class Opened:
    """A file was opened: what the host knows of it, and whether its bytes so far are its backlog."""

    header: Header
    probe: Probe
    fresh: bool


class Sink(Protocol):
    """Where a tail's news goes; every call is synchronous and quick."""

    def opened(self, opened: Opened) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def caught_up(self) -> None: ...
    def trouble(self, error: HostError) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    def rotated(self) -> None: ...


@dataclass(slots=True)
class _Place:
    """The byte after the last complete line that was delivered."""

    generation: str
    offset: int


class _Next(Exception):
    """What was followed is over: go on with the file that now has the name (`reason` of a gap, if one is needed)."""

    def __init__(self, reason: GapReason | None) -> None:
        self.reason = reason


class _Reopen(Exception):
    """Open the same file again, with a larger window."""


class Tail:
    """One file, followed for as long as `run` runs."""

    def __init__(self, link: Link, file: File, sink: Sink) -> None:
        self._link = link
        self._file = file
        self._sink = sink
        self._place: _Place | None = None
        self._window = limits.TAIL_WINDOW
        self._from_start = False

    async def run(self) -> None:
        """Follow until cancelled. A host's trouble is told to the sink and waited out."""
        while True:
            try:
                await self._follow()
            except _Reopen:
                continue
            except _Next as turn:
                self._turn(turn.reason)
            except HostError as error:
                self._sink.trouble(error)
                if self._link.state == "live":
                    await asyncio.sleep(limits.FAILED_FILE_RETRY)

    def _turn(self, reason: GapReason | None) -> None:
        """Go on with the next generation from its first byte."""
        if reason is not None and self._place is not None:
            start = Position(self._file, self._place.generation, self._place.offset)
            self._sink.gap(Gap(self._file, start, None, None, None, reason))
        else:
            self._sink.rotated()
        self._place = None
        self._from_start = True

    async def _follow(self) -> None:
        """One channel, from its opening to its end. Raises HostError when it is lost, _Next at the end of a file."""
        start = self._place.offset if self._place else (0 if self._from_start else None)

        def command(probe: Probe) -> str:
            return commands.follow(self._file.path, start, self._window, gnu=probe.tail == "gnu")

        async with self._link.channel("follow", command, wait=True) as channel:
            probe = self._link.known_probe()
            try:
                header, data = await read_header(channel, path=self._file.path, host=self._file.host, user=probe.user)
            except Truncated:
                raise _Next("truncated") from None
            generation = generation_of(header.head)
            if self._place and generation != self._place.generation:
                raise _Next("rotated-away")
            fresh = self._place is None and not self._from_start
            self._sink.opened(Opened(header, probe, fresh))
            cutter = Cutter(self._file, generation, header.start, skip=fresh and header.start > 0)
            await self._read(channel, cutter, header, data)

    async def _read(self, channel: Channel, cutter: Cutter, header: Header, data: bytes) -> None:
        behind = True
        quiet: bytes | None = None
        errors = b""
        while True:
            for batch in cutter.feed(data):
                self._sink.batch(batch)
                self._place = _Place(batch.generation, batch.end)
            if behind and cutter.received >= header.size:
                self._see_start(cutter)
                self._sink.caught_up()
                behind = False
            for news in _NEWS.finditer(errors):
                quiet = self._judge(news[1], int(news[2] or 0), cutter, quiet)
            data, errors = await channel.read()
            if not data and not errors:
                await self._link.ended(channel)

    def _see_start(self, cutter: Cutter) -> None:
        """Start further back when the window lies inside one very long line, so that this line is not lost."""
        if cutter.skipping and self._window < limits.BACKLOG_BYTES:
            self._window *= 16
            raise _Reopen

    def _judge(self, news: bytes | None, size: int, cutter: Cutter, quiet: bytes | None) -> bytes | None:
        """What the host says of the file: over when it is renamed, all of it is here, and it stays quiet."""
        if news in (b"S", None):
            raise _Next("truncated" if cutter.received > cutter.position else None)
        if news == b"M" or cutter.received < size:
            return None
        mark = b"%d" % size
        if mark != quiet:
            return mark
        for batch in cutter.finish():
            self._sink.batch(batch)
        raise _Next(None)
