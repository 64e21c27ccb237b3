"""The names under which this server may be reached: what the Host header and the Origin may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aggregator.errors import ConfigError

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Authority:
    """Allowed Host headers and Origins, lower-case. `own_ports` are the ports of binds to all addresses (0.0.0.0):
    there the address that a connection came in on is allowed too.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    own_ports: frozenset[int] = frozenset()
    scheme: str = "http"

    @classmethod
    def of(cls, binds: Iterable[str], public_urls: Iterable[str] = (), *, tls: bool = False) -> Authority:
        """Of binds (`ADDR:PORT`, `[V6]:PORT`, `unix:PATH`; the real port, not 0) and public URLs.

        Raises ConfigError for what is neither.
        """
        scheme = "https" if tls else "http"
        places: set[tuple[str, str, int]] = set()
        own_ports: set[int] = set()
        for bind in binds:
            names, port, everywhere = _bind(bind, scheme)
            places |= {(scheme, name, port) for name in names}
            if everywhere:
                own_ports.add(port)
        places |= {_public_url(url) for url in public_urls}
        hosts = {name for place in places for name in _hosts(*place)}
        origins = {f"{scheme}://{name}" for scheme, host, port in places for name in _hosts(scheme, host, port)}
        return cls(frozenset(hosts), frozenset(origins), frozenset(own_ports), scheme)

    def allows_host(self, host: str, server: tuple[str, int | None] | None = None) -> bool:
        """Whether `host` may be a Host header on a connection to the local address `server`."""
        return host.lower() in self.hosts or host.lower() in self._own(server)

    def allows_origin(self, origin: str, server: tuple[str, int | None] | None = None) -> bool:
        """Whether `origin` may be an Origin header on a connection to the local address `server`."""
        allowed = origin.lower()
        return allowed in self.origins or allowed in {f"{self.scheme}://{host}" for host in self._own(server)}

    def _own(self, server: tuple[str, int | None] | None) -> frozenset[str]:
        if server is None or server[1] is None or server[1] not in self.own_ports:
            return frozenset()
        return frozenset(_hosts(self.scheme, _bracketed(server[0]), server[1]))


def _bind(bind: str, scheme: str) -> tuple[set[str], int, bool]:
    """The names, the port, and whether it is all addresses."""
    if bind.startswith("unix:"):
        return {"localhost"}, _DEFAULT_PORTS[scheme], False
    host, _, port = bind.lower().rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"bind {bind}: write ADDR:PORT or unix:PATH")
    names = {_bracketed(host.strip("[]"))}
    everywhere = _is(host, "is_unspecified")
    if everywhere or host == "localhost" or _is(host, "is_loopback"):
        names.update(_LOOPBACK_NAMES)
    return names, int(port), everywhere


def _is(host: str, what: str) -> bool:
    try:
        return bool(getattr(ip_address(host.strip("[]")), what))
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _public_url(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url.lower())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ConfigError(f"public URL {url}: write it like https://logs.example.org")
    return parts.scheme, _bracketed(parts.hostname), port if port is not None else _DEFAULT_PORTS[parts.scheme]


def _hosts(scheme: str, host: str, port: int) -> list[str]:
    """How a browser writes it: without the port where that is the scheme's own; other clients may write both."""
    with_port = f"{host}:{port}"
    return [host, with_port] if port == _DEFAULT_PORTS[scheme] else [with_port]
