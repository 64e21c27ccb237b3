"""One followed file, shared by all views that show it: its tail, its ring, its state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from datetime import tzinfo
from typing import Protocol

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.following.follow import Follower, Opened
from aggregator.history.following.places import Places
from aggregator.history.generation.kept import Known
from aggregator.hub.ring import Entry, Ring
from aggregator.metrics import Metrics
from aggregator.model import Batch, File, Gap, State
from aggregator.remote.link import Link
from aggregator.remote.real import Real, judge_by, real_of
from aggregator.stream.lines import generation_of
from aggregator.stream.reader import LineReader
from aggregator.stream.records import Line
from aggregator.stream.redact import Redaction, shown
from aggregator.stream.redactor import Redactor

# What the file that this task reads really is, where its name leads elsewhere: the log and late lines of its closed
# generations are read by tasks of their own.
_real: ContextVar[Real | None] = ContextVar("real", default=None)


class Listener(Protocol):
    """Who shows a feed; every call is synchronous and quick."""

    def fed(self, feed: Feed, lines: list[Line], shown: list[Line]) -> None:
        """New lines, after the feed's backlog: as they are, and without their secrets."""

    def missing(self, feed: Feed, gap: Gap) -> None:
        """Lines are missing."""

    def has_room(self) -> bool:
        """Whether anybody it is shown to takes more."""

    def changed(self, feed: Feed, detail: str) -> None:
        """The feed's state or error is another, or there is news of it."""


class Feed:
    """A file, its newest lines, and who shows it. `ready` is set once its backlog is in the ring, `settled` as soon
    as that or a trouble is known."""

    def __init__(
        self,
        file: File,
        link: Link,
        zone: tzinfo | None,
        metrics: Metrics,
        ring_bytes: Callable[[], int] = lambda: limits.RING_BYTES,
        places: Places | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.file = file
        self.link = link
        self.state: State = "connecting"
        self.error: HostError | None = None
        self.generation: str | None = None
        self.lag: float | None = None
        self.real: Real | None = None
        """What the log's name leads to, where that is elsewhere: not everybody may see that."""
        self.ready = asyncio.Event()
        self.settled = asyncio.Event()
        self.ring = Ring(ring_bytes)
        self.listeners: set[Listener] = set()
        self._zone = zone
        self._metrics = metrics
        self._follower = Follower(link, file, self, places)
        self._reader: LineReader | None = None
        self._backlog_time: float | None = None
        self._redactor = redactor
        self._redaction = Redaction(redactor) if redactor else None

    async def run(self) -> None:
        """Follow until cancelled."""
        self._metrics.files.inc()
        judge_by(_note)
        try:
            if self.link.refusal:
                self.trouble(self.link.refusal)  # known already; viewers need not wait for the next attempt
            async with self.link.hold():
                await self._follower.run()
        finally:
            self._metrics.files.dec()
            self._set("idle", None, "")

    def try_again(self) -> None:
        """Somebody new asks: a file that could not be opened some seconds ago may be there now."""
        if self.error and not self.ready.is_set() and self.link.state == "live":
            self.settled.clear()
            self._follower.try_again()

    async def read_again(self, entries: list[Entry], *, raw: bool) -> list[Line]:
        """The lines of some of the ring's entries, as they were read the first time; `raw` with their secrets."""
        lines: list[Line] = []
        turn = 0
        for entry in entries:
            if len(lines) - turn > limits.BACKLOG_CHUNK:
                turn = len(lines)
                await asyncio.sleep(0)  # a long backlog is seconds of work
            reader = self.new_reader(raw=True)
            reader.memory = entry.memory
            read = _marked(reader.read(entry.batch, entry.seq, at=entry.at, history=entry.history), entry.real)
            lines += read if raw else shown(read, entry.batch.secrets)
        return lines

    def known(self) -> Known:
        """What readers by address should know of the log's files now."""
        return self._follower.known()

    def new_reader(self, *, raw: bool) -> LineReader:
        """A reader for this file's lines that remembers nothing yet; `raw` one that gives them with their secrets."""
        return line_reader(self.file, self._zone, self.link, None if raw else self._redactor)

    # What the follower tells (aggregator.history.following.follow.Sink):

    def opened(self, opened: Opened) -> None:
        self.generation = generation_of(opened.header.head)
        memory = self._reader.memory if self._reader else None
        self._reader = self.new_reader(raw=True)
        if memory:
            self._reader.memory = memory
        self._backlog_time = float(opened.header.mtime) if opened.fresh else None
        self._lead(real_of(self.file.path, opened.header.real))

    def batch(self, batch: Batch) -> None:
        if self._reader is None:
            raise RuntimeError("a batch came before its file was opened")
        self.generation = batch.generation
        history = self._backlog_time is not None
        at = time.time() if self._backlog_time is None else self._backlog_time
        memory = self._reader.memory
        real = _real.get()
        lines = _marked(self._reader.read(batch, self.ring.seq + 1, at=at, history=history), real)
        secrets = self._redaction.take(batch, lines) if self._redaction else {}
        batch = replace(batch, secrets=secrets) if secrets else batch
        entry = self.ring.append(batch, memory, at, history=history, real=real)
        self._count(entry)
        if not history:
            self._measure(lines, at)
            without = shown(lines, secrets)
            for listener in tuple(self.listeners):
                listener.fed(self, lines, without)

    def caught_up(self) -> None:
        self._backlog_time = None
        self.ready.set()
        self.settled.set()
        self._set("live", None, "connected again" if self.error else "following")

    def trouble(self, error: HostError) -> None:
        self.settled.set()
        self._set("waiting" if error.retry else "failed", error, explain(error, self.link))

    def gap(self, gap: Gap) -> None:
        self.ring.mark(gap)
        for listener in tuple(self.listeners):
            listener.missing(self, gap)

    def rotated(self) -> None:
        for listener in tuple(self.listeners):
            listener.changed(self, "the file was rotated; going on with the new one")

    async def room(self) -> None:
        while self.listeners and not any(listener.has_room() for listener in tuple(self.listeners)):  # noqa: ASYNC110
            await asyncio.sleep(limits.ROOM_BEAT)

    def _lead(self, real: Real | None) -> None:
        """The log is read on, and this is what its name leads to now."""
        _real.set(real)
        if real != self.real:
            self.real = real
            for listener in tuple(self.listeners) if self.state == "live" else ():
                listener.changed(self, "following")

    def _count(self, entry: Entry) -> None:
        size = entry.batch.end - entry.batch.start
        self._metrics.batches.inc()
        self._metrics.received_lines.inc(entry.lines)
        self._metrics.received_bytes.inc(size)
        self._metrics.host_received_lines.labels(self.file.host).inc(entry.lines)
        self._metrics.host_received_bytes.labels(self.file.host).inc(size)

    def _measure(self, lines: list[Line], at: float) -> None:
        if lines and lines[-1].record.stamped:
            self.lag = max(0.0, round(at - lines[-1].key / 1e6, 3))

    def _set(self, state: State, error: HostError | None, detail: str) -> None:
        if (state, str(error)) != (self.state, str(self.error)):
            self.state, self.error = state, error
            for listener in tuple(self.listeners):
                listener.changed(self, detail)


def _note(_: str, real: Real | None) -> None:
    """A feed is read for many: who may see what it really is, is decided for each of them."""
    _real.set(real)


def _marked(lines: list[Line], real: Real | None) -> list[Line]:
    """Lines that say what their file really is."""
    if real is not None:
        for line in lines:
            line.real = real
    return lines


def line_reader(file: File, zone: tzinfo | None, link: Link, redactor: Redactor | None) -> LineReader:
    """A reader for a file's lines, with its source's zone, else its host's, without what the redactor takes out. Raises
    HostError before that is known."""
    probe = link.known_probe()
    return LineReader(file, zone or probe.zone, probe.offset, redaction=Redaction(redactor) if redactor else None)


def explain(error: HostError, link: Link) -> str:
    """A trouble for people: its words, and what comes next."""
    if error.retry and link.next_try is not None:
        pause = max(0.0, link.next_try - asyncio.get_running_loop().time())
        return f"{error.words}; next attempt in {pause:.0f} s"
    return str(error)
