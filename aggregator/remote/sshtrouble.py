"""What asyncssh or the network said, as a row of the table of troubles."""

from __future__ import annotations

import base64
import hashlib
import socket
from dataclasses import dataclass
from typing import Any

import asyncssh

from aggregator.errors import HostError
from aggregator.model import Host
from aggregator.remote.trouble import trouble


@dataclass(frozen=True, slots=True)
class Offered:
    """A host key that known_hosts does not have, or (`authority`) the one that signed the host's certificate."""

    key: asyncssh.SSHKey
    authority: bool = False

    def __str__(self) -> str:
        of = "a certificate signed by " if self.authority else ""
        return f"{of}{self.key.get_algorithm()} {self.key.get_fingerprint()}"

    def line(self, place: str) -> str:
        """What would make it known (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        algorithm, data = self.key.export_public_key().decode("ascii").split()[:2]
        return f"{'@cert-authority ' if self.authority else ''}{place} {algorithm} {data}"


def endpoint_of(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port in (None, 22) else f"{host}:{port}"


def words_of(error: BaseException) -> str:
    """An error of a library in one short line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def explain(
    error: Exception,
    host: Host,
    options: Any,
    known: asyncssh.SSHKnownHosts,
    offered: Offered | None,
    jump: str | None,
) -> HostError:
    """The row of the table for what asyncssh or the network said."""
    port = options.port or 22
    address = options.host or host.address
    endpoint = endpoint_of(address, port)
    match error:
        case asyncssh.HostKeyNotVerifiable():
            if "revoked" in str(error):
                return trouble("revoked-host-key", endpoint=endpoint)
            alias = options.host_key_alias or address
            keys, authorities, *_ = known.match(alias, "", None if port == 22 else port)
            cause = "changed-host-key" if keys else "unknown-host-key"
            if authorities and not keys and offered is None:
                return trouble("bad-host-certificate", endpoint=endpoint, detail=words_of(error))
            return trouble(
                cause,
                endpoint=endpoint,
                fingerprint=offered or "none that can be read",
                known_hosts=" or ".join(host.ssh.known_hosts) or "a known_hosts file",
                place=(place := alias if port == 22 else f"[{alias}]:{port}"),
                known_hosts_file=next(iter(host.ssh.known_hosts), ""),
                known_hosts_line=offered.line(place) if offered else "",
            )
        case asyncssh.PermissionDenied():
            return _denied(options, endpoint)
        case asyncssh.DisconnectError() if "authentication failures" in str(error):  # sshd_config(5), MaxAuthTries
            return _denied(options, endpoint, "yes")
        case asyncssh.ChannelOpenError() if jump is not None:
            return _behind_jump(error, host, endpoint, jump)
        case asyncssh.ConnectionLost():
            return trouble("protocol", endpoint=endpoint, detail="it closed the connection before a login")
        case asyncssh.Error():
            return trouble("protocol", endpoint=endpoint, detail=words_of(error))
        case ConnectionRefusedError():
            return trouble("refused", endpoint=endpoint)
        case socket.gaierror():
            return trouble("name-not-found", address=address)
        case OSError() if "Multiple exceptions" in str(error) and "refused" in str(error):
            return trouble("refused", endpoint=endpoint)
        case OSError():
            return trouble("unreachable", endpoint=endpoint, detail=words_of(error))
        case _:
            return trouble("protocol", endpoint=endpoint, detail=words_of(error))


def _denied(options: Any, endpoint: str, too_many: str = "") -> HostError:
    """No key was let in, or (`too_many`) the server did not want to see more of them."""
    pairs = [pair for pair in options.client_keys or () if not pair.has_x509_chain]
    return trouble(
        "permission-denied",
        user=options.username,
        endpoint=endpoint,
        keys=", ".join(map(_name, pairs)),
        agent="yes" if options.agent_path else "",
        too_many=too_many,
        public_key=_public(pairs[0]) if pairs else "",
    )


def _behind_jump(error: asyncssh.ChannelOpenError, host: Host, endpoint: str, jump: str) -> HostError:
    """A jump host that could not open the way on: what it says of the host behind it (RFC 4254, 5.1)."""
    reason = str(error.reason).lower()
    if "refused" in reason:
        return trouble("refused", endpoint=endpoint)
    if "timed out" in reason:
        return trouble("timeout", endpoint=endpoint, seconds=host.ssh.connect_timeout)
    if "resolve" in reason or "not known" in reason:
        return trouble("name-not-found", address=host.address)
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        words = trouble("jump-failed", jump=jump, detail="it does not forward connections").words
        raise HostError("jump-failed", words, "allow it in its sshd_config: AllowTcpForwarding, PermitOpen", retry=True)
    return trouble("jump-failed", jump=jump, detail=words_of(error))


def _name(pair: asyncssh.SSHKeyPair) -> str:
    """Algorithm, SHA-256 fingerprint and comment of a key, as `ssh-add -l` tells them."""
    digest = base64.b64encode(hashlib.sha256(pair.key_public_data).digest()).decode().rstrip("=")
    comment = pair.get_comment(errors="replace")
    return f"{pair.key_algorithm.decode()} SHA256:{digest}{f' ({comment})' if comment else ''}"


def _public(pair: asyncssh.SSHKeyPair) -> str:
    """A key as a line of authorized_keys, without a comment."""
    return f"{pair.key_algorithm.decode()} {base64.b64encode(pair.key_public_data).decode()}"
