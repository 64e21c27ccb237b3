"""Machines of three kinds without SSH: this one, with another `sh` (and, for BusyBox, other tools) in its PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from local import LocalTransport

SHELLS = ("dash", "bash", "busybox")


def machine(shell: str, folder: Path) -> LocalTransport:
    """A machine whose `sh` is `shell`, which then runs the remote scripts; `folder` holds its PATH."""
    programs = folder / f"path-{shell}"
    programs.mkdir()
    binary = shutil.which(shell)
    assert binary, f"{shell} is not installed"
    if shell == "busybox":
        for applet in {"busybox", *subprocess.check_output([binary, "--list"], text=True).split()}:
            (programs / applet).symlink_to(binary)
        return LocalTransport((binary, "ash"), str(programs))
    (programs / "sh").symlink_to(binary)
    return LocalTransport((binary,), f"{programs}:{os.environ['PATH']}")
