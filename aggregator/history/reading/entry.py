"""Entries: what a program logged at once, a stamped line and the lines without a stamp that follow it.

INTERFACE calls them records ("Records:"); here they are entries, because records are also what viewers get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Literal, NamedTuple

import msgspec

from aggregator import limits
from aggregator.history.generation.files import Generation
from aggregator.model import Batch
from aggregator.stream.keys import Span
from aggregator.stream.redactor import Redactor, merged, replaced
from aggregator.stream.stamps import StampReader

First = Literal["join", "drop", "keep", "loose"]
Misses = Callable[[int, int], bool]


class Place(NamedTuple):
    """The byte `offset` of a generation; what begins there, or ends. `hint` tells it from others that begin alike (a
    banner)."""

    generation: str
    offset: int
    hint: int = 0

    def same(self, other: Place) -> bool:
        """Whether both are one place, also when the file was compressed meanwhile."""
        return self[:2] == other[:2]


class Raw(msgspec.Struct, gc=False):
    """A line as read: `size` are its bytes in the file, `data` at most `limits.LINE_BYTES` of them without the newline,
    `length` its whole length where that is more. `stamp` and `written`, the mtime of its file, are in microseconds
    since the epoch. `secrets` are where its text may not be seen."""

    generation: str
    offset: int
    size: int
    data: bytes
    text: str
    stamp: int | None
    written: int
    hint: int
    length: int | None = None
    secrets: Sequence[Span] = ()

    @property
    def shown(self) -> str:
        """The text without what is secret in it."""
        return replaced(self.text, self.secrets) if self.secrets else self.text


class Entry(msgspec.Struct, gc=False):
    """Lines that are decided together. `time` is in microseconds since the epoch; `name` is the line that names the
    entry, its stamped one; None for a line of a log without stamps (`loose`)."""

    time: int
    lines: list[Raw]
    name: Raw | None

    @property
    def head(self) -> Place:
        return begin_of(self.lines[0])

    @property
    def end(self) -> Place:
        return end_of(self.lines[-1])


class LineSplitter:
    """Batches of one file → its lines with their stamps. Stamps without a year are placed by the file's mtime; those of
    an hour that came twice by the stamp before, `previous` for the first one (microseconds since the epoch)."""

    def __init__(self, zone: tzinfo, previous: int | None = None) -> None:
        self._zone = zone
        self._inode = ""
        self._stamps = StampReader(zone, previous=previous)
        self._doubtful = False

    @property
    def doubtful(self) -> bool:
        """Whether the first stamps may mean another hour: more of what is before them is needed."""
        return self._doubtful or self._stamps.doubtful

    def split(self, batch: Batch, one: Generation, misses: Misses | None = None) -> list[Raw]:
        """The lines of a batch of a generation; batches come in their order. Of neighbours that all have stamps between
        two times that `misses` knows to be of no use, only the first and the last: they say where the others lie."""
        if one.inode != self._inode:
            self._inode = one.inode
            self._doubtful = self.doubtful
            self._stamps = StampReader(self._zone, lambda: float(one.mtime), self._stamps.previous)
        return self._useful(batch, one, misses) if misses and batch.length is None else self._lines(batch, one)

    def _useful(self, batch: Batch, one: Generation, misses: Misses) -> list[Raw]:
        """The lines of a batch without those within it that are of no use."""
        text = batch.text
        if self._misses(text, misses):
            first, last = text.find(b"\n") + 1, text.rfind(b"\n", 0, -1) + 1
            unseen = replace(batch, secrets={})  # nobody will be shown them
            ends = _part_of(unseen, 0, min(first, last)), _part_of(unseen, last, len(text))
            return [line for end in ends for line in self._lines(end, one)]
        middle = text.find(b"\n", len(text) // 2) + 1
        if len(text) <= limits.USELESS_LEAST or middle == len(text):
            return self._lines(batch, one)
        halves = _part_of(batch, 0, middle), _part_of(batch, middle, len(text))
        return [line for half in halves for line in self._useful(half, one, misses)]

    def _misses(self, text: bytes, misses: Misses) -> bool:
        """Whether no line of some is of use."""
        stamp = self._stamps.read(text[: text.find(b"\n")].decode("utf-8", "replace"))
        if stamp is None or not misses(stamp, stamp):
            return False
        span = self._stamps.span(text)
        return span is not None and misses(*span)

    def _lines(self, batch: Batch, one: Generation) -> list[Raw]:
        read, written, hint = self._stamps.read, one.mtime * 1_000_000, hint_of(one)
        if batch.length is not None:
            text = batch.text.decode("utf-8", "replace")
            size = batch.length + 1
            secrets = batch.secrets.get(0, ())
            stamp = read(text)
            return [
                Raw(batch.generation, batch.start, size, batch.text, text, stamp, written, hint, batch.length, secrets)
            ]
        lines: list[Raw] = []
        offset = batch.start
        for data in batch.text.split(b"\n")[:-1]:
            text = data.decode("utf-8", "replace")
            size = len(data) + 1
            lines.append(Raw(batch.generation, offset, size, data, text, read(text), written, hint))
            offset += size
        for index, line in enumerate(lines) if batch.secrets else ():
            line.secrets = batch.secrets.get(index, ())
        return lines


class Grouper:
    """Groups lines, fed in their order, into entries.

    `first` says what becomes of lines before the first stamp: they `join` it (a log's beginning), `drop` (they belong
    to an entry before, which is not wanted), stay in `leading` (`keep`), or are entries of their own (`loose`). Where
    no stamp comes for `limits.ENTRY_BYTES`, or none at all, each line is an entry of its own, at the file's mtime.
    """

    def __init__(self, first: First) -> None:
        self.leading: list[Raw] = []
        self._first = first
        self._stamped = False
        self._open: Entry | None = None
        self._size = 0

    def feed(self, lines: Iterable[Raw]) -> list[Entry]:
        """The entries that these lines complete."""
        done: list[Entry] = []
        for line in lines:
            if line.stamp is not None:
                self._begin(line, done)
            elif self._open is not None:
                self._go_on(line, done)
            elif self._first == "loose" or self._stamped:
                done.append(loose(line))
            else:
                self._lead(line, done)
        return done

    def finish(self) -> list[Entry]:
        """The last entry. Where no stamp came, `leading` is left for `keep` only."""
        if self._open is not None:
            last, self._open = self._open, None
            return [last]
        return [] if self._first == "keep" else self._loosen()

    @property
    def stamped(self) -> bool:
        """Whether a stamp has come."""
        return self._stamped

    @property
    def unled(self) -> bool:
        """Whether lines before the first stamp are entries of their own: too many, or it was asked for."""
        return self._first == "loose"

    @property
    def loose(self) -> bool:
        """Whether what comes next is read without a stamp that names it."""
        if self._open is not None:
            return self._open.name is not self._open.lines[0] if self._open.lines else True
        return self._first == "loose" and not self._stamped

    @property
    def pending(self) -> Place | None:
        """Where the first line stands that is in no complete entry yet."""
        lines = self._open.lines if self._open else self.leading
        return begin_of(lines[0]) if lines else None

    def _begin(self, line: Raw, done: list[Entry]) -> None:
        if self._open is not None:
            done.append(self._open)
        before: list[Raw] = []
        if not self._stamped and self._first in ("join", "drop"):
            before = self.leading if self._first == "join" else []
            self.leading = []
        self._stamped = True
        self._open = Entry(line.stamp or 0, [*before, line], line)
        self._size = cost(line)

    def _go_on(self, line: Raw, done: list[Entry]) -> None:
        """A line without a stamp; an entry that grows too large goes on as another one of the same name."""
        entry = self._open
        assert entry is not None  # noqa: S101 - for mypy
        if self._size > limits.ENTRY_BYTES:
            done.append(entry)
            entry = self._open = Entry(entry.time, [], entry.name)
            self._size = 0
        entry.lines.append(line)
        self._size += cost(line)

    def _lead(self, line: Raw, done: list[Entry]) -> None:
        self.leading.append(line)
        self._size += cost(line)
        if self._size > limits.ENTRY_BYTES:
            done += self._loosen()
            self._first = "loose"

    def _loosen(self) -> list[Entry]:
        lines, self.leading = self.leading, []
        return [loose(line) for line in lines]


def _part_of(batch: Batch, start: int, end: int) -> Batch:
    """The whole lines of a batch in the bytes [start, end) of its text."""
    text = batch.text[start:end]
    secrets = batch.secrets
    if secrets:
        first, count = batch.text.count(b"\n", 0, start), text.count(b"\n")
        secrets = {index - first: spans for index, spans in secrets.items() if first <= index < first + count}
    return replace(batch, text=text, start=batch.start + start, end=batch.start + end, secrets=secrets)


def redact(entry: Entry, redactor: Redactor | None) -> None:
    """Find what is secret in an entry's lines together; what is in each of them was found as they were read."""
    if redactor is None or not redactor.crosses or len(entry.lines) == 1:
        return
    for index, spans in redactor.crossing([line.text for line in entry.lines]).items():
        line = entry.lines[index]
        line.secrets = merged([*line.secrets, *spans])


def hint_of(one: Generation) -> int:
    """What tells a generation from another that begins alike."""
    return one.hint


def begin_of(line: Raw) -> Place:
    return Place(line.generation, line.offset, line.hint)


def end_of(line: Raw) -> Place:
    return Place(line.generation, line.offset + line.size, line.hint)


def loose(line: Raw) -> Entry:
    """A line that no stamp tells the time of, as an entry of its own."""
    return Entry(line.written, [line], None)


def cost(line: Raw) -> int:
    """Bytes of memory that a line takes, about."""
    return (line.size if line.size < limits.LINE_BYTES else limits.LINE_BYTES) + limits.LINE_COST
