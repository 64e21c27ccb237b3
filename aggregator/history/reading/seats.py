"""How many logs of one host a search reads at once, and whose turn it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aggregator import limits
from aggregator.history.reading.turns import Turns


class Seats:
    """The seats of one search on one host. While any is taken, a heavy search has its turn there; who waits for a
    merge holds no seat for long, so that searches which wait for each other's hosts all go on. `queued` is told when
    another search has the turn, and when this one gets it."""

    def __init__(self, host: str, turns: Turns, queued: Callable[[bool], None] = lambda _: None) -> None:
        self.heavy = False
        self._host = host
        self._turns = turns
        self._queued = queued
        self._free = asyncio.Semaphore(limits.SCANS_PER_CONNECTION)
        self._entering = asyncio.Lock()
        self._turn = AsyncExitStack()
        self._taken = 0
        self._waiting = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody of this search waits for a seat, or another search for its turn."""
        return self._waiting > 0 or (self.heavy and self._turns.ahead(self._host) > 1)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """A seat, from when one is free to the end of the block."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._enter()
            try:
                yield
            finally:
                await self._leave()
        finally:
            self._free.release()

    async def _enter(self) -> None:
        async with self._entering:
            if self._taken == 0 and self.heavy:
                self._queued(self._turns.ahead(self._host) > 0)
                await self._turn.enter_async_context(self._turns.turn(self._host))
                self._queued(False)
            self._taken += 1

    async def _leave(self) -> None:
        self._taken -= 1
        if self._taken == 0:
            turn, self._turn = self._turn, AsyncExitStack()
            await turn.aclose()
