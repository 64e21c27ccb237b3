"""Stamps that are values of JSON and logfmt keys."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.stream import epochs
from aggregator.stream.stampformats import Written

_KEYS = ("time", "ts", "@timestamp", "timestamp", "t")
JSON_KEYS = tuple(f'"{key}":' for key in _KEYS)
LOGFMT_KEYS = tuple(f"{key}=" for key in _KEYS)


Read = Callable[[str, int], int | None]


class KeyedStamp:
    """Reads the stamp of lines of keys and values.

    `find(text, key)` says where the key's value begins, or -1. A value is an ISO stamp, a number since the epoch or
    the Common Log Format's date, quoted or not. The key and the form that held the last stamp are tried first.
    """

    __slots__ = ("_find", "_forms", "_key", "_keys", "_last")

    def __init__(self, find: Callable[[str, str], int], keys: tuple[str, ...], iso: Written, clf: Written) -> None:
        self._find = find
        self._keys = keys
        self._key = keys[0]
        self._forms: tuple[Read, ...] = (iso.read, epochs.number, clf.read)
        self._last: Read = iso.read

    def read(self, text: str) -> int | None:
        """Microseconds since the epoch, or None."""
        at = self._find(text, self._key)
        if at >= 0:
            stamp = self._last(text, at + 1 if text.startswith('"', at) else at)
            if stamp is not None:
                return stamp
        return self._search(text)

    def _search(self, text: str) -> int | None:
        """What the first key that holds a stamp says."""
        for key in self._keys:
            at = self._find(text, key)
            stamp = self._value(text, at) if at >= 0 else None
            if stamp is not None:
                self._key = key
                return stamp
        return None

    def _value(self, text: str, at: int) -> int | None:
        at += text.startswith('"', at)
        for read in self._forms:
            stamp = read(text, at)
            if stamp is not None:
                self._last = read
                return stamp
        return None
