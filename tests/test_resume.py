"""All lines after an address, over the true remote scripts: through rotation, lost connections, what is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from follows import linked
from local import LocalTransport, killed_once
from logwriter import BANNER, LogWriter

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.following.resume import Resume
from aggregator.history.generation.kept import NOTHING_KNOWN, Known
from aggregator.history.generation.read import Moved, Where, holds
from aggregator.model import File, Gap, Position
from aggregator.stream.lines import generation_of
from aggregator.stream.proof import Place, Proof


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BACKOFF_BASE", 0.1)
    monkeypatch.setattr(limits, "BACKOFF_CAP", 0.2)


@pytest.fixture
def host() -> LocalTransport:
    return LocalTransport(("dash",))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogWriter]:
    writer = LogWriter(tmp_path / "a.log")
    yield writer
    writer.close()


def position(log: LogWriter, number: int, index: int) -> Position:
    """Of a line of a generation, both counted from 0."""
    lines = log.contents[number].lines
    offset = sum(len(text) + 1 for text in lines[:index])
    first = generation_of(f"{lines[0]}\n".encode())
    assert first
    return Position(File("here", "app", str(log.path)), first, offset, zlib.crc32(lines[index].encode()))


async def collected(resume: Resume) -> list[str | Gap]:
    """All lines and gaps, with as many tries as it takes."""
    got: list[str | Gap] = []
    for _ in range(20):
        try:
            async for part in resume.parts():
                got += [part.gap] if part.gap else []
                got += part.batch.text.decode().split("\n")[:-1]
        except (Gone, HostError):
            await asyncio.sleep(0.1)
        else:
            return [*got, resume.gap] if resume.gap else got
    raise AssertionError(f"it does not end: {got}")


def inode_of(path: Path) -> str:
    """As the scripts on hosts tell it."""
    return subprocess.run(["stat", "-c", "%d:%i:%.W", path], capture_output=True, text=True, check=True).stdout.strip()


def after(log: LogWriter, number: int, index: int) -> list[str | Gap]:
    """The lines behind a line, of all generations but the live one."""
    return [
        *log.contents[number].lines[index + 1 :],
        *(text for one in log.contents[number + 1 : -1] for text in one.lines),
    ]


async def test_goes_on_through_renamed_copied_and_compressed_generations(host: LocalTransport, log: LogWriter) -> None:
    for how in (None, "gz", None, "xz"):
        log.write(5)
        log.rename(how)
    log.write(5)
    log.copytruncate()
    async with linked(host) as link:
        resume = Resume(link, position(log, 1, 2), None, NOTHING_KNOWN)
        assert await collected(resume) == after(log, 1, 2)


@pytest.mark.parametrize("trip", [1, 2, 3, 4])
async def test_lost_connection_repeats_and_loses_nothing(host: LocalTransport, log: LogWriter, trip: int) -> None:
    for _ in range(4):
        log.write(5)
        log.rename()
    async with linked(host) as link:
        resume = Resume(link, position(log, 0, 2), None, NOTHING_KNOWN)
        host.trip("tailon-agg-read", after=trip)
        assert await collected(resume) == after(log, 0, 2)
        assert host.tripped.is_set()


async def test_place_that_is_gone_is_one_gap_up_to_the_next_line(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", keep=2)
    for _ in range(5):
        log.write(5)
        log.rename()
    async with linked(host) as link:
        place = position(log, 0, 2)
        gap, *lines = await collected(Resume(link, place, None, NOTHING_KNOWN))
        assert lines == after(log, 2, 4)
        assert isinstance(gap, Gap)
        assert (gap.start, gap.end, gap.reason) == (place, position(log, 3, 0), "rotated-away")
    log.close()


async def test_place_that_was_truncated_away_brings_nothing_older_again(host: LocalTransport, log: LogWriter) -> None:
    """What an earlier follower knew of the time tells what is older."""
    log.write(5)
    log.rename()
    os.utime(f"{log.path}.1", (1, 1))
    log.write(5)
    place = position(log, 1, 2)
    log.truncate()
    log.write(5)
    log.rename()
    async with linked(host) as link:
        resume = Resume(link, place, None, Known(generation_before=place.generation, since=2))
        assert (await collected(resume))[1:] == after(log, 2, -1)


async def test_generations_that_begin_alike_are_told_apart_by_the_line(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", banner=True)
    for _ in range(4):
        log.write(5, length=10)
        log.rename()
    async with linked(host) as link:
        resume = Resume(link, position(log, 1, 3), None, NOTHING_KNOWN)
        assert await collected(resume) == after(log, 1, 3)
        end = position(log, 3, 3)
        resume = Resume(link, position(log, 1, 3), end, NOTHING_KNOWN)
        assert (await collected(resume))[-3:] == [BANNER, *log.contents[3].lines[1:3]]
    log.close()


async def test_what_came_after_a_live_file_that_is_gone_comes_live_and_not_twice(
    host: LocalTransport, tmp_path: Path
) -> None:
    """Retention overran while the host was away: all that is there now is newer than what was followed then."""
    log = LogWriter(tmp_path / "a.log", keep=2)
    log.write(5)
    log.rename()
    log.write(5)
    opened, now = int(log.path.stat().st_mtime), inode_of(log.path)
    place, end = position(log, 0, 2), position(log, 1, 4)
    for _ in range(5):
        log.rename()
        log.write(5)
    async with linked(host) as link:
        known = Known(generation=end.generation, now=now, opened=opened)
        assert await collected(Resume(link, place, end, known)) == [
            Gap(place.file, place, None, None, None, "rotated-away")
        ]
    log.close()


async def test_live_file_that_is_gone_is_no_other_that_begins_alike(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", banner=True, keep=2)
    log.write(5)
    log.rename()
    log.write(5, length=10)
    text = log.path.read_bytes()
    proof = Place(position(log, 1, 0).generation, len(text), Proof.of(text), "")
    place, end = position(log, 0, 2), Position(position(log, 1, 4).file, proof.generation, proof.offset)
    opened = int(log.path.stat().st_mtime)
    for _ in range(5):
        log.rename()
        log.write(50)
    async with linked(host) as link:
        known = Known(generation=end.generation, now="1:2:3.0", opened=opened)
        assert await collected(Resume(link, place, end, known, proof)) == [
            Gap(place.file, place, None, None, None, "rotated-away")
        ]
    log.close()


async def test_live_file_that_is_gone_since_leaves_what_is_before_it(host: LocalTransport, log: LogWriter) -> None:
    for _ in range(2):
        log.write(5)
        log.rename()
    log.write(5)
    end = position(log, 2, 4)
    log.truncate()
    async with linked(host) as link:
        resume = Resume(link, position(log, 0, 2), end, NOTHING_KNOWN)
        *lines, gap = await collected(resume)
        assert lines == after(log, 0, 2)[:-5]
        assert isinstance(gap, Gap)
        assert gap.start == Position(
            end.file, position(log, 1, 0).generation, sum(len(text) + 1 for text in log.contents[1].lines)
        )


@pytest.mark.parametrize("alike", [False, True])
async def test_file_with_the_inode_of_a_deleted_one_is_read_to_its_end(
    host: LocalTransport, tmp_path: Path, alike: bool
) -> None:
    """BusyBox's stat tells no birth, and a number comes again soon: what was given out of the file that had it before
    says nothing of this one, also where both begin with the same banner."""
    log = LogWriter(tmp_path / "a.log", banner=True)
    for _ in range(3):
        log.write(5)
        log.rename()
    ours = position(log, 1, 0)
    closed = tmp_path / "a.log.2"
    generation = ours.generation if alike else "0123456789abcdef"
    async with linked(host) as link:
        known = Known(ends={(inode_of(closed), generation): closed.stat().st_size + 1000})
        assert await collected(Resume(link, position(log, 0, 2), None, known)) == after(log, 0, 2)
    log.close()


@pytest.mark.parametrize(
    ("tool", "used", "how"), [("head", "-c ????????*", None), ("tail", "-c +*", "gz"), ("dd", "bs=1 skip=[1-9]*", None)]
)
async def test_reader_that_is_killed_on_its_host_is_not_the_end_of_a_file(
    log: LogWriter, tmp_path: Path, tool: str, used: str, how: str | None
) -> None:
    """The second time, as the first one looks for the line."""
    for _ in range(3):
        log.write(50)
        log.rename(how)
    async with linked(killed_once(tmp_path, tool, used, 2)) as link:
        assert await collected(Resume(link, position(log, 0, 2), None, NOTHING_KNOWN)) == after(log, 0, 2)
    assert len((tmp_path / "uses").read_text()) > 2


@pytest.mark.parametrize(
    ("tool", "used", "how"),
    [("head", "-c 1024", None), ("od", "*-N 1024*", None), ("tail", "-c +*", "gz"), ("gzip", "-dc", "gz")],
)
async def test_reader_that_is_killed_on_its_host_does_not_say_that_a_place_is_elsewhere(
    log: LogWriter, tmp_path: Path, tool: str, used: str, how: str | None
) -> None:
    for _ in range(2):
        log.write(50)
        log.rename(how)
    text = "".join(f"{line}\n" for line in log.contents[0].lines).encode()
    file = position(log, 0, 0).file
    place = Place(position(log, 0, 0).generation, len(text), Proof.of(text), "")
    name = Where(f"{log.path}.2{'.gz' if how else ''}", how or "plain")
    async with linked(killed_once(tmp_path, tool, used, 1)) as link:
        with pytest.raises((Moved, HostError)):
            await holds(link, file, place, name)
        assert await holds(link, file, place, name)
