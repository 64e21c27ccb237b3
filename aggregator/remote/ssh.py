"""Hosts over SSH: this file and its ssh… neighbours are the only ones that import asyncssh.

Bytes come through the session's `data_received` (asyncssh's own line iteration costs 22 times the CPU), with the
cheapest modern algorithms first and without compression. The host key is always checked.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import asyncssh

from aggregator import limits
from aggregator.model import Host, SshOptions
from aggregator.remote.sshguard import FrugalSession, grant
from aggregator.remote.sshknown import KnownHosts, key_algorithms
from aggregator.remote.sshtrouble import Offered, endpoint_of, explain, words_of
from aggregator.remote.transport import Connection, Exit
from aggregator.remote.trouble import trouble

_KEX = "^curve25519-sha256,curve25519-sha256@libssh.org"  # sntrup761, OpenSSH's first, costs ten times the CPU
_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
_DEFAULTS = SshOptions()

logging.getLogger("asyncssh").setLevel(logging.WARNING)


class SshChannel(FrugalSession):
    """A remote command as a channel: what it sends waits on the host, but for SSH's window of it that waits here.

    `patient`: the server is Dropbear, which ends the whole connection when a channel is closed that still sends. There
    a command is told to end, and what it says until then is thrown away.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self._unwanted = False
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._chunks: deque[bytes] = deque()
        self._taken = 0  # bytes since the host was last granted some
        self._stderr = b""
        self._more = asyncio.Event()
        self._ended = asyncio.Event()
        self._eof = False
        self._status: int | None = None
        self._lost = False
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if self._unwanted:
            self._take(len(data))
        elif datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._stderr = (self._stderr + data)[-limits.CHANNEL_STDERR :]
            self._take(len(data))
        elif self._chunks and len(self._chunks[-1]) < limits.CHANNEL_SMALL:
            self._chunks[-1] += data
        else:
            self._chunks.append(data)
        self._more.set()

    def eof_received(self) -> bool:
        self._eof = True
        self._more.set()
        return False

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def connection_lost(self, exc: Exception | None) -> None:
        self._eof = True
        self._lost = exc is not None
        self._more.set()
        self._ended.set()
        if self._patience:
            self._patience.cancel()

    async def read(self) -> tuple[bytes, bytes]:
        if self._chunks:
            await asyncio.sleep(0)  # there was more than could be read at once: let the others have their turn
        while not self._chunks and not self._stderr and not self._eof:
            self._more.clear()
            await self._more.wait()
        taken: list[bytes] = []
        size = 0
        while self._chunks and size < limits.CHANNEL_READ:
            taken.append(self._chunks.popleft())
            size += len(taken[-1])
        self._take(size)
        errors, self._stderr = self._stderr, b""
        return b"".join(taken), errors

    def _take(self, size: int) -> None:
        """Bytes are off our hands: the host may send as many more, in large steps."""
        self._taken += size
        channel = self._channel
        if self._taken < limits.CHANNEL_BUFFER // 2 or channel is None or self._ended.is_set():
            return
        if self._unwanted or not channel.is_closing():
            grant(channel, self._taken)
            self._taken = 0

    def beat(self) -> None:
        channel = self._channel
        if channel and not channel.is_closing() and channel.get_write_buffer_size() < limits.HEARTBEATS_WAITING:
            channel.write(b"\n")

    async def exit(self) -> Exit:
        self._end_in(limits.COMMAND_TIMEOUT if self._patient else limits.CLOSE_TIMEOUT)
        await self._ended.wait()
        return Exit(self._status, self._lost)

    def close(self) -> None:
        if self._channel is None or self._unwanted:
            return
        if self._patient and not (self._ended.is_set() or self._channel.is_closing()):
            self._give_up(self._channel)
        else:
            self._channel.close()
        self._end_in(limits.COMMAND_TIMEOUT)

    def _give_up(self, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        """Tell the command to end: its standard input does, and it gets a signal (RFC 4254, 6.9)."""
        self._unwanted = True
        channel.write_eof()
        channel.send_signal("TERM")
        self._take(sum(map(len, self._chunks)))
        self._chunks.clear()

    def _end_in(self, seconds: float) -> None:
        """Cut the connection of a host that has not closed the channel by then; it would keep it for ever."""
        if self._channel and not self._patience and not self._ended.is_set():
            connection = self._channel.get_connection()
            self._patience = asyncio.get_running_loop().call_later(seconds, connection.abort)


class _Client(asyncssh.SSHClient):
    """Keeps the host key that was offered but not known, for the message."""

    def __init__(self) -> None:
        self.offered: Offered | None = None
        self.lost = asyncio.Event()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.offered = Offered(key)
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.offered = Offered(key, authority=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


class SshConnection:
    """An authenticated connection to one host."""

    def __init__(self, conn: asyncssh.SSHClientConnection, client: _Client, name: str, endpoint: str) -> None:
        self.conn = conn
        self.name = name
        self._client = client
        self._endpoint = endpoint

    async def run(self, command: str) -> SshChannel:
        try:
            async with asyncio.timeout(limits.HEADER_TIMEOUT):
                _, session = await self.conn.create_session(
                    partial(SshChannel, patient=self._is_dropbear),
                    command,
                    encoding=None,
                    request_pty=False,
                    window=limits.CHANNEL_BUFFER,
                )
        except asyncssh.ChannelOpenError as error:
            if self.lost:
                raise trouble("lost", endpoint=self._endpoint) from error
            raise trouble("too-many-sessions", endpoint=self._endpoint) from error
        except Exception as error:  # asyncssh hands on whatever a server's packets made it fail with
            self.conn.abort()  # a channel that is neither opened nor refused would stay for ever
            raise trouble("lost", endpoint=self._endpoint) from error
        return cast(SshChannel, session)

    @property
    def _is_dropbear(self) -> bool:
        version: object = self.conn.get_extra_info("server_version")
        return "dropbear" in str(version).lower()

    @property
    def lost(self) -> bool:
        return self._client.lost.is_set()

    async def wait_lost(self) -> None:
        await self._client.lost.wait()

    async def close(self) -> None:
        self.conn.close()
        try:
            async with asyncio.timeout(limits.CLOSE_TIMEOUT):
                await self.conn.wait_closed()
        except TimeoutError:
            self.conn.abort()


class SshTransport:
    """Dials hosts; files are read off the loop."""

    def __init__(self) -> None:
        self._known = KnownHosts()

    async def jumps(self, host: Host) -> str | None:
        options = await self._options(host)
        return await asyncio.to_thread(_with_users, str(options.tunnel), host.ssh) if options.tunnel else None

    async def connect(self, host: Host, via: Connection | None) -> SshConnection:
        ssh = host.ssh
        client = _Client()
        jump = via if isinstance(via, SshConnection) else None
        options = await self._options(host)
        endpoint = endpoint_of(options.host or host.address, options.port)
        known = await asyncio.to_thread(self._known.load, ssh.known_hosts)
        try:
            async with asyncio.timeout(ssh.connect_timeout):
                conn = await asyncssh.connect(
                    host.address,
                    ssh.port if ssh.port is not None else (),
                    options=options,
                    config=_config(ssh),
                    tunnel=jump.conn if jump else None,
                    client_factory=lambda: client,
                    known_hosts=known,
                    server_host_key_algs=key_algorithms(known, options) or (),
                    connect_timeout=None,
                )
        except TimeoutError as error:
            raise trouble("timeout", endpoint=endpoint, seconds=ssh.connect_timeout) from error
        except Exception as error:  # asyncssh hands on whatever a server's packets made it fail with
            raise explain(error, host, options, known, client.offered, jump.name if jump else None) from error
        return SshConnection(conn, client, host.name, endpoint)

    async def _options(self, host: Host) -> Any:
        """The connection's options, with the user's ssh_config applied. Raises HostError (`bad-identity`)."""
        ssh = host.ssh
        wanted: dict[str, Any] = {
            "host": host.address,
            "config": _config(ssh),
            "kex_algs": _KEX,
            "encryption_algs": _CIPHERS,
            "compression_algs": None,
            "keepalive_interval": ssh.keepalive,
            "keepalive_count_max": limits.KEEPALIVE_MISSED,
            "password_auth": False,
            "kbdint_auth": False,
            "gss_auth": False,
            "x509_trusted_certs": None,
            "agent_forwarding": False,
            "ignore_encrypted": not ssh.identity_files or "SSH_AUTH_SOCK" in os.environ,  # the agent may have it open
            "login_timeout": ssh.connect_timeout,
        }
        if ssh.port is not None:
            wanted["port"] = ssh.port
        if ssh.user is not None:
            wanted["username"] = ssh.user
        if ssh.identity_files:
            wanted["client_keys"] = _expanded(ssh.identity_files)
        try:
            return await asyncio.to_thread(lambda: asyncssh.SSHClientConnectionOptions(**wanted))
        except (asyncssh.Error, OSError, ValueError) as error:
            detail = await asyncio.to_thread(_bad_key, wanted.get("client_keys", ())) or words_of(error)
            raise trouble("bad-identity", endpoint=host.address, detail=detail) from error


def _with_users(jumps: str, ssh: SshOptions) -> str:
    """A ProxyJump with the users that ssh_config names for its hosts, which win over the inventory's."""
    named = []
    for jump in jumps.split(","):
        options = asyncssh.SSHClientConnectionOptions(host=jump, config=_config(ssh), client_keys=None)
        user = options.config.get("User")
        named.append(f"{user}@{jump}" if user and "@" not in jump else jump)
    return ",".join(named)


def _bad_key(names: Sequence[str]) -> str | None:
    """Which identity file can't be used, and why."""
    for name in names:
        try:
            asyncssh.read_private_key(name)
        except asyncssh.KeyEncryptionError:
            return f"{name} is encrypted; load it into an ssh-agent and start tailon-agg with its SSH_AUTH_SOCK"
        except asyncssh.KeyImportError as error:
            if "Passphrase" in str(error):
                return f"{name} is encrypted; load it into an ssh-agent and start tailon-agg with its SSH_AUTH_SOCK"
            return f"{name}: {words_of(error)}"
        except OSError as error:
            return words_of(error)
    return None


def _config(ssh: SshOptions) -> list[str]:
    """The ssh_config files to read; the default one may be missing, a named one may not."""
    paths = _expanded(ssh.config)
    if ssh.config == _DEFAULTS.config:
        paths = [path for path in paths if Path(path).is_file()]
    return paths


def _expanded(names: Sequence[str]) -> list[str]:
    return [str(Path(name).expanduser()) for name in names]
