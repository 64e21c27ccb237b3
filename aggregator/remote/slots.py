"""What may be in use at once: channels of one connection, handshakes of all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from aggregator import limits
from aggregator.remote.transport import Channel, Connection

Kind = Literal["follow", "command"]


@dataclass(slots=True, eq=False)
class Slots:
    """One connection and the channels in use on it."""

    connection: Connection
    follows: int = 0
    commands: int = 0
    channels: set[Channel] = field(default_factory=set)

    @property
    def used(self) -> int:
        return self.follows + self.commands

    def free(self, kind: Kind, most: int) -> bool:
        """Whether one more fits; `most` sessions are what this host's sshd takes on a connection."""
        if self.connection.lost or self.used >= most:
            return False
        if kind == "follow":
            return self.follows < limits.FOLLOWS_PER_CONNECTION
        return self.commands < limits.COMMANDS_PER_CONNECTION

    def take(self, kind: Kind, count: int) -> None:
        if kind == "follow":
            self.follows += count
        else:
            self.commands += count


@dataclass(slots=True)
class Budgets:
    """What all dials share: handshakes at once, over all and through each jump host."""

    dials: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(limits.DIALS_AT_ONCE))
    jumps: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def jump(self, name: str) -> asyncio.Semaphore:
        return self.jumps.setdefault(name, asyncio.Semaphore(limits.DIALS_PER_JUMP))
