"""What the link of one host gets from those of all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from aggregator.metrics import Metrics
from aggregator.model import Host
from aggregator.remote.slots import Budgets
from aggregator.remote.transport import Transport

if TYPE_CHECKING:
    from aggregator.remote.link import Link


class Way(Protocol):
    """What a link shares with the others: tasks, metrics, transport, budgets, and the jump hosts."""

    tasks: asyncio.TaskGroup
    metrics: Metrics
    transport: Transport
    budgets: Budgets

    def jump(self, spec: str, target: Host) -> Link:
        """The link to a jump host (an inventory host's name or `[user@]host[:port]`)."""
