"""How much a log holds for each stretch of time, without reading it."""

from __future__ import annotations

import random
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest
from local import LocalTransport
from oldlog import OldLog, file_of, link_here
from shells import SHELLS, machine

from aggregator import limits
from aggregator.history.seeking.estimate import Estimate, estimate
from aggregator.history.seeking.times import TimesCache
from aggregator.stream.reader import LineReader

START = 1_760_000_000  # seconds since the epoch
HOUR = 3600


async def ask(host: LocalTransport, log: OldLog, edges: list[int], cache: TimesCache | None = None) -> Estimate:
    """The estimate between some times, in seconds since the epoch."""
    async with link_here(host) as link:
        file = file_of(log.path)
        return await estimate(
            link,
            file,
            lambda: LineReader(file, log.zone),
            [edge * 1_000_000 for edge in edges],
            cache or TimesCache(),
        )


def truth(log: OldLog, edges: list[int]) -> list[tuple[int, int]]:
    """Lines and their bytes in each bucket."""
    lines = log.plain(LineReader(file_of(log.path), log.zone))
    sizes = [
        [end - at for _, at, end, time in lines if low * 1e6 <= time < high * 1e6] for low, high in pairwise(edges)
    ]
    return [(len(each), sum(each)) for each in sizes]


@pytest.mark.parametrize("shell", SHELLS)
async def test_each_bucket_is_about_what_a_count_of_it_says(tmp_path: Path, shell: str) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(1), UTC)
    texts = [  # a quiet hour, a loud one, a usual one
        log.lines(START + hour * HOUR, START + (hour + 1) * HOUR, count) for hour, count in enumerate((500, 8000, 2000))
    ]
    log.put([(b"".join(texts), START + 3 * HOUR, None)])
    edges = [START + n * HOUR // 2 for n in range(7)]
    found = await ask(machine(shell, tmp_path), log, edges)
    lines, sizes = zip(*truth(log, edges), strict=True)
    assert found.lines == pytest.approx(lines, abs=2 * sum(lines) / limits.SURVEY_PARTS)
    assert found.bytes == pytest.approx(sizes, abs=2 * sum(sizes) / limits.SURVEY_PARTS)


async def test_compressed_generations_are_spread_evenly_up_to_the_next_beginning(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(2), UTC)
    first = log.lines(START, START + 1800, 4000)
    second = log.lines(START + 3600, START + 7200, 4000)
    log.put([(first, START + 1800, "gz"), (second, START + 7200, None)])
    found = await ask(LocalTransport(), log, [START + n * 900 for n in range(9)])
    assert found.lines[:4] == pytest.approx([1000] * 4, rel=0.2)
    assert sum(found.bytes[:4]) == pytest.approx(len(first), rel=0.05)
    assert sum(found.bytes[4:]) == pytest.approx(len(second), rel=0.05)


async def test_a_log_without_stamps_lies_where_its_mtimes_are(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(3), UTC)
    log.put([(b"no stamp\n" * 100, START, None), (b"none either\n" * 50, START + 100, None)])
    found = await ask(LocalTransport(), log, [START - 50, START + 50, START + 150, START + 250])
    assert found.bytes == [900, 600, 0]


async def test_what_lies_outside_is_not_counted(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(4), UTC)
    log.put([(log.lines(START, START + HOUR, 2000), START + HOUR, None)])
    for edges in ([START - 20, START - 10], [START + HOUR + 10, START + HOUR + 20]):
        assert await ask(LocalTransport(), log, edges) == Estimate([0], [0])


async def test_it_takes_few_round_trips_and_none_but_the_listing_the_second_time(tmp_path: Path) -> None:
    log = OldLog(tmp_path / "a.log", random.Random(5), UTC, width=1000)
    log.put([(log.lines(START, START + HOUR, 4000), START + HOUR, None)])
    cache = TimesCache()
    host = LocalTransport()
    edges = [START + 900, START + 1800, START + 2700]
    first = await ask(host, log, edges, cache)
    assert len(host.channels) - 2 <= limits.SURVEY_ROUNDS + 1  # without the probe and the listing
    again = LocalTransport()
    assert await ask(again, log, edges, cache) == first
    assert len(again.channels) - 2 == 0
