"""Which files an inventory is made of, and their text."""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aggregator import limits
from aggregator.errors import ConfigError, ConfigFault, Mark
from aggregator.inventory import hosts

VARIABLE = "TAILON_AGG_INVENTORY"


def default_inventory(environ: Mapping[str, str], cwd: Path) -> list[Path]:
    """Where the inventory is when nobody names one; empty if nowhere.

    `$TAILON_AGG_INVENTORY` (several files are separated by `:`), `inventory.yaml` in the working folder, then the
    folders `$XDG_CONFIG_HOME/tailon-agg` and `/etc/tailon-agg` with a `base.yaml`.
    """
    named = [Path(part) for part in environ.get(VARIABLE, "").split(os.pathsep) if part]
    if named:
        return named
    if (cwd / "inventory.yaml").exists():
        return [Path("inventory.yaml") if cwd == Path.cwd() else cwd / "inventory.yaml"]
    folders = [Path("/etc/tailon-agg")]
    home = environ.get("XDG_CONFIG_HOME") or (environ.get("HOME") and f"{environ['HOME']}/.config")
    if home:
        folders.insert(0, Path(home) / "tailon-agg")
    return next(([folder] for folder in folders if (folder / "base.yaml").exists()), [])


def resolve(paths: Sequence[Path], env: str | None) -> list[Path]:
    """The files in the order in which they overlay: of a folder `base.yaml`, then `ENV.yaml`.

    Raises ConfigError for no path, and for an environment that isn't there.
    """
    if not paths:
        raise ConfigError("no inventory: name one with --inventory FILE, or a log like web-1:/var/log/syslog")
    if env is not None and not any(path.is_dir() for path in paths):
        raise ConfigError(f"--env {env} chooses a file in an inventory folder, but no --inventory is a folder")
    return [file for path in paths for file in _files(path, env)]


def _files(path: Path, env: str | None) -> list[Path]:
    if not path.is_dir():
        return [path]
    base = path / "base.yaml"
    if env is None:
        return [base]
    if not hosts.is_name(env) or env in {".", "..", "base"}:
        raise ConfigError(f"--env {env!r} can't name an environment: it is the name of a file in {path}, without .yaml")
    file = path / f"{env}.yaml"
    if not file.exists():
        known = sorted(other.stem for other in path.glob("*.yaml") if other.stem != "base")
        there = f"; there are {', '.join(known)}" if known else "; the folder has no file beside base.yaml"
        raise ConfigError([ConfigFault(None, str(file), f"no such environment{there}")])
    return [base, file]


def read(path: Path) -> str:
    """The text of a file or pipe. Raises ConfigError if it can't be read, is too large, or is no UTF-8 text."""
    try:
        data = _read(path)
    except OSError as error:
        raise _fault(path, f"can't be read: {error.strerror or error}") from None
    if len(data) > limits.INVENTORY_BYTES:
        raise _fault(path, f"is larger than {limits.INVENTORY_BYTES >> 20} MiB; an inventory is not")
    if b"\0" in data:
        raise _fault(path, "is a binary file or not UTF-8; an inventory is YAML in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        mark = Mark(str(path), line, column)
        raise ConfigError([ConfigFault(mark, "", "not UTF-8 text; an inventory is YAML in UTF-8")]) from None


def _read(path: Path) -> bytes:
    """At most a byte more than the limit; a pipe gets some time, a device is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise _fault(path, "is a folder; --inventory takes one on the command line, with base.yaml in it")
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise _fault(path, "is neither a file nor a pipe")
        return _drain(descriptor, path)
    finally:
        os.close(descriptor)


def _drain(descriptor: int, path: Path) -> bytes:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + limits.INVENTORY_READ
    data = b""
    while len(data) <= limits.INVENTORY_BYTES:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise _fault(path, f"is a pipe that nothing came through for {limits.INVENTORY_READ:.0f} s")
        chunk = os.read(descriptor, limits.INVENTORY_BYTES + 1 - len(data))
        if not chunk:
            break
        data += chunk
    return data


def _fault(path: Path, detail: str) -> ConfigError:
    return ConfigError([ConfigFault(Mark(str(path), 1, 1), "", detail)])
