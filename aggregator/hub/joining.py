"""A file on its way into a subscription: its backlog, and the live lines that wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggregator import limits
from aggregator.hub.backlog import Backlog
from aggregator.hub.feed import Feed, explain
from aggregator.hub.queue import Missing
from aggregator.model import File, Gap, Notice
from aggregator.stream.records import GapRecord, Line, NoticeRecord, Record, gap_record, notice_record


@dataclass(slots=True)
class Held:
    """Live lines of a file that wait for its backlog; when they are too many, the oldest become a gap."""

    lines: list[Line] = field(default_factory=list)
    missing: Missing | None = None
    bytes: int = 0
    gaps: list[tuple[int, Gap]] = field(default_factory=list)  # that came meanwhile, each after so many lines

    def append(self, line: Line) -> list[Line]:
        """Take the next line; those that had to go for it."""
        self.lines.append(line)
        self.bytes += min(line.size, limits.LINE_BYTES)
        if len(self.lines) <= limits.QUEUE_LINES and self.bytes <= limits.QUEUE_BYTES:
            return []
        return self.halve()

    def halve(self) -> list[Line]:
        """Give up the older half; those that had to go."""
        half = (len(self.lines) + 1) // 2
        lost = self.lines[:half]
        del self.lines[:half]
        self.bytes = size_of(self.lines)
        if lost:
            self.missing = self.missing or Missing(lost[0], lost[0])
            for line in lost:
                self.missing.add(line)
        self.gaps = [(max(0, after - half), gap) for after, gap in self.gaps]
        return lost

    def append_gap(self, gap: Gap) -> None:
        """Lines are missing after those that wait."""
        self.gaps.append((len(self.lines), gap))

    def parts(self) -> list[list[Line] | Record]:
        """The lines, and the gaps between them."""
        parts: list[list[Line] | Record] = []
        start = 0
        for after, gap in self.gaps:
            parts += [self.lines[start:after], gap_record(gap)]
            start = after
        return [*parts, self.lines[start:]]

    def gap(self) -> GapRecord | None:
        """What is missing between the backlog and the lines."""
        if self.missing is None:
            return None
        return self.missing.gap(self.lines[0].record.position if self.lines else None)


@dataclass(slots=True, eq=False)
class Ready:
    """A file whose backlog is here and waits to be given out, with what came live meanwhile."""

    feed: Feed
    backlog: Backlog
    held: Held
    size: int = field(init=False)  # bytes of memory, about

    def __post_init__(self) -> None:
        self.size = size_of(self.backlog.lines) + limits.LINE_COST * len(self.backlog.lines)

    @property
    def file(self) -> File:
        return self.feed.file


def size_of(lines: list[Line]) -> int:
    """Bytes of the lines' texts."""
    return sum([min(line.size, limits.LINE_BYTES) for line in lines])


def state_of(feed: Feed) -> NoticeRecord:
    """How a file is now, in words."""
    file = feed.file
    detail = explain(feed.error, feed.link) if feed.error else "following"
    return notice_record(Notice(file.host, feed.state, detail, file.source, file.path))
