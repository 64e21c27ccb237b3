"""Lines of history as they are given out: in blocks, or as a page with a cursor."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from aggregator import limits
from aggregator.access.door import Opening
from aggregator.history.reading.select import Hit
from aggregator.history.search import cursor
from aggregator.history.search.lane import Lane
from aggregator.history.search.search import UNMEASURED, Search
from aggregator.pastquery import PastPlan
from aggregator.stream.records import Line, LineRecord
from aggregator.stream.runs import runs_of


class Failure(msgspec.Struct, omit_defaults=True):
    """A host that could not be read, and why; where it would have been too much, how many bytes."""

    host: str
    detail: str
    to_scan: int | None = None


class Note(msgspec.Struct):
    """What went another way than usual on a host; nothing is missing by it."""

    host: str
    detail: str


class Page(msgspec.Struct):
    """Lines, oldest first; `cursor` goes on after them; `complete` is false when a host failed."""

    lines: list[LineRecord]
    cursor: str | None
    complete: bool
    scanned_bytes: int
    failed: list[Failure]
    notes: list[Note] = []


class ProgressRecord(msgspec.Struct, tag="progress"):
    """How far a search has come on a host, all in all: see `aggregator.history.search.search.Progress`."""

    host: str
    stage: str
    scanned: int
    to_scan: int
    matches: int

    @property
    def is_measured(self) -> bool:
        """Whether it has said how much it will read, or that it can't."""
        return self.stage not in UNMEASURED


class TotalRecord(msgspec.Struct, tag="total"):
    """How far a search has come on all its `hosts`, of which so many are `done` or `failed`: `stage` is `reading` until
    all are, then `done`, or `failed` where any is."""

    stage: str
    scanned: int
    to_scan: int
    matches: int
    hosts: int
    done: int
    failed: int


class FoundRecord(msgspec.Struct, tag="end", omit_defaults=True):
    """The last record of lines that were given out while they were found. `late` tells that lines which belong among
    them come with the cursor."""

    reason: str
    cursor: str | None
    complete: bool
    scanned_bytes: int
    failed: list[Failure]
    detail: str | None = None
    late: bool = False
    notes: list[Note] = []


class Reading:
    """A search that was opened and recorded: the only way to its lines."""

    def __init__(self, plan: PastPlan, search: Search, opening: Opening) -> None:
        self.plan = plan
        self.search = search
        self._opening = opening
        self._backward = plan.range.backward

    async def blocks(
        self, most: int | None = limits.BLOCK_LINES, patience: float | None = None
    ) -> AsyncGenerator[list[Line], None]:
        """The lines that were asked for, in the order of reading: some at once, and what there is before each wait.

        `most` None: all in one block. Backward, those of a block are the newest first, too. With `patience` (seconds)
        lines of slower hosts may come `late`, after their place; the end waits for all. Raises AuditUnavailable.
        """
        async with aclosing(self._blocks(most, patience)) as blocks:
            async for block in blocks:
                yield block
        if patience is not None:
            await self.search.merge.answered()

    async def _blocks(self, most: int | None, patience: float | None) -> AsyncGenerator[list[Line], None]:
        left = self.plan.limit
        block: list[Line] = []
        async with aclosing(self.search.merge.hits(patience)) as hits:
            while left is None or left > 0:
                found = await anext(hits, False)
                if isinstance(found, tuple):
                    lines = self._take(*found, left)
                    block += lines
                    left = None if left is None else left - len(lines)
                if block and (found is False or (most is not None and (found is None or len(block) >= most))):
                    yield self._given(block)
                    block = []
                if found is False:
                    return
        if block:
            yield self._given(block)

    async def page(self) -> Page:
        """One page. Raises AuditUnavailable, TooMany."""
        lines: list[Line] = []
        room = limits.PAGE_BYTES
        async with aclosing(self.blocks()) as blocks:
            async for block in blocks:
                lines += block
                room -= sum(min(line.size, limits.LINE_BYTES) + limits.LINE_COST for line in block)
                if room <= 0:
                    break
        records = [line.record for line in (reversed(lines) if self._backward else lines)]
        failed = self.failed()
        return Page(records, self.cursor(), not failed, self.scanned, failed, self.notes())

    def beat(self) -> None:
        """To be called before something of what was read leaves. Raises AuditUnavailable."""
        self._opening.beat()

    @property
    def scanned(self) -> int:
        """Bytes that were read on all hosts."""
        return self.search.scanned

    def failed(self) -> list[Failure]:
        return [Failure(host, detail, size) for (host, detail), size in self.search.failed.items()]

    def notes(self) -> list[Note]:
        return [Note(host, detail) for host, detail in self.search.notes]

    def cursor(self) -> str | None:
        """Where the next page begins; None where there is none. Raises TooMany."""
        if self.search.exhausted:
            return None
        plan, reach, merge = self.plan, self.plan.range, self.search.merge
        found = cursor.Cursor(
            reach.wanted.since,
            reach.until,
            self._backward,
            plan.ranged,
            plan.filters,
            self.search.marks(),
            merge.frontier if merge.overtaken or self.search.failed else None,
            merge.overtaken,
        )
        return cursor.encode(found)

    def progress(self) -> list[ProgressRecord]:
        return [
            ProgressRecord(host, one.stage, one.scanned, one.to_scan, one.matches)
            for host, one in sorted(self.search.progress.items())
        ]

    def total(self) -> TotalRecord:
        hosts = self.search.progress.values()
        done, failed = (sum(one.stage == stage for one in hosts) for stage in ("done", "failed"))
        stage = "reading" if done + failed < len(hosts) else "failed" if failed else "done"
        return TotalRecord(
            stage,
            sum(one.scanned for one in hosts),
            sum(one.to_scan for one in hosts),
            sum(one.matches for one in hosts),
            len(hosts),
            done,
            failed,
        )

    def ended(self, reason: str, detail: str | None = None) -> FoundRecord:
        """What comes last. Raises TooMany."""
        failed = self.failed()
        complete = not failed and reason == "complete"
        cursor = self.cursor()
        late = cursor is not None and self.search.merge.overtaken
        return FoundRecord(reason, cursor, complete, self.scanned, failed, detail, late, self.notes())

    def _take(self, lane: Lane, hit: Hit, late: bool, most: int | None) -> list[Line]:
        """The lines of a hit that were not given out yet, at most so many; what is left goes back into its lane."""
        lines = hit.show(hit)
        if late:
            for line in lines:
                line.record.late = True
        lines = lines[: len(lines) - hit.given] if self._backward else lines[hit.given :]
        if self._backward:
            lines = lines[::-1]
        if most is not None and len(lines) > most:
            hit.given += most
            lane.put_back(hit)
            return lines[:most]
        return lines

    def _given(self, block: list[Line]) -> list[Line]:
        """A block that leaves now. Raises AuditUnavailable."""
        self.beat()
        runs = runs_of(reversed(block) if self._backward else block)
        self._opening.delivered(runs, len(block), sum(min(line.size, limits.LINE_BYTES) for line in block))
        return block
