"""Stamps that are numbers: seconds, milliseconds, microseconds or nanoseconds since the epoch, told by their size."""

from __future__ import annotations

import re
from collections.abc import Callable

from aggregator.limits import STAMP_AHEAD, STAMP_BEHIND
from aggregator.stream.calendar import SECOND

_NUMBER = re.compile(r"(\d{10}|\d{13}|\d{16}|\d{19})(?:\.(\d{1,20}))?(?![\w.])", re.ASCII)
_SCIENTIFIC = re.compile(r"(\d\.\d{1,20}[eE]\+?\d\d)(?![\w.])", re.ASCII)
_BARE = re.compile(r"(\[?)(\d{10}|\d{13})(?:\.(\d{1,9}))?(\]?):?[ \t]{1,8}(?=\S)", re.ASCII)
_NANOSECONDS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}


def _micros(whole: str, fraction: str | None) -> int:
    unit = _NANOSECONDS[len(whole)]
    value = int(whole) * unit
    if fraction is not None:
        value += int(fraction) * unit // 10 ** len(fraction)
    return value // 1000


def number(text: str, at: int) -> int | None:
    """Microseconds since the epoch of the number at `at` (10, 13, 16 or 19 digits before the point), or None."""
    match = _NUMBER.match(text, at)
    if match is not None:
        return _micros(match[1], match[2])
    match = _SCIENTIFIC.match(text, at)
    return None if match is None else _scientific(float(match[1]))


def _scientific(value: float) -> int | None:
    whole, _, fraction = f"{value:.6f}".partition(".")
    return _micros(whole, fraction) if len(whole) in _NANOSECONDS else None


class Bare:
    """Reads a number that begins a line: seconds or milliseconds, with more text behind it.

    Such a number may as well be a count or a customer: one that is no time of the last years is left alone.
    """

    __slots__ = ("_now",)

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def read(self, text: str, at: int = 0) -> int | None:
        """Microseconds since the epoch of the stamp at `at`, or None."""
        match = _BARE.match(text, at)
        if match is None or len(match[1]) != len(match[4]):
            return None
        stamp = _micros(match[2], match[3])
        now = self._now()
        return stamp if now - STAMP_BEHIND <= stamp / SECOND <= now + STAMP_AHEAD else None
