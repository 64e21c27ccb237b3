"""Addresses as people write them: `[user@]host[:port]` (OpenSSH's ProxyJump, ssh_config(5)), binds, public URLs."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.inventory.settings import Bind, SyslogAddress, TcpBind, UnixBind

_HOSTNAME = re.compile(r"(?![-.])[A-Za-z0-9._-]{1,255}")
_IP_TEXT = re.compile(r"[0-9A-Fa-f.:]{2,45}(?:%[A-Za-z0-9._-]{1,15})?")
_USER = re.compile(r"(?!-)[^\s@:/,\x00-\x1f\x7f]{1,64}")
_ENDPOINT = re.compile(r"(?:(?P<user>[^@]*)@)?(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:]*))?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect to: `host` is a name or IP address (no brackets); None means the default."""

    host: str
    user: str | None = None
    port: int | None = None


def parse_endpoint(text: str) -> Endpoint:
    """`[user@]host[:port]`, IPv6 in brackets if a port follows. Raises ValueError with a sentence."""
    if is_ip(text):
        return Endpoint(text)
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not [user@]host[:port] (an IPv6 address with a port stands in brackets)")
    host = match["v6"] if match["v6"] is not None else match["host"]
    if match["v6"] is not None and not is_ip(host):
        raise ValueError(f"{host!r} is not an IPv6 address")
    return Endpoint(
        check_host(host),
        None if match["user"] is None else check_user(match["user"]),
        None if match["port"] is None else _port(match["port"], lowest=1),
    )


def is_ip(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address, without brackets; IPv6 may have a `%zone`."""
    if not _IP_TEXT.fullmatch(text):  # ipaddress takes any text for a zone
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether `text` is a host name or an IP address, without brackets."""
    return is_ip(text) or _HOSTNAME.fullmatch(text) is not None


def check_host(text: str) -> str:
    """A host name or IP address. Raises ValueError with a sentence for anything else."""
    if is_host(text):
        return text
    if "@" in text:
        raise ValueError(f"{text!r} is not a host name or IP address; the user has a key of its own: 'user'")
    if re.fullmatch(r"[A-Za-z0-9._-]+:[0-9]+", text):
        raise ValueError(f"{text!r} is not a host name or IP address; the port has a key of its own: 'port'")
    raise ValueError(f"{text!r} is not a host name or IP address")


def check_user(text: str) -> str:
    """The name of an account on a host. Raises ValueError with a sentence for what can't be one."""
    if _USER.fullmatch(text) is None:
        raise ValueError(f"{text!r} can't be the name of a user on a host")
    return text


def _port(text: str, lowest: int) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not lowest <= int(text) <= 65_535:
        raise ValueError(f"{text!r} is not a port: a number from {lowest} to 65535")
    return int(text)


def parse_bind(text: str, folder: Path = Path()) -> Bind:
    """`ADDR:PORT`, `[IPv6]:PORT` or `unix:PATH` (relative to `folder`). Raises ValueError with a sentence."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path or "\0" in path:
            raise ValueError("the path of the socket is missing: unix:/run/tailon-agg.sock")
        return UnixBind((folder / Path(path).expanduser()).absolute())
    host, colon, port = text.rpartition(":")
    if not colon or (not host and port):
        raise ValueError(f"{text!r} is not ADDR:PORT or unix:PATH, like 127.0.0.1:8080 (0.0.0.0 is every address)")
    bracketed = host.startswith("[") and host.endswith("]")
    if ":" in host and not bracketed:
        raise ValueError(f"{text!r}: an IPv6 address stands in brackets, like [::1]:8080")
    bare = host[1:-1] if bracketed else host
    if bracketed and not (is_ip(bare) and ":" in bare):
        raise ValueError(f"{bare!r} is not an IPv6 address")
    return TcpBind(check_host(bare), _port(port, lowest=0))


def parse_syslog(text: str) -> SyslogAddress:
    """`unix:/dev/log` or `tcp://HOST:PORT`. Raises ValueError with a sentence."""
    problem = f"{text!r} is not unix:/dev/log or tcp://HOST:PORT"
    if text.startswith("unix:/") and "\0" not in text:
        return SyslogAddress(Path(text.removeprefix("unix:")))
    if not text.startswith("tcp://"):
        raise ValueError(problem)
    end = parse_endpoint(text.removeprefix("tcp://"))
    if end.port is None or end.user is not None:
        raise ValueError(problem)
    return SyslogAddress(host=end.host, port=end.port)


def check_public_url(text: str) -> str:
    """`http(s)://host[:port][/path]`, without a slash at its end. Raises ValueError with a sentence."""
    problem = f"{text!r} is not a public URL like https://logs.example.org"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(problem)
    if parts.query or parts.fragment or "@" in parts.netloc or not text.isascii() or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError(f"{problem} (scheme, host, perhaps a port and a path; nothing else)")
    check_host(parts.hostname)
    return text.rstrip("/")


def check_root(text: str) -> str:
    """The path under which the pages are served. Raises ValueError with a sentence."""
    if not text or not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*/?", text) or ".." in text.split("/"):
        raise ValueError(f"{text!r} is not a path like / or /logs/")
    return text
