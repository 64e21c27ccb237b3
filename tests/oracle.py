"""What INTERFACE says of history, as plain Python over logs whose every line is known: nothing of the product is used.

A `Log` is one file on one host with all its generations. Its `entries()` are what INTERFACE calls records: a stamped
line and the lines without a stamp behind it. `asked()` gives the entries that a query selects, `ordered()` those of
many logs as one.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

LEVELS = ("trace", "debug", "info", "notice", "warning", "error", "critical")
CLIP = 65_536  # bytes of a line that are delivered
MICROS = 1_000_000


@dataclass(frozen=True)
class Written:
    """A line as it was written, without its newline; `stamp` is in microseconds since the epoch."""

    raw: bytes
    stamp: int | None = None
    level: str | None = None

    @property
    def text(self) -> str:
        return self.raw[:CLIP].decode("utf-8", "replace")


@dataclass
class Part:
    """A generation: its lines, its name behind the log's (`""` for the live file), how it is compressed, its mtime in
    seconds; `open_end` tells that its last line has no newline."""

    lines: list[Written]
    suffix: str
    mtime: int
    open_end: bool = False

    @property
    def kind(self) -> str:
        return self.suffix.rsplit(".", 1)[-1] if self.suffix.endswith((".gz", ".xz", ".bz2", ".zst")) else "plain"

    def data(self) -> bytes:
        text = b"".join(line.raw + b"\n" for line in self.lines)
        return text[:-1] if self.open_end and text else text

    def write(self, live: Path) -> None:
        path = live.with_name(live.name + self.suffix)
        path.write_bytes(packed(self.data(), self.kind))
        os.utime(path, (self.mtime, self.mtime))

    @property
    def complete(self) -> list[Written]:
        """Its lines as readers get them: a live file's last one may still be being written."""
        return self.lines[:-1] if self.open_end and not self.suffix else self.lines


@dataclass(frozen=True)
class Shown:
    """A line as history has to show it."""

    host: str
    path: str
    text: str
    time: int
    stamped: bool
    level: str | None
    length: int | None


@dataclass
class Entry:
    """A record of INTERFACE. `low` and `high` bound its place in the order: where its log's stamps never go back they
    are the same."""

    host: str
    source: str
    path: str
    number: int
    time: int
    lines: list[Shown]
    low: int = 0
    high: int = 0

    @property
    def rank(self) -> tuple[int, str, str, str, int]:
        return self.high, self.host, self.source, self.path, self.number


@dataclass
class Log:
    """One file with its generations, oldest first."""

    host: str
    source: str
    path: Path
    parts: list[Part] = field(default_factory=list)

    def write(self) -> None:
        for part in self.parts:
            part.write(self.path)

    def rotate(self) -> None:
        """As logrotate with numbers: all go up by one, the live file becomes `.1`, what was `.1` is compressed."""
        for part in self.parts:
            old = self.path.with_name(self.path.name + part.suffix)
            number = int(part.suffix.split(".")[1]) if part.suffix else 0
            part.suffix = f".{number + 1}" + (".gz" if number else "")
            if part.open_end and not number:
                part.lines, part.open_end = part.lines[:-1], False  # the writer never ended it
            if part.lines:
                part.write(self.path)
            old.unlink()
        self.parts = [part for part in self.parts if part.lines]
        self.parts.append(Part([], "", self.parts[-1].mtime if self.parts else 0))
        self.parts[-1].write(self.path)

    def entries(self) -> list[Entry]:
        lines = [(line, part.mtime * MICROS) for part in self.parts for line in part.complete]
        if all(line.stamp is None for line, _ in lines):
            groups = [[pair] for pair in lines]
        else:
            first = next(index for index, (line, _) in enumerate(lines) if line.stamp is not None)
            groups = [lines[: first + 1]]
            for pair in lines[first + 1 :]:
                if pair[0].stamp is None:
                    groups[-1].append(pair)
                else:
                    groups.append([pair])
        entries = [self._entry(number, group) for number, group in enumerate(groups)]
        highest = 0
        for entry in entries:
            highest = max(highest, entry.time)
            entry.low, entry.high = entry.time, highest
        return entries

    @property
    def goes_back(self) -> bool:
        return any(entry.low != entry.high for entry in self.entries())

    @property
    def begins_alike(self) -> bool:
        """Whether two generations have the same first line: then what is alike behind it has the same address."""
        first = [part.lines[0].raw for part in self.parts if part.lines]
        return len(set(first)) < len(first)

    def _entry(self, number: int, group: Sequence[tuple[Written, int]]) -> Entry:
        name = next((line for line, _ in group if line.stamp is not None), group[0][0])
        time = name.stamp if name.stamp is not None else group[0][1]
        level = name.level or next((line.level for line, _ in group if line.level), None)
        shown = [
            Shown(
                self.host,
                str(self.path),
                line.text,
                time,
                line.stamp is not None,
                line.level or level,
                len(line.raw) if len(line.raw) > CLIP else None,
            )
            for line, _ in group
        ]
        return Entry(self.host, self.source, str(self.path), number, time, shown)


@dataclass(frozen=True)
class Query:
    """What is asked for; times in microseconds since the epoch. Patterns are of the part that RE2 and `re` share."""

    since: int | None = None
    until: int | None = None
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    hosts: tuple[str, ...] = ()

    def parameters(self) -> dict[str, object]:
        """For a request."""
        given: dict[str, object] = {"grep": list(self.grep), "exclude": list(self.exclude)}
        given |= {"since": rfc3339(self.since)} if self.since is not None else {}
        given |= {"until": rfc3339(self.until)} if self.until is not None else {}
        given |= {"level": self.level} if self.level else {}
        given |= {"hosts": ",".join(self.hosts)} if self.hosts else {}
        return given

    def selects(self, entry: Entry) -> bool:
        if self.since is not None and entry.time < self.since:
            return False
        if self.until is not None and entry.time >= self.until:
            return False
        if self.hosts and entry.host not in self.hosts:
            return False
        texts = [line.text for line in entry.lines]
        return (
            all(any(re.search(one, text) for text in texts) for one in self.grep)
            and not any(re.search(one, text) for one in self.exclude for text in texts)
            and (self.level is None or any(_at_least(line.level, self.level) for line in entry.lines))
        )


def asked(logs: Iterable[Log], query: Query) -> list[Entry]:
    """The entries that a query selects, in the order of history: by time, then host, source, path."""
    return sorted((entry for log in logs for entry in log.entries() if query.selects(entry)), key=lambda one: one.rank)


def lines_of(entries: Iterable[Entry]) -> list[Shown]:
    return [line for entry in entries for line in entry.lines]


def is_order(entries: Sequence[Entry]) -> bool:
    """Whether entries may stand in this order: each file's own, and between files by time as far as stamps tell."""
    last: dict[tuple[str, str], int] = {}
    lowest = 0
    for entry in entries:
        if last.get((entry.host, entry.path), -1) >= entry.number or entry.high < lowest:
            return False
        last[entry.host, entry.path] = entry.number
        lowest = max(lowest, entry.low)
    return True


def rfc3339(micros: int) -> str:
    """Microseconds since the epoch in UTC, with all six digits."""
    return datetime.fromtimestamp(micros // MICROS, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros % MICROS:06d}Z"


def micros_of(text: str) -> int:
    """Of an RFC 3339 time in UTC."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    seconds = int(datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
    return seconds * MICROS + int(rest.ljust(6, "0") or 0)


def packed(data: bytes, kind: str) -> bytes:
    """A file's bytes as compressed by `gz`, `xz`, `bz2`, `zst` or `plain`."""
    match kind:
        case "gz":
            return gzip.compress(data, 1)
        case "xz":
            return lzma.compress(data, preset=0)
        case "bz2":
            return bz2.compress(data, 1)
        case "zst":
            return subprocess.run(["zstd", "-1qc"], input=data, capture_output=True, check=True).stdout
        case _:
            return data


def _at_least(level: str | None, threshold: str) -> bool:
    return level is None or LEVELS.index(level) >= LEVELS.index(threshold)
