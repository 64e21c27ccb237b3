"""What somebody asks of history, checked against the inventory: the same for HTTP and the terminal."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace

from aggregator import limits
from aggregator.access.sight import Sight
from aggregator.errors import Fault, UsageError
from aggregator.history.reading.select import Wanted
from aggregator.history.reading.tally import Tally
from aggregator.history.search import cursor
from aggregator.history.search.search import Range
from aggregator.hub.view import Pair
from aggregator.inventory import Inventory
from aggregator.inventory.durations import moment, seconds
from aggregator.query import attempt, choice, pairs_of, reason_of, sources_of, whole_number
from aggregator.stream.filters import Filter

_SPACED_OFFSET = re.compile(r" (?=\d\d:\d\d\Z)")  # a `+` that a URL did not escape


@dataclass(frozen=True, slots=True)
class PastQuery:
    """The parameters of a range as they were given; numbers, times and choices still as text."""

    hosts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    since: str | None = None
    until: str | None = None
    limit: str | None = None
    direction: str | None = None
    cursor: str | None = None
    max_scan: str | None = None
    raw: str = "0"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HistogramQuery:
    """The parameters of a histogram as they were given: those of `lines`, and how to count."""

    query: PastQuery
    buckets: str | None = None
    exact: str = "1"


@dataclass(frozen=True, slots=True)
class PastPlan:
    """A query that is right: which sources of which hosts to read, and what in them; at most `limit` lines (None:
    all). `ranged` tells that it is a search rather than mere paging; `filters` is a checksum of all else; `reason` why
    with secrets (None: without them).
    """

    query: PastQuery
    pairs: frozenset[Pair]
    range: Range
    limit: int | None
    ranged: bool
    filters: int
    reason: str | None = None

    @property
    def since(self) -> int | None:
        return self.range.wanted.since


def plan_past(
    query: PastQuery,
    inventory: Inventory,
    sight: Sight,
    now: float,
    most: int | None = limits.PAGE_USUAL,
    bound: int = limits.PAGE_LINES,
) -> PastPlan:
    """Check a query by what exists for the asker; `now` is in seconds since the epoch, `most` the limit where none
    is given (None: no limit), `bound` the largest. Raises UsageError with the faults of all its parameters."""
    faults: list[Fault] = []
    hosts = attempt(faults, lambda: inventory.select(query.hosts, visible=sight.hosts(inventory)))
    sources = attempt(faults, lambda: sources_of(query.sources, inventory, sight))
    wanted = attempt(faults, lambda: Filter.compile(query.grep, query.exclude, query.level))
    limit = attempt(faults, lambda: _limit(query.limit, most, bound))
    since = attempt(faults, lambda: _time("since", query.since, now))
    until = attempt(faults, lambda: _time("until", query.until, now))
    way = attempt(faults, lambda: choice("direction", query.direction or "backward", ("backward", "forward")))
    last = attempt(faults, lambda: _cursor(query))
    scan = attempt(faults, lambda: _max_scan(query.max_scan))
    reason = attempt(faults, lambda: reason_of(query.raw, query.reason))
    if since is not None and until is not None and since > until:
        faults.append(Fault("since", "this is later than `until`"))
    if faults or hosts is None or sources is None or wanted is None:
        raise UsageError(faults)
    ranged = bool(query.grep or query.exclude or query.level or query.since)
    until = int(now * 1e6) if until is None else until
    backward, marks, frontier, overtaken = way == "backward", {}, None, False
    if last is not None:
        since, until, backward, marks = last.since, last.until, last.backward, dict(last.marks)
        frontier, overtaken = last.frontier, last.overtaken
        ranged |= last.ranged or last.since is not None  # cursors are anybody's text
    sweeps = most is None or bool(query.grep or query.exclude or query.level)
    allowed = limits.MAX_SCAN if scan is None else scan
    reach = Range(
        Wanted(wanted, since, until),
        until,
        backward,
        marks,
        limit,
        sweeps,
        allowed,
        frontier=frontier,
        catching_up=overtaken,
    )
    return PastPlan(query, pairs_of(inventory, sources, hosts, sight), reach, limit, ranged, _filters(query), reason)


def plan_histogram(
    asked: HistogramQuery, inventory: Inventory, sight: Sight, now: float
) -> tuple[PastPlan, Tally, bool]:
    """As `plan_past`, with what counts into buckets, and whether lines are counted rather than estimated; of the last
    hour where neither `since` nor `until` is given, and of the hour before `until`. Raises UsageError."""
    faults: list[Fault] = []
    query = asked.query
    if query.since is None and query.until is None:
        query = replace(query, since=f"-{limits.HISTOGRAM_RANGE:g}s")
    plan = attempt(faults, lambda: plan_past(query, inventory, sight, now, None))
    buckets = attempt(faults, lambda: _buckets(asked.buckets))
    exact = attempt(faults, lambda: choice("exact", asked.exact, ("1", "0")))
    if faults or plan is None or buckets is None:
        raise UsageError(faults)
    until, since = plan.range.until, plan.range.wanted.since
    since = until - int(limits.HISTOGRAM_RANGE * 1e6) if since is None else since
    tally = Tally([since + (until - since) * number // buckets for number in range(buckets + 1)])
    wanted = replace(plan.range.wanted, since=since)
    reach = replace(plan.range, wanted=wanted, backward=False, tally=tally, estimate=exact == "0")
    return replace(plan, range=reach), tally, exact == "1"


def _buckets(text: str | None) -> int:
    count = limits.BUCKETS if text is None else whole_number("buckets", text, limits.BUCKETS_MOST)
    if count == 0:
        raise UsageError(Fault("buckets", f"a whole number from 1 to {limits.BUCKETS_MOST}, not {text!r}"))
    return count


def _cursor(query: PastQuery) -> cursor.Cursor | None:
    if query.cursor is None:
        return None
    found = cursor.decode(query.cursor)
    if found.filters != _filters(query):
        raise UsageError(Fault("cursor", "this cursor goes with other hosts, sources or filters"))
    if query.direction is not None and (query.direction == "backward") != found.backward:
        raise UsageError(Fault("cursor", "this cursor goes in the other direction"))
    return found


def _filters(query: PastQuery) -> int:
    """A checksum of what a cursor goes with."""
    return zlib.crc32(repr((query.hosts, query.sources, query.grep, query.exclude, query.level)).encode())


def _limit(text: str | None, most: int | None, bound: int) -> int | None:
    return most if text is None else whole_number("limit", text, bound)


def _max_scan(text: str | None) -> int | None:
    if text is None or (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= limits.MAX_SCAN_MOST):
        return int(text) if text else None
    raise UsageError(Fault("max_scan", f"a number of bytes, at most {limits.MAX_SCAN_MOST}, not {text!r}"))


def _time(parameter: str, text: str | None, now: float) -> int | None:
    """Microseconds since the epoch of an RFC 3339 time, or of one before now (`-15m`). Raises UsageError."""
    if text is None:
        return None
    given = text.strip()
    try:
        if given == "now":
            return int(now * 1e6)
        if given.startswith("-"):
            return int((now - seconds(given[1:])) * 1e6)
        found = moment(_SPACED_OFFSET.sub("+", given))
        return int(found.timestamp()) * 1_000_000 + found.microsecond
    except ValueError:
        words = f"a time such as 2026-11-23T10:00:00Z, or one before now such as -15m, not {text!r}"
        raise UsageError(Fault(parameter, words)) from None
