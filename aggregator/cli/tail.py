"""`tailon-agg tail`: the merged live view in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import select
import signal
import sys
from collections.abc import Mapping

from aggregator import limits
from aggregator.cli.options import Settings
from aggregator.cli.printing import print_blocks
from aggregator.cli.state import open_audit, open_for_terminal
from aggregator.hub.subscription import Subscription
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import Principal
from aggregator.query import Query
from aggregator.remote.ssh import SshTransport
from aggregator.service import Aggregator


async def tail(settings: Settings, inventory: Inventory, environ: Mapping[str, str], query: Query, output: str) -> None:
    """Print the view until it ends or INT comes. Raises ConfigError, UsageError and what opening a view raises."""
    metrics = Metrics()
    with contextlib.closing(open_for_terminal(settings, environ)) as state:
        async with (
            await open_audit(settings, inventory, state, metrics) as audit,
            Aggregator(inventory, SshTransport(), audit, metrics) as aggregator,
        ):
            principal = Principal(f"local:{getpass.getuser()}", "cli")
            plan = aggregator.plan(principal, query)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, aggregator.drain)
            async with aggregator.watch(principal, plan, "tail") as subscription, asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_end_unread(subscription))
                if not await print_blocks(subscription, output, environ):
                    subscription.end("complete")
                watching.cancel()


async def _end_unread(subscription: Subscription) -> None:
    """End the view when nobody reads standard output any more, also when there is nothing to write."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors and hang-ups are always told
    while not poll.poll(0):  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(limits.OUTPUT_BEAT)
    subscription.abandon("complete")
