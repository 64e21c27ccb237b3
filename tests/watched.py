"""The whole engine over one log of a machine without SSH, and a viewer who comes back after a restart.

watched = Watched(log.path, machine("dash", folder), folder)
await watched.start()
await watched.restart()               # the viewer goes on with `after`, as the page does
await watched.until(lambda: …watched.got…)
await watched.stop()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from local import LocalTransport

from aggregator.access.audit import AuditLog
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import Host, Principal, Source, SshOptions
from aggregator.query import Query
from aggregator.service import Aggregator
from aggregator.stream.records import GapRecord, LineRecord, NoticeRecord

PATIENCE = 30.0  # seconds
_ME = Principal("local", "api")


class Watched:
    """`got` are the texts that came, None for a gap; it stays over restarts."""

    def __init__(
        self, path: Path, transport: LocalTransport, folder: Path, *, timezone: str | None = None, lines: str = "0"
    ) -> None:
        self.got: list[str | None] = []
        self.live = 0
        self._transport = transport
        self._folder = folder
        self._lines = lines
        hosts = {"here": Host("here", "127.0.0.1", SshOptions(), {})}
        self._inventory = Inventory(
            hosts, {}, {"app": Source("app", "file", frozenset(hosts), str(path), timezone=timezone)}
        )
        self._aggregator: Aggregator
        self._newest: dict[str, str] = {}  # generation → the position of the line of it that came last
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def start(self) -> None:
        """Return when the log is followed."""
        live = self.live
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._more.set())
        await self.until(lambda: self.live > live)

    async def stop(self) -> None:
        assert self._task
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def restart(self) -> None:
        await self.stop()
        self._transport.up()
        await self.start()

    async def until(self, seen: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Return as soon as `seen()`, which is asked after each news; AssertionError otherwise."""
        try:
            async with asyncio.timeout(seconds):
                while not seen():
                    assert self._task
                    assert not self._task.done(), self._task
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"not seen; last: {self.got[-5:]}") from None

    async def until_files(self, count: int) -> None:
        """Return when the source has so many files."""
        async with asyncio.timeout(PATIENCE):
            while len(self._aggregator.sources(_ME)[0].files) != count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)

    async def _run(self) -> None:
        metrics = Metrics()
        async with (
            await AuditLog.open(self._folder / "audit.jsonl", metrics) as audit,
            Aggregator(self._inventory, self._transport, audit, metrics, self._folder / "places.json") as aggregator,
        ):
            self._aggregator = aggregator
            after = tuple(self._newest.values())[-1:]
            plan = aggregator.plan(_ME, Query((), after=after, lines=self._lines, order="arrival"))
            async with aggregator.watch(_ME, plan, "test") as subscription:
                async for block in subscription:
                    for record in block.records:
                        self._take(record)
                    self._more.set()

    def _take(self, record: object) -> None:
        match record:
            case LineRecord():
                self.got.append(record.text)
                self._newest[record.position.rsplit("~", 2)[0]] = record.position
            case GapRecord():
                self.got.append(None)
            case NoticeRecord():
                self.live += record.state == "live" and record.path is not None
