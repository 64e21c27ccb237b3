"""What is known of when the lines of logs were written: bounded, and forgotten log by log, longest unused first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from aggregator import limits
from aggregator.history.seeking.sample import Sample
from aggregator.model import File


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file's first and last bytes say: its generation, its text's `size` in bytes (of a compressed one about),
    the offset after its last line, samples of both ends, a hash of its beginning, and what tells it from generations
    that begin alike (`lead_of`)."""

    id: str | None
    size: int
    stop: int
    head: Sample | None
    tail: Sample | None
    mark: bytes
    lead: int = 0


@dataclass(slots=True, eq=False)
class Looks:
    """Samples of one generation's lines by the offset of their first one, and places where no line has a stamp."""

    samples: dict[int, Sample] = field(default_factory=dict)
    blind: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Times:
    """Of one log: facts by `INODE/SIZE/MTIME` and kind, looks by inode and beginning: bytes that were written stay."""

    facts: dict[tuple[str, str], Facts] = field(default_factory=dict)
    looks: dict[tuple[str, bytes], Looks] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return 2 * len(self.facts) + sum(len(look.samples) + len(look.blind) for look in self.looks.values())


class TimesCache:
    """The times of all logs. What a zone would change is kept apart for each zone."""

    def __init__(self, most: int = limits.SEEK_SAMPLES) -> None:
        self._all: OrderedDict[tuple[File, str], Times] = OrderedDict()
        self._most = most

    def of(self, file: File, zone: str) -> Times:
        """What is known of a log, to be added to."""
        times = self._all.setdefault((file, zone), Times())
        self._all.move_to_end((file, zone))
        return times

    def trim(self) -> None:
        """Forget what is too much."""
        weight = sum(times.weight for times in self._all.values())
        while weight > self._most and len(self._all) > 1:
            weight -= self._all.popitem(last=False)[1].weight
