"""Brings the files of a view into one subscription: each one's backlog, then its live lines, none missing or twice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from operator import attrgetter
from typing import Protocol

from aggregator import limits
from aggregator.errors import AuditUnavailable, Denied, HostError
from aggregator.hub import backlog
from aggregator.hub.after import After
from aggregator.hub.backlog import Backlog
from aggregator.hub.chunk import Chunk
from aggregator.hub.feed import Feed
from aggregator.hub.joining import Held, Ready, state_of
from aggregator.hub.view import View
from aggregator.hub.wishes import Right, Wishes
from aggregator.model import EndReason, File, Gap, Notice, Position
from aggregator.remote.real import judge_by
from aggregator.stream.records import Line, Record, gap_record, notice_record


class Out(Protocol):
    """Where lines and news go (aggregator.hub.subscription.Subscription)."""

    def put(self, record: Record) -> None: ...
    def push(self, lines: list[Line]) -> None: ...
    def lost(self, lines: list[Line]) -> None: ...
    def end(self, reason: EndReason, detail: str | None = None) -> None: ...

    async def room(self) -> None:
        """Wait until the viewer takes more."""


class Joiner:
    """The files of one subscription: those on their way in, and those that are there."""

    def __init__(self, view: View, right: Right, wishes: Wishes, out: Out, tasks: asyncio.TaskGroup) -> None:
        self._view = view
        self._right = right
        self._wishes = wishes
        self._out = out
        self._tasks = tasks
        self._born: set[File] = set()
        self._known: set[File] = set()  # that the viewer was told of
        self._joined: set[File] = set()
        self._joining: dict[File, Held] = {}
        self._joins: dict[File, asyncio.Task[None]] = {}
        self._awaited: set[File] = set()  # files that are not settled or whose backlog is not given out
        self._arrivals: list[File] = []
        self._places: dict[File, Position] = dict(wishes.after)  # where a file goes on when it comes (again)
        self._ahead: dict[File, Position] = {}  # what was seen up to there comes live once more
        self._ready: list[Ready] = []
        self._collected = 0  # bytes of memory that backlogs take before they are given out
        self._held = 0  # bytes of live lines that wait for backlogs
        self._flush = asyncio.Event()
        self._settled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._readers = asyncio.Semaphore(limits.BACKLOGS_AT_ONCE)

    def live(self, chunk: Chunk) -> Chunk | None:
        """What of a chunk goes to the viewer now; lines of files on their way in are kept for then."""
        if chunk.files <= self._joined and not self._ahead:
            return chunk
        lines: list[Line] = []
        for line in chunk.lines:
            if self._ahead and self._is_seen(line):
                continue
            if line.file in self._joined:
                lines.append(line)
            elif (held := self._joining.get(line.file)) is not None:
                self._hold(held, line)
        return Chunk(lines) if lines else None

    def is_told(self, file: File) -> bool:
        """Whether news of a file go to the viewer; if not, they are told when it is brought in."""
        return file in self._known or file not in self._view.feeds

    def is_joined(self, file: File) -> bool:
        return file in self._joined

    def missing(self, gap: Gap) -> None:
        """Lines are missing after the last live one."""
        if held := self._joining.get(gap.file):
            held.append_gap(gap)
        elif gap.file in self._joined:
            self._out.put(gap_record(gap))

    def appeared(self, file: File, *, born: bool = False) -> None:
        """A file of the view; one that was born under the viewer's eyes is shown from its first line on."""
        if born:
            self._born.add(file)
        self._awaited.add(file)
        if not self._arrivals:
            self._tasks.create_task(self._admit())
        self._arrivals.append(file)

    def vanished(self, feed: Feed) -> None:
        """A file is no longer shown; should it come again, it goes on where it was."""
        file = feed.file
        if file in self._joined and (place := backlog.next_live(feed, self._view.cut(file))):
            self._places[file] = place
        if task := self._joins.pop(file, None):
            task.cancel()
        self._born.discard(file)
        self._known.discard(file)
        self._joined.discard(file)
        self._ahead.pop(file, None)
        if held := self._joining.pop(file, None):
            self._held -= held.bytes
        for item in [item for item in self._ready if item.feed is feed]:
            self._ready.remove(item)
            self._collect(-item.size)
        self._settle(file)

    async def finish(self) -> None:
        """Return when each reachable file's backlog is out."""
        for finder in tuple(self._view.finders.values()):
            await finder.settled.wait()
        while self._awaited or self._arrivals:
            self._settled.clear()
            await self._settled.wait()

    async def run(self) -> None:
        """Collect backlogs for a moment, so that they leave sorted; a silent or dead host is not waited for."""
        while True:
            await self._flush.wait()
            self._flush.clear()
            if self._unsettled() and self._wishes.follow:
                try:
                    async with asyncio.timeout(limits.MERGE_HOLD):
                        while self._unsettled():
                            await self._flush.wait()
                            self._flush.clear()
                except TimeoutError:
                    pass
            elif self._unsettled() and self._collected < limits.ONCE_BYTES:
                continue
            ready, self._ready = self._ready, []
            await self._give(ready)
            self._collect(-sum(item.size for item in ready))
            self._go_live([item for item in ready if self._joining.get(item.file) is item.held])

    async def _admit(self) -> None:
        """Have the new files decided and written down, then join them."""
        arrived, self._arrivals = self._arrivals, []
        files = [file for file in arrived if self._right.allows(file)]
        for file in set(arrived).difference(files):
            if words := self._right.withheld(file):
                self._out.put(notice_record(Notice(file.host, "failed", words, file.source, file.path)))
            self._settle(file)
        try:
            await self._right.add(files)
        except Denied:
            for file in files:
                self._settle(file)
            return
        except AuditUnavailable as error:
            self._out.end("audit-unavailable", str(error))
            return
        for file in files:
            feed = self._view.feeds.get(file)
            if feed and file not in self._joins:
                self._joins[file] = self._tasks.create_task(self._join(feed))

    async def _join(self, feed: Feed) -> None:
        """Bring a file in. Cancelled when it vanishes."""
        judge_by(self._right.judge)
        file = feed.file
        whole = file in self._born
        if not feed.ready.is_set():
            await feed.settled.wait()
        self._known.add(file)
        if not feed.ready.is_set():
            whole = whole or (feed.error is not None and feed.error.cause == "no-file")
            self._out.put(state_of(feed))
            self._settle(file)
            await feed.ready.wait()
        async with self._readers:
            await self._drained.wait()
            self._right.require(file)
            held = self._joining[file] = Held()
            cut = self._view.cut(file)
            place = self._places.get(file)
            found: Backlog | None
            if place is None:
                count = limits.BACKLOG_BYTES if whole else self._wishes.lines
                found = await backlog.last_lines(feed, count, cut, raw=self._view.selection.raw)
            elif backlog.is_live(feed, place, cut):
                self._ahead[file] = place
                found = Backlog([])
            else:
                after = After(feed, place, cut, raw=self._view.selection.raw)
                found = await self._resume(after)
        while found is None:
            await after.pause()
            async with self._readers:
                await self._drained.wait()
                self._right.require(file)
                found = await self._resume(after)
        item = Ready(feed, found, held)
        self._ready.append(item)
        self._collect(item.size)
        self._wake()

    async def _resume(self, after: After) -> Backlog | None:
        """All after a position: earlier parts are given out as they come, the last one is returned; None where the host
        is to be waited for."""
        last: Backlog | None = None
        try:
            async with aclosing(after.parts()) as parts:
                async for part in parts:
                    if last is not None:
                        await self._give([Ready(after.feed, last, Held())])
                    last = part
        except HostError as error:
            if last is not None:
                await self._give([Ready(after.feed, last, Held())])
            if error.retry and self._wishes.follow:
                return None
            *earlier, last = await after.without_host(error)
            for part in earlier:
                await self._give([Ready(after.feed, part, Held())])
        return last or Backlog([])

    async def _give(self, ready: list[Ready]) -> None:
        """Give out backlogs, sorted, as the viewer takes them."""
        for item in ready:
            if item.backlog.gap:
                self._out.put(gap_record(item.backlog.gap))
            if item.backlog.note:
                file = item.file
                self._out.put(notice_record(Notice(file.host, "waiting", item.backlog.note, file.source, file.path)))
        lines: list[Line] = []
        for item in ready:
            lines += self._view.select(item.backlog.lines)
            await asyncio.sleep(0)
        lines.sort(key=attrgetter("key"))
        for start in range(0, len(lines), limits.BACKLOG_CHUNK):
            await self._out.room()
            self._out.push(lines[start : start + limits.BACKLOG_CHUNK])

    def _go_live(self, ready: list[Ready]) -> None:
        for item in ready:
            self._joined.add(item.file)
            self._places.pop(item.file, None)
            self._held -= self._joining.pop(item.file).bytes
            if gap := item.held.gap():
                self._out.put(gap)
        for item in ready:
            for part in item.held.parts() if item.held.gaps else ():
                if isinstance(part, list):
                    self._out.push(part)
                else:
                    self._out.put(part)
        held = [item.held for item in ready if not item.held.gaps]
        self._out.push(sorted((line for one in held for line in one.lines), key=attrgetter("key")))
        for item in ready:
            self._out.put(state_of(item.feed))
            self._settle(item.file)

    def _hold(self, held: Held, line: Line) -> None:
        """Keep a live line until its file's backlog is out; of too many, the oldest of the file with most go."""
        before = held.bytes
        lost = held.append(line)
        self._held += held.bytes - before
        if self._held > limits.QUEUE_BYTES:
            most = max(self._joining.values(), key=attrgetter("bytes"))
            before = most.bytes
            lost += most.halve()
            self._held += most.bytes - before
        if lost:
            self._out.lost(lost)

    def _is_seen(self, line: Line) -> bool:
        place = self._ahead.get(line.file)
        if place and backlog.is_before(line, place):
            return True
        if place:
            del self._ahead[line.file]
        return False

    def _collect(self, size: int) -> None:
        self._collected += size
        if self._collected < limits.ONCE_BYTES:
            self._drained.set()
        else:
            self._drained.clear()

    def _unsettled(self) -> bool:
        """Whether a file that may soon be there is not."""
        return len(self._awaited) > len(self._ready)

    def _settle(self, file: File) -> None:
        self._awaited.discard(file)
        self._settled.set()
        self._wake()

    def _wake(self) -> None:
        if self._ready:
            self._flush.set()
