"""The state folder: private, and held by one process at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator import limits
from aggregator.access.audit import AuditLog
from aggregator.access.checkpoint import KEY_FILE, Signer
from aggregator.cli.options import Settings
from aggregator.errors import ConfigError
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics


class StateFolder:
    """A folder of mode 0700 with a lock; to be used as `with`. Raises ConfigError when another process holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_uid != os.geteuid():  # whoever owns it could swap the audit log in it
                raise ConfigError(
                    f"the state folder {self.path} belongs to another user; give --state-dir one of yours"
                )
            self.path.chmod(0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._lock = os.open(self.path / "lock", flags, 0o600)
        except OSError as error:
            raise ConfigError(f"the state folder {self.path} can't be used: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(self._lock).st_mode):
            self.close()
            raise ConfigError(f"the state folder {self.path} can't be used: its `lock` is not a regular file")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            self._lock = None
            raise ConfigError(
                f"the state folder {self.path} is held by another tailon-agg (process {holder or 'unknown'}); "
                "stop that one, or give this one a folder of its own with --state-dir"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def folder_for(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Where state is kept: `--state-dir`, `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME/tailon-agg`."""
    if settings.state_dir:
        return settings.state_dir
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    home = environ.get("XDG_STATE_HOME")
    return Path(home or Path.home() / ".local" / "state") / "tailon-agg"


def open_for_terminal(settings: Settings, environ: Mapping[str, str]) -> StateFolder:
    """The state folder of a terminal command, entered. A folder that was asked for is that folder; else the first
    free one of `cli`, `cli-2`, … in the default one, so that a terminal runs beside a server and other terminals."""
    if settings.state_dir or environ.get("STATE_DIRECTORY"):
        return StateFolder(folder_for(settings, environ)).__enter__()
    base = folder_for(settings, environ)
    for number in range(1, limits.TERMINALS + 1):
        folder = StateFolder(base / ("cli" if number == 1 else f"cli-{number}"))
        try:
            return folder.__enter__()
        except ConfigError:
            if number == limits.TERMINALS:
                raise
    raise AssertionError("unreachable")


async def open_audit(settings: Settings, inventory: Inventory, state: StateFolder, metrics: Metrics) -> AuditLog:
    """The audit log that the options and the inventory name. Raises ConfigError."""
    path = audit_path(settings, inventory, state)
    return await AuditLog.open(path, metrics, signer_of(state), inventory.audit.syslog)


def audit_path(settings: Settings, inventory: Inventory, state: StateFolder) -> Path:
    """`--audit-log`, else the inventory's `audit.file`, else `audit.jsonl`, these two in the state folder."""
    if settings.audit_log:
        return settings.audit_log
    return state.path / (inventory.audit.file or "audit.jsonl")


def signer_of(state: StateFolder) -> Signer:
    """Whoever signs the audit log, with the key in the state folder. Raises ConfigError."""
    return Signer.at(state.path / KEY_FILE)
