"""An SSH server on loopback that runs what it is told by `sh`, as the user who started it, for one key.

Only the demo uses it: its key is made for the run and never leaves the demo's folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

import asyncssh

from aggregator import limits

LOOPBACK = "127.0.0.1"

_log = logging.getLogger(__name__)

Process = asyncssh.SSHServerProcess[bytes]


class DemoServer:
    """One host: `port` and `public_key` are known once it is started. Commands start in `folder`."""

    def __init__(self, name: str, folder: Path, authorized: asyncssh.SSHKey) -> None:
        self.name = name
        self._folder = folder
        self._authorized = authorized
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.port = 0
        self.sessions = 0  # commands that are running

    @property
    def public_key(self) -> str:
        return self._key.export_public_key().decode().strip()

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        authorized = asyncssh.import_authorized_keys(self._authorized.export_public_key().decode())
        self._acceptor = await asyncssh.listen(
            LOOPBACK,
            0,
            server_factory=lambda: _Door(self._connections),
            server_host_keys=[self._key],
            authorized_client_keys=authorized,
            process_factory=self._serve,
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            config=[],
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        """Cut the connections; every command ends with them."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        self.cut()
        try:
            async with asyncio.timeout(limits.DEMO_STOP):
                await self._idle.wait()
                await self._acceptor.wait_closed()
        except TimeoutError:
            _log.warning("demo host %s: %d commands did not end in %g s", self.name, self.sessions, limits.DEMO_STOP)

    def cut(self) -> None:
        """End the open connections without a word."""
        for connection in list(self._connections):
            connection.abort()

    async def _serve(self, process: Process) -> None:
        self.sessions += 1
        self._idle.clear()
        try:
            status = await _run(process, self._folder)
            with contextlib.suppress(OSError):  # the channel may have closed meanwhile
                process.exit(status)
        finally:
            self.sessions -= 1
            if self.sessions == 0:
                self._idle.set()


class _Door(asyncssh.SSHServer):
    """Lets in whoever has the key, under any name, and remembers connections."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)


async def _run(process: Process, folder: Path) -> int:
    """Run the channel's command; returns its exit status, or ends its process group when the channel closes."""
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *(("-c", process.command) if process.command is not None else ()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    closed = asyncio.ensure_future(process.channel.wait_closed())
    ended = asyncio.ensure_future(_converse(child, process))
    try:
        await asyncio.wait((closed, ended), return_when=asyncio.FIRST_COMPLETED)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        for future in (closed, ended):
            future.cancel()
        await asyncio.gather(closed, ended, return_exceptions=True)
        with contextlib.suppress(TimeoutError):  # somebody left the process group and holds our pipes
            async with asyncio.timeout(limits.DEMO_STOP / 2):
                await child.communicate()  # what nobody reads now, up to the pipes' ends
    code = child.returncode or 0
    return code if code >= 0 else 128 - code


async def _converse(child: asyncio.subprocess.Process, process: Process) -> None:
    """Carry bytes until the child has ended and all that it said is sent."""
    feeding = asyncio.ensure_future(_feed(process.stdin, child))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_carry(child.stdout, process.stdout))
            group.create_task(_carry(child.stderr, process.stderr))
            group.create_task(child.wait())
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _carry(source: asyncio.StreamReader | None, target: asyncssh.SSHWriter[bytes]) -> None:
    """From the child to the client, no faster than the client reads."""
    while source and (data := await source.read(limits.DEMO_PIPE)):
        target.write(data)
        await target.drain()


async def _feed(source: asyncssh.SSHReader[bytes], child: asyncio.subprocess.Process) -> None:
    """From the client to the child, bytes and signals (RFC 4254, section 6.9), until either end closes."""
    try:
        while child.stdin:
            try:
                data = await source.read(limits.DEMO_PIPE)
            except asyncssh.SignalReceived as received:
                child.send_signal(getattr(signal, f"SIG{received.signal}", signal.SIGTERM))
                continue
            if not data:
                break
            child.stdin.write(data)
            await child.stdin.drain()
    except (OSError, asyncssh.Error):
        pass  # the connection or the child is gone: both are noticed elsewhere
    finally:
        if child.stdin:
            child.stdin.close()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "USER", "LOGNAME") if name in os.environ}
    return {**kept, "HOME": str(folder), "LANG": "C.UTF-8", "SHELL": "/bin/sh"}
