"""The facts that the audit log records: what happened, who did it, to what, and what the rules said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

EventName = Literal[
    "start",
    "stop",
    "checkpoint",
    "reload",
    "login",
    "login-failed",
    "logout",
    "open",
    "progress",
    "refuse",
    "close",
    "search",
    "histogram",
    "context",
    "download",
    "reveal",
]


@dataclass(frozen=True, slots=True)
class Filter:
    """The texts of a request's filter, as given."""

    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None

    def __bool__(self) -> bool:
        return bool(self.grep or self.exclude or self.level)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `detail` is a sentence, or a mapping of JSON values (a close: what was served)."""

    event: EventName
    principal: str | None = None
    via: str | None = None
    address: str | None = None
    hosts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    command: str | None = None
    filter: Filter | None = None
    reason: str | None = None
    verdict: Literal["allowed", "denied"] | None = None
    rule: str | None = None
    detail: str | Mapping[str, Any] | None = None

    def members(self, when: datetime) -> bytes:
        """The record's members from `time` to `detail` as JSON text without braces, all of it printable ASCII.

        ASCII because people look at logs with `cat`: a C1 control or a bidi mark of a hostile name would reach their
        terminal, and a line separator would cut the record in two for many readers. Raises TypeError or ValueError for
        a `detail` that is no JSON.
        """
        fields = {
            "time": rfc3339(when),
            "event": self.event,
            "principal": self.principal,
            "via": self.via,
            "address": self.address,
            "hosts": self.hosts,
            "sources": self.sources,
            "paths": self.paths,
            "command": self.command,
            "filter": _filter(self.filter),
            "reason": self.reason,
            "verdict": self.verdict,
            "rule": self.rule,
            "detail": self.detail,
        }
        return json.dumps(_plain(fields), separators=(",", ":"), allow_nan=False)[1:-1].encode("ascii")


def rfc3339(when: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-23T10:00:00.123Z`."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _filter(filter_: Filter | None) -> dict[str, object] | None:
    if not filter_:
        return None
    return {"grep": filter_.grep, "exclude": filter_.exclude, "level": filter_.level}


def _plain(value: object) -> object:
    """`value` with lone surrogates (bytes of a path that are no UTF-8) as the visible text `\\udc80`.

    JSON could escape them, but strict readers then refuse the whole record, which a hostile name must not achieve.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return value
