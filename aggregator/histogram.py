"""How many lines there were when: counted, or estimated from few looks."""

from __future__ import annotations

from collections import Counter

import msgspec

from aggregator import limits
from aggregator.history.reading.tally import Tally
from aggregator.pages import Failure, Note, ProgressRecord, Reading, TotalRecord
from aggregator.stream.records import rfc3339


class Bucket(msgspec.Struct):
    """From `start` (RFC 3339) to the next bucket's: how many lines, of each host, and of each level (`none`: of no
    level; an estimate knows none)."""

    start: str
    count: int
    by_host: dict[str, int]
    by_level: dict[str, int]


class Histogram(msgspec.Struct):
    """Buckets in their order, of which the last ends at `until`; `exact` is false for an estimate, `complete` when a
    host failed."""

    buckets: list[Bucket]
    until: str
    exact: bool
    complete: bool
    scanned_bytes: int
    failed: list[Failure]


class Count(msgspec.Struct):
    """What was counted so far of a bucket, over all hosts."""

    start: str
    count: int
    by_level: dict[str, int]


class CountsRecord(msgspec.Struct, tag="counts"):
    """What was counted so far: each record takes the place of the one before it."""

    buckets: list[Count]
    until: str
    exact: bool


class CountedRecord(msgspec.Struct, tag="end", omit_defaults=True):
    """The last record of a histogram that was given out while it was counted: the histogram, and why it ended."""

    reason: str
    buckets: list[Bucket]
    until: str
    exact: bool
    complete: bool
    scanned_bytes: int
    failed: list[Failure]
    detail: str | None = None
    notes: list[Note] = []


class Counting:
    """Lines that are being counted, on all hosts at once. What may not be read in the meantime is not counted, and what
    was counted was decided by the same rules as lines that are given out."""

    def __init__(self, reading: Reading, tally: Tally, *, exact: bool) -> None:
        self.reading = reading
        self._tally = tally
        self._exact = exact

    async def ended(self) -> None:
        """Wait until each host has been read, or can't be. Raises AuditUnavailable."""
        await self.reading.search.ended()

    async def histogram(self) -> Histogram:
        """All counts; an estimate does not wait for hosts that are slower than others. Raises AuditUnavailable."""
        await self.reading.search.ended(None if self._exact else limits.ESTIMATE_PATIENCE)
        self.reading.beat()
        failed = self.reading.failed()
        return Histogram(self._buckets(), self._until, self._exact, not failed, self.reading.scanned, failed)

    def so_far(self) -> CountsRecord:
        """What was counted by now. Raises AuditUnavailable."""
        self.reading.beat()
        tally = self._tally
        buckets = [
            Count(rfc3339(start), hosts.total(), _sorted(levels))
            for start, hosts, levels in zip(tally.edges, tally.hosts, tally.levels, strict=False)
        ]
        return CountsRecord(buckets, self._until, self._exact)

    def progress(self) -> list[ProgressRecord]:
        """How far it has come on each host; `matches` are the lines that were counted."""
        self._tell()
        return self.reading.progress()

    def total(self) -> TotalRecord:
        self._tell()
        return self.reading.total()

    def whole(self, reason: str, detail: str | None = None) -> CountedRecord:
        """What comes last; for other reasons than `complete` without counts. Raises AuditUnavailable."""
        complete = reason == "complete"
        if complete:
            self.reading.beat()
        failed = self.reading.failed()
        return CountedRecord(
            reason,
            self._buckets() if complete else [],
            self._until,
            self._exact,
            complete and not failed,
            self.reading.scanned,
            failed,
            detail,
            self.reading.notes(),
        )

    def _buckets(self) -> list[Bucket]:
        tally = self._tally
        return [
            Bucket(rfc3339(start), hosts.total(), _sorted(hosts), _sorted(levels))
            for start, hosts, levels in zip(tally.edges, tally.hosts, tally.levels, strict=False)
        ]

    @property
    def _until(self) -> str:
        return rfc3339(self._tally.edges[-1])

    def _tell(self) -> None:
        for host, one in self.reading.search.progress.items():
            one.matches = self._tally.totals[host]


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
