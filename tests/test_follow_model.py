"""Any order of writes, rotations, faults and restarts, against the true scripts and a true file, compared exactly.

FOLLOW_EXAMPLES=200 pytest tests/test_follow_model.py     # as many orders of each shell, other ones each time
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from local import LocalTransport
from logwriter import LogWriter, compare
from shells import SHELLS, machine
from watched import Watched

from aggregator import limits

EXAMPLES = os.environ.get("FOLLOW_EXAMPLES")
PAUSES = st.sampled_from((0.0, 0.02, 0.2))  # seconds after a step: within one look of tail, at its edge, several looks
# Quiet around a truncation, until the host has looked: it can't see a file that has outgrown its old size by then, nor
# one that has come and gone between two that are the same.
LOOK_S = {"dash": 0.2, "bash": 0.2, "busybox": 1.3}
COMPRESSORS = st.sampled_from((None, None, "gz", "xz"))


class Following(RuleBasedStateMachine):
    """A log, what happens to it and to the way to it, and the viewer who must see it all."""

    shell: str

    @initialize(banner=st.booleans(), seed=st.integers(0, 999))
    def begin(self, banner: bool, seed: int) -> None:
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.log = LogWriter(folder / "a.log", seed, banner=banner)
        self.host = LocalTransport()
        self._do(self._begin(folder))

    async def _begin(self, folder: Path) -> None:
        self.host = machine(self.shell, folder)
        self.watched = Watched(self.log.path, self.host, folder)
        await self.watched.start()
        self.log.write(1)
        await self._settled()

    @rule(lines=st.integers(1, 9), pause=PAUSES)
    def write(self, lines: int, pause: float) -> None:
        self.log.write(lines)
        self._wait(pause)

    @rule(pause=PAUSES)
    def write_a_piece(self, pause: float) -> None:
        self.log.write_piece()
        self._wait(pause)

    @rule()
    def write_an_empty_line(self) -> None:
        self.log.write_empty()

    @rule(pause=PAUSES)
    def write_to_the_renamed_file(self, pause: float) -> None:
        self.log.write_late()
        self._wait(pause)

    @rule(how=COMPRESSORS, pause=PAUSES)
    def rename(self, how: str | None, pause: float) -> None:
        self.log.rename(how)
        self._wait(pause)

    @rule(pause=st.sampled_from((0.02, 0.2)))
    def rename_and_create_later(self, pause: float) -> None:
        self.log.rename(create=False)
        self._wait(pause)
        self.log.create()

    @rule(how=COMPRESSORS)
    def copytruncate(self, how: str | None) -> None:
        if self.log.banner:
            self._wait(LOOK_S[self.shell])
        self.log.copytruncate(how)
        self._wait(LOOK_S[self.shell])

    @rule()
    def compress(self) -> None:
        self.log.compress(2, "gz")

    @rule()
    def truncate(self) -> None:
        self.log.truncate()
        self._wait(LOOK_S[self.shell])

    @rule()
    def delete(self) -> None:
        self.log.delete()
        self.log.create()

    @rule(pause=PAUSES)
    def cut(self, pause: float) -> None:
        self.host.cut()
        self._wait(pause)

    @rule()
    def outage_begins(self) -> None:
        self.host.down()

    @rule()
    def outage_ends(self) -> None:
        self.host.up()

    @rule()
    def stall(self) -> None:
        self.host.stall()
        self._wait(0.1)
        self.host.resume()

    @rule()
    def restart(self) -> None:
        self._do(self.watched.restart())

    @rule()
    def settle(self) -> None:
        self.host.up()
        self.log.end_piece()
        self._do(self._settled())

    def teardown(self) -> None:
        if not hasattr(self, "log"):
            return
        try:
            self._do(self._finish())
            difference = compare(self.log, self.watched.got)
            assert difference.good, difference
            if not (self.shell == "busybox" and self.log.banner):  # in doubt which file it is, there is a gap in vain
                assert difference.gaps <= self.log.destroyed, difference
        finally:
            self.log.close()
            self._do(self._end())
            self._runner.close()
            self._folder.cleanup()

    async def _finish(self) -> None:
        self.host.up()
        self.log.end_piece()
        self.log.write(1)
        await self._settled()

    async def _end(self) -> None:
        await self.watched.stop()
        await self.host.end()

    async def _settled(self) -> None:
        await self.watched.until(lambda: compare(self.log, self.watched.got).lost == 0)

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._do(asyncio.sleep(seconds))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that tests need not sit out."""
    for name, value in {
        "BACKOFF_BASE": 0.1,
        "BACKOFF_CAP": 0.2,
        "LOCATE_PAUSE": 0.05,
        "FAILED_FILE_RETRY": 0.5,
        "LOOK_BACKS": (0.3, 0.3, 0.5, 1.0, 2.0, 5.0),
        "AUDIT_SYNC_INTERVAL": 0.001,
    }.items():
        monkeypatch.setattr(limits, name, value)


@pytest.mark.timeout(120 if EXAMPLES is None else 3600)
@pytest.mark.parametrize("shell", SHELLS)
def test_every_line_once_and_in_order_or_a_gap(shell: str) -> None:
    run_state_machine_as_test(
        type("Following", (Following,), {"shell": shell}),
        settings=settings(
            max_examples=int(EXAMPLES or "3"),
            stateful_step_count=16,
            deadline=None,
            derandomize=EXAMPLES is None,
            database=None,
            phases=(Phase.generate,),  # an example takes seconds: no time to shrink it
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_generations_that_came_between_a_deletion_and_the_next_look() -> None:
    """The host says which file has the name now; it need not be the one after the deleted one."""
    state = type("Following", (Following,), {"shell": "dash"})()
    state.begin(banner=False, seed=520)
    state.delete()
    state.write(lines=2, pause=0.0)
    state.rename(how=None, pause=0.0)
    state.write(lines=2, pause=0.0)
    state.rename(how=None, pause=0.0)
    state.teardown()
