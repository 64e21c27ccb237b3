"""`tailon-agg tail`: the merged live view in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import getpass
import os
import select
import signal
import sys
from collections.abc import AsyncIterable, Mapping

from aggregator import limits
from aggregator.access.audit import AuditLog
from aggregator.cli.options import Settings
from aggregator.cli.serve import refuse_rules
from aggregator.cli.state import audit_path, open_for_terminal
from aggregator.cli.terminal import Painter, wants_colour
from aggregator.errors import TailonError
from aggregator.hub.queue import Block
from aggregator.hub.subscription import Subscription
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import Principal
from aggregator.query import Query
from aggregator.remote.ssh import SshTransport
from aggregator.service import Aggregator
from aggregator.stream.records import encode


async def tail(settings: Settings, inventory: Inventory, environ: Mapping[str, str], query: Query, output: str) -> None:
    """Print the view until it ends or INT comes. Raises ConfigError, UsageError and what opening a view raises."""
    refuse_rules(inventory)
    metrics = Metrics()
    with contextlib.closing(open_for_terminal(settings, environ)) as state:
        async with (
            await AuditLog.open(audit_path(settings, inventory, state), metrics) as audit,
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


async def print_blocks(blocks: AsyncIterable[Block], output: str, environ: Mapping[str, str]) -> bool:
    """Print records as text or JSON; False when nobody reads them any more."""
    painter = Painter(colour=wants_colour(sys.stdout, environ))
    async for block in blocks:
        if output == "json":
            text = "".join(encode(record).decode() + "\n" for record in block.records)
        else:
            text = "".join(painter.paint(record) for record in block.records)
        try:
            await asyncio.to_thread(_write, text)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at exit
            if error.errno in (errno.EPIPE, errno.EIO):
                return False
            raise TailonError(f"what was read can't be written to standard output: {error.strerror}") from None
    return True


async def _end_unread(subscription: Subscription) -> None:
    """End the view when nobody reads standard output any more, also when there is nothing to write."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors and hang-ups are always told
    while not poll.poll(0):  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(limits.OUTPUT_BEAT)
    subscription.abandon("complete")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
