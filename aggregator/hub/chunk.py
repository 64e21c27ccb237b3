"""Lines that leave a view together, encoded once for all of its viewers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aggregator import limits
from aggregator.stream.records import GapRecord, Line, LineRecord, NoticeRecord, Record, encode
from aggregator.stream.runs import Run, runs_of

Format = Literal["ndjson", "array", "text"]


class Chunk:
    """Some lines in their order, and their encodings as they are first asked for. `bytes` are those of their texts."""

    __slots__ = ("_encoded", "_runs", "bytes", "files", "lines")

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.files = frozenset([line.file for line in lines])
        self.bytes = sum([min(line.size, limits.LINE_BYTES) for line in lines])
        self._encoded: dict[Format, bytes] = {}
        self._runs: Sequence[Run] | None = None

    @property
    def runs(self) -> Sequence[Run]:
        """The lines as the audit log counts them."""
        if self._runs is None:
            self._runs = runs_of(self.lines)
        return self._runs

    def encoded(self, form: Format) -> bytes:
        """The lines as NDJSON, as a JSON array, or as text."""
        known = self._encoded.get(form)
        if known is None:
            known = self._encoded[form] = encode_records([line.record for line in self.lines], form)
        return known


def encode_records(records: Sequence[Record], form: Format) -> bytes:
    """Records as NDJSON, as a JSON array, or as text (lines as `HOST: TEXT`, gaps and notices after `--`)."""
    if form == "ndjson":
        return b"".join([encode(record) + b"\n" for record in records])
    if form == "array":
        return b"[" + b",".join([encode(record) for record in records]) + b"]"
    return "".join([_text(record) for record in records]).encode("utf-8", "replace")


def _text(record: Record) -> str:
    match record:
        case LineRecord():
            return f"{record.host}: {record.text}\n"
        case GapRecord():
            return f"-- {record.host} {record.path}: {gap_words(record)}\n"
        case NoticeRecord() if record.state == "live":
            return ""
        case NoticeRecord():
            return f"-- {record.host}{f' {record.path}' if record.path else ''}: {record.state}: {record.detail}\n"
        case _:
            return ""


def gap_words(record: GapRecord) -> str:
    """A gap as a sentence."""
    lines = (
        "some lines are" if record.lines is None else "1 line is" if record.lines == 1 else f"{record.lines} lines are"
    )
    return f"{lines} missing ({record.reason})"
