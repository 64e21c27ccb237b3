"""What one would run instead: `ssh host tail -F`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fleet import Fleet, FleetHost


class SshTail:
    """A plain client that follows one file, its standard output, and its process."""

    def __init__(self, pid: int, out: IO[bytes]) -> None:
        self.pid = pid
        self.out = out


@contextmanager
def ssh_tail(fleet: Fleet, host: FleetHost, path: Path) -> Iterator[SshTail]:
    """Follow a file that has at least one line; it is followed when the block begins."""
    command = [*fleet.ssh_arguments(host), f"tail -n 1 -F {path}"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    assert process.stdout is not None
    try:
        process.stdout.read(1 << 16)
        yield SshTail(process.pid, process.stdout)
    finally:
        process.kill()
        process.wait()
