"""What waits for one viewer, within bounds; when it is too much, the oldest lines become gaps."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aggregator import limits
from aggregator.hub.chunk import Chunk, Format, encode_records
from aggregator.model import File
from aggregator.stream import positions
from aggregator.stream.records import EndRecord, GapRecord, Line, Record
from aggregator.stream.runs import Run


@dataclass(slots=True)
class Missing:
    """Lines of one file that a viewer will not get."""

    first: Line
    last: Line
    lines: int = 0
    bytes: int = 0

    def add(self, line: Line) -> None:
        """One more, the last so far."""
        self.last = line
        self.lines += 1
        self.bytes += line.size

    def gap(self, following: str | None) -> GapRecord:
        """The gap, up to the first line delivered after it, or else to the end of the last one missing."""
        record = self.first.record
        if following is None:
            last = positions.decode(self.last.record.position)
            end = positions.prefix(last.file, last.generation)
            following = f"{end}{self.last.offset + self.last.size:012x}"
        return GapRecord(
            record.host, record.source, record.path, record.position, following, self.lines, self.bytes, "slow-viewer"
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Some records for a viewer; `chunk` where they are all of a chunk's lines, whose encoding is shared. `served`
    are its lines, with gaps among them or not."""

    records: Sequence[Record]
    chunk: Chunk | None
    served: Chunk | None = None

    @property
    def lines(self) -> int:
        return len(self.served.lines) if self.served else 0

    @property
    def size(self) -> int:
        """Bytes of the lines' texts."""
        return self.served.bytes if self.served else 0

    @property
    def runs(self) -> Sequence[Run]:
        return self.served.runs if self.served else ()

    def encoded(self, form: Format) -> bytes:
        """The records as NDJSON, as a JSON array, or as text."""
        return self.chunk.encoded(form) if self.chunk else encode_records(self.records, form)


class Queue:
    """Chunks and single records for one viewer, in their order. `dropped(lines, bytes)` is told of every loss."""

    def __init__(self, dropped: Callable[[int, int], None]) -> None:
        self.lines = 0
        self.bytes = 0
        self._items: deque[Chunk | Record] = deque()
        self._missing: dict[File, Missing] = {}
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._dropped = dropped

    def put(self, chunk: Chunk) -> None:
        """Take lines; the oldest ones become gaps when there is no room."""
        self._items.append(chunk)
        self.lines += len(chunk.lines)
        self.bytes += chunk.bytes
        while self.lines > limits.QUEUE_LINES or self.bytes > limits.QUEUE_BYTES:
            if not self._drop_oldest(chunk):
                break
        self._signal()

    def put_record(self, record: Record) -> None:
        """Take a record that is no line; these are few and never dropped."""
        self._items.append(record)
        self._signal()

    def lose(self, lines: Iterable[Line]) -> None:
        """Count lines as missing; the gap is told before the next line of their file."""
        count = size = 0
        for line in lines:
            missing = self._missing.get(line.file)
            if missing is None:
                missing = self._missing[line.file] = Missing(line, line)
            missing.add(line)
            count += 1
            size += line.size
        self._dropped(count, size)
        self._signal()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items and not self._missing

    def clear(self) -> None:
        """Give up what waits; its lines count as dropped."""
        self._dropped(self.lines, self.bytes)
        self._items.clear()
        self._missing.clear()
        self.lines = self.bytes = 0
        self._signal()

    @property
    def has_room(self) -> bool:
        """Whether the queue is at most half full."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until the queue is at most half full."""
        await self._room.wait()

    async def get(self, timeout: float) -> Block | None:
        """The next records; None when nothing came within `timeout` seconds."""
        if self.empty:
            self._more.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._more.wait()
            except TimeoutError:
                return None
        block = self._next() if self._items else self._leftovers()
        self._signal()
        return block

    def _drop_oldest(self, newest: Chunk) -> bool:
        for index, item in enumerate(self._items):
            if isinstance(item, Chunk):
                if item is newest:
                    return False
                del self._items[index]
                self._take_off(item)
                self.lose(item.lines)
                return True
        return False

    def _next(self) -> Block:
        if isinstance(self._items[0], EndRecord) and self._missing:
            return self._leftovers()  # nothing comes after the end
        item = self._items.popleft()
        if not isinstance(item, Chunk):
            records = [item]
            while self._items and not isinstance(self._items[0], Chunk | EndRecord):
                records.append(self._items.popleft())  # type: ignore[arg-type]
            return Block(records, None)
        self._take_off(item)
        if not self._missing:
            return Block([line.record for line in item.lines], item, item)
        return Block(self._with_gaps(item), None, item)

    def _with_gaps(self, chunk: Chunk) -> list[Record]:
        """A chunk's lines, each file's gap before its first line."""
        records: list[Record] = []
        for line in chunk.lines:
            missing = self._missing.pop(line.file, None) if self._missing else None
            if missing:
                records.append(missing.gap(line.record.position))
            records.append(line.record)
        return records

    def _leftovers(self) -> Block:
        records: list[Record] = [missing.gap(None) for missing in self._missing.values()]
        self._missing.clear()
        return Block(records, None)

    def _take_off(self, chunk: Chunk) -> None:
        self.lines -= len(chunk.lines)
        self.bytes -= chunk.bytes

    def _signal(self) -> None:
        if self._items or self._missing:
            self._more.set()
        if self.lines * 2 <= limits.QUEUE_LINES and self.bytes * 2 <= limits.QUEUE_BYTES:
            self._room.set()
        else:
            self._room.clear()
