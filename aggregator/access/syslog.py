"""Audit records as syslog messages (RFC 5424), over a Unix socket or TCP with octet counting (RFC 6587, 3.4.1)."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import socket
from pathlib import Path

from aggregator import limits
from aggregator.inventory.settings import SyslogAddress

_FACILITY = 10  # security/authorization messages (RFC 5424, table 1): syslog(3)'s LOG_AUTHPRIV
_NOTICE, _WARNING = 5, 4  # severities (table 2)
_DENIALS = frozenset({"refuse", "login-failed"})
_SD_ID = "tailon-agg@32473"  # private names carry a number; this one is everybody's for examples (RFC 5612)
_UNPRINTABLE = re.compile(r"[^!-~]")


def message(line: bytes, host: str | None = None) -> bytes:
    """The message of a sealed record (a line of the log, newline included), without any framing."""
    record = json.loads(line)
    severity = _WARNING if record["event"] in _DENIALS else _NOTICE
    name = _UNPRINTABLE.sub("-", host or socket.gethostname())[:255] or "-"
    head = f"<{_FACILITY * 8 + severity}>1 {record['time']} {name} tailon-agg {os.getpid()} {record['event']}"
    data = f'[{_SD_ID} seq="{record["seq"]}" hash="{record["hash"]}"]'
    return f"{head} {data} ".encode() + line.rstrip(b"\n")


def shortened(sent: bytes) -> bytes:
    """A message that is too long for a datagram, without its record: number and hash are what a witness needs."""
    head, _, record = sent.partition(b"] ")
    return head + b"] the record is in the audit log; its %d bytes are too many for this socket" % len(record)


class Sender:
    """One connection to a syslog server, made by the first `send`. All calls block, at most 2 s each."""

    def __init__(self, address: SyslogAddress) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._kind = "tcp" if address.path is None else "datagram"

    def send(self, data: bytes) -> None:
        """Raises OSError (TimeoutError for one that takes nothing); then the connection is closed."""
        try:
            self._connect()
            self._put(data)
        except OSError:
            self.close()
            raise

    @property
    def connected(self) -> bool:
        return self._socket is not None

    @property
    def is_stream(self) -> bool:
        """Whether what was sent may still be on its way when a connection is lost."""
        return self._kind != "datagram"

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connect(self) -> None:
        if self._socket is not None and self.is_stream and _has_ended(self._socket):
            self.close()
            raise ConnectionResetError(errno.ECONNRESET, "the other end has closed the connection")
        if self._socket is not None:
            return
        timeout = limits.AUDIT_COPY_TIMEOUT
        if self._address.path is None:
            self._socket = socket.create_connection((self._address.host, self._address.port), timeout)
            return
        try:
            self._socket = _unix(self._address.path, socket.SOCK_DGRAM, timeout)
            self._kind = "datagram"
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
            self._socket = _unix(self._address.path, socket.SOCK_STREAM, timeout)
            self._kind = "stream"

    def _put(self, data: bytes) -> None:
        assert self._socket is not None  # noqa: S101 - for mypy; `_connect` was called
        match self._kind:
            case "tcp":
                self._socket.sendall(b"%d %b" % (len(data), data))
            case "stream":
                self._socket.sendall(data + b"\n")  # RFC 6587, 3.4.2: a record has no newline within
            case _:
                try:
                    self._socket.send(data)
                except OSError as error:
                    if error.errno != errno.EMSGSIZE:
                        raise
                    self._socket.send(shortened(data))


def _unix(path: Path, kind: socket.SocketKind, timeout: float) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, kind)
    try:
        made.settimeout(timeout)
        made.connect(os.fspath(path))
    except OSError:
        made.close()
        raise
    return made


def _has_ended(connection: socket.socket) -> bool:
    """Whether the other end of a stream has gone: a syslog server never says anything."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    return not connection.recv(1, socket.MSG_PEEK)
