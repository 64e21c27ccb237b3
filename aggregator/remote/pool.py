"""The links of all hosts, and the jump hosts between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from aggregator.metrics import Metrics
from aggregator.model import Host, SshOptions
from aggregator.remote.link import Link
from aggregator.remote.slots import Budgets
from aggregator.remote.transport import Transport

_Way = tuple[str, str, SshOptions, str | None]  # what makes two jump hosts the same: name, address, ssh, jump


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
        self._hosts: Mapping[str, Host] = {}
        self._jumps: dict[_Way, Link] = {}

    def link(self, host: Host) -> Link:
        """The link of an inventory host; a host whose way has changed gets a new one."""
        link = self._links.get(host.name)
        if link is None or link.host != host:
            link = self._links[host.name] = Link(host, self, self._changed)
        return link

    def all(self) -> list[Link]:
        return list(self._links.values())

    def use(self, hosts: Mapping[str, Host]) -> None:
        """The hosts of the inventory from now on; links of others are forgotten."""
        self._hosts = hosts
        self._links = {name: link for name, link in self._links.items() if name in hosts}

    def jump(self, spec: str, target: Host) -> Link:
        """The link to a jump host: an inventory host's name, or `[user@]host[:port]` reached as `target` is.

        Of `a,b` (ssh_config(5)) it is the one to b, which goes through a.
        """
        before, _, last = spec.rpartition(",")
        known = self._hosts.get(last) if not before else None
        host = known or _jump_host(last, before, target)
        key = (host.name, host.address, host.ssh, host.jump)
        link = self._jumps.get(key)
        if link is None:
            link = self._jumps[key] = Link(host, self, lambda _: None, probes=False)
        return link

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
