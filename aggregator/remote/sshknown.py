"""known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read once per change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from aggregator.remote.sshtrouble import words_of
from aggregator.remote.trouble import trouble

_Stamp = tuple[tuple[str, int, int, int], ...]  # of each file: name, inode, size, mtime in ns


class KnownHosts:
    """The keys of known_hosts files. Never None: that would turn checking off. Its methods block."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, ...], tuple[_Stamp, asyncssh.SSHKnownHosts]] = {}

    def load(self, names: Sequence[str]) -> asyncssh.SSHKnownHosts:
        """The keys of some files together; a missing file knows nobody. Raises HostError (`bad-identity`)."""
        key = tuple(names)
        stamp = tuple(_stamp(name) for name in key)
        held = self._read.get(key)
        if held is None or held[0] != stamp:
            held = self._read[key] = stamp, _parse(key)
        return held[1]


def key_algorithms(known: asyncssh.SSHKnownHosts, options: Any) -> list[str] | None:
    """Host key algorithms to ask for: those of the keys that are known first, as OpenSSH does (ssh_config(5),
    HostKeyAlgorithms), so that a host with another kind of key shows it. None: nothing is known, or the user chose."""
    port = None if options.port in (None, 22) else options.port
    keys, authorities, *_ = known.match(options.host_key_alias or options.host, "", port)
    if options.config.get("HostKeyAlgorithms") or not (keys or authorities):
        return None
    wanted = [*get_default_certificate_algs()] if authorities else []
    wanted += [algorithm for key in keys for algorithm in key.sig_algorithms]
    return [algorithm.decode() for algorithm in dict.fromkeys([*wanted, *get_default_public_key_algs()])]


def _parse(names: Sequence[str]) -> asyncssh.SSHKnownHosts:
    known = asyncssh.SSHKnownHosts()
    for name in names:
        try:
            lines = Path(name).expanduser().read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise trouble("bad-identity", endpoint=name, detail=words_of(error)) from error
        for number, line in enumerate(lines, 1):
            try:
                known.load(line)
            except ValueError as error:
                if line.startswith("@revoked"):  # a mistyped revocation must not be passed over as OpenSSH would
                    where = f"{name}, line {number}"
                    raise trouble("bad-identity", endpoint=where, detail=words_of(error)) from error
    return known


def _stamp(name: str) -> tuple[str, int, int, int]:
    try:
        found = os.stat(Path(name).expanduser())
    except OSError:
        return name, 0, 0, 0
    return name, found.st_ino, found.st_size, found.st_mtime_ns
