"""What viewers get, as INTERFACE names it: line, gap, notice, tick, end; and their JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from aggregator.model import EndReason, File, Gap, GapReason, Notice, State
from aggregator.remote.real import Real
from aggregator.stream import positions


class LineRecord(msgspec.Struct, tag="line", omit_defaults=True, gc=False):
    """One line. `time` is RFC 3339 in UTC; `spans` are [start, end) in code points of `text`; `redacted` tells that
    `[redacted:NAME]` stands in it for what may not be seen."""

    host: str
    source: str
    path: str
    position: str
    time: str
    level: str | None
    text: str
    stamped: bool = True
    late: bool = False
    clipped: bool = False
    length: int | None = None
    spans: list[tuple[int, int]] | None = None
    record: str | None = None
    redacted: bool = False


class GapRecord(msgspec.Struct, tag="gap", rename={"start": "from", "end": "to"}):
    """Lines that are missing, from `start` (included) to `end` (excluded)."""

    host: str
    source: str
    path: str
    start: str | None
    end: str | None
    lines: int | None
    bytes: int | None
    reason: GapReason


class NoticeRecord(msgspec.Struct, tag="notice", omit_defaults=True):
    """News about a host or one of its files."""

    host: str
    state: State
    detail: str
    source: str | None = None
    path: str | None = None


class TickRecord(msgspec.Struct, tag="tick"):
    """Nothing else came for a while."""

    time: str


class EndRecord(msgspec.Struct, tag="end", omit_defaults=True):
    """The last record of a stream."""

    reason: EndReason
    detail: str | None = None


Record = LineRecord | GapRecord | NoticeRecord | TickRecord | EndRecord

_encoder = msgspec.json.Encoder()


class Line(msgspec.Struct, gc=False):
    """A line on its way through a view: its place in the order and in its file, and its record.

    `key` is in microseconds since the epoch, `seq` the number of its batch in its feed, `size` its bytes in the file;
    `real` what that really is, where its name leads elsewhere.
    """

    key: int
    seq: int
    offset: int
    size: int
    file: File
    record: LineRecord
    real: Real | None = None


def encode(record: Record) -> bytes:
    """A record as JSON (RFC 8259), without a newline."""
    return _encoder.encode(record)


def gap_record(gap: Gap) -> GapRecord:
    """A gap as viewers get it."""
    start = None if gap.start is None else positions.encode(gap.start)
    end = None if gap.end is None else positions.encode(gap.end)
    return GapRecord(gap.file.host, gap.file.source, gap.file.path, start, end, gap.lines, gap.bytes, gap.reason)


def notice_record(notice: Notice) -> NoticeRecord:
    """A notice as viewers get it."""
    return NoticeRecord(notice.host, notice.state, notice.detail, notice.source, notice.path)


def rfc3339(micros: int) -> str:
    """Microseconds since the epoch as RFC 3339 in UTC: milliseconds, or microseconds where the stamp has them."""
    seconds, rest = divmod(micros, 1_000_000)
    millis, odd = divmod(rest, 1000)
    return f"{_second(seconds)}.{rest:06d}Z" if odd else f"{_second(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
