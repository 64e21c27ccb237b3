"""Openings that are being read from, so that those whose right is taken away end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aggregator.access.door import Opening
from aggregator.errors import Denied
from aggregator.model import Principal


class Revoked(Denied):
    """A right that was there when reading began is not there any more."""


class InUse:
    """The openings of reads that run."""

    def __init__(self) -> None:
        self._scopes: dict[Opening, asyncio.Timeout] = {}

    @asynccontextmanager
    async def reading(self, opening: Opening) -> AsyncIterator[None]:
        """The block in which an opening is used: it is cancelled when its right is taken away. Raises Revoked then."""
        try:
            async with asyncio.timeout(None) as scope:
                self._scopes[opening] = scope
                try:
                    yield
                finally:
                    del self._scopes[opening]
        except TimeoutError:
            if scope.expired():
                raise Revoked("the right to read this was taken away meanwhile", "revoked") from None
            raise

    def revoke(self, again: Callable[[Principal], Principal | None]) -> None:
        """End the reads of whoever is not let in `again`, or not to all that is read."""
        for opening, scope in tuple(self._scopes.items()):
            principal = again(opening.principal)
            if principal is None or not opening.renew(principal):
                opening.end("revoked")
                scope.reschedule(asyncio.get_running_loop().time())
