"""The newest batches of one file, within bounds, for viewers that join."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aggregator import limits
from aggregator.history.generation.read import count_lines
from aggregator.model import Batch, Gap
from aggregator.remote.real import Real
from aggregator.stream.reader import Memory


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch, and what reading it again needs: the reader's memory before it, when it was read, if live; and what its
    file really is, where that is not its name."""

    seq: int
    batch: Batch
    lines: int
    memory: Memory
    at: float
    history: bool
    real: Real | None


class Ring:
    """Batches in the order in which they came, at most `limit()` bytes of memory and never less than the newest."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._gaps: deque[tuple[int, Gap]] = deque()
        self.seq = 0

    def append(self, batch: Batch, memory: Memory, at: float, *, history: bool, real: Real | None = None) -> Entry:
        """Take the next batch; the oldest ones go when there are too many bytes."""
        self.seq += 1
        entry = Entry(self.seq, batch, count_lines(batch), memory, at, history, real)
        self._entries.append(entry)
        self._bytes += _cost(batch)
        while self._bytes > self._limit() and len(self._entries) > 1:
            self._bytes -= _cost(self._entries.popleft().batch)
        while self._gaps and self._gaps[0][0] < self._entries[0].seq:
            self._gaps.popleft()
        return entry

    def mark(self, gap: Gap) -> None:
        """Lines are missing after the newest entry."""
        if self._entries:
            self._gaps.append((self.seq, gap))

    def gaps(self) -> list[tuple[int, Gap]]:
        """What is missing between the entries, each with the `seq` of the one before it."""
        return list(self._gaps)

    @property
    def first(self) -> Entry | None:
        """The oldest entry that is still here."""
        return self._entries[0] if self._entries else None

    def until(self, seq: int) -> list[Entry]:
        """The entries up to and including `seq`, oldest first."""
        return [entry for entry in self._entries if entry.seq <= seq]

    def last(self, lines: int, seq: int) -> list[Entry]:
        """The newest entries up to `seq` that together hold at least `lines` lines, or all; oldest first."""
        chosen: deque[Entry] = deque()
        for entry in reversed(self._entries):
            if lines <= 0:
                break
            if entry.seq <= seq:
                chosen.appendleft(entry)
                lines -= entry.lines
        return list(chosen)


def share(rings: int) -> int:
    """Bytes of memory that each of so many rings may take."""
    return max(limits.RING_LEAST, min(limits.RING_BYTES, limits.RINGS_BYTES // max(1, rings)))


def _cost(batch: Batch) -> int:
    return len(batch.text) + limits.BATCH_COST
