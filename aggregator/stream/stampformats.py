"""The written forms of a stamp: what each looks like in a line, and where in it the fields stand.

Sources: ISO 8601 and RFC 3339; RFC 3164 §4.1.2 and RFC 5424 §6.2 (syslog); nginx's `error_log` and
`log_format combined` (the Common Log Format); klog's header; PostgreSQL's `log_line_prefix` %t and %m; asctime(3).

All patterns are anchored or searched in a bounded prefix, and their repetitions are bounded or possessive.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aggregator.limits import STAMP_PREFIX
from aggregator.stream.calendar import ABBREVIATIONS, SECOND, Calendar, Wall
from aggregator.stream.glance import seconds_of

_HOUR = r"(?:[01]\d|2[0-3]):[0-5]\d"
_SECOND = r":([0-5]\d|60)"
_FRACTION = r"(?:[.,](\d{1,9})\d{0,9})?"
_SKIPPED = r"(?:[.,]\d{1,18})?"  # the same, unread
_OFFSET = r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?"
_SPACED_OFFSET = r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d|(?= \[))"  # ` -03` is an offset in postgres, else a number
_ZONE = rf"(?:(Z|z|{_OFFSET}| ?(?:UTC|GMT|{'|'.join(ABBREVIATIONS)}|Z)(?!\w)| {_SPACED_OFFSET}))?"
_END = r"(?!\w|[+-]\d)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|[DIWEF](?=,))"

# What may stand before an ISO stamp: syslog's <PRI> and version, a level, a bracketed word (a thread), `[`.
_LEAD = rf"(?:<\d{{1,3}}>)?(?:\d{{1,2}} )?(?:(?:\[[^\[\]]{{1,64}}\]|{_LEVEL}[,:|]?)[ \t]{{0,4}}){{0,3}}?[\[(]?"

_ISO_MINUTE = rf"(\d{{4}}-[01]\d-[0-3]\d[Tt ]{_HOUR})"
_ISO = rf"{_ISO_MINUTE}{_SECOND}{_FRACTION}{_ZONE}{_END}"
ISO = re.compile(_ISO, re.ASCII)
ISO_LINES = re.compile(rf"\n{_ISO_MINUTE}{_SECOND}{_SKIPPED}{_ZONE}{_END}", re.ASCII)
ISO_FOREIGN = rf"[\w:.,+-]| ?(?:UTC|GMT|{'|'.join(ABBREVIATIONS)}|Z)| [+-]"
LED_ISO = re.compile(_LEAD + _ISO, re.ASCII)
SLASHED = re.compile(rf"\[?(\d{{4}}/[01]\d/[0-3]\d {_HOUR}){_SECOND}{_FRACTION}(){_END}", re.ASCII)
CLF_DATE = re.compile(rf"([0-3]\d/{_MONTH}/\d{{4}}:{_HOUR}){_SECOND}(?:\.(\d{{1,9}}))? ({_OFFSET}){_END}", re.ASCII)
CLF = re.compile(rf"\[{CLF_DATE.pattern}\]", re.ASCII)
_BSD_MINUTE = rf"(?:<\d{{1,3}}>)?\[?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?({_MONTH} (?: \d|\d{{1,2}}) {_HOUR}){_SECOND}"
_BSD_YEAR = r"(?: ((?:19|20)\d\d)(?=[\s\]:]|\Z))?(?![\w/-])"
BSD = re.compile(rf"{_BSD_MINUTE}(?:\.(\d{{1,9}}))?{_BSD_YEAR}", re.ASCII)
BSD_LINES = re.compile(rf"\n{_BSD_MINUTE}(?:\.\d{{1,9}})?{_BSD_YEAR}", re.ASCII)
BSD_FOREIGN = r"[^\s\]:]| (?:19|20)\d\d"
KLOG = re.compile(rf"[IWEFD]([01]\d[0-3]\d {_HOUR}){_SECOND}\.(\d{{6}})()(?!\S)", re.ASCII)

_MONTHS = {name: number for number, name in enumerate(_MONTH[3:-1].split("|"), 1)}
_SECONDS = {f"{second:02}": second for second in range(61)}  # 60 is a leap second
_NANOSECONDS: tuple[int, ...] = (0, *(10 ** (9 - digits) for digits in range(1, 10)))


def iso_fields(minute: str, zone: str) -> Wall:
    """`2026-11-23T10:00`, also with slashes or a space."""
    return Wall(
        int(minute[:4]), int(minute[5:7]), int(minute[8:10]), int(minute[11:13]), int(minute[14:]), zone.strip() or None
    )


def clf_fields(minute: str, zone: str) -> Wall:
    """`23/Nov/2026:10:00`."""
    return Wall(
        int(minute[7:11]), _MONTHS[minute[3:6]], int(minute[:2]), int(minute[12:14]), int(minute[15:]), zone or None
    )


def bsd_fields(minute: str, year: str) -> Wall:
    """`Nov 23 10:00`, the day also as ` 3` or `3`; the year, if there is one, comes last (`asctime`)."""
    month, day, clock = minute.split()
    return Wall(int(year) if year else None, _MONTHS[month], int(day), int(clock[:2]), int(clock[3:]), None)


def klog_fields(minute: str, zone: str) -> Wall:
    """`1123 10:00`."""
    return Wall(None, int(minute[:2]), int(minute[2:4]), int(minute[5:7]), int(minute[8:]), zone or None)


Match = Callable[[str, int], re.Match[str] | None]


class Written:
    """Reads one written form. `match` finds it at a place in a text, with four groups: all up to the minute, the
    second, the fraction, and the zone (or year). `fields` tells the first and the last apart. `lines` finds it
    behind newlines, without the fraction; what is `foreign` behind one that ends there may go on with it.

    Consecutive lines mostly share their minute, so the last one's beginning is kept.
    """

    __slots__ = ("_base", "_calendar", "_fields", "_foreign", "_lines", "_match", "_minute", "_zone")

    def __init__(
        self,
        match: Match,
        fields: Callable[[str, str], Wall],
        calendar: Calendar,
        lines: re.Pattern[str] | None = None,
        foreign: str = "",
    ) -> None:
        self._match = match
        self._lines = lines
        self._foreign = foreign
        self._fields = fields
        self._calendar = calendar
        self._minute: str | None = None
        self._zone: str | None = None
        self._base: int | None = None

    def read(self, text: str, at: int = 0) -> int | None:
        """Microseconds since the epoch of the stamp at `at`; None without one, or if there is no such date."""
        match = self._match(text, at)
        if match is None:
            return None
        minute, second, fraction, zone = match.groups()
        if minute != self._minute or zone != self._zone:
            self._turn(minute, _SECONDS[second], zone)
        if self._base is None:
            return None
        if fraction is None:
            return self._base + _SECONDS[second] * SECOND
        return self._base + _SECONDS[second] * SECOND + int(fraction) * _NANOSECONDS[len(fraction)] // 1000

    def span(self, text: bytes) -> tuple[int, int] | None:
        """Two times between which all stamps of some complete lines are; None where not every line has one at its
        beginning, or where one may depend on those before it."""
        first = self._match(text[: text.find(b"\n")].decode("utf-8", "replace"), 0) if self._lines else None
        if first is None:
            return None
        if seconds := seconds_of(text, first, self._foreign):
            base = self._settled(first[1], first[4] or "")
            return None if base is None else (base + seconds[0] * SECOND, base + seconds[1] * SECOND)
        return self._read_all(text.decode("utf-8", "replace"))

    def _read_all(self, text: str) -> tuple[int, int] | None:
        found = self._lines.findall("\n" + text) if self._lines else []
        if len(found) != text.count("\n"):
            return None
        stamps = set(found)
        bases = {(minute, zone): self._settled(minute, zone) for minute, _, zone in stamps}
        times = []
        for minute, second, zone in stamps:
            base = bases[minute, zone]
            if base is None:
                return None
            times.append(base + _SECONDS[second] * SECOND)
        return min(times), max(times) + SECOND

    def _settled(self, minute: str, zone: str) -> int | None:
        """When a minute begins, where that does not depend on its second or on stamps before it."""
        wall = self._fields(minute, zone)
        first, last = self._calendar.minute(wall, 0), self._calendar.minute(wall, 60)
        return first[0] if first is not None and first == last and first[1] else None

    def _turn(self, minute: str, second: int, zone: str | None) -> None:
        found = self._calendar.minute(self._fields(minute, zone or ""), second)
        self._base, settled = found if found is not None else (None, True)
        # In the hour of a fold each line is decided for itself.
        self._minute, self._zone = (minute, zone) if settled else (None, None)


def behind_client(text: str, at: int) -> re.Match[str] | None:
    """The Common Log Format's stamp; what stands before it must look like a client's fields, not like a message."""
    match = CLF.search(text, at, STAMP_PREFIX)
    if match is None or match.start() == 0:
        return match
    if text.find('"', 0, match.start()) >= 0:
        return None
    return match if text.find(" - ", 0, match.start()) > 0 or text.startswith(' "', match.end()) else None
