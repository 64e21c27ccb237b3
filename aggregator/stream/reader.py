"""Batches → lines with their stamps, levels and keys: one pass over a batch, once for all viewers."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import timezone, tzinfo

import msgspec

from aggregator import limits
from aggregator.model import Batch, File
from aggregator.stream import positions
from aggregator.stream.levels import level_of
from aggregator.stream.records import Line, LineRecord, rfc3339
from aggregator.stream.redact import Redaction, shown
from aggregator.stream.stamps import StampReader


class Memory(msgspec.Struct, frozen=True, gc=False):  # made once a line; a dataclass takes five times as long
    """What a line without a stamp takes from the lines before it. Times are microseconds since the epoch."""

    key: int | None = None
    time: int | None = None
    record: str | None = None
    level: str | None = None


NOTHING = Memory()


_BLANK = Memory()


class LineReader:
    """Reads the lines of one file in their order.

    Key = the line's own stamp minus the host's clock offset, never below the key before it; a stamp more than
    `limits.FUTURE_STAMP` in the future does not move it. A line without a stamp takes the key before it, and in a file
    without any stamps the time that it was read (in history: the file's mtime). Stamps without a zone are in `zone`,
    those without a year are placed by the time that they are read (in history: by the file's mtime). With a
    `redaction`, the lines come without their secrets.
    """

    def __init__(
        self,
        file: File,
        zone: tzinfo,
        offset: float = 0.0,
        *,
        memory: Memory = NOTHING,
        now: Callable[[], float] = time.time,
        redaction: Redaction | None = None,
    ) -> None:
        self.file = file
        self.zone = zone
        self.memory = memory
        self.redaction = redaction
        self._stamps = StampReader(zone, self._present)
        self._offset = int(offset * 1e6)
        self._now = now
        self._written: float | None = None  # in history, the mtime of the file that is being read
        self._prefixes: dict[str, str] = {}

    def read(self, batch: Batch, seq: int = 0, *, at: float | None = None, history: bool = False) -> list[Line]:
        """The batch's lines. `at` is when they were read (seconds, None: now); in history, the file's mtime."""
        self._written = at if history else None
        raws = [batch.text] if batch.length is not None else batch.text.split(b"\n")[:-1]
        whole = batch.text.decode("utf-8", "replace")
        texts = [whole] if batch.length is not None else whole.split("\n")
        start = self._prefix(batch.generation)
        read_at = int((self._now() if at is None else at) * 1e6)
        latest = int((self._now() + limits.FUTURE_STAMP) * 1e6)
        lines: list[Line] = []
        offset = batch.start
        for raw, text in zip(raws, texts, strict=False):
            position = f"{start}{offset:012x}~{zlib.crc32(raw):08x}"
            size = len(raw) + 1 if batch.length is None else batch.length + 1
            lines.append(self._line(text, position, offset, size, seq, read_at, latest, live=not history))
            offset += size
        if batch.length is not None:
            lines[0].record.clipped = True
            lines[0].record.length = batch.length
        if lines and history:
            _backfill(lines)
        return shown(lines, self.redaction.take(batch, lines)) if self.redaction else lines

    @property
    def drifts(self) -> bool:
        """Whether stamps without a zone were read, and of their zone only an offset is known: twice a year it is wrong
        from then on, and once an hour of them comes again."""
        return self._stamps.local and isinstance(self.zone, timezone)

    def stamps(self, text: bytes, at: float) -> list[tuple[int, int]]:
        """Of complete lines of a file that was last written at `at` (seconds), those with a stamp of their own: offset
        in `text`, and the stamp in microseconds since the epoch."""
        self._written = at
        found: list[tuple[int, int]] = []
        offset = 0
        for raw in text.split(b"\n")[:-1]:
            stamp = self._stamps.read(raw[: limits.LINE_BYTES].decode("utf-8", "replace"))
            if stamp is not None:
                found.append((offset, stamp))
            offset += len(raw) + 1
        return found

    def _present(self) -> float:
        return self._now() if self._written is None else self._written

    def _line(
        self, text: str, position: str, offset: int, size: int, seq: int, read_at: int, latest: int, *, live: bool
    ) -> Line:
        memory = self.memory
        stamp = self._stamps.read(text)
        level = level_of(text)
        record: str | None = None
        if stamp is None:
            key = read_at if memory.key is None else memory.key
            shown = read_at if live or memory.time is None else memory.time
            if memory.record is not None:
                record, level = memory.record, level or memory.level
        else:
            key = shown = stamp
            key -= self._offset
            if key > latest:
                key = memory.key if memory.key is not None else read_at
            if memory.key is not None and key < memory.key:
                key = memory.key
            self.memory = Memory(key, stamp, position, level)
        return Line(
            key,
            seq,
            offset,
            size,
            self.file,
            LineRecord(
                self.file.host,
                self.file.source,
                self.file.path,
                position,
                rfc3339(shown),
                level,
                text,
                stamped=stamp is not None,
                record=record,
            ),
        )

    def _prefix(self, generation: str) -> str:
        known = self._prefixes.get(generation)
        if known is None:
            self._prefixes = {generation: positions.prefix(self.file, generation)}
            known = self._prefixes[generation]
        return known


def _backfill(lines: list[Line]) -> None:
    """Lines before the first stamp of what was read count with the next stamped line."""
    if lines[0].record.stamped or lines[0].record.record is not None:
        return
    first = next((line for line in lines if line.record.stamped), None)
    if first is None:
        return
    for line in lines:
        if line is first:
            return
        line.key = first.key
        line.record.time = first.record.time
