"""What an inventory says beside its hosts: how to serve, who may see what, what is recorded and hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

Action = Literal["view", "search", "download", "reveal"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class TcpBind:
    """Listen on an address (no brackets around IPv6) and port; port 0 lets the system pick one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixBind:
    """Listen on a socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


Bind = TcpBind | UnixBind


@dataclass(frozen=True, slots=True)
class Server:
    """The options of serving that the file gives; None or empty where it is silent. Paths are absolute."""

    bind: tuple[Bind, ...] = ()
    relative_root: str | None = None
    public_url: tuple[str, ...] = ()
    allow_download: bool | None = None
    state_dir: Path | None = None
    audit_log: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    log_format: LogFormat | None = None
    log_level: LogLevel | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Allows actions on the files of some hosts; `name` is its place in the inventory, `access.roles.dev.allow[0]`."""

    name: str
    hosts: frozenset[str]
    paths: tuple[str, ...]
    actions: frozenset[Action]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who logs in with a password; the hash is argon2's encoded form."""

    name: str
    password_hash: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token: the hex SHA-256 of the whole string, and when it ends to be valid (aware; None: never)."""

    name: str
    sha256: str
    roles: tuple[str, ...]
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class SecretHeader:
    """A header that proves that a request came through the proxy; the file holds the secret."""

    name: str
    file: Path


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reverse proxy whose headers say who asks; `trusted` are the TCP peers, which need the secret."""

    trusted: tuple[IPv4Network | IPv6Network, ...]
    secret_header: SecretHeader | None
    user_header: str
    groups_header: str | None
    group_roles: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what; roles by name, each a tuple of rules of which one must allow."""

    roles: Mapping[str, tuple[Rule, ...]]
    users: Mapping[str, User]
    tokens: Mapping[str, Token]
    proxy: Proxy | None


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """A syslog server: a Unix socket at `path`, else TCP."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"tcp://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit log is: absolute, or relative to the state folder; None: the default name there. `syslog` gets a
    copy."""

    file: Path | None = None
    syslog: SyslogAddress | None = None


@dataclass(frozen=True, slots=True)
class RedactPattern:
    """Text that is replaced by `[redacted:NAME]`; the pattern is RE2."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Redact:
    """What is hidden from those without `reveal`."""

    builtin: bool = True
    patterns: tuple[RedactPattern, ...] = ()
