"""The engine in this process, over an inventory of real hosts, and what people see of it.

async with running(fleet.inventory(sources), tmp_path) as engine, engine.watch("web-1") as view:
    await view.until(lambda record: record["type"] == "line")
    assert (await engine.host("web-1"))["state"] == "live"
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from aggregator.access.audit import AuditLog
from aggregator.inventory import Inventory, load
from aggregator.metrics import Metrics
from aggregator.model import Principal
from aggregator.query import Query
from aggregator.remote.ssh import SshTransport
from aggregator.service import Aggregator
from web.app import create_app
from web.authority import Authority

Record = dict[str, Any]
PATIENCE = 40.0  # seconds until a test gives a state up; usual is a fraction of one
_BASE = "127.0.0.1:8080"
_ME = Principal("local", "api")


class View:
    """What one viewer gets. `records` grow while the view is open."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.ended = False
        self._more = asyncio.Condition()

    @property
    def texts(self) -> list[str]:
        return [record["text"] for record in self.records if record["type"] == "line"]

    def notices(self, state: str | None = None) -> list[Record]:
        notices = [record for record in self.records if record["type"] == "notice"]
        return [record for record in notices if state in (None, record["state"])]

    async def until(self, wanted: Callable[[Record], object], seconds: float = PATIENCE, start: int = 0) -> Record:
        """The first record (from index `start` on) that is `wanted`."""
        found: list[Record] = []

        def seen() -> bool:
            found[:] = [record for record in self.records[start:] if wanted(record)][:1]
            return bool(found)

        await self.until_all(seen, seconds)
        return found[0]

    async def until_all(self, seen: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Return when `seen()`, which is asked after each record; AssertionError with the records otherwise."""
        try:
            async with asyncio.timeout(seconds), self._more:
                await self._more.wait_for(lambda: bool(seen()) or self.ended)
        except TimeoutError:
            pass
        assert seen(), f"not seen: {[record for record in self.records if record['type'] != 'tick'][-20:]}"

    async def until_notice(self, state: str, words: str = "", seconds: float = PATIENCE, start: int = 0) -> Record:
        return await self.until(
            lambda record: record["type"] == "notice" and record["state"] == state and words in record["detail"],
            seconds,
            start,
        )

    async def until_text(self, text: str, seconds: float = PATIENCE) -> Record:
        return await self.until(lambda record: record.get("text") == text, seconds)

    async def take(self, records: list[Record]) -> None:
        async with self._more:
            self.records += records
            self._more.notify_all()

    async def end(self) -> None:
        async with self._more:
            self.ended = True
            self._more.notify_all()


class Engine:
    """A running aggregator with its API."""

    def __init__(self, aggregator: Aggregator, client: httpx.AsyncClient, metrics: Metrics) -> None:
        self.aggregator = aggregator
        self.metrics = metrics
        self._client = client

    async def hosts(self) -> dict[str, Record]:
        """`/api/v1/hosts`, by name."""
        return {host["name"]: host for host in (await self._client.get("/api/v1/hosts")).json()}

    async def host(self, name: str) -> Record:
        return (await self.hosts())[name]

    async def files(self, source: str) -> list[Record]:
        """The files of a source in `/api/v1/sources`."""
        sources = (await self._client.get("/api/v1/sources")).json()
        return next(entry["files"] for entry in sources if entry["name"] == source)

    @asynccontextmanager
    async def watch(self, *hosts: str, **query: Any) -> AsyncIterator[View]:
        """Watch hosts (all, if none is named); `query` are further fields of Query."""
        view = View()
        plan = self.aggregator.plan(_ME, Query(hosts, **query))
        opened = asyncio.Event()

        async def read() -> None:
            async with self.aggregator.watch(_ME, plan, "test") as subscription:
                opened.set()
                async for block in subscription:
                    await view.take([json.loads(line) for line in block.encoded("ndjson").splitlines()])
            await view.end()

        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(read())
            await opened.wait()
            yield view
            reader.cancel()


@asynccontextmanager
async def running(inventory: Path | Inventory, folder: Path) -> AsyncIterator[Engine]:
    """The engine over an inventory; its audit log is `folder`/audit.jsonl."""
    loaded = load([inventory]) if isinstance(inventory, Path) else inventory
    metrics = Metrics()
    async with (
        await AuditLog.open(folder / "audit.jsonl", metrics) as audit,
        Aggregator(loaded, SshTransport(), audit, metrics) as aggregator,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(aggregator, Authority.of([_BASE]))),
            base_url=f"http://{_BASE}",
        ) as client,
    ):
        yield Engine(aggregator, client, metrics)
