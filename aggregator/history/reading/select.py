"""Which entries a search wants, and how their lines are given out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import msgspec

from aggregator.history.reading.entry import Entry, Place, Raw, cost, redact
from aggregator.model import File
from aggregator.stream import positions
from aggregator.stream.filters import Filter
from aggregator.stream.levels import level_of
from aggregator.stream.records import Line, LineRecord, rfc3339
from aggregator.stream.redactor import Redactor


class Hit(msgspec.Struct):
    """An entry that is wanted: its place in the order (microseconds since the epoch), and what makes its lines when it
    is given out, which most are not. `size` are bytes of memory, about; `given` counts lines that were given out
    before, at its beginning or end."""

    key: int
    entry: Entry
    size: int
    show: Callable[[Hit], list[Line]]
    given: int = 0

    @property
    def head(self) -> Place:
        """Where its first line stands."""
        return self.entry.head

    @property
    def end(self) -> Place:
        """Where its last line ends."""
        return self.entry.end

    @property
    def count(self) -> int:
        """Its lines."""
        return len(self.entry.lines)

    @property
    def loose(self) -> bool:
        """Whether reading can't begin at its first line as at a stamped one."""
        return all(raw is not self.entry.name for raw in self.entry.lines)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is for: a filter, and times in microseconds since the epoch, `since` included, `until` not; and
    what may not be seen of it (None: all may). With `bare` only the texts of lines are given out: no levels, no spans.
    """

    filter: Filter
    since: int | None
    until: int | None
    redactor: Redactor | None = None
    bare: bool = False

    def passes(self, entry: Entry, levels: list[str | None] | None) -> bool:
        """Whether an entry is shown, by its text as it would be; `levels` are needed for a filter that has one."""
        redact(entry, self.redactor)
        if not (self.filter.grep or self.filter.exclude):
            return self.filter.passes_entry((), levels)
        return self.filter.passes_entry([line.shown for line in entry.lines], levels)

    def wants_time(self, time: int) -> bool:
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def misses(self, first: int, last: int) -> bool:
        """Whether no time from one to another is wanted."""
        return (self.until is not None and first >= self.until) or (self.since is not None and last < self.since)


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
        levels = levels_of(entry) if self._wanted.filter.level is not None else None
        if not self._wanted.passes(entry, levels):
            return None
        key = entry.time - self._offset
        self._key = key if self._key is None else max(key, self._key)
        return Hit(self._key, entry, sum(map(cost, entry.lines)), self._show)

    def select_all(self, entries: Iterable[Entry]) -> list[Hit]:
        """The hits among some entries."""
        return [hit for entry in entries if (hit := self.select(entry)) is not None]

    @property
    def key(self) -> int | None:
        """The place in the order that was reached."""
        return self._key

    def _show(self, hit: Hit) -> list[Line]:
        """The lines of a hit as they are given out."""
        entry, bare = hit.entry, self._wanted.bare
        places = [self._position(raw) for raw in entry.lines]
        name = next((place for raw, place in zip(entry.lines, places, strict=True) if raw is entry.name), None)
        if name is None and entry.name:
            name = self._position(entry.name)
        levels = repeat(None) if bare else levels_of(entry)
        time = rfc3339(entry.time)
        rows = zip(entry.lines, places, levels, strict=False)
        return [self._line(raw, place, level, hit.key, time, name) for raw, place, level in rows]

    def _line(self, raw: Raw, position: str, level: str | None, key: int, time: str, name: str | None) -> Line:
        text = raw.shown
        spans = None if self._wanted.bare else self._wanted.filter.spans(text)
        record = LineRecord(
            self._file.host,
            self._file.source,
            self._file.path,
            position,
            time,
            level,
            text,
            stamped=raw.stamp is not None,
            clipped=raw.length is not None,
            length=raw.length,
            spans=spans or None,
            record=None if name == position else name,
            redacted=bool(raw.secrets),
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
