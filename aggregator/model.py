"""The nouns that all rooms share: frozen, slotted, without behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How a host is reached. Times are seconds; paths are absolute or start with `~`."""

    user: str | None = None
    port: int | None = None
    config: tuple[str, ...] = ("~/.ssh/config",)
    known_hosts: tuple[str, ...] = ("~/.ssh/known_hosts",)
    identity_files: tuple[str, ...] = ()
    connect_timeout: float = 10.0
    keepalive: float = 15.0
    gate: bool = False
    server: Literal["openssh", "dropbear"] = "openssh"


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the inventory. `jump` is the name of another host or `[user@]host[:port]`."""

    name: str
    address: str
    ssh: SshOptions
    labels: Mapping[str, str]
    groups: tuple[str, ...] = ()
    jump: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A log on a set of hosts. `path` may hold `${variables}` and wildcards; of a journal it is `journal:UNIT`.

    `retention` is in days; `timezone` is an IANA name, None means each host's own.
    """

    name: str
    kind: Literal["file", "journal"]
    hosts: frozenset[str]
    path: str
    retention: int | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A log on a host: where all its generations are found."""

    host: str
    source: str
    path: str


@dataclass(frozen=True, slots=True)
class Position:
    """The address of a line: byte `offset` of its start within a generation of a file.

    `generation` is 16 hex digits; `checksum` is the CRC-32 of the line as delivered (before replacement of invalid
    bytes), None where the line itself is unknown.
    """

    file: File
    generation: str
    offset: int
    checksum: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Complete lines of one generation: the bytes [start, end) of the file, newlines included.

    A line longer than `limits.LINE_BYTES` is a batch of its own: `length` is then its whole length without the
    newline, and `text` its first `LINE_BYTES` bytes, without a newline; `beyond` are the next
    `REDACT_BEYOND` bytes, which are looked at and never shown. `secrets` is what is secret in the text as delivered: of
    the lines with these indexes the spans (start, end, name).
    """

    file: File
    generation: str
    start: int
    end: int
    text: bytes
    length: int | None = None
    beyond: bytes = field(default=b"", compare=False, repr=False)
    secrets: Mapping[int, Sequence[tuple[int, int, str]]] = field(default_factory=dict, compare=False, repr=False)


GapReason = Literal["slow-viewer", "rotated-away", "truncated"]
EndReason = Literal["complete", "slow-viewer", "revoked", "shutdown", "audit-unavailable"]
State = Literal["idle", "connecting", "live", "waiting", "failed"]
Order = Literal["time", "arrival"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines of `file` that a viewer does not get: from `start` (included) to `end` (excluded).

    `lines` and `bytes` are None where nobody knows.
    """

    file: File
    start: Position | None
    end: Position | None
    lines: int | None
    bytes: int | None
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Notice:
    """News about a host, or about one file of it where `source` and `path` are set."""

    host: str
    state: State
    detail: str
    source: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: name, the way in (`web`, `api`, `cli`), the peer's address, the names of their roles, and what showed
    who they are (`token:NAME`, `session:KEY`, `proxy:GROUPS`), by which it is looked up again."""

    name: str
    via: Literal["web", "api", "cli"]
    address: str | None = None
    roles: tuple[str, ...] = ()
    ticket: str | None = None
