"""What may be in use at once: channels of one connection, handshakes of all."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakValueDictionary

from aggregator import limits
from aggregator.remote.transport import Channel, Connection
from aggregator.remote.trouble import trouble

Kind = Literal["follow", "command", "scan"]

_SESSIONS = (  # of one connection
    limits.FOLLOWS_PER_CONNECTION + limits.COMMANDS_PER_CONNECTION + limits.SCANS_PER_CONNECTION
)
_BUDGETS: dict[Kind, int] = {
    "follow": limits.FOLLOWS_PER_CONNECTION,
    "command": limits.COMMANDS_PER_CONNECTION,
    "scan": limits.SCANS_PER_CONNECTION,
}


@dataclass(slots=True, eq=False)
class Slots:
    """One connection and the channels in use on it."""

    connection: Connection
    taken: Counter[Kind] = field(default_factory=Counter)
    channels: set[Channel] = field(default_factory=set)

    @property
    def used(self) -> int:
        return self.taken.total()

    def free(self, kind: Kind, most: int) -> bool:
        """Whether one more fits; `most` sessions are what this host's sshd takes on a connection."""
        return not self.connection.lost and self.used < most and self.taken[kind] < _BUDGETS[kind]

    def take(self, kind: Kind, count: int) -> None:
        self.taken[kind] += count


class Connections:
    """The connections of one host, and how many sessions its sshd takes on each, as far as refusals have shown."""

    def __init__(self) -> None:
        self._all: list[Slots] = []
        self._sessions = _SESSIONS

    def __bool__(self) -> bool:
        return any(not slots.connection.lost for slots in self._all)

    @property
    def full(self) -> bool:
        """Whether there may be no more connections."""
        return len(self._all) >= limits.CONNECTIONS_PER_HOST

    def busy(self, kind: Kind) -> bool:
        """Whether there are channels of a kind, whose places will be free again."""
        return any(slots.taken[kind] for slots in self._all)

    def add(self, connection: Connection) -> Slots:
        slots = Slots(connection)
        self._all.append(slots)
        return slots

    def drop_lost(self) -> bool:
        """Forget lost connections; True when that leaves none of some."""
        left = [slots for slots in self._all if not slots.connection.lost]
        last = bool(self._all) and not left
        self._all = left
        if last:
            self._sessions = _SESSIONS
        return last

    def clear(self) -> list[Slots]:
        """Forget all, and hand them over for closing."""
        found, self._all, self._sessions = self._all, [], _SESSIONS
        return found

    def take(self, kind: Kind, host: str) -> Slots | None:
        """A place for a channel, if there is one now. Raises HostError when no more files can be followed."""
        if kind == "follow":
            self._check_follows(host)
        for slots in self._all:
            if slots.free(kind, self._sessions):
                slots.take(kind, 1)
                return slots
        return None

    def refused(self, slots: Slots) -> bool:
        """sshd took no more sessions than are in use now; True when one may fit elsewhere."""
        if slots.used == 0:
            return False
        self._sessions = min(self._sessions, slots.used)
        return True

    def _check_follows(self, host: str) -> None:
        """Of few sessions one is kept for commands."""
        most = limits.CONNECTIONS_PER_HOST * limits.FOLLOWS_PER_CONNECTION
        follows = sum(slots.taken["follow"] for slots in self._all)
        if follows >= most:
            raise trouble("too-many-files", limit=most)
        if follows >= limits.CONNECTIONS_PER_HOST * self._sessions - 1:
            raise trouble("too-many-sessions", endpoint=host)


@dataclass(slots=True)
class Budgets:
    """What all dials share: handshakes at once, over all and with each server, which may be several hosts' way in."""

    dials: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(limits.DIALS_AT_ONCE))
    servers: WeakValueDictionary[tuple[str, int | None], asyncio.Semaphore] = field(default_factory=WeakValueDictionary)

    def server(self, address: str, port: int | None) -> asyncio.Semaphore:
        """The handshakes with, or through, the server there."""
        return self.servers.setdefault((address, port), asyncio.Semaphore(limits.DIALS_PER_SERVER))
