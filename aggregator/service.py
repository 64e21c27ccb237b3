"""The aggregator: wires links, hub, door and audit log, and owns the tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aggregator import limits, query
from aggregator.access.audit import AuditLog
from aggregator.access.door import Door
from aggregator.access.events import Event
from aggregator.access.identity import Identities
from aggregator.access.policy import LoopbackPolicy, Policy
from aggregator.access.request import Request
from aggregator.access.rules import RulePolicy
from aggregator.errors import TooMany
from aggregator.hub.feed import Feed
from aggregator.hub.finder import Finder
from aggregator.hub.hub import Hub
from aggregator.hub.subscription import Subscription
from aggregator.inventory import Inventory
from aggregator.inventory.paths import has_wildcard, uses_date
from aggregator.inventory.settings import Access
from aggregator.metrics import Metrics
from aggregator.model import EndReason, File, Host, Principal, Source, State
from aggregator.past import Past
from aggregator.query import Plan, Query
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.transport import Transport


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host as `/api/v1/hosts` shows it; times are seconds, None where not known."""

    name: str
    address: str
    labels: Mapping[str, str]
    groups: Sequence[str]
    state: State
    error: str | None
    lag_s: float | None
    clock_skew_s: float | None
    poll_s: float | None


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file of a source as `/api/v1/sources` shows it."""

    host: str
    path: str
    state: State
    error: str | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as `/api/v1/sources` shows it."""

    name: str
    kind: str
    files: Sequence[FileStatus]


class Aggregator:
    """The engine behind all surfaces; to be used as `async with`. Its methods are for one event loop."""

    def __init__(self, inventory: Inventory, transport: Transport, audit: AuditLog, metrics: Metrics) -> None:
        self.inventory = inventory
        self.metrics = metrics
        self.identities = Identities(inventory.access) if inventory.access else None
        self.door = Door(_policy(inventory.access), audit)
        self._transport = transport
        self._audit = audit
        self._tasks = asyncio.TaskGroup()
        self._subscriptions: set[Subscription] = set()
        self._views = 0  # open or opening
        self._ending: EndReason | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._links = Links(self._transport, self._tasks, self.metrics, lambda _: self._count_hosts())
        self._hub = Hub(self.inventory, self._links, self._tasks, self.metrics)
        self._count_hosts()
        torn = f"; the last record was torn, {self._audit.torn} bytes were cut off" if self._audit.torn else ""
        files = ", ".join(str(file) for file in self.inventory.files)
        await self._audit.record(Event("start", detail=f"inventory {files or 'from the command line'}{torn}"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drain()
        _stop(self._tasks)
        try:
            await self._tasks.__aexit__(kind, error, trace)
        except* _Stop:
            pass
        finally:
            await self._links.close()
            await self._audit.record(Event("stop"))

    def drain(self) -> None:
        """End all views with `shutdown`; new ones end at once."""
        self._ending = "shutdown"
        for subscription in tuple(self._subscriptions):
            subscription.end("shutdown")

    async def reload(self, inventory: Inventory) -> None:
        """Go on with another inventory; views keep what it still has."""
        self.inventory = inventory
        self._hub.reload(inventory)
        self._count_hosts()
        await self._audit.record(Event("reload", detail=", ".join(str(file) for file in inventory.files)))

    def plan(self, principal: Principal, wanted: Query) -> Plan:
        """Check a query for a principal. Raises UsageError."""
        return query.plan(
            wanted, self.inventory, lambda inventory: self.door.policy.visible_hosts(principal, inventory)
        )

    def visible(self, principal: Principal) -> frozenset[str]:
        """The hosts that exist for a principal."""
        return self.door.policy.visible_hosts(principal, self.inventory)

    @asynccontextmanager
    async def watch(self, principal: Principal, plan: Plan, command: str) -> AsyncIterator[Subscription]:
        """Open a view: decided, written down, then read. Raises Denied, AuditUnavailable, TooMany."""
        if self._views >= limits.VIEWERS:
            raise TooMany(f"{limits.VIEWERS} views are open, which is the most at once; close some and try again")
        self._views += 1
        try:
            async with self._opened(principal, plan, command) as subscription:
                yield subscription
        finally:
            self._views -= 1

    @asynccontextmanager
    async def _opened(self, principal: Principal, plan: Plan, command: str) -> AsyncIterator[Subscription]:
        asked = plan.query
        request = Request(
            action="view",
            command=command,
            hosts=tuple(sorted({host for host, _ in plan.selection.pairs})),
            sources=tuple(sorted({source for _, source in plan.selection.pairs})),
            files=self._known_files(plan),
            grep=asked.grep,
            exclude=asked.exclude,
            level=asked.level,
        )
        async with (
            await self.door.open(principal, request) as opening,
            Subscription(self._hub, plan.selection, opening, plan.wishes) as subscription,
        ):
            self._subscriptions.add(subscription)
            self.metrics.viewers.inc()
            try:
                if self._ending:
                    subscription.end(self._ending)
                yield subscription
            finally:
                self._subscriptions.discard(subscription)
                self.metrics.viewers.dec()
                self.metrics.delivered_lines.inc(subscription.delivered)
                self.metrics.dropped_lines.inc(subscription.dropped)

    def past(self, principal: Principal) -> Past:
        """What a principal may read of what lies on the hosts."""
        return Past(self.door, self._links, self.inventory, principal, self.visible(principal))

    def hosts(self, principal: Principal) -> list[HostStatus]:
        """The hosts that a principal may see, and how they are."""
        links = {link.host.name: link for link in self._links.all()}
        feeds: dict[str, list[Feed]] = {}
        for feed in self._hub.feeds.values():
            feeds.setdefault(feed.file.host, []).append(feed)
        lost: dict[str, list[Finder]] = {}
        for finder in self._hub.finders.values():
            lost.setdefault(finder.host.name, []).append(finder)
        return [
            _host_status(self.inventory.hosts[name], links.get(name), feeds.get(name, []), lost.get(name, []))
            for name in sorted(self.visible(principal), key=_natural)
        ]

    def sources(self, principal: Principal) -> list[SourceStatus]:
        """The sources on hosts that a principal may see, and their files as far as they are known."""
        visible = self.visible(principal)
        return [
            SourceStatus(source.name, source.kind, [*self._files(source, visible)])
            for source in self.inventory.sources.values()
            if source.hosts & visible
        ]

    def ready(self) -> Sequence[tuple[str, bool, str]]:
        """The checks of `/readyz`."""
        draining = self._ending is not None
        return (
            ("audit", self._audit.healthy, self._audit.trouble or ""),
            ("serving", not draining, "it is shutting down" if draining else ""),
        )

    def host_states(self) -> Mapping[State, int]:
        """How many hosts are in each state."""
        links = {link.host.name: link.state for link in self._links.all()}
        return Counter(links.get(name, "idle") for name in self.inventory.hosts)

    def _known_files(self, plan: Plan) -> tuple[File, ...]:
        """The files of a plan whose paths need no looking for; the others are added as they are found."""
        return tuple(
            File(host, name, self._hub.plain_path(host, name))
            for host, name in sorted(plan.selection.pairs)
            if _is_plain(self.inventory.sources[name])
        )

    def _files(self, source: Source, visible: frozenset[str]) -> list[FileStatus]:
        found: list[FileStatus] = []
        for host in sorted(source.hosts & visible, key=_natural):
            finder = self._hub.finders.get((host, source.name))
            files = finder.files if finder else ()
            if not files:
                error = str(finder.error) if finder and finder.error else None
                state: State = finder.state if finder else "idle"
                found.append(FileStatus(host, self._hub.plain_path(host, source.name), state, error))
            for file in files:
                feed = self._hub.feeds.get(file)
                error = str(feed.error) if feed and feed.error else None
                found.append(FileStatus(host, file.path, feed.state if feed else "idle", error))
        return found

    def _count_hosts(self) -> None:
        self.metrics.set_hosts(self.host_states())


def _policy(access: Access | None) -> Policy:
    return LoopbackPolicy() if access is None else RulePolicy(access)


class _Stop(Exception):
    """Ends the aggregator's tasks."""


async def _raise_stop() -> None:
    raise _Stop


def _stop(tasks: asyncio.TaskGroup) -> None:
    """End a group's tasks; where one of them has failed, that has done it already."""
    ending = _raise_stop()
    try:
        tasks.create_task(ending)
    except RuntimeError:
        ending.close()


def _is_plain(source: Source) -> bool:
    return source.kind == "file" and not has_wildcard(source.path) and not uses_date(source)


def _host_status(host: Host, link: Link | None, feeds: Sequence[Feed], finders: Sequence[Finder]) -> HostStatus:
    """A host that can be reached but has a file that can't be read is still live; its error says which."""
    state: State = link.state if link else "idle"
    error = str(link.error) if link and link.error else None
    if error is None:
        errors = [*(feed.error for feed in feeds), *(finder.error for finder in finders)]
        error = next((str(each) for each in errors if each), None)
    lags = [feed.lag for feed in feeds if feed.lag is not None]
    skew = link.probe.skew if link and link.probe else None
    return HostStatus(
        host.name,
        host.address,
        dict(host.labels),
        host.groups,
        state,
        error,
        max(lags, default=None),
        None if skew is None else round(skew, 3),
        link.probe.poll if link and link.probe else None,
    )


def _natural(name: str) -> list[tuple[int, int | str]]:
    """web-2 before web-10."""
    parts: list[tuple[int, int | str]] = []
    digits = ""
    for char in f"{name}\0":
        if char.isascii() and char.isdigit():
            digits += char
            continue
        if digits:
            parts.append((0, int(digits)))
            digits = ""
        parts.append((1, char))
    return parts
