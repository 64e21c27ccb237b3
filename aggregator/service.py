"""The aggregator: wires links, hub, door and audit log, and owns the tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator import limits, query
from aggregator.access.audit import AuditLog
from aggregator.access.door import Door, Opening
from aggregator.access.events import Event
from aggregator.access.identity import Identities
from aggregator.access.inuse import InUse
from aggregator.access.logins import Logins
from aggregator.access.policy import LoopbackPolicy, Policy
from aggregator.access.request import Request
from aggregator.access.rules import RulePolicy, is_terminal
from aggregator.access.sight import Sight
from aggregator.errors import TooMany
from aggregator.history.following.places import Places
from aggregator.history.search.search import Shared
from aggregator.hub.hub import Hub
from aggregator.hub.subscription import Subscription
from aggregator.inventory import Inventory
from aggregator.inventory.paths import has_wildcard, uses_date
from aggregator.inventory.settings import Access
from aggregator.metrics import Metrics
from aggregator.model import EndReason, File, Principal, Source, State
from aggregator.past import Past
from aggregator.query import Plan, Query
from aggregator.remote.pool import Links
from aggregator.remote.transport import Transport
from aggregator.status import HostStatus, SourceStatus, Status
from aggregator.stream.redactor import redactor_of


class Aggregator:
    """The engine behind all surfaces; to be used as `async with`. Its methods are for one event loop.

    `places` is the file that keeps where logs were, over restarts.
    """

    def __init__(
        self,
        inventory: Inventory,
        transport: Transport,
        audit: AuditLog,
        metrics: Metrics,
        places: Path | None = None,
    ) -> None:
        self.inventory = inventory
        self.metrics = metrics
        self.identities = Identities(inventory.access) if inventory.access else None
        self._openings: dict[Subscription, Opening] = {}
        self._in_use = InUse()
        self.door = Door(_policy(inventory.access), audit)
        self._shared = Shared()
        self._redactor = redactor_of(inventory.redact)
        self._transport = transport
        self._audit = audit
        self._places = Places(places)
        self._tasks = asyncio.TaskGroup()
        self._views = 0  # open or opening
        self._ending: EndReason | None = None
        self._counting: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._places.load)
        await self._tasks.__aenter__()
        self._links = Links(self._transport, self._tasks, self.metrics, lambda _: self._count_soon())
        self._hub = Hub(self.inventory, self._links, self._tasks, self.metrics, self._places, self._redactor)
        self._count_hosts()
        self._tasks.create_task(self._look_after())
        self._tasks.create_task(self._places.run())
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
            await self._places.close()
            self._count_hosts()
            await self._audit.record(Event("stop"))

    def drain(self) -> None:
        """End all views with `shutdown`; new ones end at once."""
        self._ending = "shutdown"
        for subscription in tuple(self._openings):
            subscription.end("shutdown")

    @property
    def views(self) -> int:
        """Views that are open or opening."""
        return self._views

    @property
    def logins(self) -> Logins | None:
        """Logging in and out, where the inventory has users."""
        return Logins(self.identities, self._audit) if self.identities and self.identities.users else None

    async def reload(self, inventory: Inventory) -> None:
        """Go on with another inventory; views keep what it still has, and what its rules still allow.

        Raises ConfigError when it can't be used; nothing has changed then.
        """
        if inventory.access is None:
            self.identities = None
        elif self.identities is None:
            self.identities = Identities(inventory.access)
        else:
            self.identities.replace(inventory.access)
        self.inventory = inventory
        self.door.policy = _policy(inventory.access)
        self._revoke()
        if self._redactor is None or self._redactor.rules != inventory.redact:
            self._redactor = redactor_of(inventory.redact)
        self._hub.reload(inventory, self._redactor)
        self._count_hosts()
        await self._audit.record(Event("reload", detail=", ".join(str(file) for file in inventory.files)))

    def _revoke(self) -> None:
        """End the views and reads of those who are no longer let in, or no longer to all that they see."""
        self._in_use.revoke(self._again)
        for subscription, opening in tuple(self._openings.items()):
            principal = self._again(opening.principal)
            if principal is None or not opening.renew(principal):
                subscription.abandon("revoked")

    def _again(self, principal: Principal) -> Principal | None:
        if self.identities is None:
            return principal if principal.ticket is None else None
        return principal if is_terminal(principal) else self.identities.again(principal)

    async def _look_after(self) -> None:
        """Logins and tokens end with time, too."""
        while True:
            await asyncio.sleep(limits.REVOKE_BEAT)
            self._revoke()

    def plan(self, principal: Principal, wanted: Query) -> Plan:
        """Check a query for a principal. Raises UsageError."""
        return query.plan(wanted, self.inventory, self.sight(principal))

    def sight(self, principal: Principal) -> Sight:
        """What exists for a principal."""
        return Sight(principal, lambda: self.door.policy)

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

    async def check(self, principal: Principal, plan: Plan, command: str) -> None:
        """Decide and write down what `watch` would, and read nothing. Raises Denied, AuditUnavailable."""
        async with await self.door.open(principal, self._request(principal, plan, command)):
            pass

    def _request(self, principal: Principal, plan: Plan, command: str) -> Request:
        asked = plan.query
        return Request(
            action="view",
            command=command,
            hosts=tuple(sorted({host for host, _ in plan.selection.pairs})),
            sources=tuple(sorted({source for _, source in plan.selection.pairs})),
            files=self._known_files(plan, self.sight(principal)),
            grep=asked.grep,
            exclude=asked.exclude,
            level=asked.level,
            reason=plan.reason,
            event="open" if plan.reason is None else "reveal",
        )

    @asynccontextmanager
    async def _opened(self, principal: Principal, plan: Plan, command: str) -> AsyncIterator[Subscription]:
        async with (
            await self.door.open(principal, self._request(principal, plan, command)) as opening,
            Subscription(self._hub, plan.selection, opening, plan.wishes) as subscription,
        ):
            self._openings[subscription] = opening
            self.metrics.viewers.inc()
            try:
                if self._ending:
                    subscription.end(self._ending)
                yield subscription
            finally:
                del self._openings[subscription]
                self.metrics.viewers.dec()
                self.metrics.delivered_lines.inc(subscription.delivered)
                self.metrics.dropped_lines.inc(subscription.dropped)

    def reveals(self, principal: Principal) -> bool:
        """Whether there is something hidden that a principal may see."""
        return self._redactor is not None and self.door.policy.may(principal, "reveal")

    def past(self, principal: Principal) -> Past:
        """What a principal may read of what lies on the hosts."""
        sight = self.sight(principal)
        shared, redactor = self._shared, self._redactor
        return Past(self.door, self._in_use, self._links, self.inventory, principal, sight, shared, redactor)

    def hosts(self, principal: Principal) -> list[HostStatus]:
        """The hosts that a principal may see, and how they are."""
        return self._status(principal).hosts()

    def sources(self, principal: Principal) -> list[SourceStatus]:
        """The sources that a principal may see something of, and their files as far as they are known."""
        return self._status(principal).sources()

    def _status(self, principal: Principal) -> Status:
        return Status(self.inventory, self._links, self._hub, self.sight(principal))

    def ready(self) -> Sequence[tuple[str, bool, str]]:
        """The checks of `/readyz`."""
        draining = self._ending is not None
        out = self._audit.copy_trouble
        return (
            ("audit", self._audit.healthy, self._audit.trouble or ""),
            *([("audit-copy", True, f"is out: {out}; the log itself goes on")] if out else []),
            ("serving", not draining, "it is shutting down" if draining else ""),
        )

    def host_states(self) -> Mapping[State, int]:
        """How many hosts are in each state."""
        links = {link.host.name: link.state for link in self._links.all()}
        return Counter(links.get(name, "idle") for name in self.inventory.hosts)

    def _known_files(self, plan: Plan, sight: Sight) -> tuple[File, ...]:
        """The files of a plan whose paths need no looking for; the others are added as they are found."""
        plain = (
            File(host, name, self._hub.plain_path(host, name))
            for host, name in sorted(plan.selection.pairs)
            if _is_plain(self.inventory.sources[name])
        )
        return tuple(file for file in plain if sight.file(file))

    def _count_soon(self) -> None:
        """After a host's change: many change at once, and each count takes a look at all."""
        if self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(limits.HOSTS_BEAT, self._count_hosts)

    def _count_hosts(self) -> None:
        if self._counting:
            self._counting.cancel()
            self._counting = None
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
