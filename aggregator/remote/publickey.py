"""The public half of the key that logs in to a host."""

from __future__ import annotations

from pathlib import Path

import asyncssh

from aggregator.errors import ConfigError
from aggregator.model import Host

_USUAL = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")  # where OpenSSH looks, ssh_config(5)


def public_key(host: Host) -> str:
    """As a line of authorized_keys, of the first identity file that is there. Raises ConfigError."""
    files = [Path(name).expanduser() for name in host.ssh.identity_files or _USUAL]
    for file in files:
        told = file.with_name(f"{file.name}.pub")
        try:
            if told.exists():
                return _line(asyncssh.read_public_key(told))
            if file.exists():
                return _line(asyncssh.read_private_key(file))
        except (OSError, asyncssh.KeyImportError) as error:
            raise ConfigError(f"the public half of {file} can't be told: {error}; put it into {told}") from error
    names = ", ".join(map(str, files))
    raise ConfigError(f"there is no key for {host.name}: none of {names} is there; name one under ssh.identity_files")


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode("utf-8", "replace").strip()
