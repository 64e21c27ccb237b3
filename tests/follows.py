"""A follower over this machine's own shell, and what it gave out: for tests of following without SSH."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from local import LocalTransport

from aggregator.errors import HostError
from aggregator.history.following.follow import Follower, Opened
from aggregator.metrics import Metrics
from aggregator.model import Batch, File, Gap, Host, SshOptions
from aggregator.remote.link import Link
from aggregator.remote.pool import Links

PATIENCE = 20.0  # seconds


class Got:
    """A sink: what came, in its order. `texts` has None where a gap was told."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.batches: list[Batch] = []
        self.gaps: list[Gap] = []
        self.troubles: list[HostError] = []
        self.notes: list[str] = []
        self.opens = 0
        self.live = 0
        self.rotations = 0
        self.blocked = False
        self._more = asyncio.Event()

    def opened(self, opened: Opened) -> None:
        self.opens += 1
        self._more.set()

    def batch(self, batch: Batch) -> None:
        text = batch.text.decode()
        self.texts += [text] if batch.length is not None else text.split("\n")[:-1]
        self.batches.append(batch)
        self._more.set()

    def caught_up(self) -> None:
        self.live += 1
        self._more.set()

    def trouble(self, error: HostError) -> None:
        self.troubles.append(error)
        self._more.set()

    def gap(self, gap: Gap) -> None:
        self.texts.append(None)
        self.gaps.append(gap)
        self._more.set()

    def rotated(self) -> None:
        self.rotations += 1
        self._more.set()

    async def room(self) -> None:
        while self.blocked:
            self._more.clear()
            await self._more.wait()

    def opened_again(self) -> None:
        """`blocked` has changed."""
        self._more.set()

    @property
    def lines(self) -> list[str]:
        return [text for text in self.texts if text is not None]

    async def until(self, seen: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Return as soon as `seen()`, which is asked after each news; AssertionError otherwise."""
        try:
            async with asyncio.timeout(seconds):
                while not seen():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"not seen; last: {self.texts[-5:]}, {self.gaps}, {self.troubles[-3:]}") from None

    async def until_live(self, times: int = 1) -> None:
        await self.until(lambda: self.live >= times)

    async def until_text(self, text: str) -> None:
        await self.until(lambda: text in self.texts)


@asynccontextmanager
async def following(path: Path, transport: LocalTransport) -> AsyncIterator[Got]:
    """A log of this machine, followed inside the block."""
    got = Got()
    host = Host("here", "127.0.0.1", SshOptions(), {})
    async with asyncio.TaskGroup() as tasks:
        links = Links(transport, tasks, Metrics(), lambda link: None)
        link = links.link(host)

        async def follow() -> None:
            async with link.hold():
                await Follower(link, File("here", "app", str(path)), got).run()

        task = tasks.create_task(follow())
        try:
            yield got
        finally:
            task.cancel()
            await asyncio.wait([task])
            await links.close()
            await transport.end()


@asynccontextmanager
async def linked(transport: LocalTransport) -> AsyncIterator[Link]:
    """This machine as a host, inside the block."""
    async with asyncio.TaskGroup() as tasks:
        links = Links(transport, tasks, Metrics(), lambda link: None)
        link = links.link(Host("here", "127.0.0.1", SshOptions(), {}))
        async with link.hold():
            try:
                yield link
            finally:
                await links.close()
                await transport.end()
