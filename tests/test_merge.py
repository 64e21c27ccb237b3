"""stream.merge: an honest order, never at the price of more than the hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import File
from aggregator.stream.merge import Merge
from aggregator.stream.records import Line, LineRecord

MS = 1000  # microseconds
START = 1_795_000_000_000_000
HOLD = 180 * MS


def line(host: str, key: int, offset: int = 0, *, stamped: bool = True) -> Line:
    record = LineRecord(host, "app", "/app.log", f"{host}-{offset}", "", None, f"{host} {key}", stamped=stamped)
    return Line(key, 1, offset, 10, File(host, "app", "/app.log"), record)


def test_lines_of_two_hosts_leave_in_the_order_of_their_stamps() -> None:
    merge = Merge()
    merge.push([line("a", START + 50 * MS)], 0, START + 60 * MS)
    merge.push([line("b", START + 20 * MS)], 10 * MS, START + 70 * MS)
    out = merge.release(HOLD, START + 60 * MS + HOLD)
    assert [one.file.host for one in out] == ["b", "a"]
    assert not any(one.record.late for one in out)


def test_no_line_is_held_longer_than_the_hold() -> None:
    merge = Merge()
    merge.push([line("a", START + 10_000 * MS)], 0, START)
    assert merge.release(HOLD - 1, START) == []
    assert len(merge.release(HOLD, START + HOLD)) == 1


def test_what_comes_after_its_place_has_gone_out_goes_out_at_once_and_is_marked() -> None:
    merge = Merge()
    merge.push([line("a", START + 50 * MS + 1)], 0, START + 60 * MS)
    merge.release(HOLD, START + 60 * MS + HOLD)
    merge.push([line("b", START + 20 * MS)], HOLD, START + 80 * MS + HOLD)
    (late,) = merge.release(HOLD, START + 80 * MS + HOLD)
    assert late.record.late


def test_a_line_is_not_held_longer_than_hosts_usually_take() -> None:
    merge = Merge()
    for round_ in range(3):
        at = round_ * 1000 * MS + 1
        for host, delay in (("a", 20 * MS), ("b", 40 * MS)):
            merge.push([line(host, START + at)], at + delay, START + at + delay)
        merge.release(at + HOLD + 50 * MS, START + at + HOLD + 50 * MS)
    at = 5000 * MS + 1
    merge.push([line("a", START + at)], at + 20 * MS, START + at + 20 * MS)
    assert merge.due(at + 20 * MS, START + at + 20 * MS) == 20 * MS
    assert merge.release(at + 39 * MS, START + at + 39 * MS) == []
    assert len(merge.release(at + 40 * MS, START + at + 40 * MS)) == 1


def test_stamps_of_whole_seconds_teach_no_delay() -> None:
    merge = Merge()
    merge.push([line("a", START + 20 * MS + 1)], 0, START + 40 * MS)
    merge.push([line("b", START - START % 1_000_000)], 0, START + 900 * MS)
    assert merge.due(0, START + 900 * MS) == 0


events = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 400), st.integers(0, 300), st.integers(1, 3)), max_size=30
)


@given(events)
def test_nothing_is_lost_and_each_file_keeps_its_order(happened: list[tuple[str, int, int, int]]) -> None:
    merge = Merge()
    pushed: dict[str, list[Line]] = {"a": [], "b": [], "c": []}
    out: list[Line] = []
    now = 0
    for host, pause, stamp, count in happened:
        now += pause * MS
        before = pushed[host][-1].key if pushed[host] else 0
        lines = [line(host, max(before, START + stamp * MS), len(pushed[host]) + n) for n in range(count)]
        pushed[host] += lines
        merge.push(lines, now, START + now)
        released = merge.release(now, START + now)
        assert [one.key for one in released] == sorted(one.key for one in released)
        out += released
    out += merge.release(now + HOLD, START + now + HOLD)
    assert merge.due(now + HOLD, START + now + HOLD) is None
    for host, lines in pushed.items():
        assert [one.offset for one in out if one.file.host == host] == [one.offset for one in lines]


@given(events)
def test_a_line_is_late_exactly_when_its_place_has_gone_out(happened: list[tuple[str, int, int, int]]) -> None:
    merge = Merge()
    highest = -1
    now = 0
    for number, (host, pause, stamp, _) in enumerate(happened):
        now += pause * MS
        merge.push([line(f"{host}{number}", START + stamp * MS)], now, START + now)
        for one in merge.release(now, START + now):
            assert one.record.late == (one.key < highest)
            highest = max(highest, one.key)
