"""Real SSH servers for tests: OpenSSH and Dropbear processes on loopback, each with a host key of its own.

    with Fleet(tmp_path) as fleet:
        web = fleet.add("web-1")
        old = fleet.add("old-1", server="dropbear", shell="busybox ash", path=fleet.busybox())
        inventory = fleet.inventory({"app": {"hosts": "@*", "path": "/tmp/app.log"}})

Servers start in parallel: `add` does not wait, `port` and `inventory` do. Runs as root or as an ordinary
user. A jump host is just another host. Everything that a fleet starts has ended when its `with` block has.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import random
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import asyncssh
import yaml
from fleethost import LOOPBACK, FleetHost, free_port, wait_for, write_private
from lentkey import lent

from aggregator.remote.gate import gate_script

__all__ = ["LOOPBACK", "Fleet", "FleetHost", "free_port", "wait_for"]


_GATE_PATH = "PATH=/usr/bin:/bin;"


class Fleet:
    """Hosts, one user key for all of them, and what a client needs to reach them. See the module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve() / "fleet"
        self.folder.mkdir()
        self.user = getpass.getuser()
        self.hosts: dict[str, FleetHost] = {}
        self.identity = self.folder / "id_ed25519"
        self.authorized_keys = self.folder / "authorized_keys"
        self.user_ca = self.folder / "user_ca.pub"
        self._user_ca = asyncssh.generate_private_key("ssh-ed25519")
        self._user_ca.write_public_key(self.user_ca)
        self._host_ca = asyncssh.generate_private_key("ssh-ed25519")
        self._known: dict[int, str] = {}
        self._clean = contextlib.ExitStack()
        user_key = asyncssh.generate_private_key("ssh-ed25519", comment="tailon-agg test fleet")
        write_private(user_key, self.identity)
        user_key.write_public_key(self.folder / "id_ed25519.pub")
        user_key.write_public_key(self.authorized_keys)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all servers and all that they run."""
        for host in self.hosts.values():
            host.stop()
        self._clean.close()

    def add(
        self,
        name: str,
        *,
        server: Literal["openssh", "dropbear"] = "openssh",
        shell: str | None = None,
        path: Path | str | None = None,
        certified: bool = False,
        options: Mapping[str, str] | None = None,
        gate: Sequence[Path] | None = None,
    ) -> FleetHost:
        """Start one more host.

        `shell` stands in for the login shell (`csh`, `busybox ash`); `path` is the whole PATH of commands.
        OpenSSH only: `options` are lines of sshd_config and win over the fleet's own; `certified` gives the
        host a certificate, which `known_hosts` then trusts instead of its key. `gate` has our gate let the
        key read below these folders, by the shell and with the PATH that are given.
        """
        assert name not in self.hosts, f"{name} is there already"
        if gate is None and os.environ.get("FLEET_GATED"):
            gate = [Path("/")]
        command = _forced_command(shell, path) if gate is None else self._gate(shell, path, gate)
        given = dict(options or {})
        if server == "dropbear":
            assert (given, certified) == ({}, False), "options and certificates are OpenSSH's"
            host = FleetHost(self.folder, name, lambda host: self._dropbear(host, command))
            host.server = "dropbear"
        else:
            if command is not None:
                given.setdefault("ForceCommand", command)
            host = FleetHost(self.folder, name, lambda host: self._openssh(host, given))
        host.gated = gate is not None
        if certified:
            self._certify(host)
        self.hosts[name] = host
        host.start()
        return host

    @property
    def known_hosts(self) -> Path:
        """A file with the keys of all hosts, as they were when first asked for."""
        target = self.folder / "known_hosts"
        for host in self.hosts.values():
            self._known = {**host.known_hosts_lines(), **self._known}
        target.write_text("".join(f"{line}\n" for line in self._known.values()))
        return target

    def inventory(self, sources: Mapping[str, Any], **extra: Any) -> Path:
        """Write an inventory of all hosts; `extra` is merged in deeply, so any part can be changed."""
        data: dict[str, Any] = {
            "version": 1,
            "ssh": {
                "user": self.user,
                "config": [],
                "known_hosts": [str(self.known_hosts)],
                "identity_files": [str(self.identity)],
            },
            "hosts": {name: _entry(host) for name, host in self.hosts.items()},
            "sources": dict(sources),
        }
        target = self.folder / "hosts.yaml"
        target.write_text(yaml.safe_dump(_merged(data, extra), sort_keys=False))
        return target

    def certify_user(self, *principals: str) -> Path:
        """A second identity that only its certificate lets in, on hosts with the options `trusts_user_ca`."""
        target = self.folder / f"id_certified_{len(principals)}_{random.randrange(10**6)}"
        key = asyncssh.generate_private_key("ssh-ed25519")
        certificate = self._user_ca.generate_user_certificate(key, "test", principals=principals or (self.user,))
        write_private(key, target)
        key.write_public_key(target.with_name(target.name + ".pub"))
        certificate.write_certificate(target.with_name(target.name + "-cert.pub"))
        return target

    @property
    def trusts_user_ca(self) -> dict[str, str]:
        """Options of a host that accepts user certificates and no plain key."""
        return {"TrustedUserCAKeys": str(self.user_ca), "AuthorizedKeysFile": "none"}

    def ssh(self, host: FleetHost, *command: str, identity: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command on a host with the plain OpenSSH client."""
        arguments = [*self.ssh_arguments(host, identity=identity), *command]
        return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)

    def ssh_arguments(self, host: FleetHost, *, identity: Path | None = None) -> list[str]:
        """The start of an `ssh` command line to a host."""
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "IdentityFile": identity or self.identity,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
        }
        settings = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "none", *settings, "-p", str(host.port), f"{self.user}@{LOOPBACK}"]

    def busybox(self) -> Path:
        """A folder that is the PATH of a BusyBox machine: all applets, nothing else."""
        folder = self.folder / "busybox"
        if not folder.exists():
            binary = _program("busybox")
            applets = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split()
            folder.mkdir()
            for applet in {"busybox", *applets}:
                (folder / applet).symlink_to(binary)
        return folder

    def without_bash(self) -> Path:
        """A folder that is the PATH of a machine with GNU's tools whose only shell is dash."""
        folder = self.folder / "without-bash"
        if not folder.exists():
            link_without_bash(folder)
        return folder

    def _gate(self, shell: str | None, path: Path | str | None, roots: Sequence[Path]) -> str:
        """The forced command of a host with a gate: our script, with the PATH of the machine that it stands for."""
        script = gate_script()
        if path is not None:
            assert _GATE_PATH in script
            script = script.replace(_GATE_PATH, f"PATH={shlex.quote(str(path))};")
        target = self.folder / f"gate-{hashlib.sha256(script.encode()).hexdigest()[:12]}"
        target.write_text(script)
        target.chmod(0o755)
        line = shlex.join([str(target), *map(str, roots)])
        if shell is None:
            return f"exec {line}"
        words = [str(shutil.which(word) or word) for word in shell.split()]
        if "csh" in words[0] or "fish" in words[0]:  # a login shell; the gate is still sh's
            return f"exec {shlex.join([*words, '-c', line])}"
        return f"exec {shlex.join(words)} {line}"

    def _certify(self, host: FleetHost) -> None:
        key = asyncssh.read_public_key(host.home / "key.pub")
        certificate = self._host_ca.generate_host_certificate(key, host.name, principals=[LOOPBACK])
        certificate.write_certificate(host.home / "key-cert.pub")
        host.authority = self._host_ca.export_public_key().decode().strip()

    def _openssh(self, host: FleetHost, options: Mapping[str, str]) -> subprocess.Popen[bytes]:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = host.home / "sshd_config"
        # sshd takes the first value of a keyword
        settings = [*options.items(), *_sshd_defaults(host, self.authorized_keys).items()]
        config.write_text("".join(f"{key} {value}\n" for key, value in settings))
        return _spawn(host, self._at_home([_program("sshd"), "-D", "-e", "-f", str(config)]))

    def _dropbear(self, host: FleetHost, command: str | None) -> subprocess.Popen[bytes]:
        key = host.home / "dropbear_key"
        key.unlink(missing_ok=True)
        convert = [_program("dropbearconvert"), "openssh", "dropbear", str(host.home / "key"), str(key)]
        subprocess.run(convert, check=True, capture_output=True)
        arguments = [_program("dropbear"), "-F", "-E", "-m", "-s", "-r", str(key)]
        arguments += ["-p", f"{LOOPBACK}:{host.chosen_port}", "-P", str(host.home / "pid")]
        arguments += ["-c", command] if command is not None else []
        if self._namespace is None:
            self._clean.enter_context(lent(self.authorized_keys.read_text(), Path.home() / ".ssh" / "authorized_keys"))
        return _spawn(host, self._at_home(arguments))

    def _at_home(self, arguments: list[str]) -> list[str]:
        """Run a server where the user has an empty home folder and the login shell `sh`, if we may.

        So no start-up file of the user's slows down or changes what commands print, and Dropbear, which only
        knows ~/.ssh/authorized_keys, finds the fleet's.
        """
        run = ["setpriv", "--pdeathsig", "KILL", *arguments]
        if self._namespace is None:
            return run
        if os.getuid() != 0:  # a second user namespace gives the user her own number back
            run = ["unshare", "-U", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}", *run]
        *unshare, bind = self._namespace
        return [*unshare, f"{bind} && exec {shlex.join(run)}"]

    @functools.cached_property
    def _namespace(self) -> list[str] | None:
        """A shell in a mount namespace with our own /etc/passwd; None where the machine allows none."""
        home = self.folder / "home"
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        home.chmod(0o700)
        shutil.copy(self.authorized_keys, home / ".ssh" / "authorized_keys")
        (home / ".ssh" / "authorized_keys").chmod(0o600)
        entry = f"{self.user}:x:{os.getuid()}:{os.getgid()}::{home}:/bin/sh\n"
        lines = Path("/etc/passwd").read_text().splitlines(keepends=True)
        passwd = self.folder / "passwd"
        passwd.write_text(entry + "".join(line for line in lines if not line.startswith(f"{self.user}:")))
        unshare = ["unshare", "-m" if os.getuid() == 0 else "-rm", "sh", "-c"]
        command = [*unshare, f"mount --bind {shlex.quote(str(passwd))} /etc/passwd"]
        return command if subprocess.run(command, capture_output=True).returncode == 0 else None


def _sshd_defaults(host: FleetHost, authorized_keys: Path) -> dict[str, str]:
    defaults = {
        "ListenAddress": f"{LOOPBACK}:{host.chosen_port}",
        "HostKey": str(host.home / "key"),
        "AuthorizedKeysFile": str(authorized_keys),
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "yes",
        "PrintMotd": "no",
        "LogLevel": "VERBOSE",
    }
    if host.authority:
        defaults["HostCertificate"] = str(host.home / "key-cert.pub")
    return defaults


def _entry(host: FleetHost) -> dict[str, Any]:
    server = {"server": host.server} if host.server != "openssh" else {}
    gate = {"gate": True} if host.gated else {}
    return {"address": LOOPBACK, "ssh": {"port": host.reached_at or host.port, **server, **gate}}


def _spawn(host: FleetHost, arguments: list[str]) -> subprocess.Popen[bytes]:
    with host.log.open("ab") as log:
        return subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )


def link_without_bash(folder: Path) -> None:
    """Make a PATH of all of this machine's commands but bash; sh is dash."""
    folder.mkdir()
    for command in os.scandir(Path(_program("stat")).parent):
        if command.name not in ("bash", "rbash", "sh"):
            (folder / command.name).symlink_to(command.path)
    (folder / "sh").symlink_to(_program("dash"))


def _forced_command(shell: str | None, path: Path | str | None) -> str | None:
    """What runs a client's command by another shell or PATH; any login shell understands it."""
    if shell is None and path is None:
        return None
    environment = f"env PATH={shlex.quote(str(path))} " if path is not None else ""
    return f'exec {environment}{shell or "/bin/sh"} -c "$SSH_ORIGINAL_COMMAND"'


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")
    assert found, f"{name} is not installed; on Debian: apt install openssh-server dropbear-bin busybox"
    return found


def _merged(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}
