"""A fleet to look at: SSH hosts on loopback with live logs, and the inventory that names them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

import asyncssh
import yaml

from aggregator import limits
from aggregator.demo.cluster import LOGS, ROLES, cluster_of
from aggregator.demo.server import LOOPBACK, DemoServer
from aggregator.demo.writer import Writer
from aggregator.errors import Fault, UsageError
from aggregator.openfiles import allow_open_files


class DemoFleet:
    """`async with DemoFleet() as fleet:` and serve `fleet.inventory_path`; nothing is left when the block ends.

    `hosts` machines write `rate` lines per second in all. Raises UsageError for numbers out of range.
    """

    def __init__(self, hosts: int = limits.DEMO_HOSTS, rate: float = limits.DEMO_RATE, *, seed: int = 2026) -> None:
        _check(hosts, rate)
        self.cluster = cluster_of(hosts)
        self.rate = rate
        self.servers: dict[str, DemoServer] = {}
        self.folder = Path()
        self.inventory_path = Path()
        self._random = Random(seed)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> DemoFleet:
        allow_open_files()
        async with AsyncExitStack() as stack:
            folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="tailon-agg-demo-")
            stack.push_async_callback(asyncio.to_thread, folder.cleanup)
            self.folder = Path(folder.name)
            writer = Writer(self.cluster, self.folder, self.rate, self._random)
            stack.callback(writer.close)
            await self._start_servers(stack)
            await writer.fill()
            await asyncio.to_thread(self._write_inventory)
            await stack.enter_async_context(_running(writer))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _start_servers(self, stack: AsyncExitStack) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        await asyncio.to_thread(_write_private, key, self.folder / "id_ed25519")
        for name in self.cluster.hosts:
            server = self.servers[name] = DemoServer(name, self.folder / name, key)
            stack.push_async_callback(server.stop)
            await server.start()

    def _write_inventory(self) -> None:
        known = [f"[{LOOPBACK}]:{server.port} {server.public_key}\n" for server in self.servers.values()]
        (self.folder / "known_hosts").write_text("".join(known))
        self.inventory_path = self.folder / "hosts.yaml"
        self.inventory_path.write_text(yaml.safe_dump(self._inventory(), sort_keys=False, allow_unicode=True))

    def _inventory(self) -> dict[str, Any]:
        root = str(self.folder).replace("$", "$$")
        return {
            "version": 1,
            "ssh": {
                "user": "demo",
                "config": [],
                "known_hosts": [str(self.folder / "known_hosts")],
                "identity_files": [str(self.folder / "id_ed25519")],
            },
            "hosts": {
                name: {"address": LOOPBACK, "port": server.port, "labels": self._labels(name)}
                for name, server in self.servers.items()
            },
            "groups": {role: ",".join(self.cluster.of_role(role)) for role in ROLES},
            "sources": {
                log: {"hosts": f"@{role}" if role else "@*", "path": f"{root}/${{host}}/{path}"}
                for log, (role, path) in LOGS.items()
            },
        }

    def _labels(self, name: str) -> dict[str, str]:
        role, _, number = name.partition("-")
        return {"env": "prod", "app": "shop", "role": role, "zone": f"zone-{'abc'[int(number) % 3 - 1]}"}


@asynccontextmanager
async def _running(writer: Writer) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        try:
            yield
        finally:
            task.cancel()


def _check(hosts: int, rate: float) -> None:
    faults = []
    if not 1 <= hosts <= limits.DEMO_HOSTS_MAX:
        faults.append(Fault("--hosts", f"{hosts} is not from 1 to {limits.DEMO_HOSTS_MAX}"))
    if not 0 < rate <= limits.DEMO_RATE_MAX:
        faults.append(Fault("--rate", f"{rate:g} is not above 0 and at most {limits.DEMO_RATE_MAX:g} lines per second"))
    if faults:
        raise UsageError(faults)


def _write_private(key: asyncssh.SSHKey, target: Path) -> None:
    target.touch(mode=0o600)
    key.write_private_key(target)
