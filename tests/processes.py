"""What runs on this machine, read from /proc."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # ended meanwhile, or another user's
        return b""


def environment(pid: int) -> list[bytes]:
    return _read(pid, "environ").split(b"\0")


def arguments(pid: int) -> list[str]:
    return [word.decode(errors="replace") for word in _read(pid, "cmdline").split(b"\0") if word]


def state(pid: int) -> str:
    return _read(pid, "stat").rpartition(b")")[2].decode().strip() or "Z"


def is_server(pid: int) -> bool:
    return _read(pid, "comm").strip() in (b"sshd", b"sshd-session", b"sshd-auth", b"dropbear")


def parent(pid: int) -> int:
    fields = state(pid).split()
    return int(fields[1]) if len(fields) > 1 else 0


def descendants(root: int) -> set[int]:
    """All processes below `root`."""
    parents = {pid: parent(pid) for pid in pids()}
    found = {root}
    while new := {pid for pid, above in parents.items() if above in found} - found:
        found |= new
    return found - {root}


def with_environment(start: bytes, end: bytes) -> list[int]:
    """Living processes with a variable that starts and ends like this (`NAME=…`)."""
    return [
        pid
        for pid in pids()
        if any(word.startswith(start) and word.endswith(end) for word in environment(pid))
        and not state(pid).startswith("Z")
    ]
