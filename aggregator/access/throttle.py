"""Slows down whoever guesses passwords: few failures per user and per address, then a wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import TooMany


@dataclass(slots=True)
class _Failures:
    count: int
    since: float


class Throttle:
    """Failures of the last quarter of an hour, by user and by address. A user's count is per address too, so that a
    stranger elsewhere can't lock them out for good: from the address of their last good login they are let in."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._good: OrderedDict[str, str] = OrderedDict()

    def check(self, user: str, address: str) -> None:
        """Raises TooMany when this user or this address has failed too often of late."""
        if self._count(("address", address)) >= limits.LOGIN_FAILURES_ADDRESS:
            raise TooMany(_words())
        if self._good.get(user) != address and self._count(("user", user)) >= limits.LOGIN_FAILURES_USER:
            raise TooMany(_words())

    def failed(self, user: str, address: str) -> None:
        """Count a wrong password."""
        for key in (("user", user), ("address", address)):
            known = self._failures.pop(key, None)
            if known is None or self._now() - known.since > limits.LOGIN_WINDOW:
                known = _Failures(0, self._now())
            known.count += 1
            self._failures[key] = known
            while len(self._failures) > limits.LOGIN_KEYS:
                self._failures.popitem(last=False)

    def passed(self, user: str, address: str) -> None:
        """A right password: this user's failures are forgotten, and this address is one of theirs."""
        self._failures.pop(("user", user), None)
        self._good.pop(user, None)
        self._good[user] = address
        while len(self._good) > limits.LOGIN_KEYS:
            self._good.popitem(last=False)

    def _count(self, key: tuple[str, str]) -> int:
        known = self._failures.get(key)
        if known is None or self._now() - known.since > limits.LOGIN_WINDOW:
            return 0
        return known.count


def _words() -> str:
    return f"too many wrong passwords; try again in {limits.LOGIN_WINDOW / 60:.0f} minutes"
