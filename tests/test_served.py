"""The audit log's account of what was served: ranges that hold every line, digests, and bounds."""

from __future__ import annotations

import zlib
from hashlib import sha256
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from aggregator import limits
from aggregator.access.served import Served
from aggregator.model import Batch, File, Position
from aggregator.stream import positions
from aggregator.stream.reader import LineReader
from aggregator.stream.runs import runs_of

FILE = File("web-1", "app", "/logs/app.log")
GENERATIONS = ("0" * 16, "f" * 16)


def read(generation: str, start: int, texts: list[str]):
    """Lines that follow one another from an offset on."""
    data = "".join(f"{text}\n" for text in texts).encode()
    return LineReader(FILE, ZoneInfo("UTC")).read(Batch(FILE, generation, start, start + len(data), data))


def detail(served: Served):
    (file,) = served.detail(1, "complete")["files"]
    return file


def spans(file):
    decoded = [(positions.decode(one["from"]), positions.decode(one["to"])) for one in file["ranges"]]
    return [(start.generation, start.offset, end.offset) for start, end in decoded]


def test_lines_that_follow_one_another_are_one_range_with_the_digest_of_their_texts() -> None:
    served = Served()
    for lines in (read(GENERATIONS[0], 0, ["one", "two"]), read(GENERATIONS[0], 8, ["three"])):
        served.add(runs_of(lines), len(lines), 0)
    file = detail(served)
    assert spans(file) == [(GENERATIONS[0], 0, 14)]
    assert file["lines"] == 3
    assert file["sha256"] == sha256(b"one\ntwo\nthree\n").hexdigest()
    assert "approximate" not in file


def test_pages_that_go_back_are_one_range() -> None:
    served = Served()
    for lines in (read(GENERATIONS[0], 8, ["three"]), read(GENERATIONS[0], 0, ["one", "two"])):
        served.add(runs_of(lines), len(lines), 0)
    assert spans(detail(served)) == [(GENERATIONS[0], 0, 14)]


def test_what_was_left_out_is_in_no_range() -> None:
    served = Served()
    lines = read(GENERATIONS[0], 0, ["one", "two", "three", "four"])
    served.add(runs_of([lines[0], lines[1], lines[3]]), 3, 0)
    assert spans(detail(served)) == [(GENERATIONS[0], 0, 8), (GENERATIONS[0], 14, 19)]


@given(
    st.lists(st.tuples(st.sampled_from(GENERATIONS), st.integers(0, 400), st.integers(1, 3)), min_size=1, max_size=400)
)
def test_every_line_is_in_a_range_and_ranges_are_bounded(steps) -> None:
    served = Served()
    seen = []
    for generation, place, count in steps:
        lines = read(generation, place * 100, ["x" * 9] * count)
        served.add(runs_of(lines), count, 0)
        seen += [(generation, line.offset) for line in lines]
    file = detail(served)
    found = spans(file)
    assert len(found) <= limits.AUDIT_RANGES + len(GENERATIONS)
    assert all(any(g == held and start <= at < end for held, start, end in found) for g, at in seen)
    if "approximate" not in file:
        assert {(g, at) for g, start, end in found for at in range(start, end, 10)} == set(seen)


def test_a_position_of_a_range_names_the_line_that_was_served() -> None:
    (line,) = read(GENERATIONS[0], 30, ["one"])
    served = Served()
    served.add(runs_of([line]), 1, 4)
    place = positions.decode(line.record.position)
    assert place == Position(FILE, GENERATIONS[0], 30, zlib.crc32(b"one"))
    assert spans(detail(served)) == [(place.generation, place.offset, place.offset + 4)]
