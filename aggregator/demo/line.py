"""What the demo's programs write, before it lies in a file."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A log record: `time` in seconds since the epoch, `text` without its last newline, maybe of several lines."""

    time: float
    host: str
    log: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1
