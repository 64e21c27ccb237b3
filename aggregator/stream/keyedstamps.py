"""Stamps that are values of JSON and logfmt keys."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.stream import epochs
from aggregator.stream.stampformats import Written

_KEYS = ("time", "ts", "@timestamp", "timestamp")
JSON_KEYS = tuple(f'"{key}"' for key in _KEYS)
LOGFMT_KEYS = tuple(f"{key}=" for key in _KEYS)


class Value:
    """Reads a value: an ISO stamp, the Common Log Format's date, or a number since the epoch; quoted or not."""

    __slots__ = ("_clf", "_iso")

    def __init__(self, iso: Written, clf: Written) -> None:
        self._iso = iso
        self._clf = clf

    def read(self, text: str, at: int) -> int | None:
        """Microseconds since the epoch of the value at `at`, or None."""
        if text.startswith('"', at):
            at += 1
            stamp = self._iso.read(text, at)
            if stamp is not None:
                return stamp
        stamp = epochs.number(text, at)
        if stamp is None:  # logfmt leaves out the quotes
            stamp = self._iso.read(text, at)
        return self._clf.read(text, at) if stamp is None else stamp


class KeyedStamp:
    """Reads the stamp of lines of keys and values; the key that held the last one is tried first.

    `find(text, key)` says where the key's value begins, or -1.
    """

    __slots__ = ("_find", "_key", "_keys", "_value")

    def __init__(self, find: Callable[[str, str], int], keys: tuple[str, ...], value: Value) -> None:
        self._find = find
        self._keys = keys
        self._key = keys[0]
        self._value = value.read

    def read(self, text: str) -> int | None:
        """Microseconds since the epoch, or None."""
        at = self._find(text, self._key)
        if at >= 0:
            stamp = self._value(text, at)
            if stamp is not None:
                return stamp
        return self._other(text)

    def _other(self, text: str) -> int | None:
        """What the first other key says."""
        for key in self._keys:
            at = self._find(text, key) if key != self._key else -1
            stamp = self._value(text, at) if at >= 0 else None
            if stamp is not None:
                self._key = key
                return stamp
        return None
