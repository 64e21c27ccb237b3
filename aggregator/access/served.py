"""What went to a viewer: counts, ranges of positions, and digests; so that "who saw this line" has an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

from aggregator import limits
from aggregator.model import File, Position
from aggregator.stream import positions
from aggregator.stream.runs import Run

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(slots=True)
class Range:
    """The bytes [start, end) of one generation."""

    generation: str
    start: int
    end: int


@dataclass(slots=True)
class FileServed:
    """What was served of one file. `approximate` tells that the ranges hold more than was served."""

    lines: int = 0
    ranges: list[Range] = field(default_factory=list)
    digest: _Hash = field(default_factory=sha256)
    approximate: bool = False

    def add(self, run: Run, data: bytes, most: int) -> None:
        """Count a run whose data is given; at most `most` ranges are kept."""
        self.lines += len(run.texts)
        self.digest.update(data)
        last = self.ranges[-1] if self.ranges else None
        if last and last.generation == run.generation and last.end == run.start:
            last.end = run.end
            return
        if last and last.generation == run.generation and run.end == last.start:  # pages that go back
            last.start = run.start
            return
        self.ranges.append(Range(run.generation, run.start, run.end))
        if len(self.ranges) > most:
            self.merge(most)

    def merge(self, most: int) -> None:
        """Make at most `most` ranges, where all are of few enough generations, by joining the nearest ones."""
        if len(self.ranges) <= most:
            return
        self.approximate = True
        self.ranges = _hulls(self.ranges, most)


class Served:
    """Of one opening: what went to the viewer, and what a slow viewer lost."""

    def __init__(self) -> None:
        self.lines = 0
        self.bytes = 0
        self.dropped_lines = 0
        self.dropped_bytes = 0
        self._files: dict[File, FileServed] = {}

    def add(self, runs: Iterable[Run], lines: int, size: int) -> None:
        """Count what goes to the viewer now: its runs, their lines, and the bytes of their texts."""
        self.lines += lines
        self.bytes += size
        for run in runs:
            known = self._files.get(run.file)
            if known is None:
                known = self._files[run.file] = FileServed()
            known.add(run, run.data, limits.AUDIT_RANGES)

    def detail(self, seq: int, end: str | None) -> dict[str, object]:
        """The `detail` of a progress or close record of the opening `seq`."""
        most = max(1, limits.AUDIT_RANGES_RECORD // max(1, len(self._files)))
        for served in self._files.values():
            served.merge(min(most, limits.AUDIT_RANGES))
        return {
            "open": seq,
            **({"end": end} if end else {}),
            "lines": self.lines,
            "bytes": self.bytes,
            "dropped_lines": self.dropped_lines,
            "dropped_bytes": self.dropped_bytes,
            "files": [_file_detail(file, served) for file, served in self._files.items()],
        }


def _file_detail(file: File, served: FileServed) -> dict[str, object]:
    return {
        "host": file.host,
        "source": file.source,
        "path": file.path,
        "lines": served.lines,
        "ranges": [
            {
                "from": positions.encode(Position(file, one.generation, one.start)),
                "to": positions.encode(Position(file, one.generation, one.end)),
            }
            for one in served.ranges
        ],
        **({"approximate": True} if served.approximate else {}),
        "sha256": served.digest.hexdigest(),
    }


def _hulls(ranges: list[Range], most: int) -> list[Range]:
    """Fewer ranges that hold all of these: joined over the smallest holes first, never over generations.

    More generations than `most` keep one range each, up to `limits.AUDIT_RANGES`; what is over is the newest, so that
    it shows in the next record of the view.
    """
    by_generation: dict[str, list[Range]] = {}
    for one in ranges:
        by_generation.setdefault(one.generation, []).append(Range(one.generation, one.start, one.end))
    for held in by_generation.values():
        held.sort(key=lambda one: one.start)
    holes = sorted(
        (max(0, after.start - before.end), generation, before.start)
        for generation, held in by_generation.items()
        for before, after in pairwise(held)
    )
    closed = {(generation, start) for _, generation, start in holes[: max(0, len(ranges) - most)]}
    return [one for generation, held in by_generation.items() for one in _joined(generation, held, closed)]


def _joined(generation: str, held: list[Range], closed: set[tuple[str, int]]) -> list[Range]:
    joined: list[Range] = []
    join = False
    for one in held:
        if join:
            joined[-1].end = max(joined[-1].end, one.end)
        else:
            joined.append(one)
        join = (generation, one.start) in closed
    return joined
