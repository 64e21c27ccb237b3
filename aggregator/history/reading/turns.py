"""Whose turn it is on a host: one heavy search at a time, the others wait in a queue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """One for each host, in the order of asking. A turn is a whole search of one viewer on one host, whichever files it
    reads there at the same time: a turn for each file would let a merge wait for itself."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    def ahead(self, host: str) -> int:
        """How many searches have their turn on a host, or come before the next who asks."""
        return self._users[host]

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for the turn on a host, and have it inside."""
        lock = self._locks.setdefault(host, asyncio.Lock())
        self._users[host] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host]
                del self._locks[host]
