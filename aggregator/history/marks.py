"""The generations of a log as one text, oldest first, of which some lines are known: where a range of time lies in it,
and which lines to look at to know better."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from aggregator import limits
from aggregator.history.sample import Sample
from aggregator.history.timeline import Piece

Place = tuple[int, int]  # index of a generation, offset in its text
Wanted = dict[int, set[int]]  # offsets to look at, by index of generation

_FOLD = int(limits.SEEK_FOLD * 1_000_000)  # microseconds
_DISORDER = int(limits.STAMP_DISORDER * 1_000_000)  # microseconds
_STEP = 2 * limits.SEEK_BLOCK  # bytes; nearer than that two looks may see the same
_WIDE = limits.SEEK_WIDE * limits.SEEK_BLOCK  # bytes


class Marks:
    """All samples of a log in its order. Times are microseconds since the epoch, None means without a bound."""

    def __init__(self, log: Sequence[Piece]) -> None:
        self._log = log
        self._end = (len(log) - 1, log[-1].facts.size)
        self._samples: list[Sample] = []
        self._places: list[Place] = []
        for index, piece in enumerate(log):
            ends = {sample.first: sample for sample in (piece.facts.head, piece.facts.tail) if sample}
            for first, sample in sorted((piece.looks.samples | ends).items()):
                self._samples.append(sample)
                self._places.append((index, first))

    def __bool__(self) -> bool:
        return bool(self._samples)

    def start(self, low: int | None) -> Place:
        """A line with a stamp that is older than `low`, as all known ones before it are; or the log's beginning."""
        return self._last(self._before(low) - 1)

    def stop(self, high: int | None) -> Place | None:
        """A line with a stamp that is not older than `high`, as none of the known ones after it is; or None."""
        after = self._after(high)
        return self._places[after] if after < len(self._places) else None

    def wanted(self, low: int | None, high: int | None) -> Wanted:
        """Places to look at before `start(low)` and `stop(high)` are as near as they should be, and verified; none when
        they are."""
        found: Wanted = defaultdict(set)
        if low is not None:
            before = self._before(low)
            self._narrow(found, before, low)
            older = before
            while older > 0 and self._samples[older - 1].high >= low - _FOLD:
                older -= 1
            self._fill(found, self._last(older - 1), self._first(before - 1), limits.SEEK_CHECKS)
        if high is not None:
            after = self._after(high)
            self._narrow(found, after, high)
            newer = after
            while newer < len(self._samples) and self._samples[newer].low < high + _FOLD:
                newer += 1
            self._fill(found, self._last(after), self._first(newer), limits.SEEK_CHECKS)
        return found

    def between(self, start: Place, stop: Place | None, parts: int) -> Wanted:
        """Places to look at between two others, so that none of `parts` of what lies there is unknown."""
        found: Wanted = defaultdict(set)
        self._fill(found, start, stop or self._end, parts)
        return found

    def all(self) -> Iterator[tuple[Place, Sample]]:
        """The samples and where they begin, in the log's order."""
        return zip(self._places, self._samples, strict=True)

    def _before(self, low: int | None) -> int:
        """How many of the first samples are older than `low`, one after the other."""
        if low is None:
            return 0
        low -= _FOLD if self._repeats(low) else 0
        return next((index for index, sample in enumerate(self._samples) if sample.high >= low), len(self._samples))

    def _after(self, high: int | None) -> int:
        """The index from which on no sample is older than `high`."""
        if high is None:
            return len(self._samples)
        high += _FOLD if self._repeats(high) else 0
        back = enumerate(reversed(self._samples))
        return len(self._samples) - next((index for index, one in back if one.low < high), len(self._samples))

    def _repeats(self, time: int) -> bool:
        """Whether stamps go back somewhere, by more than they may, to about this time."""
        latest: int | None = None
        apart = 0  # samples that end before this one: others may see the same lines
        for index, sample in enumerate(self._samples):
            while self._last(apart) < self._places[index]:
                latest = max(latest or 0, self._samples[apart].high)
                apart += 1
            if latest is None or latest - sample.low <= _DISORDER:
                continue
            if sample.low - _FOLD <= time <= latest + _FOLD:
                return True
        return False

    def _first(self, index: int) -> Place:
        """Where a sample begins; the log's end behind the last one."""
        if index < 0:
            return 0, 0
        return self._places[index] if index < len(self._places) else self._end

    def _last(self, index: int) -> Place:
        """Where a sample's last line begins; the log's beginning before the first one."""
        if index < 0:
            return 0, 0
        return (self._places[index][0], self._samples[index].last) if index < len(self._places) else self._end

    def _narrow(self, found: Wanted, index: int, time: int) -> None:
        """Add places between a sample and the one before it, most of them near to where a time should be reached."""
        start, end = self._last(index - 1), self._first(index)
        if start[0] != end[0] or not 0 < index < len(self._samples) or not self._log[start[0]].seekable:
            self._fill(found, start, end, limits.SEEK_PARTS)
            return
        length = end[1] - start[1]
        if length <= limits.SEEK_NEAR:
            return
        left, right = self._samples[index - 1].high, self._samples[index].low
        middle = start[1] + round(length * min(1.0, max(0.0, (time - left) / max(1, right - left))))
        steps = (max(_STEP, length // part) for part in limits.SEEK_NARROW)
        places = {middle + side * step for step in steps for side in (-1, 1)}
        places |= {start[1] + length * part // 4 for part in (1, 2, 3)}
        blind = self._log[start[0]].looks.blind
        found[start[0]] |= {
            place
            for place in places
            if start[1] + _STEP <= place <= end[1] - _STEP and not any(one <= place < one + _WIDE for one in blind)
        }

    def _fill(self, found: Wanted, start: Place, end: Place, parts: int) -> None:
        """Add places, so that what is known between two others is no further apart than two parts of that."""
        stretches = [(index, *self._stretch(index, start, end)) for index in range(start[0], end[0] + 1)]
        total = sum(max(0, last - first) for _, first, last in stretches)
        if total <= limits.SEEK_NEAR:
            return
        for index, first, last in stretches:
            known = self._known(index, first, last)
            for left, right in pairwise([first, *known, last] if first < last else []):
                count = (right - left) * parts // total
                found[index].update(left + (right - left) * part // count for part in range(1, count))

    def _stretch(self, index: int, start: Place, end: Place) -> tuple[int, int]:
        """What of a generation lies between two places and can be looked at."""
        piece = self._log[index]
        if not piece.seekable:
            return 0, 0
        return start[1] if index == start[0] else 0, end[1] if index == end[0] else piece.facts.size

    def _known(self, index: int, first: int, last: int) -> list[int]:
        """The offsets in a stretch of a generation at which was looked."""
        low, high = bisect_right(self._places, (index, first)), bisect_left(self._places, (index, last))
        blind = (offset for offset in self._log[index].looks.blind if first < offset < last)
        return sorted([*(place[1] for place in self._places[low:high]), *blind])
