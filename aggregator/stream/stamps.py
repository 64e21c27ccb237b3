"""A line's own stamp: when the program that wrote it says that it happened."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import tzinfo

from aggregator.stream import epochs, keyed
from aggregator.stream.calendar import Calendar
from aggregator.stream.keyedstamps import JSON_KEYS, LOGFMT_KEYS, KeyedStamp
from aggregator.stream.stampformats import (
    BSD,
    BSD_FOREIGN,
    BSD_LINES,
    CLF_DATE,
    ISO,
    ISO_FOREIGN,
    ISO_LINES,
    KLOG,
    LED_ISO,
    SLASHED,
    Written,
    behind_client,
    bsd_fields,
    clf_fields,
    iso_fields,
    klog_fields,
)

Read = Callable[[str], int | None]
Span = Callable[[bytes], tuple[int, int] | None]

# What may hide a stamp at the very start: a byte order mark, NULs of a truncated file, terminal colours.
_NOISE = re.compile(r"[\ufeff\0]*+(?:\x1b\[[0-9;]{0,16}m){0,4}")


class StampReader:
    """Reads the stamps of one file, line by line, in the file's order.

    The format that matched last is tried first. Stamps without a zone are in `zone`; `now()` (seconds since the
    epoch; of a history, the file's modification time) places those without a year. `previous` is the stamp before the
    first one, where that is known.
    """

    __slots__ = ("_calendar", "_last", "_spans", "_starts")

    def __init__(self, zone: tzinfo, now: Callable[[], float] = time.time, previous: int | None = None) -> None:
        self._calendar = calendar = Calendar(zone, now, previous)
        iso = Written(ISO.match, iso_fields, calendar, ISO_LINES, ISO_FOREIGN)
        bsd = Written(BSD.match, bsd_fields, calendar, BSD_LINES, BSD_FOREIGN)
        self._starts = _by_start(calendar, now, iso, bsd)
        self._spans: dict[Read, Span] = {iso.read: iso.span, bsd.read: bsd.span}
        self._last: Read = self._starts[0][1][0]

    @property
    def local(self) -> bool:
        """Whether a stamp without a zone was read."""
        return self._calendar.local

    @property
    def previous(self) -> int | None:
        """The stamp that was read last."""
        return self._calendar.previous

    @property
    def doubtful(self) -> bool:
        """Whether the first stamps were of an hour that came twice, as clocks were put back, and may mean the other."""
        return self._calendar.doubtful

    def read(self, text: str) -> int | None:
        """Microseconds since the epoch, UTC, of the line's own stamp, or None where it has none."""
        stamp = self._last(text)
        if stamp is None:
            stamp = self._search(text)
            if stamp is None:
                return None
        self._calendar.previous = stamp
        return stamp

    def span(self, text: bytes) -> tuple[int, int] | None:
        """Two times between which all stamps of some complete lines are, where that is known at a glance; then each of
        them has a stamp. Much cheaper than to read them. None of them counts as read."""
        span = self._spans.get(self._last)
        return span(text) if span else None

    def _search(self, text: str) -> int | None:
        if text[:1] in ("\ufeff", "\0", "\x1b"):
            noise = _NOISE.match(text)
            text = text[noise.end() :] if noise else text
            return self._first(text, remember=False)
        return self._first(text, remember=True)

    def _first(self, text: str, remember: bool) -> int | None:
        """What the first format that matches reads."""
        first = text[:1]
        if not first:
            return None
        for starts, reads in self._starts:
            if first in starts or not starts:
                return self._try(reads, text, remember)
        return None

    def _try(self, reads: tuple[Read, ...], text: str, remember: bool) -> int | None:
        for read in reads:
            stamp = read(text)
            if stamp is not None:
                if remember:
                    self._last = read
                return stamp
        return None


def _by_start(
    calendar: Calendar, now: Callable[[], float], iso: Written, bsd: Written
) -> tuple[tuple[str, tuple[Read, ...]], ...]:
    """The formats that are possible, by a line's first character; the last row is for all others."""
    led = Written(LED_ISO.match, iso_fields, calendar).read
    clf_date = Written(CLF_DATE.match, clf_fields, calendar)
    slashed = Written(SLASHED.match, iso_fields, calendar).read
    klog = Written(KLOG.match, klog_fields, calendar).read
    logfmt = KeyedStamp(keyed.logfmt_value, LOGFMT_KEYS, iso, clf_date).read
    clf, bare = Written(behind_client, clf_fields, calendar).read, epochs.Bare(now).read
    return (
        ("0123456789", (iso.read, slashed, clf, bare, led)),
        ("{", (KeyedStamp(keyed.json_value, JSON_KEYS, iso, clf_date).read,)),
        ("[", (led, bsd.read, slashed, clf, bare)),
        ("<", (bsd.read, led)),
        (" \t}", ()),
        ("", (bsd.read, klog, logfmt, led, clf)),
    )
