"""A range of time is found in a log's files by looking at few of their lines: too much may be found, too little not."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fleet import Fleet
from hypothesis import given, settings
from hypothesis import strategies as st
from local import LocalTransport
from oldlog import OPENERS, OldLog, Stamp, bsd, file_of, held, iso, link_here, local, within
from shells import SHELLS, machine

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Where, read_bytes
from aggregator.history.seeking.marks import Wanted
from aggregator.history.seeking.sample import take
from aggregator.history.seeking.seek import Seek, Slice, listed, slices
from aggregator.history.seeking.timeline import Piece
from aggregator.history.seeking.times import Facts, Looks, TimesCache
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.ssh import SshTransport
from aggregator.stream.reader import LineReader

EXAMPLES = int(os.environ.get("SEEK_EXAMPLES", "4"))
BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = timezone(timedelta(hours=2))
FOLD = datetime(2025, 10, 26, 1, tzinfo=UTC).timestamp()  # clocks in Berlin go from 3:00 back to 2:00
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
DAY = 86_400


async def seek(
    link: Link, log: OldLog, since: float | None, until: float | None, cache: TimesCache | None = None
) -> list[Slice]:
    """The slices of a range, in seconds since the epoch."""
    file = file_of(log.path)
    return await slices(
        link, file, lambda: LineReader(file, log.zone), micros(since), micros(until), cache or TimesCache()
    )


def micros(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1e6)


def check(log: OldLog, found: list[Slice], since: float | None, until: float | None) -> None:
    """All lines of the range are in the slices, and are told by reading these alone."""
    file = file_of(log.path)

    def inside(time: int) -> bool:
        return (since is None or time >= int(since * 1e6)) and (until is None or time < int(until * 1e6))

    lines = log.plain(LineReader(file, log.zone))
    wanted = [(name, at, end) for name, at, end, time in lines if inside(time)]
    assert [line for line in wanted if not held(found, *line)] == []
    alone = [time for *_, time in within(found, log).plain(LineReader(file, log.zone)) if inside(time)]
    assert alone == [time for *_, time in lines if inside(time)]
    for one in found:
        text = next(text for name, text, _ in log.texts if str(name) == one.one.name)
        assert one.start == 0 or text[one.start - 1 : one.start] == b"\n"
        assert one.end in (None, 0) or text[one.end - 1 : one.end] == b"\n"


def size(found: list[Slice], log: OldLog) -> int:
    """Bytes of all slices."""
    whole = {str(name): len(text) for name, text, _ in log.texts}
    return sum((whole[one.one.name] if one.end is None else one.end) - one.start for one in found)


FORMATS: list[tuple[Stamp, tzinfo, float]] = [
    (iso, UTC, NEW_YEAR),
    (local, BERLIN, FOLD),
    (local, SUMMER, FOLD),
    (bsd, BERLIN, NEW_YEAR),
    (bsd, UTC, NEW_YEAR),
]


class SeekHere(Seek):
    """Looks into bytes of this process: many examples in the time that a shell takes for one."""

    def __init__(self, log: OldLog) -> None:
        self._file_of_log = file_of(log.path)
        self._texts = [text for _, text, _ in log.texts]
        pieces = [self._piece(*one, live=one is log.texts[-1], zone=log.zone) for one in log.texts]
        self._reading = lambda: LineReader(self._file_of_log, log.zone)
        super().__init__(None, self._file_of_log, self._reading, pieces)  # type: ignore[arg-type]

    def _piece(self, path: Path, text: bytes, mtime: int, *, live: bool, zone: tzinfo) -> Piece:
        def reader() -> LineReader:
            return LineReader(self._file_of_log, zone)

        plain = path.suffix not in OPENERS
        head = take(reader, text[: limits.SEEK_HEAD], 0, mtime)
        tail = max(0, len(text) - limits.SEEK_HEAD)
        last = take(reader, text[tail:], tail, mtime) if plain else None
        one = Generation(
            "x" * 16, str(path), "1", len(text) if plain else None, mtime, "plain" if plain else "gz", live
        )
        return Piece(one, len(text), Facts(one.id, len(text), len(text), head, last, b""), Looks())

    async def look(self, wanted: Wanted) -> None:
        for index, places in wanted.items():
            text, piece = self._texts[index], self._log[index]
            assert piece.seekable
            for block in {place // limits.SEEK_BLOCK * limits.SEEK_BLOCK for place in places}:
                for count in (1, limits.SEEK_WIDE):
                    data = text[block : block + count * limits.SEEK_BLOCK]
                    sample = take(self._reading, data, block, piece.one.mtime)
                    if sample:
                        piece.looks.samples[sample.first] = sample
                        break
                else:
                    piece.looks.blind.add(block)


@dataclass(frozen=True)
class Story:
    """How a log came to be."""

    seed: int
    stamp: Stamp
    zone: tzinfo
    middle: float
    packed: tuple[str | None, ...]
    disorder: float
    runs: int
    hours: float

    def write(self, path: Path) -> tuple[OldLog, float, float]:
        """The log, when it begins and how long it goes on, in seconds."""
        rng = random.Random(self.seed)
        log = OldLog(path, rng, self.zone, self.stamp, self.disorder, self.runs)
        span = self.hours * 3600
        start = self.middle - span * rng.random()
        edges = [start + span * n / (len(self.packed) + 1) for n in range(len(self.packed) + 2)]
        texts = []
        for kind, (first, last) in zip([*self.packed, None], pairwise(edges), strict=True):
            text = log.lines(first, last, rng.choice((3, 60, 600)))
            texts.append((rng.choice((b"", b"", b"  at the end of it\n", b"\n")) + text, last, kind))
        log.put(texts)
        return log, start, span


STORIES = st.builds(
    lambda form, **more: Story(stamp=form[0], zone=form[1], middle=form[2], **more),
    st.sampled_from(FORMATS),
    seed=st.integers(0, 2**32),
    packed=st.lists(st.sampled_from((None, None, "gz", "xz")), max_size=3).map(tuple),
    disorder=st.sampled_from((0.0, 5.0, 110.0)),
    runs=st.sampled_from((0, 3, 60)),
    hours=st.sampled_from((0.3, 6.0, 60.0)),
)


def ranges(start: float, span: float, at: float, part: float) -> list[tuple[float | None, float | None]]:
    since = start + span * at
    until = since + span * part + 1
    return [(since, until), (None, until), (since, None), (since + span / 9, until + span / 9)]


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(STORIES, st.floats(-0.1, 1.1), st.floats(0, 0.3))
def test_any_range_of_any_log_is_held_by_its_slices(story: Story, at: float, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SEEK_NEAR", 8 << 10)
        log, start, span = story.write(Path(folder) / "a.log")
        seeker = SeekHere(log)
        for since, until in ranges(start, span, at, part):
            found = asyncio.run(seeker.slices(micros(since), micros(until)))
            check(log, found, since, until)


@settings(max_examples=EXAMPLES, deadline=None)
@given(STORIES, st.floats(-0.1, 1.1), st.floats(0, 0.3))
async def test_any_range_is_held_when_it_is_looked_for_by_a_shell(story: Story, at: float, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SEEK_NEAR", 8 << 10)
        log, start, span = story.write(Path(folder) / "a.log")
        cache = TimesCache()
        async with link_here(LocalTransport()) as link:
            for since, until in ranges(start, span, at, part)[:2]:
                check(log, await seek(link, log, since, until, cache), since, until)


@pytest.mark.parametrize("zone", [BERLIN, SUMMER], ids=str)
@pytest.mark.parametrize(("hours", "width"), [(12, 4000), (60, 1000), (60, 100)])
def test_an_hour_that_comes_twice_is_found_both_times(tmp_path: Path, zone: tzinfo, hours: int, width: int) -> None:
    """In its own zone it can be told apart; where only the host's offset of today is known, its stamps come twice."""
    log = OldLog(tmp_path / "a.log", random.Random(1), BERLIN, local, width=width)
    log.put([(log.lines(FOLD - hours * 1800, FOLD + hours * 1800, 2000), FOLD + hours * 1800, None)])
    log.zone = zone
    for since in range(int(FOLD) - 4500, int(FOLD) + 4500, 1499):
        check(log, asyncio.run(SeekHere(log).slices(micros(since), micros(since + 300))), since, since + 300)


def test_a_range_in_a_long_log_is_found_closely(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(2), UTC, width=4000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 10_000), NEW_YEAR + DAY, None)])
    seeker = SeekHere(log)
    for since in (NEW_YEAR + 600, NEW_YEAR + DAY / 2, NEW_YEAR + DAY - 600):
        found = asyncio.run(seeker.slices(micros(since), micros(since + 300)))
        check(log, found, since, since + 300)
        assert size(found, log) < 3 * limits.SEEK_NEAR


def test_lines_that_come_late_by_less_than_the_margin_are_found(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "SEEK_NEAR", 8 << 10)
    log = OldLog(tmp_path / "a.log", random.Random(3), UTC)
    texts = []
    for number in range(100):  # fifty lines in time, then fifty that are 115 s late
        begin = NEW_YEAR + 20 * number - (115 if number % 2 else 0)
        texts.append(log.lines(begin, begin + 20, 50))
    log.put([(b"".join(texts), NEW_YEAR + 2000, None)])
    for since in range(int(NEW_YEAR) + 500, int(NEW_YEAR) + 1500, 41):
        check(log, asyncio.run(SeekHere(log).slices(micros(since), micros(since + 10))), since, since + 10)


# --- By a shell ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
async def test_every_kind_of_host_finds_a_range_and_knows_it_the_second_time(tmp_path: Path, shell: str) -> None:
    log = OldLog(tmp_path / "it's a log!.log", random.Random(4), UTC, width=1000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 6000), NEW_YEAR + DAY, None)])
    since, until = NEW_YEAR + DAY / 2, NEW_YEAR + DAY / 2 + 300
    host = machine(shell, tmp_path)
    cache = TimesCache()
    async with link_here(host) as link:
        found = await seek(link, log, since, until, cache)
        check(log, found, since, until)
        assert size(found, log) < 2 * limits.SEEK_NEAR
        asked = len(host.channels)
        assert asked <= 6  # the probe, the listing, and four looks at most
        assert await seek(link, log, since, until, cache) == found
        assert len(host.channels) == asked + 1


async def test_lines_without_stamps_for_mebibytes_are_passed(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(5), UTC)
    trace = (b"  at some.place(in.code) " + b"x" * 200 + b"\n") * 5000
    parts = [log.lines(NEW_YEAR + hour * 3600, NEW_YEAR + (hour + 1) * 3600, 3000) for hour in range(4)]
    log.put([(parts[0] + trace + parts[1] + trace + parts[2] + parts[3], NEW_YEAR + 4 * 3600, None)])
    async with link_here(LocalTransport()) as link:
        for since in (NEW_YEAR + 3500, NEW_YEAR + 7300, NEW_YEAR + 3 * 3600 + 60):
            check(log, await seek(link, log, since, since + 60), since, since + 60)
        assert size(await seek(link, log, since, since + 60), log) < 4 * limits.SEEK_NEAR


async def test_a_log_without_stamps_counts_as_written_at_its_mtime(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(6), UTC)
    log.put([(b"first\n", NEW_YEAR, None), (b"second\n", NEW_YEAR + 60, "gz"), (b"third\n", NEW_YEAR + 120, None)])
    async with link_here(LocalTransport()) as link:
        for since, until in ((NEW_YEAR, NEW_YEAR + 60), (NEW_YEAR + 1, None), (None, NEW_YEAR + 1), (None, None)):
            check(log, await seek(link, log, since, until), since, until)
        assert len(await seek(link, log, NEW_YEAR, NEW_YEAR + 61)) == 2


async def test_a_line_that_is_being_written_is_not_held(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(7), UTC)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + 60, 50), NEW_YEAR + 60, None)])
    end = log.path.stat().st_size
    with log.path.open("ab") as out:
        out.write(b"2026-01-01T00:02:00Z half of a li")
    async with link_here(LocalTransport()) as link:
        assert [one.end for one in await seek(link, log, None, None)] == [end]
        assert [one.end for one in await seek(link, log, NEW_YEAR, None)] == [end]


async def test_a_closed_generation_may_be_one_line_without_its_newline(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(7), UTC)
    lines = [f"2026-01-01T00:0{minute}:00Z line".encode() for minute in range(3)]
    log.put([(lines[0], NEW_YEAR, "gz"), (lines[1], NEW_YEAR + 60, None), (lines[2] + b"\n", NEW_YEAR + 120, None)])
    async with link_here(LocalTransport()) as link:
        for since, until in ((None, NEW_YEAR + 1), (NEW_YEAR + 59, NEW_YEAR + 61), (NEW_YEAR + 61, None)):
            check(log, await seek(link, log, since, until), since, until)
        for one in (await seek(link, log, None, None))[:2]:
            assert one.one.id
            where = Where(one.one.name, one.one.kind, one.one.inode)
            read = [part async for part in read_bytes(link, file_of(log.path), one.one.id, 0, None, where)]
            assert b"".join(read) in lines


async def test_a_file_that_grows_meanwhile_is_held_up_to_what_was_listed(tmp_path: Path, monkeypatch: Any) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(8), UTC, width=1000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 2000), NEW_YEAR + DAY, None)])
    end = log.path.stat().st_size

    async def listed_then_written(*about: Any) -> list[Piece]:
        pieces = await listed(*about)
        with log.path.open("ab") as out:
            out.write(log.lines(NEW_YEAR + DAY, NEW_YEAR + DAY + 60, 500))
        return pieces

    monkeypatch.setattr("aggregator.history.seeking.seek.listed", listed_then_written)
    async with link_here(LocalTransport()) as link:
        since = NEW_YEAR + DAY - 600
        (found,) = await seek(link, log, since, None)
        check(log, [found], since, None)
        assert found.end == end


@pytest.mark.parametrize("how", ["renamed", "truncated", "deleted"])
async def test_a_file_that_is_another_when_it_is_looked_into_is_listed_again(
    tmp_path: Path, monkeypatch: Any, how: str
) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(9), UTC, width=1000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 2000), NEW_YEAR + DAY, None)])
    late = log.lines(NEW_YEAR + DAY, NEW_YEAR + DAY + 600, 5)
    changed = False

    async def listed_then_changed(*about: Any) -> list[Piece]:
        nonlocal changed
        pieces = await listed(*about)
        if not changed:
            changed = True
            text = log.path.read_bytes()
            old = log.path.with_name("a.log.1")
            if how == "renamed":
                log.path.rename(old)
            elif how == "deleted":
                log.path.unlink()
            else:
                old.write_bytes(text)
            log.texts = [] if how == "deleted" else [(old, text, int(NEW_YEAR + DAY))]
            if how != "deleted":
                os.utime(old, (NEW_YEAR + DAY, NEW_YEAR + DAY))
            log.path.write_bytes(late)
            log.texts.append((log.path, late, int(log.path.stat().st_mtime)))
        return pieces

    monkeypatch.setattr("aggregator.history.seeking.seek.listed", listed_then_changed)
    async with link_here(LocalTransport()) as link:
        since, until = NEW_YEAR + DAY / 2, NEW_YEAR + DAY + 300
        check(log, await seek(link, log, since, until), since, until)


async def test_retention_leaves_out_what_is_older(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(10), UTC)
    now = time.time()
    log.put(
        [(log.lines(now - days * DAY, now - days * DAY + 60, 5), now - days * DAY + 60, None) for days in (9, 5, 1)]
    )
    async with link_here(LocalTransport()) as link:
        file = file_of(log.path)
        found = await slices(link, file, lambda: LineReader(file, UTC), None, None, TimesCache(), retention=7)
    assert [one.one.name[-2:] for one in found] == [".1", "og"]


async def test_a_range_that_is_empty_holds_nothing(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(11), UTC)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + 60, 50), NEW_YEAR + 60, None)])
    async with link_here(LocalTransport()) as link:
        assert await seek(link, log, NEW_YEAR + 30, NEW_YEAR + 30) == []


async def test_a_log_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    async with link_here(LocalTransport()) as link:
        with pytest.raises(HostError) as caught:
            await seek(link, OldLog(tmp_path / "none.log", random.Random(0), UTC), None, None)
    assert caught.value.cause == "no-file"


async def test_what_can_not_be_decompressed_is_held_where_it_may_hold_the_range(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(12), UTC)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + 60, 50), NEW_YEAR + 60, None)])
    packed = log.path.with_name("a.log.1.zst")
    packed.write_bytes(b"whatever")
    os.utime(packed, (NEW_YEAR, NEW_YEAR))
    async with link_here(machine("busybox", tmp_path)) as link:
        held_ones = await seek(link, log, NEW_YEAR - 60, NEW_YEAR + 60)
        assert [one.one.unread for one in held_ones] == ["zstd", None]
        assert [one.one.unread for one in await seek(link, log, NEW_YEAR + 600, None)] == [None]


async def test_over_ssh(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    log = OldLog(tmp_path / "a.log", random.Random(13), UTC, width=1000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 4000), NEW_YEAR + DAY, None)])
    inventory = load([fleet.inventory({})])
    async with asyncio.TaskGroup() as tasks:
        link = Links(SshTransport(), tasks, Metrics(), lambda _: None).link(inventory.hosts["a"])
        async with link.hold():
            since = NEW_YEAR + DAY / 2
            check(log, await seek(link, log, since, since + 300), since, since + 300)


async def test_a_generation_keeps_its_first_stamp_when_it_is_renamed_and_compressed(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(14), UTC)
    log.put([(b"# banner\n" + log.lines(NEW_YEAR, NEW_YEAR + 60, 50), NEW_YEAR + 60, None)])
    async with link_here(LocalTransport()) as link:
        (before,) = await seek(link, log, None, None)
        packed = log.path.with_name("a.log.1.gz")
        packed.write_bytes(gzip.compress(log.path.read_bytes()))
        os.utime(packed, (NEW_YEAR + 60, NEW_YEAR + 60))
        log.path.write_bytes(b"# banner\n" + log.lines(NEW_YEAR + 60, NEW_YEAR + 90, 5))
        after = await seek(link, log, None, None)
    assert before.begun is not None
    assert [one.one.id for one in after] == [before.one.id] * 2
    assert [one.begun == before.begun for one in after] == [True, False]


async def test_a_host_that_falls_silent_is_given_up_soon(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "COMMAND_TIMEOUT", 0.5)
    log = OldLog(tmp_path / "a.log", random.Random(15), UTC, width=1000)
    log.put([(log.lines(NEW_YEAR, NEW_YEAR + DAY, 2000), NEW_YEAR + DAY, None)])
    host = LocalTransport()

    async def listed_then_silent(*about: Any) -> list[Piece]:
        pieces = await listed(*about)
        host.stall()
        return pieces

    async with link_here(host) as link:
        await link.reached()
        monkeypatch.setattr("aggregator.history.seeking.seek.listed", listed_then_silent)
        for _ in ("while it is looked into", "while it is listed"):
            with pytest.raises(HostError) as caught:
                await seek(link, log, NEW_YEAR + 600, NEW_YEAR + 900)
            assert caught.value.cause == "timeout"
