"""One SSH server of a test fleet: its process, its key, what it runs for clients."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import asyncssh
import processes

LOOPBACK = "127.0.0.1"
START_S = 10.0  # longest wait for a server to listen or to end; usual is 0.03 s
STEP_S = 0.005
# Below Linux' ephemeral range, so that no client socket takes one. Each of at most 8 pytest-xdist workers has ports of
# its own, and none is handed out twice soon, because a server takes its port only some time later.
WORKERS = 8
PORTS = range(20_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS, 32_000, WORKERS)
_ports = itertools.cycle(random.sample(PORTS, len(PORTS)))


def wait_for(condition: Callable[[], object], what: str, seconds: float = START_S) -> None:
    """Return as soon as `condition()` is true; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition_met(condition, STEP_S):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}")


def condition_met(condition: Callable[[], object], step: float) -> bool:
    """Whether it is true now; if not, sleep at least `step` seconds, and four times what asking took: many tests wait
    on two cores, and some ask all processes of the machine."""
    asked = time.monotonic()
    if condition():
        return True
    time.sleep(max(step, 4 * (time.monotonic() - asked)))
    return False


def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise AssertionError("the ports never end")


class FleetHost:
    """One SSH server. `root` is the folder for its logs; its own files are kept elsewhere."""

    address = LOOPBACK
    server: Literal["openssh", "dropbear"] = "openssh"
    gated = False  # our gate stands before it
    reached_at: int | None = None  # set it to a proxy's port, and inventory and known_hosts name that one

    def __init__(self, folder: Path, name: str, start: Callable[[FleetHost], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.root = folder / "roots" / name
        self.home = folder / "servers" / name
        self.root.mkdir(parents=True)
        self.home.mkdir(parents=True)
        self.log = self.home / "log"
        self.authority: str | None = None  # the public key that signed the host's certificate, if it has one
        self._start = start
        self.chosen_port = free_port()  # known before it listens
        self._process: subprocess.Popen[bytes] | None = None
        self._awaited = False
        self.change_key()

    @property
    def port(self) -> int:
        """The TCP port; waits until the server that was started listens on it."""
        if self._process is not None and not self._awaited:
            self._await()
        return self.chosen_port

    @property
    def pid(self) -> int:
        """Of the process that listens; AssertionError while the host is stopped."""
        assert self._process is not None, f"{self.name} is stopped"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def change_key(self) -> None:
        """Give the host another host key; `known_hosts` keeps the old one. Takes effect at the next start."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        write_private(key, self.home / "key")
        self._public = key.export_public_key().decode().strip()
        key.write_public_key(self.home / "key.pub")

    def known_hosts_lines(self) -> dict[int, str]:
        """For `known_hosts`, by port: the host's key, or the authority of its certificate."""
        lines = {}
        for port in {self.chosen_port, self.reached_at or self.chosen_port}:
            place = f"[{LOOPBACK}]:{port}"
            lines[port] = f"@cert-authority {place} {self.authority}" if self.authority else f"{place} {self._public}"
        return lines

    def start(self) -> None:
        """Start the server on the same port as before; `port` waits until it listens."""
        assert not self.running, f"{self.name} is running"
        self.log.unlink(missing_ok=True)
        self.log.touch()
        self._awaited = False
        self._process = self._start(self)

    def stop(self) -> None:
        """End the server, its connections and the commands they run, as when a machine is switched off."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)  # no new connections while the old ones are looked up
        self.kill_connections()
        self._process.kill()
        self._process.wait()
        self._process = None
        for pid in self._commands():
            processes.kill(pid)

    def kill_connections(self) -> int:
        """Kill the server processes of the open connections (not the commands they run); says how many."""
        sessions = self._sessions()
        for pid in sessions:
            processes.kill(pid)
        return len(sessions)

    def connections(self) -> int:
        """How many server processes there are for connections: two for one to OpenSSH as root, else one."""
        return len(self._sessions())

    def processes(self) -> list[str]:
        """Command lines of all that runs on behalf of clients, also what outlived its connection."""
        return [" ".join(processes.arguments(pid)) for pid in self._commands()]

    def tails_of(self, path: Path) -> int:
        """How many followers of a file run `tail` now."""
        tails = [pid for pid in self._commands() if processes.arguments(pid)[:1] == ["tail"]]
        return sum(str(path) in processes.arguments(processes.parent(pid)) for pid in tails)

    def lines_logged(self) -> list[str]:
        """What the server wrote to its log since it was started."""
        return self.log.read_text(errors="replace").splitlines()

    def _await(self) -> None:
        def ready() -> bool:
            assert self.running, f"{self.name} ended at once: {self.log.read_text()}"
            text = self.log.read_text()
            return "Server listening on" in text or "Not backgrounding" in text

        wait_for(ready, f"{self.name} to listen on port {self.chosen_port}")
        self._awaited = True

    def _commands(self) -> list[int]:
        """Both servers put SSH_CONNECTION into the environment of commands: `client port server port`."""
        return processes.with_environment(b"SSH_CONNECTION=", f" {LOOPBACK} {self.chosen_port}".encode())

    def _sessions(self) -> list[int]:
        """Descendants of the listener that are servers themselves."""
        if self._process is None:
            return []
        return [pid for pid in processes.descendants(self._process.pid) if processes.is_server(pid)]


def write_private(key: asyncssh.SSHKey, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    key.write_private_key(target)
