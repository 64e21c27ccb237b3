"""Last resort for Dropbear where a fleet can't have a home folder of its own: its key in the user's own file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def lent(line: str, target: Path) -> Iterator[None]:
    """A line is in `target`, an authorized_keys file, until the end; where it was already, it stays."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with _alone(target.parent):
        before = target.read_text() if target.exists() else ""
        if line not in before:
            target.write_text(before + line)
            target.chmod(0o600)
    yield
    if line not in before:
        with _alone(target.parent):
            _take_back(line, target)


def _take_back(line: str, target: Path) -> None:
    rest = target.read_text().replace(line, "")
    target.write_text(rest)
    if not rest:
        target.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No fleet of another process changes the folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
