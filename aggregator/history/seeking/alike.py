"""Generations of one log that begin alike, and the order of all."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from aggregator import limits
from aggregator.history.seeking.sample import Sample

T = TypeVar("T")
_DISORDER = int(limits.STAMP_DISORDER * 1_000_000)  # microseconds
_FOLD = int(limits.SEEK_FOLD * 1_000_000)  # microseconds


def lead_of(head: bytes, first: Sample | None) -> int:
    """What tells a generation by its beginning, the first `limits.SEEK_HEAD` bytes of its text or all of it: a checksum
    up to the line behind its first stamped one (which may be a banner), the same after it has grown or was packed."""
    text = head
    if first is not None and first.first < len(head):
        end = head.find(b"\n", first.first) + 1
        second = head.find(b"\n", end) + 1 if end else 0
        if second or len(head) < limits.SEEK_HEAD:
            text = head[: second or end or None]
    return zlib.crc32(text)


def hints(leads: Iterable[tuple[str | None, int]]) -> list[int]:
    """What tells each generation, given by its id and its lead, oldest first, from the others of its log: copies of one
    another by their number."""
    seen: Counter[tuple[str | None, int]] = Counter()
    found: list[int] = []
    for one in leads:
        found.append(zlib.crc32(b"%d" % seen[one], one[1]) if seen[one] else one[1])
        seen[one] += 1
    return found


def in_time(found: Sequence[T], begun: Callable[[T], int | None], written: Callable[[T], int]) -> list[T]:
    """Closed generations, in the order of their names, as their first stamps (`begun`, microseconds since the epoch)
    say where those contradict: by more than the hour that clocks put back repeat, or by less where the mtimes
    (`written`, seconds) do not tell otherwise. One without a stamp stays behind the one before it."""
    groups: list[list[T]] = []
    for one in found:
        if begun(one) is None and groups:
            groups[-1].append(one)
        else:
            groups.append([one])

    def follows(group: list[T], other: list[T]) -> bool:
        """Whether a group is to stand behind another one, which its names put behind it."""
        first, second = begun(group[0]), begun(other[0])
        if first is None or second is None:
            return False
        later = first - second
        return later > _FOLD or (later > _DISORDER and written(group[-1]) >= written(other[-1]))

    ordered: list[list[T]] = []
    for group in groups:
        at = len(ordered)
        while at and follows(ordered[at - 1], group):
            at -= 1
        ordered.insert(at, group)
    return [one for group in ordered for one in group]
