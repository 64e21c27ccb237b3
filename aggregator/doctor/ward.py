"""Many hosts at once, each looked at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from aggregator.doctor.check import Check, Report
from aggregator.doctor.examine import examine
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import Host
from aggregator.remote.pool import Links
from aggregator.remote.transport import Transport

log = logging.getLogger(__name__)


async def visit(
    inventory: Inventory, names: Iterable[str], transport: Transport, done: Callable[[Report], None]
) -> None:
    """Look at hosts, as many at once as dials may be under way; `done` gets each report as soon as it is there.

    Nothing is tried twice. What takes longest is a host that does not answer: its `connect_timeout`, and after a login
    `answer.patience` for each of few commands.
    """
    async with asyncio.TaskGroup() as tasks:
        links = Links(transport, tasks, Metrics(), lambda _: None)
        links.use(inventory.hosts)
        try:
            async with asyncio.TaskGroup() as visits:
                for name in names:
                    visits.create_task(_visit(inventory, inventory.hosts[name], links, done))
        finally:
            await links.close()


async def _visit(inventory: Inventory, host: Host, links: Links, done: Callable[[Report], None]) -> None:
    sources = [source for source in inventory.sources.values() if host.name in source.hosts]
    link = links.link(host) if sources else links.jump(host.name, host)
    try:
        checks = await examine(link, sources)
    except Exception:  # a fault of ours with one host must not end the others
        log.exception("looking at %s ended by a fault of ours", host.name)
        checks = (Check("look", "fail", "the look at it failed inside tailon-agg", "see its own log"),)
    done(Report(host.name, checks))
