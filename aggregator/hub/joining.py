"""A file on its way into a subscription: its backlog, and the live lines that wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggregator import limits
from aggregator.hub.backlog import Backlog
from aggregator.hub.feed import Feed, explain
from aggregator.hub.queue import Missing
from aggregator.model import File, Notice
from aggregator.stream.records import GapRecord, Line, NoticeRecord, notice_record


@dataclass(slots=True)
class Held:
    """Live lines of a file that wait for its backlog; when they are too many, the oldest become a gap."""

    lines: list[Line] = field(default_factory=list)
    missing: Missing | None = None

    def append(self, line: Line) -> list[Line]:
        """Take the next line; those that had to go for it."""
        self.lines.append(line)
        if len(self.lines) <= limits.QUEUE_LINES:
            return []
        lost = self.lines[: limits.QUEUE_LINES // 2]
        del self.lines[: limits.QUEUE_LINES // 2]
        self.missing = self.missing or Missing(lost[0], lost[0])
        for line in lost:
            self.missing.add(line)
        return lost

    def gap(self) -> GapRecord | None:
        """What is missing between the backlog and the lines."""
        return self.missing.gap(self.lines[0].record.position) if self.missing else None


@dataclass(slots=True, eq=False)
class Ready:
    """A file whose backlog is here and waits to be given out, with what came live meanwhile."""

    feed: Feed
    backlog: Backlog
    held: Held

    @property
    def file(self) -> File:
        return self.feed.file


def state_of(feed: Feed) -> NoticeRecord:
    """How a file is now, in words."""
    file = feed.file
    detail = explain(feed.error, feed.link) if feed.error else "following"
    return notice_record(Notice(file.host, feed.state, detail, file.source, file.path))
