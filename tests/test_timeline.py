"""The generations of a log and the times of their ends: in one round trip, whatever the host's shell and tools are."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from datetime import UTC
from pathlib import Path

import pytest
from local import LocalTransport
from oldlog import file_of, link_here
from shells import SHELLS, machine

from aggregator.history.seeking.look import look
from aggregator.history.seeking.sample import Sample
from aggregator.history.seeking.timeline import Piece, timeline
from aggregator.history.seeking.times import Looks, Times, TimesCache
from aggregator.remote.link import Link
from aggregator.stream.reader import LineReader

START = 1_760_000_000  # seconds since the epoch


async def listed(link: Link, path: Path, times: Times | None = None, since: int = 0) -> list[Piece]:
    file = file_of(path)
    return await timeline(link, file, lambda: LineReader(file, UTC), Times() if times is None else times, since)


def spans(pieces: list[Piece]) -> list[tuple[str, float | None, float | None]]:
    """Name, first and last known stamp of each."""
    return [
        (
            Path(piece.one.name).name,
            piece.facts.head.low / 1e6 if piece.facts.head else None,
            piece.facts.tail.high / 1e6 if piece.facts.tail else None,
        )
        for piece in pieces
    ]


def write(path: Path, *stamps: int, text: str = "x", mtime: int | None = None) -> None:
    from_epoch = "".join(f"{stamp} {text}\n" for stamp in stamps)
    data = from_epoch.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    os.utime(path, (mtime or stamps[-1],) * 2)


@pytest.mark.parametrize("shell", SHELLS)
async def test_it_knows_where_each_generation_begins_and_plain_ones_end(tmp_path: Path, shell: str) -> None:
    log = tmp_path / "it's a log!.log"
    write(log.with_name(log.name + ".3.gz"), START, START + 10)
    write(log.with_name(log.name + ".2.gz"), START + 20, START + 30)
    write(log.with_name(log.name + ".1"), *range(START + 40, START + 1000), text="y" * 50)
    write(log, *range(START + 1000, START + 1002))
    async with link_here(machine(shell, tmp_path)) as link:
        found = await listed(link, log)
        assert spans(found) == [
            (log.name + ".3.gz", START, None),
            (log.name + ".2.gz", START + 20, None),
            (log.name + ".1", START + 40, START + 999),
            (log.name, START + 1000, START + 1001),
        ]
        assert [piece.one.live for piece in found] == [False, False, False, True]
        assert [piece.facts.size for piece in found[2:]] == [log.with_name(log.name + ".1").stat().st_size, 26]


@pytest.mark.parametrize("login", [("tcsh", "-f"), ("fish", "--no-config")])
async def test_any_login_shell_passes_it_on(tmp_path: Path, login: tuple[str, ...]) -> None:
    log = tmp_path / "it's a log!.log"
    write(log, *range(START, START + 5000))
    async with link_here(LocalTransport(login)) as link:
        (piece,) = await listed(link, log)
        await look(link, file_of(log), lambda: LineReader(file_of(log), UTC), piece, [20_000])
    assert spans([piece]) == [(log.name, START, START + 4999)]
    assert [sample.low // 1_000_000 for sample in piece.looks.samples.values()] == [START + 16384 // 13 + 1]


async def test_a_listing_is_one_round_trip_and_brings_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    old = log.with_name("a.log.1")
    write(old, START, START + 10)
    write(log, START + 20, START + 30)
    host = LocalTransport()
    times = Times()
    async with link_here(host) as link:
        await link.reached()
        before = len(host.channels)
        first = await listed(link, log, times)
        assert len(host.channels) == before + 1
        for path in (old, log):  # what has the same inode, size and mtime is not read again
            at = path.stat().st_mtime
            path.write_bytes(b"?" * path.stat().st_size)
            os.utime(path, (at, at))
        assert spans(await listed(link, log, times)) == spans(first)
        write(log, START + 20, START + 30, START + 40)
        assert spans(await listed(link, log, times))[1] == ("a.log", START + 20, START + 40)
        assert len(host.channels) == before + 3


async def test_what_was_written_just_now_is_read_again(tmp_path: Path) -> None:
    """An inode, a size and an mtime in seconds don't tell one text from another within that second."""
    log = tmp_path / "a.log"
    now = int(time.time()) + 60
    times = Times()
    async with link_here(LocalTransport()) as link:
        write(log, START, START + 10, mtime=now)
        await listed(link, log, times)
        write(log, START + 5, START + 15, mtime=now)
        assert spans(await listed(link, log, times)) == [("a.log", START + 5, START + 15)]


async def test_a_renamed_generation_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, *range(START, START + 900))
    times = Times()
    async with link_here(LocalTransport()) as link:
        (piece,) = await listed(link, log, times)
        piece.looks.blind.add(4096)
        log.rename(log.with_name("a.log.1"))
        write(log, START + 1000)
        closed, live = await listed(link, log, times)
    assert (closed.looks.blind, live.looks.blind) == ({4096}, set())


async def test_a_file_that_was_truncated_and_filled_again_is_another(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, START, *range(START, START + 900))
    times = Times()
    async with link_here(LocalTransport()) as link:
        (piece,) = await listed(link, log, times)
        piece.looks.blind.add(4096)
        write(log, START, *range(START + 1000, START + 2900))
        (again,) = await listed(link, log, times)
    assert (again.one.id, again.looks.blind) == (piece.one.id, set())  # they begin alike


async def test_a_rotation_amid_the_listing_makes_it_list_again(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, START, START + 10)
    host = machine("dash", tmp_path)
    once = (
        f'[ -e "{tmp_path}/once" ] || {{ touch "{tmp_path}/once"; mv "{log}" "{log}.1"; echo {START} new >"{log}"; }}'
    )
    (tmp_path / "path-dash" / "stat").write_text(f'#!/bin/sh\n{shutil.which("stat")} "$@"\n{once}\n')
    (tmp_path / "path-dash" / "stat").chmod(0o755)
    async with link_here(host) as link:
        found = await listed(link, log)
    assert [name for name, *_ in spans(found)] == ["a.log.1", "a.log"]


async def test_a_first_stamp_is_looked_for_behind_a_long_banner(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, START + 60)
    banner = b"".join(b"# version %d of something\n" % number for number in range(500))
    packed = log.with_name("a.log.1.gz")
    packed.write_bytes(gzip.compress(banner + b"%d first\n" % START))
    async with link_here(LocalTransport()) as link:
        assert spans(await listed(link, log))[0] == ("a.log.1.gz", START, None)


async def test_what_can_not_be_read_is_listed_and_says_why(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, START)
    log.with_name("a.log.1.zst").write_bytes(b"not looked at")
    async with link_here(machine("busybox", tmp_path)) as link:
        found = await listed(link, log)
    assert [(piece.one.name[-4:], piece.one.unread) for piece in found] == [(".zst", "zstd"), (".log", None)]


async def test_old_generations_are_left_out_and_others_files_too(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log.with_name("a.log.2"), START)
    write(log.with_name("a.log.1"), START + 20)
    write(log.with_name("a.log.old\nname"), START + 20)
    write(log.with_name("a.log.conf"), START + 20)
    write(log, START - 30)
    async with link_here(LocalTransport()) as link:
        assert [name for name, *_ in spans(await listed(link, log, since=START + 10))] == ["a.log.1", "a.log"]


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache = TimesCache(10)
    files = [file_of(Path(f"/{number}.log")) for number in range(3)]
    for file in files:
        cache.of(file, "UTC").looks["1", b""] = Looks({n: Sample(n, n, 0, 0, 1.0) for n in range(4)}, set())
    cache.of(files[0], "UTC")
    cache.trim()
    assert [bool(cache.of(file, "UTC").looks) for file in files] == [True, False, True]
