"""What waits for one viewer: bounds, gaps, and their places."""

from __future__ import annotations

import pytest

from aggregator import limits
from aggregator.hub.chunk import Chunk
from aggregator.hub.joining import Held
from aggregator.hub.queue import Queue
from aggregator.model import File
from aggregator.stream.records import EndRecord, Line, LineRecord, Record


def line(number: int, name: str = "a") -> Line:
    file = File("web-1", "app", f"/{name}")
    position = f"web-1~app~L2E~0123456789abcdef~{number:012x}~00000000"
    record = LineRecord("web-1", "app", file.path, position, "", None, str(number))
    return Line(number, number, number, 1, file, record)


async def drained(queue: Queue) -> list[Record]:
    records: list[Record] = []
    while block := await queue.get(0.01):
        records += block.records
    return records


def kinds(records: list[Record]) -> list[str]:
    return [type(record).__name__.removesuffix("Record") for record in records]


async def test_oldest_lines_become_a_gap_before_the_next_line_of_their_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUEUE_LINES", 3)
    dropped: list[int] = []
    queue = Queue(lambda lines, size: dropped.append(lines))
    for number in range(6):
        queue.put(Chunk([line(number)]))
    records = await drained(queue)
    assert kinds(records) == ["Gap", "Line", "Line", "Line"]
    assert (records[0].lines, records[0].bytes, sum(dropped)) == (3, 3, 3)  # type: ignore[union-attr]
    assert (records[0].start[-21:-9], records[0].end[-21:-9]) == (f"{0:012x}", f"{3:012x}")  # type: ignore


async def test_gap_without_a_next_line_comes_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUEUE_LINES", 3)
    queue = Queue(lambda lines, size: None)
    for number in range(3):
        queue.put(Chunk([line(number, "a")]))
    for number in range(3):
        queue.put(Chunk([line(number, "b")]))
    queue.put_record(EndRecord("shutdown"))
    records = await drained(queue)
    assert kinds(records) == ["Line", "Line", "Line", "Gap", "End"]


async def test_one_very_long_line_does_not_drive_out_others() -> None:
    queue = Queue(lambda lines, size: None)
    long = line(0)
    long.size = 400 << 20  # bytes in its file; what waits is its beginning
    queue.put(Chunk([long]))
    queue.put(Chunk([line(1)]))
    assert kinds(await drained(queue)) == ["Line", "Line"]


def test_lines_that_wait_for_a_backlog_are_bounded_and_their_gap_stands_behind_it() -> None:
    held = Held()
    lost = [gone for number in range(limits.QUEUE_LINES + 10) for gone in held.append(line(number))]
    assert len(held.lines) + len(lost) == limits.QUEUE_LINES + 10
    gap = held.gap()
    assert gap is not None
    assert gap.lines == len(lost)
    assert gap.end == held.lines[0].record.position
