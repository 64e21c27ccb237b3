"""Writes the demo's logs: an hour of them at once, then live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from aggregator import limits
from aggregator.demo.cluster import Cluster
from aggregator.demo.files import LogFiles
from aggregator.demo.traffic import Traffic

_STRIDE = 20.0  # seconds of history written at once
_STEP = 1.0  # seconds of traffic made up at once


class Writer:
    """Fills the files below `folder/HOST/` with the traffic of a cluster, `rate` lines per second over all."""

    def __init__(self, cluster: Cluster, folder: Path, rate: float, random: Random) -> None:
        self._rate = rate
        self._files = LogFiles(cluster, folder)
        self._written = time.time() - limits.DEMO_HISTORY
        lines = min(limits.DEMO_HISTORY_LINES * len(list(cluster.files())), limits.DEMO_HISTORY_TOTAL)
        self._traffic = Traffic(cluster, random, self._written, lines / limits.DEMO_HISTORY)
        self._rotated = time.monotonic()

    async def fill(self) -> None:
        """Write the history up to now; it takes a second or so."""
        now = time.time()
        while self._written < now:
            await _finished(lambda: self._write_until(min(self._written + _STRIDE, now)))
        self._traffic.go_live(self._rate)

    async def run(self) -> None:
        """Write until cancelled, each line when its time has come."""
        while True:
            await _finished(self._step)
            await asyncio.sleep(limits.DEMO_BEAT)

    def close(self) -> None:
        self._files.close()

    def _write_until(self, moment: float) -> None:
        self._written = moment
        self._files.write(self._traffic.until_each(moment, _STEP))

    def _step(self) -> None:
        now = time.time()
        self._traffic.skip_to(now - limits.DEMO_CATCH_UP)
        self._write_until(now)
        if time.monotonic() - self._rotated > limits.DEMO_ROTATION:
            self._rotated = time.monotonic()
            self._files.rotate_one()


async def _finished(step: Callable[[], None]) -> None:
    """Run a short blocking step off the loop; when cancelled, first let it end: it holds files open."""
    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise
