"""How a host is reached: two small protocols, so that all above is tested without SSH too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aggregator.model import Host


@dataclass(frozen=True, slots=True)
class Exit:
    """How a remote command ended. `status` is None when the connection was lost or a signal ended it."""

    status: int | None
    lost: bool = False


class Channel(Protocol):
    """A running remote command: bytes out, a heartbeat in."""

    async def read(self) -> tuple[bytes, bytes]:
        """The next bytes of its standard output and standard error; both empty at the end, however that came."""

    def beat(self) -> None:
        """Send a newline to its standard input: somebody is still listening."""

    async def exit(self) -> Exit:
        """Wait for its end."""

    def close(self) -> None:
        """Give it up: the remote command ends itself when its standard input closes."""


class Connection(Protocol):
    """An authenticated connection to one host."""

    async def run(self, command: str) -> Channel:
        """Start a command. Raises HostError (cause `too-many-sessions`, `lost`)."""

    @property
    def lost(self) -> bool:
        """Whether it can't be used any more."""

    async def wait_lost(self) -> None:
        """Return when it can't be used any more."""

    async def close(self) -> None:
        """Close it and all of its channels."""


class Transport(Protocol):
    """A way of reaching hosts."""

    async def connect(self, host: Host, via: Connection | None) -> Connection:
        """Dial within `host.ssh.connect_timeout` seconds, through `via` if given. Raises HostError."""

    async def jumps(self, host: Host) -> str | None:
        """The jump host that the user's own configuration names for `host`, as `[user@]host[:port]`."""
