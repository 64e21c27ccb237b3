"""`tailon-agg doctor`: hosts that fail in each way, over real sshd and Dropbear; what is said, and what helps."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml
from faults import deaf_port
from fleet import LOOPBACK, Fleet, free_port
from fleethost import write_private
from product import PATIENCE_S, command, environment, wait_until

ROOT = os.getuid() == 0
WEAK = "setpriv --reuid 65534 --regid 65534 --clear-groups sh" if ROOT else "sh"  # a user without rights
USER = "nobody" if ROOT else ""
TOOLS = ("tail", "head", "od", "stat", "date", "ls", "cat", "dd", "tr", "sleep", "id", "sh", "find", "gzip", "readlink")


def doctor(inventory: Path, folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    arguments = [*command(), "doctor", *words, "--inventory", str(inventory)]
    kept = environment(XDG_STATE_HOME=str(folder), **variables)
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=kept, cwd=folder)


@dataclass
class Ward:
    """A fleet in which each host has one trouble, and what the doctor said of it."""

    fleet: Fleet
    folder: Path
    public: Path
    sources: dict[str, Any] = field(default_factory=dict)
    hosts: dict[str, Any] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)
    json: str = ""
    text: str = ""
    status: int = -1

    @property
    def inventory(self) -> Path:
        return self.folder / "ward.yaml"

    def source(self, host: str, path: Path | str) -> None:
        self.sources[f"of-{host}"] = {"hosts": host, "path": str(path)}

    def examine(self) -> None:
        data = yaml.safe_load(self.fleet.inventory(self.sources, ssh={"connect_timeout": "30s"}).read_text())
        for name, entry in self.hosts.items():
            data["hosts"][name] = data["hosts"].get(name, {}) | entry
        self.inventory.write_text(yaml.safe_dump(data))
        with ThreadPoolExecutor() as both:
            as_json = both.submit(doctor, self.inventory, self.folder, "--output", "json")
            as_text = both.submit(doctor, self.inventory, self.folder)
        done = as_json.result()
        assert done.stderr == ""
        self.json, self.status = done.stdout, done.returncode
        self.reports = {report["host"]: report for report in json.loads(done.stdout)}
        self.text = as_text.result().stdout

    def check(self, host: str, name: str) -> dict[str, Any]:
        (found,) = [check for check in self.reports[host]["checks"] if check["name"] == name]
        return dict(found)

    def troubles(self, host: str) -> list[dict[str, Any]]:
        return [check for check in self.reports[host]["checks"] if check["state"] != "ok"]

    def trouble(self, host: str) -> dict[str, Any]:
        """The only one that a host has."""
        (found,) = self.troubles(host)
        return found


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("doctor")
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        public = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        public.chmod(0o755)
        ward = Ward(fleet, folder, public)
        _add_good(ward)
        _add_unreachable(ward, stack.enter_context(deaf_port()))
        _add_closed(ward)
        _add_odd(ward)
        ward.examine()
        yield ward


def _add_good(ward: Ward) -> None:
    for number in (1, 2, 3):
        ward.fleet.add(f"good-{number}")
    ward.fleet.add("box", server="dropbear", shell="busybox ash", path=ward.fleet.busybox())
    ward.fleet.add("csh", shell="csh")
    ward.fleet.add("fish", shell="fish")
    noise = 'echo Welcome; echo "T tail none"; printf "no newline"; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'
    ward.fleet.add("loud", options={"ForceCommand": noise})
    for name, host in list(ward.fleet.hosts.items()):
        (host.root / "app.log").write_text("a line\n")
        (host.root / "app.log.1.gz").write_bytes(b"")
        ward.source(name, host.root / "*.log")
    ward.fleet.add("stop")  # a jump host without a shell, which needs none
    ward.hosts["stop"] = {}


def _add_unreachable(ward: Ward, deaf: int) -> None:
    ward.hosts |= {
        "closed": {"address": LOOPBACK, "ssh": {"port": free_port()}},
        "deaf": {"address": LOOPBACK, "ssh": {"port": deaf, "connect_timeout": "1s"}},
        "nameless": {"address": "no-such-name.invalid"},
    }
    for name in ("unknown", "changed", "behind", "stranger", "nologin"):
        ward.fleet.add(name, shell="/usr/sbin/nologin" if name == "nologin" else None)
    (ward.folder / "nobody_known").write_text("")
    assert ward.fleet.known_hosts.exists()
    changed = ward.fleet.hosts["changed"]
    changed.stop()
    changed.change_key()
    changed.start()
    for name in ("stranger", "another"):
        key = asyncssh.generate_private_key("ssh-ed25519", comment=f"a {name}")
        write_private(key, ward.folder / name)
    ward.fleet.add("picky", options={"MaxAuthTries": "1"})
    ward.fleet.add("authority", certified=True)
    ward.hosts |= {
        "unknown": {
            "ssh": {"port": ward.fleet.hosts["unknown"].port, "known_hosts": [str(ward.folder / "nobody_known")]}
        },
        "stranger": {
            "ssh": {"port": ward.fleet.hosts["stranger"].port, "identity_files": [str(ward.folder / "stranger")]}
        },
        "picky": {
            "ssh": {
                "port": ward.fleet.hosts["picky"].port,
                "identity_files": [str(ward.folder / name) for name in ("stranger", "another")],
            }
        },
        "authority": {
            "ssh": {"port": ward.fleet.hosts["authority"].port, "known_hosts": [str(ward.folder / "nobody_known")]}
        },
        "behind": {"jump": "changed"},
    }
    (ward.folder / "app.log").write_text("")
    for name in (*ward.hosts, "changed", "nologin"):
        if name != "stop":
            ward.source(name, ward.folder / "app.log")


def _add_closed(ward: Ward) -> None:
    """Files and folders that another user may not read."""
    files = {
        "secret": "secret/app.log",
        "adm": "adm/app.log",
        "folder": "shut/deep/app.log",
        "unlisted": "unlisted/app.log",
        "rotated": "rotated/app.log",
        "some": "some/a.log",
    }
    for name, path in files.items():
        ward.fleet.add(name, shell=WEAK)
        target = ward.public / path
        target.parent.mkdir(parents=True)
        target.write_text("a line\n")
        ward.source(name, target)
    ward.source("some", ward.public / "some" / "*.log")
    for name in ("b.log", "c.log"):
        (ward.public / "some" / name).write_text("")
        (ward.public / "some" / name).chmod(0)
    (ward.public / "rotated" / "app.log.1").write_text("")
    (ward.public / "rotated" / "app.log.1").chmod(0o600 if ROOT else 0)
    (ward.public / "secret" / "app.log").chmod(0o600 if ROOT else 0)
    if ROOT:
        shutil.chown(ward.public / "adm" / "app.log", group="adm")
    (ward.public / "adm" / "app.log").chmod(0o640 if ROOT else 0)
    (ward.public / "shut").chmod(0o700 if ROOT else 0)
    (ward.public / "unlisted").chmod(0o711 if ROOT else 0o311)


def _add_odd(ward: Ward) -> None:
    path = os.environ["PATH"]
    for name, shift in (("late", "-90 seconds"), ("early", "7 seconds")):
        programs = ward.folder / f"path-{name}"
        programs.mkdir()
        fake = programs / "date"
        fake.write_text(f"#!/bin/sh\nexec {shutil.which('date')} -d '{shift}' \"$@\"\n")
        fake.chmod(0o755)
        ward.fleet.add(name, path=f"{programs}:{path}")
    for name, tools in (
        ("tailless", TOOLS[1:]),
        ("grepless", TOOLS),
        ("odless", (*TOOLS[:2], *TOOLS[3:])),
        ("linkless", (*TOOLS[:-1], "grep")),
    ):
        programs = ward.folder / f"path-{name}"
        programs.mkdir()
        for tool in tools:
            (programs / tool).symlink_to(str(shutil.which(tool)))
        ward.fleet.add(name, path=str(programs))
    ward.fleet.add("few", options={"MaxSessions": "2"})
    for name in ("late", "early", "tailless", "grepless", "odless", "linkless", "few", "packed"):
        if name == "packed":
            ward.fleet.add(name, path=str(ward.folder / "path-grepless"))
        root = ward.fleet.hosts[name].root
        (root / "app.log").write_text("a line\n")
        ward.source(name, root / "*.log")
    (ward.fleet.hosts["packed"].root / "app.log.1.zst").write_bytes(b"")
    for name, source in (
        ("gone", "/no/such/folder/app.log"),
        ("nofile", "/var/no-such.log"),
        ("nomatch", "/var/no-such-*.log"),
        ("special", "/dev/null"),
        ("dated", "/var/no-such-${date}.log"),
    ):
        ward.fleet.add(name)
        ward.source(name, source)
    many = ward.fleet.add("many")
    for number in range(30):
        (many.root / f"{number}.log").write_text("")
    ward.source("many", many.root / "*.log")


def test_worst_hosts_come_first_and_good_ones_are_folded(ward: Ward) -> None:
    assert ward.status == 69
    *table, last = ward.text.splitlines()
    assert table[-1] == "box,csh,fish,good-[1-3],loud,stop: ok"
    fine = sum(report["state"] != "fail" for report in ward.reports.values())
    warned = sum(report["state"] == "warn" for report in ward.reports.values())
    assert last == f"{fine} of {len(ward.reports)} hosts are fine, {warned} of them with a warning"
    states = [line.rpartition(": ")[2] for line in table if line and not line.startswith(" ")]
    assert states == sorted(states, key=["fail", "warn", "ok"].index)
    commands = ("here$", "host#")
    assert max(len(line) for line in table if not line.strip().startswith(commands)) <= 80
    assert "\x1b" not in ward.text


def test_json_has_the_shape_that_is_documented(ward: Ward) -> None:
    reports = json.loads(ward.json)
    assert [report["state"] for report in reports] == sorted(
        (report["state"] for report in reports), key=["fail", "warn", "ok"].index
    )
    for report in reports:
        assert report.keys() == {"host", "state", "checks"}
        for check in report["checks"]:
            assert check.keys() == {"name", "state", "detail", "fix", "on"}
            assert check["on"] in (None, "here", "host")
            assert check["fix"] or (check["on"] is None)


def test_good_host_shows_all_that_was_looked_at(ward: Ward) -> None:
    names = [check["name"] for check in ward.reports["good-1"]["checks"]]
    assert names == [
        *("address", "connection", "host-key", "login", "shell", "tools", "following", "clock"),
        *("source:of-good-1", "compressed", "channels", "gate"),
    ]
    assert ward.check("good-1", "following")["detail"] == "GNU tail, a look every 0.05 s"
    assert ward.check("box", "following")["detail"] == "BusyBox: a loop, a look every 1 s"
    assert ward.check("box", "tools")["detail"].startswith("BusyBox tail head")
    assert ward.check("good-1", "channels")["detail"] == "1 of 24 files"


def test_jump_host_without_sources_needs_no_shell(ward: Ward) -> None:
    assert [check["name"] for check in ward.reports["stop"]["checks"]] == ["address", "connection", "host-key", "login"]


@pytest.mark.parametrize(
    ("host", "name", "words"),
    [
        ("closed", "connection", "connection refused by"),
        ("deaf", "connection", "no answer from"),
        ("nameless", "address", "the name no-such-name.invalid was not found"),
        ("nologin", "shell", "This account is currently not available."),
        ("tailless", "tools", "there is no tail"),
        ("odless", "tools", "there is no od"),
        ("gone", "source:of-gone", "/no is not there, on the way to /no/such/folder/app.log"),
        ("nofile", "source:of-nofile", "no such file: /var/no-such.log"),
        ("special", "source:of-special", "/dev/null is not a regular file (a device, FIFO or socket)"),
    ],
)
def test_what_does_not_work_is_named(ward: Ward, host: str, name: str, words: str) -> None:
    trouble = next(check for check in ward.troubles(host) if check["state"] == "fail")
    assert trouble["name"] == name
    assert words in trouble["detail"]
    assert trouble["fix"]


@pytest.mark.parametrize(
    ("host", "name", "words"),
    [
        ("grepless", "tools", "there is no grep: searches bring all bytes here"),
        ("linkless", "tools", "no /proc or no readlink"),
        ("nomatch", "source:of-nomatch", "no file matches /var/no-such-*.log"),
        ("dated", "source:of-dated", "is not there (yet)"),
        ("many", "channels", "24 of its 30 files can be followed at once"),
        ("early", "clock", " s ahead of this machine's"),
        ("unlisted", "source:of-unlisted", "rotated files are not found"),
        ("rotated", "source:of-rotated", "history ends there"),
    ],
)
def test_what_works_but_for_something_is_a_warning(ward: Ward, host: str, name: str, words: str) -> None:
    assert ward.reports[host]["state"] == "warn"
    assert ward.trouble(host)["name"] == name
    assert words in ward.trouble(host)["detail"]


def test_what_can_not_be_decompressed_is_named(ward: Ward) -> None:
    (zstd,) = [check for check in ward.troubles("packed") if check["name"] == "compressed"]
    assert "there are files of zstd, but no zstd: they can't be read" in zstd["detail"]


def test_clock_that_is_minutes_off_fails(ward: Ward) -> None:
    trouble = ward.trouble("late")
    assert (trouble["name"], trouble["state"], trouble["on"]) == ("clock", "fail", "host")
    assert "s behind this machine's" in trouble["detail"]


def test_sessions_are_counted(ward: Ward) -> None:
    trouble = ward.trouble("few")
    assert trouble["detail"].startswith("a connection takes 2 sessions, 4 are needed; 1 of its 1 file can")
    assert "MaxSessions 10" in trouble["fix"]


def test_offered_key_is_shown_with_the_line_that_makes_it_known(ward: Ward) -> None:
    for name in ("unknown", "changed"):
        trouble = ward.trouble(name)
        host = ward.fleet.hosts[name]
        key = asyncssh.read_public_key(host.home / "key.pub")
        assert (trouble["name"], trouble["on"]) == ("host-key", "here")
        assert f"ssh-ed25519 {key.get_fingerprint()}" in trouble["detail"]
        line = f"[{LOOPBACK}]:{host.port} {key.export_public_key().decode().strip()}"
        assert shlex.quote(line) in trouble["fix"]
    assert "(it offered a certificate signed by ssh-ed25519 SHA256:" in ward.trouble("authority")["detail"]
    assert "'@cert-authority [" in ward.trouble("authority")["fix"]


def test_trouble_of_a_jump_host_is_that_of_the_hosts_behind_it(ward: Ward) -> None:
    trouble = ward.trouble("behind")
    assert trouble["name"] == "connection"
    assert trouble["detail"].startswith("the jump host changed failed: the host key of")
    assert trouble["fix"] == ward.trouble("changed")["fix"]


def test_keys_that_were_tried_are_named_with_the_line_that_lets_one_in(ward: Ward) -> None:
    trouble = ward.trouble("stranger")
    key = asyncssh.read_private_key(ward.folder / "stranger")
    assert f"; tried ssh-ed25519 {key.get_fingerprint()} (a stranger)" in trouble["detail"]
    public = " ".join(key.export_public_key().decode().split()[:2])
    assert shlex.split(trouble["fix"])[1] == f"restrict {public} tailon-agg"
    assert trouble["fix"].endswith(f">> ~{ward.fleet.user}/.ssh/authorized_keys")


def test_rights_are_mended_by_a_group_or_an_acl(ward: Ward) -> None:
    if not ROOT:
        return  # whose files these are is another's name on every machine
    secret = ward.public / "secret" / "app.log"
    assert f"{secret} (-rw------- root root) is not readable for nobody" in ward.trouble("secret")["detail"]
    assert ward.trouble("secret")["fix"] == f"setfacl -m u:nobody:r {secret}"
    assert ward.trouble("adm")["fix"] == "usermod -aG adm nobody"
    shut = ward.trouble("folder")
    assert f"{ward.public}/shut (drwx------ root root) may not be entered by nobody" in shut["detail"]
    assert shut["fix"] == f"setfacl -m u:nobody:x {ward.public}/shut"
    some = ward.trouble("some")
    assert "is not readable for nobody, as 2 of 3 files" in some["detail"]
    assert some["fix"] == f"setfacl -m u:nobody:r {ward.public}/some/b.log {ward.public}/some/c.log"
    assert ward.trouble("unlisted")["fix"] == f"setfacl -m u:nobody:rx {ward.public}/unlisted"


def test_server_that_wants_no_more_keys_is_no_other_trouble(ward: Ward) -> None:
    trouble = ward.trouble("picky")
    assert trouble["name"] == "login"
    assert trouble["detail"].endswith("the server gave up before it had seen all of them (MaxAuthTries)")


def test_look_is_audited(ward: Ward) -> None:
    log = ward.folder / "tailon-agg" / "cli" / "audit.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()]
    start = next(record for record in records if record["event"] == "start")
    assert start["command"] == "doctor"
    assert set(start["hosts"]) == set(ward.reports)
    assert start["principal"].startswith("local:")
    assert any(record["event"] == "stop" and "hosts are fine" in record["detail"] for record in records)


def test_selectors_choose_and_warnings_are_fine(ward: Ward) -> None:
    done = doctor(ward.inventory, ward.folder, "good-[1-2]", "--output", "text", "box", "early", FORCE_COLOR="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "\x1b[1mearly\x1b[0m: \x1b[33mwarn\x1b[0m"
    assert lines[-2] == "\x1b[1mbox,good-[1-2]\x1b[0m: \x1b[32mok\x1b[0m"
    assert lines[-1] == "4 of 4 hosts are fine, 1 of them with a warning"


def test_hundreds_of_hosts_are_one_table(ward: Ward) -> None:
    data = yaml.safe_load(ward.inventory.read_text())
    entries = [data["hosts"][f"good-{number}"] for number in (1, 2, 3)]
    hosts = {f"web-{number}": dict(entries[number % 3]) for number in range(1, 102)}
    data["hosts"] = hosts | {name: dict(data["hosts"]["closed"]) for name in ("web-7", "web-70")}
    data["sources"] = {"app": {"hosts": "@*", "path": data["sources"]["of-good-1"]["path"]}}
    many = ward.folder / "many.yaml"
    many.write_text(yaml.safe_dump(data))
    done = doctor(many, ward.folder)
    assert done.returncode == 69, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "web-[7,70]: fail"
    assert "connection refused by HOST" in lines[1]
    assert lines[-2:] == ["web-[1-6,8-69,71-101]: ok", "99 of 101 hosts are fine"]


def test_interrupt_prints_what_is_known(ward: Ward) -> None:
    data = yaml.safe_load(ward.inventory.read_text())
    data["hosts"]["deaf"]["ssh"]["connect_timeout"] = "60s"
    patient = ward.folder / "patient.yaml"
    patient.write_text(yaml.safe_dump(data))
    arguments = [*command(), "doctor", "good-1", "deaf", "--inventory", str(patient), "--output", "json"]
    state = ward.folder / "interrupted"
    good = ward.fleet.hosts["good-1"]

    def over() -> int:
        return sum("Disconnected from user" in line for line in good.lines_logged())

    before = over()
    with (state.with_suffix(".out")).open("wb") as out:
        process = subprocess.Popen(arguments, stdout=out, env=environment(XDG_STATE_HOME=str(state)))
        wait_until(lambda: over() > before, "the good host to have been looked at")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    assert [report["host"] for report in json.loads(state.with_suffix(".out").read_text())] == ["good-1"]


def test_terminal_sees_how_far_it_has_come(ward: Ward) -> None:
    """On standard error, and in colour; then the line is empty again."""
    ours, theirs = pty.openpty()
    arguments = [*command(), "doctor", "good-1", "deaf", "--inventory", str(ward.inventory)]
    kept = environment(XDG_STATE_HOME=str(ward.folder / "pty"), TERM="xterm")
    process = subprocess.Popen(arguments, stdout=theirs, stderr=theirs, env=kept)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # its end, as Linux tells it
        while data := os.read(ours, 4096):
            shown += data
    os.close(ours)
    assert process.wait(PATIENCE_S) == 69
    progress, _, rest = shown.decode().rpartition("\r\x1b[K")
    assert "░ 1 of 2 hosts" in progress
    assert rest.startswith("\x1b[1mdeaf\x1b[0m: \x1b[31mfail\x1b[0m\r\n")
    assert rest.endswith("1 of 2 hosts are fine\r\n")


def test_commands_do_what_they_say(ward: Ward) -> None:
    """All that are for this machine, and those for rights but the one for a group, which would change this machine."""
    rights = ("secret", "folder", "some", "unlisted", "rotated") if ROOT else ()
    keys = ("unknown", "changed", "authority")
    for name in (*rights, *keys, "stranger"):
        fix = ward.trouble(name)["fix"].replace(f"~{ward.fleet.user}/.ssh/", f"{ward.fleet.folder}/")
        assert fix.startswith(("setfacl -m u:nobody:", "echo '", "ssh-keygen -f "))
        subprocess.run(["sh", "-c", fix], check=True, capture_output=True)
    done = doctor(ward.inventory, ward.folder, ",".join((*rights, *keys, "behind", "stranger")))
    assert done.returncode == 0, done.stdout
    assert "warn" not in done.stdout
