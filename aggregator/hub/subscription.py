"""One viewer of a view: its backlog, then the live lines, in a bounded queue; an async iterator of blocks."""

from __future__ import annotations

import asyncio
import time
from operator import attrgetter
from types import TracebackType
from typing import Self

from aggregator import limits
from aggregator.errors import AuditUnavailable, Denied
from aggregator.hub import backlog
from aggregator.hub.backlog import Backlog
from aggregator.hub.chunk import Chunk
from aggregator.hub.feed import Feed
from aggregator.hub.hub import Hub
from aggregator.hub.joining import Held, Ready, state_of
from aggregator.hub.queue import Block, Queue
from aggregator.hub.view import Selection, View
from aggregator.hub.wishes import Right, Wishes
from aggregator.model import EndReason, File, Gap, Notice, Position
from aggregator.stream.merge import as_late
from aggregator.stream.records import EndRecord, Line, Record, TickRecord, gap_record, notice_record, rfc3339


class Subscription:
    """To be used as `async with` and then `async for block in`; ends with an `end` record.

    `pending`, `delivered` and `dropped` count lines.
    """

    def __init__(self, hub: Hub, selection: Selection, right: Right, wishes: Wishes) -> None:
        self.delivered = 0
        self.dropped = 0
        self._hub = hub
        self._selection = selection
        self._right = right
        self._wishes = wishes
        self._queue = Queue(self._count_dropped)
        self._tasks = asyncio.TaskGroup()
        self._view: View | None = None
        self._known: set[File] = set()
        self._joined: set[File] = set()
        self._joining: dict[File, Held] = {}
        self._awaited: set[File] = set()  # files that are not settled or whose backlog is not given out
        self._arrivals: list[File] = []
        self._ready: list[Ready] = []
        self._flush = asyncio.Event()
        self._settled = asyncio.Event()
        self._readers = asyncio.Semaphore(limits.BACKLOGS_AT_ONCE)
        self._last_key = -(1 << 62)
        self._ended = False

    @property
    def pending(self) -> int:
        return self._queue.lines

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        try:
            view = self._view = self._hub.join(self._selection, self)
            for finder in view.finders.values():
                if finder.error:
                    detail = str(finder.error)
                    self._put(
                        notice_record(
                            Notice(finder.host.name, finder.state, detail, finder.source.name, finder.pattern())
                        )
                    )
            for notice in view.left_out:
                self._put(notice_record(notice))
            for file in view.feeds:
                self.appeared(file)
            self._tasks.create_task(self._give_backlogs())
            if not self._wishes.follow:
                self._tasks.create_task(self._finish())
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._ended:
            self._right.end("viewer-left")
        if self._view:
            self._hub.leave(self._view, self)
        self._tasks.create_task(_stop())
        try:
            await self._tasks.__aexit__(kind, error, trace)
        except* _Stop:
            pass

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Block:
        if self._ended and self._queue.empty:
            raise StopAsyncIteration
        block = await self._queue.get(limits.TICK)
        if block is None:
            return Block([TickRecord(rfc3339(int(time.time() * 1e6)))], None, 0, 0)
        self.delivered += block.lines
        self._right.delivered(block.lines, block.size)
        return block

    def end(self, reason: EndReason, detail: str | None = None) -> None:
        """The last record; nothing comes after it. The first reason counts."""
        if not self._ended:
            self._put(EndRecord(reason, detail))
            self._ended = True
            self._right.end(reason)

    def abandon(self, reason: EndReason) -> None:
        """End now: what waits is lost to the viewer, only the `end` record is left."""
        self._queue.clear()
        self.end(reason)

    # What the view tells (aggregator.hub.view.Viewer):

    def offer(self, chunk: Chunk) -> None:
        if self._ended or not self._wishes.follow:
            return
        view = self._view
        if not self._joining and view and len(self._joined) == len(view.feeds):
            self._push(chunk)
            return
        lines: list[Line] = []
        for line in chunk.lines:
            if line.file in self._joined:
                lines.append(line)
            elif (held := self._joining.get(line.file)) is not None and (lost := held.append(line)):
                self._count_dropped(len(lost), sum(line.size for line in lost))
        if lines:
            self._push(Chunk(lines))

    def has_room(self) -> bool:
        return self._ended or self._queue.has_room

    def missing(self, gap: Gap) -> None:
        if gap.file in self._joined or gap.file in self._joining:
            self._put(gap_record(gap))

    def notice(self, notice: Notice) -> None:
        file = File(notice.host, notice.source or "", notice.path or "")
        if self._view and file in self._view.feeds and file not in self._known:
            return  # it is told when the file is brought in
        if notice.state != "live" or file in self._joined:
            self._put(notice_record(notice))

    def appeared(self, file: File) -> None:
        self._awaited.add(file)
        if not self._arrivals:
            self._tasks.create_task(self._admit())
        self._arrivals.append(file)

    def vanished(self, file: File) -> None:
        self._known.discard(file)
        self._joined.discard(file)
        self._joining.pop(file, None)
        self._settle(file)

    async def _admit(self) -> None:
        """Have the new files decided and written down, then join them."""
        files, self._arrivals = self._arrivals, []
        try:
            await self._right.add(files)
        except Denied:
            for file in files:
                self._settle(file)
            return
        except AuditUnavailable as error:
            self.end("audit-unavailable", str(error))
            return
        for file in files:
            feed = self._view.feeds.get(file) if self._view else None
            if feed:
                self._tasks.create_task(self._join(feed))

    async def _join(self, feed: Feed) -> None:
        """Bring a file in: its backlog first, and no line between that and the live ones missing or twice."""
        file = feed.file
        if not feed.ready.is_set():
            await feed.settled.wait()
        self._known.add(file)
        if not feed.ready.is_set():
            self._put(state_of(feed))
            self._settle(file)
            await feed.ready.wait()
        async with self._readers:
            if self._view is None or self._view.feeds.get(file) is not feed:
                return
            self._right.require(file)
            held = self._joining[file] = Held()
            place = self._wishes.after.get(file)
            cut = self._view.cut(file)
            if place is None:
                found = await backlog.last_lines(feed, self._wishes.lines, cut)
            else:
                found = await self._resume(feed, place, cut)
        self._ready.append(Ready(feed, found, held))
        self._wake()

    async def _resume(self, feed: Feed, place: Position, cut: backlog.Cut) -> Backlog:
        """All after a position: earlier parts are given out as they come, the last one is returned."""
        last: Backlog | None = None
        async for part in backlog.after(feed, place, cut):
            if last is not None:
                await self._give([Ready(feed, last, Held())])
            last = part
        return last or Backlog([])

    async def _give_backlogs(self) -> None:
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
            elif self._unsettled() and self._collected() < limits.ONCE_BYTES:
                continue
            ready, self._ready = self._ready, []
            await self._give(ready)
            for item in ready:
                self._joined.add(item.file)
                self._joining.pop(item.file, None)
                if gap := item.held.gap():
                    self._put(gap)
            self._push_all(sorted((line for item in ready for line in item.held.lines), key=attrgetter("key")))
            for item in ready:
                self._put(state_of(item.feed))
                self._settle(item.file)

    async def _give(self, ready: list[Ready]) -> None:
        """Give out backlogs, sorted, as the viewer takes them."""
        for item in ready:
            if item.backlog.gap:
                self._put(gap_record(item.backlog.gap))
            if item.backlog.note:
                file = item.file
                self._put(notice_record(Notice(file.host, "waiting", item.backlog.note, file.source, file.path)))
        view = self._view
        if view is None:
            return
        lines = [line for item in ready for line in view.select(item.backlog.lines)]
        lines.sort(key=attrgetter("key"))
        for start in range(0, len(lines), limits.BACKLOG_CHUNK):
            await self._queue.room()
            self._push_all(lines[start : start + limits.BACKLOG_CHUNK])

    async def _finish(self) -> None:
        """Of `follow=0`: end when each reachable file's backlog is out."""
        view = self._view
        if view is None:
            return
        for finder in tuple(view.finders.values()):
            await finder.settled.wait()
        while self._awaited or self._arrivals:
            self._settled.clear()
            await self._settled.wait()
        self.end("complete")

    def _unsettled(self) -> bool:
        """Whether a file that may soon be there is not."""
        return len(self._awaited) > len(self._ready)

    def _collected(self) -> int:
        return sum(min(line.size, limits.LINE_BYTES) for item in self._ready for line in item.backlog.lines)

    def _settle(self, file: File) -> None:
        self._awaited.discard(file)
        self._settled.set()
        self._wake()

    def _wake(self) -> None:
        if self._ready:
            self._flush.set()

    def _push_all(self, lines: list[Line]) -> None:
        if lines:
            if lines[0].key < self._last_key and self._selection.order == "time":
                lines = [as_late(line) if line.key < self._last_key else line for line in lines]
            self._push(Chunk(lines))

    def _push(self, chunk: Chunk) -> None:
        self._last_key = max(self._last_key, chunk.lines[-1].key)
        self._queue.put(chunk)

    def _put(self, record: Record) -> None:
        if not self._ended:
            self._queue.put_record(record)

    def _count_dropped(self, lines: int, size: int) -> None:
        self.dropped += lines
        self._right.dropped(lines, size)


class _Stop(Exception):
    """Ends a subscription's own tasks."""


async def _stop() -> None:
    raise _Stop
