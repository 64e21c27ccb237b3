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
    """Holds lines until nothing earlier is to be expected, for at most `hold` seconds (0: not at all), then gives them
    out sorted by key, stable by arrival; without `sort`, as they came.

    What is to be expected is learned: a line with key k can go once every file has had the delay after k that its
    lines took lately (from their stamps to their arrival). Stamps of whole seconds tell nothing of that. Sorting a
    window beats a k-way heap by an order of magnitude. A line whose place has already gone out is given out at once,
    marked late; where a file takes longer than the hold, all wait for the whole of it. Within a file keys never
    decrease, so its order stays its own.

    Times are in microseconds: `now` of any steady clock, `wall` since the epoch.
    """

    def __init__(self, hold: float = limits.MERGE_HOLD, *, sort: bool = True) -> None:
        self.hold = hold
        self._sort = sort
        self._groups: deque[tuple[int, list[Line]]] = deque()
        self._count = 0
        self._delays: dict[File, int] = {}
        self._longest: int | None = None  # of the delays
        self._last = -(1 << 62)

    def push(self, lines: list[Line], now: int, wall: int) -> None:
        """Take lines of one file, in their order, that arrived now."""
        if lines:
            self._groups.append((now, lines))
            self._count += len(lines)
            self._learn(lines[0], wall)

    def due(self, now: int, wall: int) -> int | None:
        """How long until the next lines have waited long enough; None when nothing waits."""
        if not self._groups:
            return None
        latest = self._groups[0][0] + self._hold - now
        return max(0, min(latest, self._wait(min(lines[0].key for _, lines in self._groups), wall)))

    def due_of(self, lines: list[Line], wall: int) -> int:
        """How long the first of some lines that were pushed just now waits."""
        return 0 if self._count > limits.MERGE_LINES else max(0, min(self._hold, self._wait(lines[0].key, wall)))

    def forget(self, file: File) -> None:
        """A file is no longer shown: it is not waited for."""
        if self._delays.pop(file, None) == self._longest:
            self._longest = max(self._delays.values(), default=None)

    def first_held(self, file: File) -> Line | None:
        """The first line of `file` that has not gone out."""
        for _, lines in self._groups:
            for line in lines:
                if line.file == file:
                    return line
        return None

    def release(self, now: int, wall: int) -> list[Line]:
        """The lines that have waited long enough, and those that belong before one of them."""
        out: list[Line] = []
        while self._groups and (self._groups[0][0] + self._hold <= now or self._count - len(out) > limits.MERGE_LINES):
            out += self._groups.popleft()[1]
        if self._sort:
            delay = self._delay()
            usual = [wall - delay] if delay < self._hold else []
            self._take_before(max([self._last, *usual, *(line.key for line in out)]), out)
        self._count -= len(out)
        return self._ordered(out) if self._sort and out else out

    def flush(self) -> list[Line]:
        """All lines that are held."""
        out = [line for _, lines in self._groups for line in lines]
        self._groups.clear()
        self._count = 0
        return self._ordered(out) if self._sort and out else out

    def _ordered(self, out: list[Line]) -> list[Line]:
        out.sort(key=_key)
        late = 0
        while late < len(out) and out[late].key < self._last:
            out[late] = as_late(out[late])
            late += 1
        self._last = max(self._last, out[-1].key)
        return out

    @property
    def _hold(self) -> int:
        return int(self.hold * 1e6)

    def _learn(self, first: Line, wall: int) -> None:
        """The delay of a file: a new longest one at once, shorter ones little by little."""
        if first.record.stamped and first.key % 1_000_000:
            before = self._delays.get(first.file)
            delay = min(max(0, wall - first.key), self._hold)
            delay = self._delays[first.file] = max(delay, (before or 0) * 15 // 16)
            if self._longest is None or delay >= self._longest:
                self._longest = delay
            elif before == self._longest:
                self._longest = max(self._delays.values())

    def _delay(self) -> int:
        """The longest delay of all files; of files that never told one, the whole hold is to be expected."""
        return self._hold if self._longest is None else self._longest

    def _wait(self, key: int, wall: int) -> int:
        """How long a line is to wait for others: not at all when its place has gone out."""
        if key <= self._last:
            return 0
        delay = self._delay()
        return key + delay - wall if delay < self._hold else self._hold

    def _take_before(self, mark: int, out: list[Line]) -> None:
        """Move what is held with a key up to `mark` to `out`."""
        kept: deque[tuple[int, list[Line]]] = deque()
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
