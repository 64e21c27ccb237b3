"""What some lines of a generation say of their time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from aggregator import limits
from aggregator.stream.reader import LineReader

_SECOND = 1_000_000  # microseconds
_FAR = limits.LAST_SECOND - 2 * 86_400  # seconds since the epoch; two days before the last date
_NO_OFFSET = timedelta(0)


@dataclass(frozen=True, slots=True)
class Sample:
    """Neighbouring lines: offsets of the first and of the last that have a stamp, the lowest and the highest stamp
    (microseconds since the epoch), and `rate`, the bytes of a line there on average. `drifts`: see `LineReader`;
    `begin` is the first line's stamp."""

    first: int
    last: int
    low: int
    high: int
    rate: float
    drifts: bool = False
    begin: int = 0


def take(
    reader: Callable[[], LineReader], data: bytes, offset: int, mtime: int, *, whole: bool = False
) -> Sample | None:
    """What the complete lines say that begin in `data`, the bytes of a file from `offset` on (`whole`: to its end, with
    a last line that lacks its newline); None where none has a stamp. Stamps of the future are no evidence of where
    anything is. `reader` makes one that remembers nothing."""
    lines = reader()
    if whole and not data.endswith(b"\n"):
        data += b"\n"
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
        max(stamp for _, stamp in found),
        len(text) / text.count(b"\n"),
        lines.drifts,
        found[0][1],
    )


def before_fold(stamp: int, zone: tzinfo) -> int:
    """`stamp`, or a time before both hours of which it is one, where clocks are put back: whoever reads on from a line
    before them can tell the second from the first, whoever begins in between takes it for the first."""
    if not 0 <= stamp // _SECOND < _FAR:
        return stamp
    wall = datetime.fromtimestamp(stamp // _SECOND, UTC).astimezone(zone)
    first, later = (wall.replace(fold=fold).utcoffset() or _NO_OFFSET for fold in (0, 1))
    return stamp - 2 * max(0, (first - later) // timedelta(microseconds=1))
