"""One viewer of a view: its backlog, then the live lines, in a bounded queue; an async iterator of blocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aggregator import limits
from aggregator.errors import AuditUnavailable
from aggregator.hub.chunk import Chunk
from aggregator.hub.feed import Feed
from aggregator.hub.hub import Hub
from aggregator.hub.joiner import Joiner
from aggregator.hub.queue import Block, Queue
from aggregator.hub.view import Selection, View
from aggregator.hub.wishes import Right, Wishes
from aggregator.model import EndReason, File, Gap, Notice
from aggregator.remote.trouble import trouble
from aggregator.stream.merge import as_late
from aggregator.stream.records import (
    EndRecord,
    GapRecord,
    Line,
    NoticeRecord,
    Record,
    TickRecord,
    notice_record,
    rfc3339,
)

_NEWS = NoticeRecord | GapRecord


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
        self._joiner: Joiner | None = None
        self._last_key = -(1 << 62)
        self._ended = False
        self._refused: set[File] = set()  # whose names lead to what the viewer may not see

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
                    self.put(
                        notice_record(
                            Notice(finder.host.name, finder.state, detail, finder.source.name, finder.pattern())
                        )
                    )
            for notice in view.left_out:
                if self._right.allows(_file_of(notice)):
                    self.put(notice_record(notice))
            joiner = self._joiner = Joiner(view, self._right, self._wishes, self, self._tasks)
            for file in view.feeds:
                joiner.appeared(file)
            self._tasks.create_task(joiner.run())
            if not self._wishes.follow:
                self._tasks.create_task(self._finish(joiner))
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
        _stop(self._tasks)
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
            block = Block([TickRecord(rfc3339(int(time.time() * 1e6)))], None)
        if not self._ended:
            try:
                self._right.beat()
            except AuditUnavailable as error:
                self.abandon("audit-unavailable", str(error), block)
                return await self.__anext__()
        self.delivered += block.lines
        self._right.delivered(block.runs, block.lines, block.size)
        return block

    def end(self, reason: EndReason, detail: str | None = None) -> None:
        """The last record; nothing comes after it. The first reason counts."""
        if not self._ended:
            self.put(EndRecord(reason, detail))
            self._ended = True
            self._right.end(reason)

    def abandon(self, reason: EndReason, detail: str | None = None, block: Block | None = None) -> None:
        """End now: what waits, and a block that was not given out, are lost to the viewer; the `end` record is left."""
        if block:
            self._count_dropped(block.lines, block.size)
        self._queue.clear()
        self.end(reason, detail)

    # What the view tells (aggregator.hub.view.Viewer):

    def offer(self, chunk: Chunk) -> None:
        if self._ended or not self._wishes.follow or self._joiner is None or self._view is None:
            return
        lines = self._allowed(chunk.lines) if self._view.strange else chunk.lines
        if not lines:
            return
        if lines is not chunk.lines:
            chunk = Chunk(lines)
        if live := self._joiner.live(chunk):
            self._push(live)

    def has_room(self) -> bool:
        return self._ended or self._queue.has_room

    def missing(self, gap: Gap) -> None:
        if self._joiner:
            self._joiner.missing(gap)

    def notice(self, notice: Notice) -> None:
        file = _file_of(notice)
        if self._joiner is None or not self._joiner.is_told(file) or (notice.path and not self._right.allows(file)):
            return
        if notice.state != "live" or self._joiner.is_joined(file):
            self.put(notice_record(notice))

    def appeared(self, file: File) -> None:
        if self._joiner and self._view:
            finder = self._view.finders.get((file.host, file.source))
            self._joiner.appeared(file, born=finder is not None and file in finder.born)

    def vanished(self, feed: Feed) -> None:
        if self._joiner:
            self._joiner.vanished(feed)

    # What the joiner asks for (aggregator.hub.joiner.Out):

    def put(self, record: Record) -> None:
        shown = None if self._ended else self._shown(record)
        if shown:
            self._queue.put_record(shown)

    def push(self, lines: list[Line]) -> None:
        """Give out lines of backlogs, in their order; what belongs before lines that are out is late."""
        allowed = self._allowed(lines)
        if not allowed or self._ended:
            return
        if allowed[0].key < self._last_key and self._selection.order == "time":
            allowed = [as_late(line) if line.key < self._last_key else line for line in allowed]
        self._push(Chunk(allowed))

    def lost(self, lines: list[Line]) -> None:
        self._count_dropped(len(lines), sum(line.size for line in lines))

    async def room(self) -> None:
        await self._queue.room()

    def _allowed(self, lines: Sequence[Line]) -> Sequence[Line]:
        """The lines without those that really are of a file that the viewer may not see."""
        strange = {id(line.real): line for line in lines if line.real is not None}  # few, of many lines each
        denied = {key for key, line in strange.items() if line.real and not self._right.reads(line.file, line.real)}
        return [line for line in lines if id(line.real) not in denied] if denied else lines

    def _shown(self, record: Record) -> Record | None:
        """What the viewer is told of a file: where its name leads to what they may not see, that, once."""
        feed = self._view.feeds.get(_file_of(record)) if self._view and isinstance(record, _NEWS) else None
        if feed is None:
            return record
        file = feed.file
        if feed.real is None or self._right.reads(file, feed.real):
            self._refused.discard(file)
            return record
        if file in self._refused:
            return None
        self._refused.add(file)
        detail = str(trouble("not-allowed", path=file.path))
        return notice_record(Notice(file.host, "failed", detail, file.source, file.path))

    async def _finish(self, joiner: Joiner) -> None:
        """Of `follow=0`: end when each reachable file's backlog is out."""
        await joiner.finish()
        self.end("complete")

    def _push(self, chunk: Chunk) -> None:
        self._last_key = max(self._last_key, chunk.lines[-1].key)
        self._queue.put(chunk)

    def _count_dropped(self, lines: int, size: int) -> None:
        self.dropped += lines
        self._right.dropped(lines, size)


def _file_of(notice: Notice | NoticeRecord | GapRecord) -> File:
    return File(notice.host, notice.source or "", notice.path or "")


class _Stop(Exception):
    """Ends a subscription's own tasks."""


async def _raise_stop() -> None:
    raise _Stop


def _stop(tasks: asyncio.TaskGroup) -> None:
    """End a group's tasks; where one of them has failed, that has done it already."""
    ending = _raise_stop()
    try:
        tasks.create_task(ending)
    except RuntimeError:
        ending.close()
