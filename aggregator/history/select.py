"""Which entries a search wants, and how their lines are given out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from aggregator import limits
from aggregator.history.entry import Entry, Place, Raw
from aggregator.model import File
from aggregator.stream import positions
from aggregator.stream.filters import Filter
from aggregator.stream.levels import level_of
from aggregator.stream.records import Line, LineRecord, rfc3339


class Hit(msgspec.Struct):
    """An entry that is wanted: its place in the order (microseconds since the epoch), where its first line stands and
    where its last one ends, and its lines. `size` are bytes of memory, about; `loose` tells that reading can't begin at
    its first line as at a stamped one; `given` counts lines that were given out before, at its beginning or end."""

    key: int
    head: Place
    end: Place
    lines: list[Line]
    size: int
    loose: bool = False
    given: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is for: a filter, and times in microseconds since the epoch, `since` included, `until` not."""

    filter: Filter
    since: int | None
    until: int | None

    def wants_time(self, time: int) -> bool:
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)


class Chooser(Protocol):
    """Decides on the entries of one file."""

    @property
    def key(self) -> int | None: ...
    def select(self, entry: Entry) -> Hit | None: ...
    def select_all(self, entries: Iterable[Entry]) -> list[Hit]: ...


class Selector:
    """Decides on the entries of one file, in the order in which they come.

    `offset` (seconds, the host's clock minus ours) is taken off stamps for the order between files, not for `since`
    and `until`. Keys never decrease: an entry whose stamp goes back comes right after the one before it.
    """

    def __init__(self, file: File, wanted: Wanted, offset: float, key: int | None = None) -> None:
        self._file = file
        self._wanted = wanted
        self._offset = int(offset * 1e6)
        self._key = key
        self._prefixes: dict[str, str] = {}

    def select(self, entry: Entry) -> Hit | None:
        """The hit that an entry is, if it is one."""
        if not self._wanted.wants_time(entry.time):
            return None
        wanted = self._wanted.filter
        levels = levels_of(entry) if wanted.level is not None else None
        if not wanted.passes_entry([line.text for line in entry.lines], levels):
            return None
        key = entry.time - self._offset
        self._key = key if self._key is None else max(key, self._key)
        return self._hit(entry, levels or levels_of(entry), self._key)

    def select_all(self, entries: Iterable[Entry]) -> list[Hit]:
        """The hits among some entries."""
        return [hit for entry in entries if (hit := self.select(entry)) is not None]

    @property
    def key(self) -> int | None:
        """The place in the order that was reached."""
        return self._key

    def _hit(self, entry: Entry, levels: list[str | None], key: int) -> Hit:
        name = self._position(entry.name) if entry.name else None
        time = rfc3339(entry.time)
        lines = [self._line(raw, level, key, time, name) for raw, level in zip(entry.lines, levels, strict=True)]
        size = sum(min(line.size, limits.LINE_BYTES) + limits.LINE_COST for line in lines)
        named = any(raw is entry.name for raw in entry.lines)
        return Hit(key, entry.head, entry.end, lines, size, loose=not named)

    def _line(self, raw: Raw, level: str | None, key: int, time: str, name: str | None) -> Line:
        position = self._position(raw)
        record = LineRecord(
            self._file.host,
            self._file.source,
            self._file.path,
            position,
            time,
            level,
            raw.text,
            stamped=raw.stamp is not None,
            clipped=raw.length is not None,
            length=raw.length,
            spans=self._wanted.filter.spans(raw.text) or None,
            record=None if name == position else name,
        )
        return Line(key, 0, raw.offset, raw.size, self._file, record)

    def _position(self, raw: Raw) -> str:
        start = self._prefixes.get(raw.generation)
        if start is None:
            start = self._prefixes[raw.generation] = positions.prefix(self._file, raw.generation)
        return f"{start}{raw.offset:012x}~{zlib.crc32(raw.data):08x}"


def levels_of(entry: Entry) -> list[str | None]:
    """The level of each line: its own, else that of the line that names the entry, else the first that is there."""
    own = [level_of(line.text) for line in entry.lines]
    named = next((level for level, line in zip(own, entry.lines, strict=True) if line is entry.name), None)
    common = named or next((level for level in own if level), None)
    return [level or common for level in own]
