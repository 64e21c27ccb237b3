"""The generations of a log as one text, oldest first, of which some lines are known: where a range of time lies in it,
and which lines to look at to know better."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from aggregator import limits
from aggregator.history.seeking.sample import Sample
from aggregator.history.seeking.timeline import Piece

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
        self._drifts = False
        self._end = (len(log) - 1, log[-1].facts.size)
        self._samples: list[Sample] = []
        self._places: list[Place] = []
        for index, piece in enumerate(log):
            ends = {sample.first: sample for sample in (piece.facts.head, piece.facts.tail) if sample}
            for first, sample in sorted((piece.looks.samples | ends).items()):
                self._samples.append(sample)
                self._drifts |= sample.drifts
                self._places.append((index, first))

    def __bool__(self) -> bool:
        return bool(self._samples)

    def start(self, low: int | None) -> Place:
        """A line with a stamp that is older than `low`, as all known ones before it are; or the log's beginning."""
        index = self._before(low) - 1
        hour = self._last(self._older(index, low))
        return hour if self._small(hour, self._first(index)) else self._last(index)

    def stop(self, high: int | None) -> Place | None:
        """A line with a stamp that is not older than `high`, as none of the known ones after it is; or None."""
        index = self._after(high)
        hour = self._newer(index, high)
        index = hour if self._small(self._last(index), self._first(hour)) else index
        return self._places[index] if index < len(self._places) else None

    def wanted(self, low: int | None, high: int | None) -> Wanted:
        """Places to look at before `start(low)` and `stop(high)` are as near as they should be, and verified; none when
        they are."""
        found: Wanted = defaultdict(set)
        around: list[tuple[int, Place]] = []
        if low is not None:
            index = self._before(low)
            around += self._narrow(found, index, low)
            self._fill(found, self._last(self._older(index - 1, low)), self._first(index - 1), limits.SEEK_CHECKS)
        if high is not None:
            index = self._after(high)
            around += self._narrow(found, index, high)
            self._fill(found, self._last(index), self._first(self._newer(index, high)), limits.SEEK_CHECKS)
        for step, (number, place) in sorted(around):
            if all(abs(place - other) >= step // 2 for other in found[number]):
                found[number].add(place)
        return found

    def between(self, start: Place, stop: Place | None, parts: int) -> Wanted:
        """Places to look at between two others, so that none of `parts` of what lies there is unknown."""
        found: Wanted = defaultdict(set)
        self._fill(found, start, stop or self._end, parts)
        return found

    def near(self, time: int) -> Place:
        """About where a time is reached, as the samples on both sides promise."""
        index = self._before(time)
        start, end = self._last(index - 1), self._first(index)
        return (start[0], self._guess(index, time)) if start[0] == end[0] and 0 < index < len(self._samples) else end

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

    def _older(self, index: int, low: int | None) -> int:
        """Of stamps that may repeat an hour, the last sample before that hour, which may hide lines as new as `low`
        before a sample that is older; else that sample."""
        while low is not None and self._drifts and index >= 0 and self._samples[index].high >= low - _FOLD:
            index -= 1
        return index

    def _newer(self, index: int, high: int | None) -> int:
        """The same behind a sample that is newer than `high`."""
        while high is not None and self._drifts and index < len(self._samples):
            if self._samples[index].low >= high + _FOLD:
                break
            index += 1
        return index

    def _small(self, start: Place, end: Place) -> bool:
        """Whether what lies between two places is sooner read than looked at."""
        pieces = self._log[start[0] : end[0] + 1]
        return all(piece.seekable for piece in pieces) and self._length(start, end) <= limits.SEEK_NEAR

    def _length(self, start: Place, end: Place) -> int:
        """The bytes between two places that can be looked at."""
        return sum(last - first for _, first, last in self._stretches(start, end))

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

    def _narrow(self, found: Wanted, index: int, time: int) -> list[tuple[int, Place]]:
        """Places between a sample and the one before it, most of them near to where a time should be reached, each with
        how far it is from the next ones; where nothing tells that, places all over are added."""
        start, end = self._last(index - 1), self._first(index)
        if start[0] != end[0] or not 0 < index < len(self._samples) or not self._log[start[0]].seekable:
            self._fill(found, start, end, limits.SEEK_PARTS)
            return []
        length = end[1] - start[1]
        if length <= limits.SEEK_NEAR:
            return []
        middle = self._guess(index, time)
        steps = [max(_STEP, length // part) for part in limits.SEEK_NARROW]
        places = [(step, middle + side * step) for step in steps for side in (-1, 1)]
        places += [(length // 4, start[1] + length * part // 4) for part in (1, 2, 3)]
        blind = self._log[start[0]].looks.blind
        return [
            (step, (start[0], place))
            for step, place in places
            if start[1] + _STEP <= place <= end[1] - _STEP and not any(one <= place < one + _WIDE for one in blind)
        ]

    def _guess(self, index: int, time: int) -> int:
        """The offset at which a time is reached if lines are spread evenly between a sample and the one before it, both
        of one generation."""
        start, end = self._last(index - 1)[1], self._first(index)[1]
        left, right = self._samples[index - 1].high, self._samples[index].low
        return start + round((end - start) * min(1.0, max(0.0, (time - left) / max(1, right - left))))

    def _fill(self, found: Wanted, start: Place, end: Place, parts: int) -> None:
        """Add places, so that what is known between two others is hardly further apart than a part of that."""
        total = self._length(start, end)
        if total <= limits.SEEK_NEAR:
            return
        for index, first, last in self._stretches(start, end):
            for left, right in pairwise([first, *self._known(index, first, last), last]):
                count = round((right - left) * parts / total)
                found[index].update(left + (right - left) * part // count for part in range(1, count))

    def _stretches(self, start: Place, end: Place) -> Iterator[tuple[int, int, int]]:
        """What of each generation lies between two places and can be looked at: its index, first and last offset."""
        for index in range(start[0], end[0] + 1):
            first = start[1] if index == start[0] else 0
            last = end[1] if index == end[0] else self._log[index].facts.size
            if self._log[index].seekable and first < last:
                yield index, first, last

    def _known(self, index: int, first: int, last: int) -> list[int]:
        """The offsets in a stretch of a generation at which was looked."""
        low, high = bisect_right(self._places, (index, first)), bisect_left(self._places, (index, last))
        blind = (offset for offset in self._log[index].looks.blind if first < offset < last)
        return sorted([*(place[1] for place in self._places[low:high]), *blind])
