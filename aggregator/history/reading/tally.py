"""Counts what is wanted of logs, by time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from aggregator.history.reading.entry import Entry
from aggregator.history.reading.select import Hit, Wanted, levels_of

NO_LEVEL = "none"  # what lines without a level are counted under


class Tally:
    """Lines per bucket, of each host and of each level. `edges` are ascending times in microseconds since the epoch;
    a bucket goes from one of them to the next. `totals` are the lines of each host."""

    def __init__(self, edges: Sequence[int]) -> None:
        self.edges = edges
        self.hosts: list[Counter[str]] = [Counter() for _ in edges[1:]]
        self.levels: list[Counter[str]] = [Counter() for _ in edges[1:]]
        self.totals: Counter[str] = Counter()

    def counter(self, host: str, wanted: Wanted) -> Selection:
        """What stands in for the selector of one file of a host: it counts, and gives nothing out."""
        return Selection(self, host, wanted)

    def add(self, time: int, host: str, levels: Iterable[str | None]) -> None:
        """Count a record's lines."""
        bucket = bisect_right(self.edges, time) - 1
        found, hosts = self.levels[bucket], self.hosts[bucket]
        for level in levels:
            found[level or NO_LEVEL] += 1
            hosts[host] += 1
            self.totals[host] += 1


class Selection:
    """Counts the entries of one file that are wanted."""

    key: int | None = None

    def __init__(self, tally: Tally, host: str, wanted: Wanted) -> None:
        self._tally = tally
        self._host = host
        self._wanted = wanted

    def select(self, entry: Entry) -> Hit | None:
        wanted = self._wanted.filter
        if self._wanted.wants_time(entry.time):
            levels = levels_of(entry) if wanted.level is not None else None
            if self._wanted.passes(entry, levels):
                self._tally.add(entry.time, self._host, levels or levels_of(entry))
        return None

    def select_all(self, entries: Iterable[Entry]) -> list[Hit]:
        for entry in entries:
            self.select(entry)
        return []
