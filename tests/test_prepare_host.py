"""`prepare-host.sh`, which the Ansible role runs: with this machine's programs, and an /etc and a /home of its own, in
a mount namespace; then an sshd there, and what the doctor says of it.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import Fleet
from fleethost import LOOPBACK, FleetHost
from test_cli_doctor import doctor

from aggregator.remote.gate import gate_script

ROLE = Path(__file__).parent.parent / "deploy" / "ansible" / "roles" / "tailon_agg_host"
SCRIPT = ROLE / "files" / "prepare-host.sh"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILnxb8NUmLfhCZDixbTWv2y4BW2z+L8kDlvzpi1dJm2a"
ROOT = os.getuid() == 0


@dataclass
class Machine:
    """Programs of this machine, with an /etc and a /home of its own; `shell` runs the script."""

    folder: Path
    shell: str
    path: str

    def command(self, *words: str) -> list[str]:
        folders = ("etc", "home", "usr/local/bin")
        mounts = " && ".join(f"mount --bind {shlex.quote(str(self.folder / name))} /{name}" for name in folders)
        run = f"{mounts} && exec env PATH={shlex.quote(self.path)} {shlex.join(words)}"
        return ["unshare", "-m", "sh", "-c", run]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60)

    def prepare(self, *words: str) -> list[str]:
        """What was changed."""
        done = self.run(*self.shell.split(), str(SCRIPT), *words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return [line.removeprefix("changed: ") for line in done.stdout.splitlines()]


@pytest.fixture(params=["dash", "busybox ash"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    path = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        furnish(folder)
        if request.param != "dash":
            path = str(_busybox(folder))
        yield Machine(folder, request.param, path)


def furnish(folder: Path) -> None:
    """The folders that a machine has of its own; /usr/local/bin has the gate."""
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore=shutil.ignore_patterns("ssl", "alternatives"))
    (folder / "home").mkdir()
    gate = folder / "usr" / "local" / "bin" / "tailon-agg-gate"
    gate.parent.mkdir(parents=True)
    gate.write_text(gate_script())
    gate.chmod(0o755)


def _busybox(folder: Path) -> Path:
    """A PATH as Alpine's, with the packages acl and shadow: Debian's BusyBox has no adduser."""
    programs = folder / "programs"
    programs.mkdir()
    binary = shutil.which("busybox")
    assert binary
    for applet in {"busybox", *subprocess.check_output([binary, "--list"], text=True).split()}:
        (programs / applet).symlink_to(binary)
    for tool in ("getfacl", "setfacl", "useradd", "usermod"):
        (programs / tool).symlink_to(str(shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin")))
    return programs


def add_logs(folder: Path) -> tuple[Path, Path]:
    """A folder of logs that is for root alone, and a log among others."""
    logs, single = folder / "logs", folder / "var" / "deep" / "one.log"
    (logs / "sub").mkdir(parents=True)
    single.parent.mkdir(parents=True)
    for log in (logs / "a.log", logs / "sub" / "b.log", single, single.with_name("two.log")):
        log.write_text("a line\n")
        log.chmod(0o600)
    for shut in (logs, logs / "sub", single.parent, single.parent.parent):
        shut.chmod(0o700)
    return logs, single


if ROOT:  # nobody else can prepare a host

    def test_user_key_and_rights_are_as_asked_for_and_a_second_run_changes_nothing(machine: Machine) -> None:
        logs, single = add_logs(machine.folder)
        words = ["-u", "logreader", "-k", f"{KEY} me@here", "-f", "10.0.0.5,2001:db8::/64", "-g", "adm"]
        words += ["-r", str(logs), "-r", str(single)]
        would = machine.prepare("-n", *words)
        assert not (machine.folder / "home" / "logreader").exists()
        changed = machine.prepare(*words)
        assert {"user logreader", "logreader in the group adm", f"ACL of {single}: r-- for logreader"} <= set(changed)
        assert set(changed) <= set(would)
        assert machine.prepare(*words) == []
        keys = machine.folder / "home" / "logreader" / ".ssh" / "authorized_keys"
        assert keys.read_text() == f'restrict,from="10.0.0.5,2001:db8::/64" {KEY} me@here\n'
        for path, mode in ((keys, 0o644), (keys.parent, 0o755), (keys.parent.parent, 0o755)):
            assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, mode)
        shadow = (machine.folder / "etc" / "shadow").read_text()
        assert re.search(r"^logreader:\*:", shadow, re.MULTILINE)  # neither a password nor locked
        assert readable(machine, logs / "a.log", logs / "sub" / "b.log", single) == [True] * 3
        assert readable(machine, single.with_name("two.log")) == [False]
        (logs / "new.log").touch(0o640)
        assert readable(machine, logs / "new.log") == [True]

    def readable(machine: Machine, *paths: Path) -> list[bool]:
        """Whether the new user may read files, as the kernel sees it."""
        user = machine.run("id", "-u", "logreader").stdout.strip()
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "cat"]
        return [subprocess.run([*as_user, str(path)], capture_output=True).returncode == 0 for path in paths]

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            ([], "-u USER is needed"),
            (["-u", "root"], "not root"),
            (["-u", "a b"], "-u USER is needed"),
            (["-u", "x", "-k", "no key"], "takes a public key"),
            (["-u", "x", "-k", 'command="id" ssh-rsa AAAA'], "without quotes"),
            (["-u", "x", "-k", f"{KEY}\nssh-rsa AAAA"], "one line"),
            (["-u", "x", "-f", "10.0.0.5 x"], "can't"),
        ],
    )
    def test_what_it_is_asked_wrongly_changes_nothing(words: list[str], why: str) -> None:
        done = subprocess.run(["sh", str(SCRIPT), "-n", *words], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert why in done.stderr

    @pytest.mark.parametrize("gated", [False, True], ids=["ungated", "gated"])
    def test_prepared_host_is_fine_to_the_doctor_and_its_key_runs_commands_only(
        fleet: Fleet, tmp_path: Path, gated: bool
    ) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            furnish(folder)
            logs, _ = add_logs(folder)
            machine = Machine(folder, "sh", os.environ["PATH"])
            key = " ".join((fleet.folder / "id_ed25519.pub").read_text().split()[:2])
            machine.prepare(
                "-u", "logreader", "-k", key, "-f", LOOPBACK, "-r", str(logs), *(["-c", str(logs)] if gated else [])
            )
            host = FleetHost(fleet.folder, f"new-{gated}", lambda host: sshd(machine, host))
            host.gated = gated
            fleet.user = getpass.getuser()
            fleet.hosts = {"new": host}
            host.start()
            assert host.port
            inventory = fleet.inventory(
                {"app": {"hosts": "@*", "path": f"{logs}/**/*.log"}},
                ssh={"user": "logreader", "connect_timeout": "30s"},
            )
            done = doctor(inventory, tmp_path)
            assert done.stdout == "new: ok\n1 of 1 host is fine\n"
            fleet.user = "logreader"
            arguments = fleet.ssh_arguments(host)
            forwarding = subprocess.run([*arguments, "-W", f"{LOOPBACK}:{host.port}"], capture_output=True, timeout=30)
            assert b"administratively prohibited" in forwarding.stderr
            done = subprocess.run([*arguments, "id"], capture_output=True, timeout=30)
            assert (b"logreader" in done.stdout) == (not gated)
            assert (b"refused" in done.stderr) == gated
            terminal = subprocess.run([*arguments[:1], "-tt", *arguments[1:], "tty"], capture_output=True, timeout=30)
            assert b"PTY allocation request failed" in terminal.stderr


def sshd(machine: Machine, host: FleetHost) -> subprocess.Popen[bytes]:
    """A server with the strict defaults of Debian's, but for its port and its key."""
    config = host.home / "sshd_config"
    lines = [
        f"ListenAddress {LOOPBACK}:{host.chosen_port}",
        f"HostKey {host.home / 'key'}",
        "PidFile none",
        "UsePAM no",
    ]
    config.write_text("".join(f"{line}\n" for line in lines))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        str(shutil.which("sshd", path="/usr/sbin")),
        "-D",
        "-e",
        "-f",
        str(config),
    ]
    with host.log.open("ab") as log:
        return subprocess.Popen(
            machine.command(*server), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def test_role_hands_the_script_all_that_it_documents() -> None:
    def read(name: str) -> Any:
        return yaml.safe_load((ROLE / name).read_text())

    gate, task = read("tasks/main.yml")
    used = set(re.findall(r"tailon_agg_host_\w+", gate["ansible.builtin.raw"] + task["ansible.builtin.script"]["cmd"]))
    defaults, specs = read("defaults/main.yml"), read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert used == set(defaults) == set(specs)
    assert {name: spec["default"] for name, spec in specs.items()} == defaults
    flags = set(re.findall(r"(?<![\w-])-([a-z])\b", task["ansible.builtin.script"]["cmd"]))
    (letters,) = re.findall(r"getopts (\S+)", SCRIPT.read_text())
    assert flags == set(letters.replace(":", ""))
    (play,) = yaml.safe_load((ROLE.parent.parent / "hosts.yml").read_text())
    assert {name for name in play["roles"][0] if name != "role"} <= set(defaults)
