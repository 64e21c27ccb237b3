"""stream.lines: any split of any bytes into chunks gives the same lines and positions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import limits
from aggregator.model import Batch, File
from aggregator.stream.lines import Cutter, generation_of

FILE = File("web-1", "nginx", "/var/log/nginx/access.log")


def lines_of(batches: list[Batch]) -> list[tuple[int, int, bytes, int | None]]:
    """(start, end, delivered bytes, whole length if clipped) of every line."""
    lines: list[tuple[int, int, bytes, int | None]] = []
    for batch in batches:
        assert batch.file == FILE
        if batch.length is not None:
            lines.append((batch.start, batch.end, batch.text, batch.length))
            continue
        assert batch.text.endswith(b"\n")
        assert len(batch.text) == batch.end - batch.start
        offset = batch.start
        for text in batch.text.split(b"\n")[:-1]:
            lines.append((offset, offset + len(text) + 1, text, None))
            offset += len(text) + 1
    return lines


def plain_reading(data: bytes, start: int) -> list[tuple[int, int, bytes, int | None]]:
    lines: list[tuple[int, int, bytes, int | None]] = []
    offset = start
    for text in data.split(b"\n")[:-1]:
        long = len(text) > limits.LINE_BYTES
        lines.append((offset, offset + len(text) + 1, text[: limits.LINE_BYTES], len(text) if long else None))
        offset += len(text) + 1
    return lines


def cut(data: bytes, cuts: list[int], start: int, *, skip: bool = False) -> list[Batch]:
    cutter = Cutter(FILE, None if start == 0 else "0" * 16, start, skip=skip)
    batches: list[Batch] = []
    edges = [0, *sorted(cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        batches += cutter.feed(data[begin:end])
    assert cutter.received == start + len(data)
    return batches


chunks = st.lists(st.integers(0, 400), max_size=12)
texts = st.lists(st.binary(max_size=40), max_size=20).map(b"\n".join)


@given(data=texts, cuts=chunks, start=st.sampled_from([0, 7, 10**12]))
def test_any_split_of_any_bytes_gives_the_same_lines_and_positions(data: bytes, cuts: list[int], start: int) -> None:
    assert lines_of(cut(data, cuts, start)) == plain_reading(data, start)


@given(data=texts, cuts=chunks)
@settings(max_examples=300)
def test_lines_over_the_cap_are_delivered_once_clipped_with_their_length(data: bytes, cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "LINE_BYTES", 8)
        assert lines_of(cut(data, cuts, 3)) == plain_reading(data, 3)


@given(data=texts, cuts=chunks)
def test_a_start_inside_a_line_passes_over_that_line(data: bytes, cuts: list[int]) -> None:
    head, newline, rest = data.partition(b"\n")
    expected = plain_reading(rest, 5 + len(head) + 1) if newline else []
    assert lines_of(cut(data, cuts, 5, skip=True)) == expected


def test_the_generation_is_the_hash_of_the_first_line_however_the_file_grows() -> None:
    head = b"2026-11-23 first\n"
    assert generation_of(b"2026-11-23 fir") is None
    assert generation_of(head) == generation_of(head + b"second\n" * 500)
    assert generation_of(head) != generation_of(b"other\n")
    assert generation_of(b"x" * 2000) == generation_of(b"x" * 1024 + b"y\n")


def test_a_file_that_begins_empty_gets_its_generation_with_its_first_line() -> None:
    batches = cut(b"first\nsecond\n", [3], 0)
    assert {batch.generation for batch in batches} == {generation_of(b"first\n")}


def test_a_hundred_mebibyte_line_keeps_memory_bounded_and_is_one_clipped_line() -> None:
    cutter = Cutter(FILE, None, 0)
    chunk = b"x" * (1 << 20)
    batches = [batch for _ in range(100) for batch in cutter.feed(chunk)]
    assert batches == []
    assert len(cutter._partial) <= limits.LINE_BYTES + limits.REDACT_BEYOND
    (long, after) = cutter.feed(b"\nnext\n")
    assert (long.start, long.end, long.length, len(long.text)) == (0, (100 << 20) + 1, 100 << 20, limits.LINE_BYTES)
    assert (after.start, after.text) == ((100 << 20) + 1, b"next\n")


def test_the_end_of_a_generation_gives_its_unfinished_line() -> None:
    cutter = Cutter(FILE, None, 0)
    cutter.feed(b"one\ntw")
    cutter.feed(b"o")
    (last,) = cutter.finish()
    assert (last.start, last.end, last.text) == (4, 7, b"two\n")
