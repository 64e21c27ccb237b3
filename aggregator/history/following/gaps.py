"""Tells what is missing of a log, one gap for an outage, once the line that comes after it is known."""

from __future__ import annotations

import asyncio
import zlib
from typing import Protocol

from aggregator import limits
from aggregator.model import Batch, File, Gap, GapReason, Position


class Sink(Protocol):
    """Where lines and gaps go, in their order."""

    def batch(self, batch: Batch) -> None: ...
    def gap(self, gap: Gap) -> None: ...


class Gaps:
    """Between the reader of one log and its sink.

    What is lost again before another line has come belongs to the same gap. A gap whose next line does not come within
    `limits.GAP_PATIENCE` is told without its end.
    """

    def __init__(self, file: File, sink: Sink) -> None:
        self._file = file
        self._sink = sink
        self._end: Position | None = None  # of the last line that was given out
        self._start: Position | None = None
        self._reason: GapReason | None = None  # of the gap that is to be told
        self._timer: asyncio.TimerHandle | None = None

    def lost(self, start: Position | None, reason: GapReason) -> None:
        """Lines are missing from `start` on; None where that is unknown: from the end of the last line."""
        if self._reason is None:
            self._start = start or self._end
            self._reason = reason
            self._timer = asyncio.get_running_loop().call_later(limits.GAP_PATIENCE, self._tell, None)

    def batch(self, batch: Batch) -> None:
        """Give out lines that follow what came before, or what is missing."""
        if self._reason:
            self._tell(first_of(batch))
        self._end = Position(self._file, batch.generation, batch.end)
        self._sink.batch(batch)

    def close(self) -> None:
        """Nobody listens any more."""
        if self._timer:
            self._timer.cancel()
        self._reason = self._timer = None

    def _tell(self, end: Position | None) -> None:
        if self._reason:
            self._sink.gap(Gap(self._file, self._start, end, None, None, self._reason))
        self.close()


def first_of(batch: Batch) -> Position:
    """The position of a batch's first line."""
    text = batch.text if batch.length is not None else batch.text[: batch.text.find(b"\n")]
    return Position(batch.file, batch.generation, batch.start, zlib.crc32(text))
