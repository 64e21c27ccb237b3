"""The order of a view of several files: lines wait a little so that they leave sorted by key."""

from __future__ import annotations

from collections import deque
from operator import attrgetter

import msgspec

from aggregator import limits
from aggregator.model import File
from aggregator.stream.records import Line

_key = attrgetter("key")


class Merge:
    """Holds lines for at most `hold` seconds (0: not at all), then gives them out sorted by key, stable by arrival;
    without `sort`, as they came.

    Sorting a window beats a k-way heap by an order of magnitude. A line whose place has already gone out is given
    out at once, marked late. Within a file keys never decrease, so its order stays its own.
    """

    def __init__(self, hold: float = limits.MERGE_HOLD, *, sort: bool = True) -> None:
        self.hold = hold
        self._sort = sort
        self._groups: deque[tuple[float, list[Line]]] = deque()
        self._count = 0
        self._last = -(1 << 62)

    def push(self, lines: list[Line], now: float) -> None:
        """Take lines of one file, in their order, that arrived at `now` (seconds of any steady clock)."""
        if lines:
            self._groups.append((now, lines))
            self._count += len(lines)

    @property
    def due(self) -> float | None:
        """When the next lines have waited long enough; None when nothing waits."""
        return self._groups[0][0] + self.hold if self._groups else None

    def first_held(self, file: File) -> Line | None:
        """The first line of `file` that has not gone out."""
        for _, lines in self._groups:
            for line in lines:
                if line.file == file:
                    return line
        return None

    def release(self, now: float) -> list[Line]:
        """The lines that have waited long enough, and those that belong before one of them."""
        out: list[Line] = []
        while self._groups and (self._groups[0][0] + self.hold <= now or self._count - len(out) > limits.MERGE_LINES):
            out += self._groups.popleft()[1]
        if not out:
            return out
        if not self._sort:
            self._count -= len(out)
            return out
        self._take_before(max(line.key for line in out), out)
        self._count -= len(out)
        out.sort(key=_key)
        late = 0
        while late < len(out) and out[late].key < self._last:
            out[late] = as_late(out[late])
            late += 1
        self._last = max(self._last, out[-1].key)
        return out

    def _take_before(self, mark: int, out: list[Line]) -> None:
        """Move what is held with a key up to `mark` to `out`."""
        kept: deque[tuple[float, list[Line]]] = deque()
        for arrived, lines in self._groups:
            stay = [line for line in lines if line.key > mark]
            if len(stay) < len(lines):
                out += [line for line in lines if line.key <= mark]
            if stay:
                kept.append((arrived, stay))
        self._groups = kept


def as_late(line: Line) -> Line:
    """A copy of a line that came after its place in the order; other views may share the original."""
    return msgspec.structs.replace(line, record=msgspec.structs.replace(line.record, late=True))
