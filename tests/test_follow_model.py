"""Any order of writes, rotations and faults, against the true scripts and a true file, compared exactly."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from follows import Got, following
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from local import LocalTransport
from logwriter import LogWriter, compare

from aggregator import limits

PAUSES = (0.0, 0.02, 0.2)  # seconds after a step: within one look of tail, at its edge, several looks
TRUNCATED_S = 0.2  # GNU tail looks every 0.05 s, and can't see a file that has outgrown its old size by then
STEPS = (
    *("write", "write", "piece", "empty", "late", "rename", "rename", "rename gz", "rename xz", "without a name"),
    *("copytruncate", "copytruncate gz", "compress", "truncate", "delete", "cut", "down", "up", "stall", "settle"),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that tests need not sit out."""
    for name, value in {
        "BACKOFF_BASE": 0.1,
        "BACKOFF_CAP": 0.2,
        "LOCATE_PAUSE": 0.05,
        "FAILED_FILE_RETRY": 0.5,
    }.items():
        monkeypatch.setattr(limits, name, value)
    monkeypatch.setattr(limits, "LOOK_BACKS", (0.3, 0.3, 0.5, 1.0, 2.0, 5.0))


@settings(
    max_examples=int(os.environ.get("FOLLOW_EXAMPLES", "8")),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # an example takes seconds: no time to shrink it
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(PAUSES)), min_size=5, max_size=25), st.booleans())
def test_every_line_once_and_in_order_or_a_gap(steps: list[tuple[str, float]], banner: bool) -> None:
    asyncio.run(scenario(steps, banner))


async def scenario(steps: list[tuple[str, float]], banner: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = LogWriter(Path(folder) / "a.log", len(steps), banner=banner)
        host = LocalTransport(("dash",))
        try:
            async with following(log.path, host) as got:
                await got.until_live()
                for step, pause in steps:
                    await do(step, log, host, got)
                    await asyncio.sleep(pause)
                host.up()
                host.resume()
                log.end_piece()
                log.write(1)
                await settled(log, got)
        finally:
            log.close()
        difference = compare(log, got.texts)
        assert difference.good, difference
        assert difference.gaps <= log.destroyed, difference


async def do(step: str, log: LogWriter, host: LocalTransport, got: Got) -> None:
    word, _, how = step.partition(" ")
    match word:
        case "write":
            log.write(7)
        case "piece":
            log.write_piece()
        case "empty":
            log.write_empty()
        case "late":
            log.write_late()
        case "rename":
            log.rename(how or None)
        case "without":
            log.rename(create=False)
            await asyncio.sleep(0.1)
            log.create()
        case "copytruncate" | "truncate":
            log.copytruncate(how or None) if word == "copytruncate" else log.truncate()
            await asyncio.sleep(TRUNCATED_S)
        case "compress":
            log.compress(2, "gz")
        case "delete":
            log.delete()
            log.create()
        case "cut" | "down" | "up":
            getattr(host, word)()
        case "stall":
            host.stall()
            await asyncio.sleep(0.1)
            host.resume()
        case "settle":
            host.up()
            log.end_piece()
            await settled(log, got)


async def settled(log: LogWriter, got: Got) -> None:
    await got.until(lambda: compare(log, got.texts).lost == 0)
