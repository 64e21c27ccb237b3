"""How long readers of history wait for a host: one that kept them waiting in vain is not waited for again at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from weakref import WeakKeyDictionary

from aggregator import limits
from aggregator.errors import HostError
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble

T = TypeVar("T")
_SILENT = frozenset({"timeout", "unreachable", "name-not-found", "jump-failed"})  # causes that may take long to show


class Patience:
    """Waits for hosts, and remembers for `limits.HISTORY_TROUBLE` seconds which of them let it wait in vain: those get
    `limits.HISTORY_AGAIN` seconds only, and are told with the error from before. With `goes_on` what was waited for
    goes on by itself, so that giving up early is no news of the host: it is remembered from then on."""

    def __init__(self, *, goes_on: bool = False) -> None:
        self._goes_on = goes_on
        self._known: WeakKeyDictionary[Link, tuple[HostError, float]] = WeakKeyDictionary()

    async def wait(self, link: Link, work: Awaitable[T], failure: HostError | None = None) -> T:
        """What a living host does in time; `failure` is what others know to ail it now. Raises HostError."""
        known = self._trouble(link) or (failure if failure and failure.cause in _SILENT else None)
        usual = link.host.ssh.connect_timeout + limits.HISTORY_PATIENCE
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(limits.HISTORY_AGAIN if known else usual):
                found = await work
        except TimeoutError:
            error = known or trouble("timeout", endpoint=link.host.name, seconds=usual)
            if known is None or self._goes_on:
                self._remember(link, error)
            raise error from None
        except HostError as error:
            if error.cause in _SILENT and asyncio.get_running_loop().time() - began >= limits.HISTORY_AGAIN:
                self._remember(link, error)
            raise
        self._known.pop(link, None)
        return found

    def _remember(self, link: Link, error: HostError) -> None:
        self._known[link] = error, asyncio.get_running_loop().time() + limits.HISTORY_TROUBLE

    def _trouble(self, link: Link) -> HostError | None:
        error, until = self._known.get(link, (None, 0.0))
        return error if until > asyncio.get_running_loop().time() else None
