"""A path with `${date}` over midnight: the next day's file comes, the old one stays for late lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from local import LocalTransport
from watched import Watched

from aggregator import limits
from aggregator.hub import hub
from aggregator.hub.finder import Finder

BEFORE = datetime(2026, 11, 23, 23, 59, 58, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is put on."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now.timestamp()

    def forward(self, **by: float) -> None:
        self._now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(BEFORE)
    monkeypatch.setattr(hub, "Finder", partial(Finder, now=clock))
    monkeypatch.setattr(limits, "GLOB_INTERVAL", 0.05)
    monkeypatch.setattr(limits, "FAILED_FILE_RETRY", 0.1)
    return clock


@pytest.fixture
async def host() -> AsyncIterator[LocalTransport]:
    async with LocalTransport() as transport:
        yield transport


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


@pytest.mark.parametrize("name", ["app-${date}.log", "${date:%d}/*.log"])
async def test_goes_over_to_the_next_day_and_stays_for_late_lines(
    tmp_path: Path, clock: Clock, host: LocalTransport, name: str
) -> None:
    first, second = ("app-2026-11-23.log", "app-2026-11-24.log") if name.startswith("app") else ("23/a.log", "24/a.log")
    for path in (first, second):
        (tmp_path / path).parent.mkdir(exist_ok=True)
    append(tmp_path / first, "first\n")
    watched = Watched(tmp_path / name, host, tmp_path, timezone="UTC", lines="100")
    await watched.start()
    append(tmp_path / first, "evening\n")
    await watched.until(lambda: watched.got == ["first", "evening"])
    clock.forward(seconds=4)
    append(tmp_path / second, "morning\n")
    await watched.until(lambda: "morning" in watched.got)
    append(tmp_path / first, "late\n")
    append(tmp_path / second, "breakfast\n")
    await watched.until(lambda: {"late", "breakfast"} <= set(watched.got))
    assert sorted(filter(None, watched.got)) == ["breakfast", "evening", "first", "late", "morning"]
    clock.forward(seconds=limits.DATED_LINGER + 1)
    await watched.until_files(1)
    await watched.stop()


async def test_tomorrows_file_may_come_long_after_midnight(tmp_path: Path, clock: Clock, host: LocalTransport) -> None:
    append(tmp_path / "2026-11-23.log", "first\n")
    watched = Watched(tmp_path / "${date}.log", host, tmp_path, timezone="UTC", lines="100")
    await watched.start()
    clock.forward(seconds=4)
    await watched.until_files(2)
    append(tmp_path / "2026-11-23.log", "late\n")
    await watched.until(lambda: watched.got == ["first", "late"])
    append(tmp_path / "2026-11-24.log", "one\ntwo\n")
    await watched.until(lambda: watched.got == ["first", "late", "one", "two"])
    await watched.stop()
