"""How many lines there were when: counted, or estimated from few looks."""

from __future__ import annotations

from collections import Counter

import msgspec

from aggregator.history.reading.tally import Tally
from aggregator.pages import Failure
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


def edges_of(since: int, until: int, buckets: int) -> list[int]:
    """Where buckets begin, and the end of the last one, in microseconds since the epoch."""
    return [since + (until - since) * number // buckets for number in range(buckets + 1)]


def histogram(tally: Tally, scanned: int, failed: list[Failure], *, exact: bool) -> Histogram:
    """What was counted."""
    buckets = [
        Bucket(rfc3339(start), hosts.total(), _sorted(hosts), _sorted(levels))
        for start, hosts, levels in zip(tally.edges, tally.hosts, tally.levels, strict=False)
    ]
    return Histogram(buckets, rfc3339(tally.edges[-1]), exact, not failed, scanned, failed)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
