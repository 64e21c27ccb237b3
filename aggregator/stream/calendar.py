"""From what a log wrote as its date and time to an instant: missing years, zones, clocks put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from aggregator.limits import FOLD_JITTER, STAMP_AHEAD

SECOND = 1_000_000  # microseconds

_EPOCH = datetime(1970, 1, 1)  # naive on purpose: offsets are subtracted by hand
_MICROSECOND = timedelta(microseconds=1)
_NO_OFFSET = timedelta(0)
_YEARS = range(1970, 9999)  # what a line's stamp may say; a clock that was never set says 1970
_LEAP_GAP = 9  # years back to the February 29th before, over a year such as 2100

# Hours from UTC of the abbreviations that programs write, for zones other than the file's own.
_ABBREVIATIONS = {
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "SAST": 2, "MSK": 3, "IST": 5.5,
    "PKT": 5, "WIB": 7, "HKT": 8, "PHT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10,
    "ACDT": 10.5, "AEDT": 11, "NZST": 12, "NZDT": 13, "NST": -3.5, "NDT": -2.5, "BRT": -3, "AST": -4, "ADT": -3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10,
}  # fmt: skip
ABBREVIATIONS = tuple(sorted(_ABBREVIATIONS))


class Wall(NamedTuple):
    """A minute as a log wrote it; `zone` is `Z`, `UTC`, `GMT`, `+01`, `+0100`, `+01:00`, an abbreviation or None."""

    year: int | None
    month: int
    day: int
    hour: int
    minute: int
    zone: str | None


class Calendar:
    """Instants for one file, whose stamps are in `zone` where they name none; `now()` is seconds since the epoch.

    `previous` is the last instant read from the file (microseconds since the epoch); it decides between the two
    occurrences of a wall time when clocks are put back. `local` tells that the file's own zone was needed,
    `doubtful` that such a wall time was read without a previous instant.
    """

    __slots__ = ("_now", "_zone", "doubtful", "local", "previous")

    def __init__(self, zone: tzinfo, now: Callable[[], float], previous: int | None = None) -> None:
        self._zone = zone
        self._now = now
        self.previous = previous
        self.doubtful = False
        self.local = False

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now()

    def minute(self, wall: Wall, second: int) -> tuple[int, bool] | None:
        """Where that minute begins, in microseconds since the epoch, and whether that holds for all its seconds.

        None for a date that does not exist.
        """
        if wall.year is None:
            return self._without_year(wall, second)
        if wall.year not in _YEARS:
            return None
        try:
            minute = datetime(wall.year, wall.month, wall.day, wall.hour, wall.minute)
        except ValueError:
            return None
        offset, settled = self._offset(minute, second, wall.zone)
        return (minute - _EPOCH - offset) // _MICROSECOND, settled

    def _without_year(self, wall: Wall, second: int) -> tuple[int, bool] | None:
        """The latest year in which the stamp is at most a day after now: that is also the nearest such year."""
        latest = int((self._now() + STAMP_AHEAD) * SECOND)
        year = (_EPOCH + timedelta(microseconds=latest)).year
        for candidate in range(year + 1, year - _LEAP_GAP, -1):
            found = self.minute(wall._replace(year=candidate), second)
            if found is not None and found[0] + second * SECOND <= latest:
                return found
        return None

    def _offset(self, wall: datetime, second: int, zone: str | None) -> tuple[timedelta, bool]:
        """The offset from UTC at a wall time, and whether it would be the same for any second of that minute."""
        if zone is None:
            return self._local(wall, second)
        if zone in ("Z", "z", "UTC", "GMT"):
            return _NO_OFFSET, True
        if zone[0] in "+-":
            size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]) if len(zone) > 3 else 0)
            return (size if zone[0] == "+" else -size), True
        return self._abbreviated(wall, second, zone)

    def _abbreviated(self, wall: datetime, second: int, name: str) -> tuple[timedelta, bool]:
        """An abbreviation is the file's own zone's if that uses it then (IST in Dublin), else the best known one."""
        for fold in (0, 1):
            local = wall.replace(tzinfo=self._zone, fold=fold)
            if local.tzname() == name:
                return local.utcoffset() or _NO_OFFSET, True
        hours = _ABBREVIATIONS.get(name)
        return self._local(wall, second) if hours is None else (timedelta(hours=hours), True)

    def _local(self, wall: datetime, second: int) -> tuple[timedelta, bool]:
        """The file's own zone. In a gap, the offset before it (PEP 495); in a fold, see `_is_second`."""
        self.local = True
        first = wall.replace(tzinfo=self._zone).utcoffset() or _NO_OFFSET
        later = wall.replace(tzinfo=self._zone, fold=1).utcoffset() or _NO_OFFSET
        if first <= later:
            return first, True
        seconds = (wall - _EPOCH).total_seconds() + second
        return (later if self._is_second(seconds, first, later) else first), False

    def _is_second(self, wall: float, first: timedelta, later: timedelta) -> bool:
        """Whether this is the second occurrence of a wall time: as the first, time would go backwards."""
        if self.previous is None:
            self.doubtful = True
            return False
        previous = self.previous / SECOND
        return wall - first.total_seconds() + FOLD_JITTER < previous <= wall - later.total_seconds() + FOLD_JITTER
