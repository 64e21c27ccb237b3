"""What some lines of a generation say of their time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from aggregator import limits
from aggregator.stream.reader import LineReader

_SECOND = 1_000_000  # microseconds
_NO_OFFSET = timedelta(0)


@dataclass(frozen=True, slots=True)
class Sample:
    """Neighbouring lines: offsets of the first and of the last that have a stamp, and between what times (microseconds
    since the epoch) their stamps lie. `high` allows for the second time that an hour comes when clocks are put back;
    `rate` is the bytes of a line there, on average."""

    first: int
    last: int
    low: int
    high: int
    rate: float


def take(reader: Callable[[], LineReader], data: bytes, offset: int, mtime: int) -> Sample | None:
    """What the complete lines say that begin in `data`, the bytes of a file from `offset` on; None where none has a
    stamp. Stamps of the future are no evidence of where anything is. `reader` makes one that remembers nothing."""
    lines = reader()
    begin = data.find(b"\n") + 1 if offset else 0
    end = data.rfind(b"\n") + 1
    text = data[begin:end]
    if offset and not begin:
        return None
    latest = int((time.time() + limits.STAMP_AHEAD) * _SECOND)
    found = [(at, stamp) for at, stamp in lines.stamps(text, float(mtime)) if stamp <= latest]
    if not found:
        return None
    return Sample(
        offset + begin + found[0][0],
        offset + begin + found[-1][0],
        min(stamp for _, stamp in found),
        max(stamp + repeated(stamp, lines.zone) for _, stamp in found),
        len(text) / text.count(b"\n"),
    )


def repeated(stamp: int, zone: tzinfo) -> int:
    """How much later a stamp may be meant, in microseconds: in a zone's repeated hour, one hour; else nothing."""
    first, later = _offsets(stamp, zone)
    if later >= first or datetime.fromtimestamp(stamp // _SECOND, UTC).astimezone(zone).fold:
        return 0
    return (first - later) // timedelta(microseconds=1)


def before_fold(stamp: int, zone: tzinfo) -> int:
    """`stamp`, or a time before the repeated hour that it lies in: from there on, stamps can be told apart."""
    first, later = _offsets(stamp, zone)
    return stamp - 2 * max(0, (first - later) // timedelta(microseconds=1))


def _offsets(stamp: int, zone: tzinfo) -> tuple[timedelta, timedelta]:
    """The zone's offsets from UTC for the first and for the second time that this wall clock time comes."""
    wall = datetime.fromtimestamp(stamp // _SECOND, UTC).astimezone(zone)
    return wall.replace(fold=0).utcoffset() or _NO_OFFSET, wall.replace(fold=1).utcoffset() or _NO_OFFSET
