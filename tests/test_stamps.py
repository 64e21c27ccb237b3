"""Stamps: each format's case folder, the rules that no single line shows, and that no text breaks the reader."""

from __future__ import annotations

import time
import tomllib
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.limits import LINE_BYTES
from aggregator.stream.levels import LEVELS, level_of
from aggregator.stream.stamps import StampReader

CASES = sorted(folder for folder in (Path(__file__).parent / "data" / "stamps").iterdir() if folder.is_dir())
FORMATS_PAGE = Path(__file__).parent.parent / "docs" / "formats.md"
BERLIN = ZoneInfo("Europe/Berlin")
NEWFOUNDLAND = timezone(timedelta(hours=-3, minutes=-30))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
SECOND = 1_000_000  # microseconds
LINES = [line for case in CASES for line in (case / "input.log").read_text("utf-8").split("\n")]


def written(stamp: int | None) -> str:
    if stamp is None:
        return "-"
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(case: Path) -> list[tuple[str, str, str]]:
    """Line, stamp and level of a case."""
    lines = (case / "input.log").read_text("utf-8").split("\n")[:-1]
    wanted = (case / "want.tsv").read_text("utf-8").splitlines()
    return [(line, *want.split("\t")) for line, want in zip(lines, wanted, strict=True)]  # type: ignore[misc]


def reader_of(case: Path) -> StampReader:
    settings = tomllib.loads((case / "case.toml").read_text("utf-8"))
    return StampReader(ZoneInfo(settings["zone"]), settings["now"].timestamp)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_the_stamps_of_a_file(case: Path) -> None:
    reader = reader_of(case)
    assert [(line, written(reader.read(line))) for line, _, _ in rows(case)] == [
        (line, stamp) for line, stamp, _ in rows(case)
    ]


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "dst-fold"], ids=lambda case: case.name)
def test_reads_each_line_alone_as_within_its_file(case: Path) -> None:
    for line, stamp, _ in rows(case):
        assert (line, written(reader_of(case).read(line))) == (line, stamp)


def test_what_was_read_before_does_not_change_a_stamp() -> None:
    mixed = StampReader(BERLIN, lambda: NOW)
    for line in LINES + LINES[::-1]:
        if "2026-10-25" not in line:
            assert (line, mixed.read(line)) == (line, StampReader(BERLIN, lambda: NOW).read(line))


def test_the_formats_page_names_every_case() -> None:
    page = FORMATS_PAGE.read_text("utf-8")
    assert [case.name for case in CASES if f"`{case.name}`" not in page] == []


def test_a_year_less_stamp_follows_the_turn_of_the_year() -> None:
    now = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC).timestamp()
    reader = StampReader(UTC, lambda: now)
    assert written(reader.read("Dec 31 23:59:59 web-1 app: a")) == "2026-12-31T23:59:59.000000Z"
    assert written(reader.read("Jan  1 00:00:01 web-1 app: b")) == "2027-01-01T00:00:01.000000Z"


def test_the_clock_that_is_given_decides_the_year() -> None:
    moment = [datetime(2020, 6, 1, tzinfo=UTC).timestamp()]
    reader = StampReader(UTC, lambda: moment[0])
    assert written(reader.read("May  1 00:00:00 web-1 app: a")) == "2020-05-01T00:00:00.000000Z"
    moment[0] = datetime(2021, 6, 1, tzinfo=UTC).timestamp()
    assert written(reader.read("May  2 00:00:00 web-1 app: b")) == "2021-05-02T00:00:00.000000Z"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"])
def test_an_abbreviation_is_the_zones_own_if_it_uses_it_then(zone: str) -> None:
    reader = StampReader(ZoneInfo(zone), lambda: NOW)
    local = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo(zone))
    name = local.tzname()
    assert written(reader.read(f"2026-07-01 12:00:00 {name} [1] LOG:  x")) == local.astimezone(UTC).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ"
    )


def test_an_abbreviation_that_the_zone_does_not_use_is_the_tables() -> None:
    reader = StampReader(UTC, lambda: NOW)
    assert written(reader.read("2026-07-01 12:00:00 IST [1] LOG:  x")) == "2026-07-01T06:30:00.000000Z"


def test_a_new_format_takes_over_within_a_file() -> None:
    reader = StampReader(UTC, lambda: NOW)
    assert reader.read("Nov 23 10:00:00 web-1 app: old") == reader.read("2026-11-23T10:00:00Z new")
    assert reader.read("2026-11-23T10:00:01Z new") is not None


def test_only_a_lines_first_characters_are_searched() -> None:
    reader = StampReader(UTC, lambda: NOW)
    assert reader.read("{" + '"a":1,' * 2000 + '"time":"2026-11-23T10:00:00Z"}') is None
    assert reader.read("x" * 1000 + ' - - [23/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 0') is None


HARD = [
    unit * (LINE_BYTES // len(unit))
    for unit in (
        "[", "]", "[a]", "[a] ", "INFO ", "<1>", "1 ", "9", " - ", " - [", '"', '\\"', "{", "{}", '{"', '{"time":',
        '"time":', '"time" ', "time=", ' time="', "=", "a=", "\x1b[1m", "\0", "\ufeff", "[01/Jan/2026:00:00:0", "-",
        "a ", "A",
    )
]  # fmt: skip
HARD += ["{" + line[:-1] for line in HARD] + ["x=1 " + line[:-4] for line in HARD]


def test_no_line_takes_long() -> None:
    reader = StampReader(BERLIN, lambda: NOW)
    for line in HARD:
        start = time.process_time()
        reader.read(line)
        level_of(line)
        assert (line[:20], time.process_time() - start < 0.05) == (line[:20], True)


FRAGMENTS = st.sampled_from(
    [*LINES, *(line[:30] for line in LINES), '{"time":', '"ts":', "2026-11-23", "T10:00:00", ".123", "Z", "+01:00"]
)
TEXT = st.one_of(st.text(max_size=80), st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=4).map("".join))
ZONES = st.sampled_from(
    [UTC, BERLIN, ZoneInfo("America/St_Johns"), timezone(timedelta(hours=14)), ZoneInfo("Asia/Gaza")]
)


@given(st.lists(TEXT, max_size=6), ZONES)
def test_any_text_has_a_stamp_or_none(lines: list[str], zone: timezone) -> None:
    reader = StampReader(zone, lambda: NOW)
    for line in lines:
        stamp = reader.read(line)
        assert stamp is None or 0 < datetime.fromtimestamp(stamp / 1_000_000, UTC).year < 10_000
        assert level_of(line) in (*LEVELS, None)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.sampled_from([UTC, NEWFOUNDLAND])),
    st.sampled_from(["T", " "]),
    st.sampled_from(["auto", "milliseconds", "microseconds"]),
)  # fmt: skip
def test_reads_what_isoformat_writes(moment: datetime, separator: str, precision: str) -> None:
    text = moment.isoformat(separator, precision)
    wanted = datetime.fromisoformat(text)
    stamp = StampReader(BERLIN, lambda: NOW).read(text + " message")
    assert written(stamp) == wanted.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@given(st.lists(st.integers(0, 4 * 3600 - 1), min_size=1, max_size=20).map(sorted))
def test_time_does_not_go_backwards_over_a_fold(seconds: list[int]) -> None:
    """Wall times of a file in order, from an hour before the fold to an hour after it."""
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)
    reader = StampReader(BERLIN, lambda: NOW)
    stamps = []
    for second in seconds:
        local = (start + timedelta(seconds=second)).astimezone(BERLIN)
        stamps.append(reader.read(local.strftime("%Y-%m-%d %H:%M:%S x")))
    known = [stamp for stamp in stamps if stamp is not None]
    assert len(known) == len(stamps)
    assert all(later >= earlier - 5_000_000 for earlier, later in pairwise(known))


def test_hour_that_came_twice_is_doubtful_until_what_came_before_is_known() -> None:
    text = "2026-10-25 02:30:00 x"
    alone, first, second = (
        StampReader(BERLIN, lambda: NOW, previous)
        for previous in (None, stamp_of("2026-10-25T00:29:00Z"), stamp_of("2026-10-25T01:29:00Z"))
    )
    assert [written(reader.read(text)) for reader in (alone, first)] == ["2026-10-25T00:30:00.000000Z"] * 2
    assert written(second.read(text)) == "2026-10-25T01:30:00.000000Z"
    assert [reader.doubtful for reader in (alone, first, second)] == [True, False, False]


def stamp_of(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=20), st.sampled_from([UTC, BERLIN, NEWFOUNDLAND]))
def test_a_glance_tells_between_which_times_all_stamps_lie(lines: list[str], zone: tzinfo) -> None:
    glance_is_right(lines, zone)


def glance_is_right(lines: list[str], zone: tzinfo) -> None:
    reader = StampReader(zone, lambda: NOW)
    reader.read(lines[0])
    span = reader.span(_text(lines))
    stamps = [reader.read(line) for line in lines]
    assert span is None or all(stamp is not None and span[0] <= stamp <= span[1] for stamp in stamps)


PARTS = [
    ["2026-11-20T03:12:", "2026-11-20T03:13:", "2026-10-25 02:30:", "Nov 20 03:12:"],
    ["00", "03", "39", "59", "60", "61", "7", ""],
    ["", ".5", ".501", ",501"],
    ["", "Z", " UTC", " CEST", "+01", "+01:00", " +0100", " -03", " 2025", "x"],
    ["", " a", ": b", ":30", "\udc80", " - - [20/Nov/2025:10:00:00 +0000] "],
]
CHANGE = st.integers(0, len(PARTS) - 1).flatmap(lambda at: st.tuples(st.just(at), st.sampled_from(PARTS[at])))


@given(st.tuples(*map(st.sampled_from, PARTS)), st.lists(CHANGE, max_size=4), st.sampled_from([UTC, BERLIN]))
def test_a_glance_is_not_deceived_by_lines_that_begin_alike(
    parts: tuple[str, ...], changes: list[tuple[int, str]], zone: tzinfo
) -> None:
    others = ["".join([*parts[:at], part, *parts[at + 1 :]]) for at, part in changes]
    glance_is_right(["".join(parts), *others], zone)


@pytest.mark.parametrize("line", ["2026-11-20T03:12:5%dZ a", "2026-11-20 03:12:5%d,123 b", "Nov 20 03:12:5%d web c"])
def test_a_glance_is_enough_for_lines_of_one_usual_form(line: str) -> None:
    lines = [line % second for second in range(10)]
    reader = StampReader(UTC, lambda: NOW)
    first = reader.read(lines[0])
    assert first is not None
    begun = first // SECOND * SECOND
    assert reader.span(_text(lines)) == (begun, begun + 10 * SECOND)
    assert reader.span(_text([*lines, "  at some.where"])) is None
