"""The links of all hosts, and the jump hosts between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from aggregator.errors import HostError
from aggregator.metrics import Metrics
from aggregator.model import Host
from aggregator.remote.link import Budgets, Link
from aggregator.remote.transport import Connection, Transport
from aggregator.remote.trouble import trouble


class Links:
    """The links of all hosts, and the jump hosts between."""

    def __init__(
        self, transport: Transport, tasks: asyncio.TaskGroup, metrics: Metrics, changed: Callable[[Link], None]
    ) -> None:
        self.tasks = tasks
        self.metrics = metrics
        self.transport = transport
        self._changed = changed
        self.budgets = Budgets()
        self._links: dict[str, Link] = {}
        self._jumps: dict[str, Link] = {}

    def link(self, host: Host) -> Link:
        """The link of an inventory host; a host whose way has changed gets a new one."""
        link = self._links.get(host.name)
        if link is None or link.host != host:
            link = self._links[host.name] = Link(host, self, self._changed)
        return link

    def all(self) -> list[Link]:
        return list(self._links.values())

    def keep(self, names: frozenset[str]) -> None:
        """Forget the links of hosts that the inventory no longer has."""
        self._links = {name: link for name, link in self._links.items() if name in names}

    async def jump(self, spec: str, target: Host) -> Connection:
        """A connection to a jump host (an inventory host's name or `[user@]host[:port]`). Raises HostError."""
        first, _, rest = spec.rpartition(",")  # ssh_config: a,b means b through a
        link = self._jumps.get(spec) or self._jumps.setdefault(spec, self._jump_link(rest, first, target))
        try:
            return await link.connection()
        except HostError as error:
            words = trouble("jump-failed", jump=spec, detail=error.words).words
            raise HostError("jump-failed", words, error.step, retry=error.retry) from error

    def _jump_link(self, spec: str, before: str, target: Host) -> Link:
        known = self._links.get(spec)
        host = known.host if known else _jump_host(spec, before, target)
        return Link(host, self, lambda _: None, probes=False)

    async def close(self) -> None:
        """Close everything, targets before the jump hosts that carry them."""
        await asyncio.gather(*(link.close() for link in self._links.values()))
        await asyncio.gather(*(link.close() for link in self._jumps.values()))


def _jump_host(spec: str, before: str, target: Host) -> Host:
    user, _, address = spec.rpartition("@")
    port: int | None = None
    if address.startswith("["):
        address, _, tail = address[1:].partition("]")
        port = int(tail[1:]) if tail.startswith(":") else None
    elif address.count(":") == 1:
        address, _, text = address.partition(":")
        port = int(text)
    ssh = replace(target.ssh, user=user or target.ssh.user, port=port)
    return Host(name=spec, address=address, ssh=ssh, labels={}, jump=before or None)
