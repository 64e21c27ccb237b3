"""Hosts behind a gate answer like hosts without one; whoever has the key and nothing else gets nothing else."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fleet import LOOPBACK, Fleet, FleetHost, free_port
from fleethost import wait_for
from product import PATIENCE_S, Product, command, environment, texts_of, wait_until

from aggregator.remote import commands
from aggregator.remote.gate import gate_script

PAIRS = {"openssh": ("open-1", "gated-1"), "busybox": ("open-2", "gated-2")}
START = int(time.time()) - 7200
PLACE = "/usr/local/bin/tailon-agg-gate"


def line(number: int) -> str:
    stamp = datetime.fromtimestamp(START + number, UTC).isoformat().replace("+00:00", "Z")
    return f"{stamp} {'ERROR' if number % 7 == 0 else 'INFO'} order {number} {'needle' if number % 10 == 0 else ''}"


def text(first: int, last: int) -> str:
    return "".join(f"{line(number)}\n" for number in range(first, last))


@dataclass
class Twins:
    """Pairs of hosts with the same files, one of each behind a gate, and a product that reads both."""

    fleet: Fleet
    product: Product
    logs: dict[str, list[Path]] = field(default_factory=dict)

    def both(self, kind: str, ask: str, **asked: Any) -> tuple[Any, Any]:
        """Answers of the host without and of the one with a gate, without what tells one host from another."""
        return tuple(self._plain(host, self.product.get(ask, hosts=host, **asked).body) for host in PAIRS[kind])  # type: ignore[return-value]

    def page(self, host: str, **asked: Any) -> dict[str, Any]:
        answer = self.product.get("/api/v1/lines", hosts=host, **asked)
        assert answer.status == 200, answer.text
        return dict(answer.json())

    def _plain(self, host: str, body: bytes) -> Any:
        try:
            found = json.loads(body)
        except ValueError:
            return body.replace(host.encode(), b"HOST")
        return _plain(found, host)


def _plain(found: Any, host: str) -> Any:
    """Without positions (they hold inodes), cursors and what was measured."""
    if isinstance(found, dict):
        left_out = ("position", "cursor", "first", "last", "elapsed_ms")
        return {key.replace(host, "HOST"): _plain(value, host) for key, value in found.items() if key not in left_out}
    if isinstance(found, list):
        return [_plain(one, host) for one in found]
    return found.replace(host, "HOST") if isinstance(found, str) else found


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder = tmp_path_factory.mktemp("gate")
    with Fleet(folder) as fleet:
        roots = fleet.folder / "roots"
        busy = fleet.busybox()
        fleet.add("open-1")
        fleet.add("gated-1", gate=[roots / "gated-1"])
        fleet.add("open-2", server="dropbear", shell="busybox ash", path=busy)
        fleet.add("gated-2", server="dropbear", shell="busybox ash", path=busy, gate=[roots / "gated-2"])
        for host in fleet.hosts.values():
            for name, data, age in (
                ("app.log.2.gz", gzip.compress(text(0, 40).encode(), mtime=0), 40),
                ("app.log.1", text(40, 80).encode(), 80),
                ("app.log", text(80, 100).encode(), 100),
                ("other.log", text(0, 30).encode(), 30),
            ):
                (host.root / name).write_bytes(data)
                os.utime(host.root / name, (START + age, START + age))
        names = ("app", "other", "live")
        sources = {name: {"hosts": "@*", "path": f"{roots}/${{host}}/{name}.log"} for name in names}
        sources["all"] = {"hosts": "@*", "path": f"{roots}/${{host}}/*.log"}
        with Product(fleet.inventory(sources), folder) as product:
            yield Twins(fleet, product)


@pytest.fixture(params=PAIRS, ids=str)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("ask", "asked"),
    [
        ("/api/v1/lines", {"source": "app", "limit": 200}),
        ("/api/v1/lines", {"source": "app", "grep": "needle"}),
        ("/api/v1/lines", {"source": "app", "grep": "order [0-9]*5", "regex": 1}),
        ("/api/v1/lines", {"source": "all", "limit": 7}),
        ("/api/v1/histogram", {"source": "app", "since": START, "until": START + 100}),
        ("/api/v1/download", {"source": "app"}),
        ("/api/v1/stream", {"source": "all", "follow": 0, "lines": 15, "format": "text"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "-".join(map(str, one))[:30],
)
def test_an_answer_through_the_gate_is_the_same(twins: Twins, kind: str, ask: str, asked: Mapping[str, Any]) -> None:
    if "since" in asked:
        asked = {**asked, **{key: datetime.fromtimestamp(asked[key], UTC).isoformat() for key in ("since", "until")}}
    without, with_gate = twins.both(kind, ask, **asked)
    assert with_gate == without
    assert "order" in str(without) or "count" in str(without)


def test_pages_and_context_and_resume_go_through_the_gate(twins: Twins, kind: str) -> None:
    _, host = PAIRS[kind]
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = twins.page(host, source="app", limit=13, **cursor)
        assert page["complete"] or page["cursor"]
        seen = [one["text"] for one in page["lines"]] + seen
        if not page["cursor"]:
            break
        cursor = {"cursor": page["cursor"]}
    assert seen == text(0, 100).splitlines()
    (found,) = twins.page(host, source="app", grep="order 41 ")["lines"]
    around = twins.product.get("/api/v1/context", position=found["position"], before=5, after=5).json()
    assert texts_of(around["lines"]) == text(36, 47).splitlines()
    after = twins.product.once(source="app", hosts=host, after=found["position"])
    assert texts_of(after) == text(42, 100).splitlines()


def test_a_live_view_and_rotation_go_through_the_gate(twins: Twins, kind: str) -> None:
    _, host = PAIRS[kind]
    path = twins.fleet.hosts[host].root / "live.log"
    path.write_text("1\n2\n")
    with twins.product.stream(source="live", hosts=host, lines=10) as view:
        view.wait_live()
        for number in range(3, 9, 2):
            with path.open("a") as log:
                log.write(f"{number}\n")
            view.wait_text(str(number))
            path.rename(path.with_suffix(f".log.{number}"))
            path.write_text(f"{number + 1}\n")
            view.wait_text(str(number + 1))
        assert view.texts() == [str(number) for number in range(1, 9)]
    wait_until(lambda: not [one for one in twins.fleet.hosts[host].processes() if "follow" in one], "the follows' end")


# ---- the bare key, with the plain client


@dataclass
class Bare:
    """A host whose authorized_keys has the line that we print, and a fake `logger` that writes to a file."""

    fleet: Fleet
    host: FleetHost
    folder: Path

    def ssh(self, *words: str, **extra: str) -> subprocess.CompletedProcess[bytes]:
        """`ssh OPTIONS… HOST COMMAND…`: what comes after "--" is the command."""
        at = words.index("--") if "--" in words else len(words)
        *start, target = self.fleet.ssh_arguments(self.host)
        return self.run(*start, *words[:at], target, *words[at + 1 :], **extra)

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, env={**os.environ, **extra}
        )

    def settings(self) -> list[str]:
        """The words of `ssh_arguments` that sftp and scp take as well."""
        words = self.fleet.ssh_arguments(self.host)
        return words[1 : words.index("-p")]

    def logged(self) -> list[str]:
        return (self.folder / "syslog").read_text().splitlines()

    @property
    def client(self) -> str:
        return f"{self.fleet.user} from {LOOPBACK}: "


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    folder = tmp_path_factory.mktemp("bare")
    tools, gate, keys = folder / "tools", folder / "gate", folder / "keys"
    tools.mkdir()
    (folder / "syslog").touch()
    (tools / "logger").write_text(
        f'#!/bin/sh\nprintf "%s [agent=%s display=%s]\\n" "$*" "$SSH_AUTH_SOCK" "$DISPLAY" >>{folder}/syslog\n'
    )
    (tools / "logger").chmod(0o755)
    gate.write_text(gate_script().replace("PATH=/usr/bin:/bin;", f"PATH={tools}:/usr/bin:/bin;"))
    gate.chmod(0o755)
    with Fleet(folder) as fleet:
        options = {
            "AuthorizedKeysFile": str(keys),
            "Subsystem": "sftp internal-sftp",
            "AcceptEnv": "*",
            "X11Forwarding": "yes",
            "AllowAgentForwarding": "yes",
            "PermitUserEnvironment": "yes",
            "GatewayPorts": "yes",
        }
        host = fleet.add("web-1", options=options)
        (host.root / "app.log").write_text("a line of the log\n")
        inventory = fleet.inventory({"app": {"hosts": "@*", "path": str(host.root / "app.log")}})
        asked = [*command(), "gate", "--authorized-keys", "web-1", "--inventory", str(inventory)]
        done = subprocess.run(asked, capture_output=True, text=True, env=environment(), cwd=folder, timeout=60)
        assert (done.returncode, PLACE in done.stdout) == (0, True), done.stderr
        keys.write_text(done.stdout.replace(PLACE, str(gate)))
        (folder / "secret").write_text("canary\n")
        yield Bare(fleet, host, folder)


def test_the_line_that_we_print_lets_the_key_read_its_logs(bare: Bare) -> None:
    path = str(bare.host.root / "app.log")
    for request, what in (
        (commands.probe(), "probe "),
        (commands.read(path, 0, 99), f"read {path}"),
        (commands.timeline(path, 9, 0, []), f"timeline {path}"),
        (commands.listing(f"{bare.host.root}/*", 9), f"list {bare.host.root}/*"),
    ):
        done = bare.ssh("--", request.request)
        assert done.returncode == 0, done
        assert bare.logged()[-1].startswith(f"-t tailon-agg-gate -p authpriv.info -- {bare.client}{what} [")
    assert bare.ssh("--", commands.read(path, 0, 99).request).stdout.endswith(b"\na line of the log\n")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("id", "version"),
        ("id; cat app.log", "characters"),
        ("", "version"),
        ("sh", "version"),
        ("/bin/sh -i", "characters"),
        ("scp -f app.log", "characters"),
        ("scp -t /tmp", "characters"),
        ("rsync --server --sender -vlogDtpre.iLsfxCIvu . /", "characters"),
        ("rsync --server -vlogDtpre.iLsfxCIvu . /tmp", "characters"),
        ("internal-sftp", "characters"),
        ("v1 sh", "verb"),
        ("v2 probe", "version"),
        ("v1 probe 1", "argument"),
        ("v1 probe n0", "argument"),
        (commands.search("/x", 0, None, "plain", "grep", "a").request.replace("524288", "9999999"), "number"),
        ("v1 read \\0057 0 9 plain", "folder"),
        (commands.read("/etc/passwd", 0, 99).request, "folder"),
        (commands.doctor(["/etc"], 9).request, "verb"),
        ("v1 probe\n\x1b[2Jid", "characters"),
        (str(commands.probe()), "characters"),
    ],
    ids=lambda one: one.split(" ")[0][:20] if isinstance(one, str) else "",
)
def test_any_other_command_is_refused_and_logged(bare: Bare, asked: str, why: str) -> None:
    before = len(bare.logged())
    done = bare.ssh("--", asked) if asked else bare.ssh()
    assert (done.returncode, done.stdout) == (77, f"\ntailon-agg\nE gate-refused {why}\n".encode())
    (logged,) = bare.logged()[before:]
    said = "".join(char if " " <= char <= "~" else "?" for char in asked)[:300]
    assert logged == f"-t tailon-agg-gate -p authpriv.notice -- {bare.client}refused, {why}: {said} [agent= display=]"


def test_a_terminal_is_refused(bare: Bare) -> None:
    done = bare.ssh("-tt")
    assert (done.returncode, done.stdout) == (255, b"")
    assert b"PTY allocation request failed" in done.stderr


@pytest.mark.parametrize("way", ["sftp", "scp -O from", "scp -O to", "scp from", "scp to"])
def test_files_are_neither_fetched_nor_put(bare: Bare, way: str) -> None:
    before = len(bare.logged())
    here, there = bare.folder / "here", bare.folder / "there"
    target = f"{bare.fleet.user}@{LOOPBACK}"
    port = ["-P", str(bare.host.port)]
    if way == "sftp":
        done = bare.run("sftp", *bare.settings(), *port, "-b", "/dev/null", target)
    else:
        old = ["-O"] if "-O" in way else []
        pair = [f"{target}:{bare.folder}/secret", str(here)]
        if way.endswith("to"):
            pair = [str(bare.folder / "secret"), f"{target}:{there}"]
        done = bare.run("scp", *old, *bare.settings(), *port, *pair)
    assert done.returncode != 0
    assert not here.exists()
    assert not there.exists()
    assert [one for one in bare.logged()[before:] if "refused" in one]


def test_no_other_subsystem_is_there(bare: Bare) -> None:
    done = bare.ssh("-s", "--", "netconf")
    assert (done.returncode, done.stdout) == (255, b"")


@pytest.mark.parametrize("option", ["-L", "-D"])
def test_no_port_is_forwarded_from_here(bare: Bare, option: str) -> None:
    port = free_port()
    *start, target = bare.fleet.ssh_arguments(bare.host)
    where = f"{LOOPBACK}:{port}" + (f":{LOOPBACK}:{bare.host.port}" if option == "-L" else "")
    client = subprocess.Popen([*start, "-N", option, where, target], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: _listens(port), "the client to listen", PATIENCE_S)
        with closing(socket.create_connection((LOOPBACK, port), PATIENCE_S)) as way:
            if option == "-D":
                way.sendall(b"\x04\x01" + bare.host.port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + b"\0")
            heard = way.recv(100)
        assert b"SSH-2.0" not in heard
        assert heard[:2] != b"\x00\x5a"  # SOCKS 4: granted
    finally:
        client.kill()
        client.communicate()
    assert [one for one in bare.host.lines_logged() if "refused local port forward" in one]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def test_no_port_is_forwarded_from_there(bare: Bare) -> None:
    done = bare.ssh("-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{free_port()}:{LOOPBACK}:{bare.host.port}")
    assert (done.returncode, b"remote port forwarding failed" in done.stderr) == (255, True)
    done = bare.ssh("-W", f"{LOOPBACK}:{bare.host.port}")
    assert (done.returncode, b"administratively prohibited" in done.stderr) == (255, True)


def test_neither_agent_nor_display_is_forwarded(bare: Bare) -> None:
    agent = bare.folder / "agent"
    keeper = subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL)
    try:
        wait_for(agent.exists, "the agent", PATIENCE_S)
        asked = ("-Y", "-A", "-o", "XAuthLocation=/nowhere", "--", commands.probe().request)
        done = bare.ssh(*asked, SSH_AUTH_SOCK=str(agent), DISPLAY=":7")
    finally:
        keeper.kill()
        keeper.wait()
    assert done.returncode == 0
    assert b"X11 forwarding request failed" in done.stderr
    assert bare.logged()[-1].endswith("probe  [agent= display=]")


def test_the_environment_changes_nothing(bare: Bare) -> None:
    """Also where the host is so careless as to accept all of it."""
    trap = bare.folder / "trap"
    trap.mkdir()
    for name in ("tail", "stat", "logger", "readlink", "printf", "head", "dd"):
        (trap / name).write_text(f"#!/bin/sh\ntouch {trap}/sprung\n")
        (trap / name).chmod(0o755)
    (trap / "rc").write_text(f"touch {trap}/sprung\n")
    path = str(bare.host.root / "app.log")
    given = {
        **{"PATH": str(trap), "ENV": str(trap / "rc"), "IFS": "0", "CDPATH": str(trap), "LC_ALL": "tr_TR.UTF-8"},
        **{"SSH_ORIGINAL_COMMAND": "id", "OLDPWD": "/etc", "PWD": "/etc", "roots": "/", "nl": "/", "request": "x"},
        **{"dog": "1", "c": "/etc/passwd", "f": "/etc/passwd", "TMPDIR": "/x", "POSIXLY_CORRECT": "1"},
    }
    words = " ".join(f"{name}={value}" for name, value in given.items())
    for allowed in (True, False):
        asked = path if allowed else str(bare.folder / "secret")
        done = bare.ssh("-o", f"SetEnv={words}", "--", commands.read(asked, 0, 99).request)
        assert (b"a line of the log" in done.stdout) is allowed, done
        assert b"canary" not in done.stdout
    assert not (trap / "sprung").exists()


def test_a_key_from_elsewhere_is_not_let_in(bare: Bare) -> None:
    keys = bare.folder / "keys"
    kept = keys.read_text()
    assert f'from="{LOOPBACK}"' in kept
    try:
        keys.write_text(kept.replace(f'from="{LOOPBACK}"', 'from="192.0.2.1"'))
        done = bare.ssh("--", commands.probe().request)
    finally:
        keys.write_text(kept)
    assert (done.returncode, done.stdout) == (255, b"")


def test_a_certificate_with_force_command_does_the_same(bare: Bare, tmp_path: Path) -> None:
    """force-command and source-address, the critical options of ssh-keygen(1), instead of a line of authorized_keys."""
    keygen = shutil.which("ssh-keygen")
    assert keygen
    for name in ("ca", "key"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    gate = shlex.join([str(bare.folder / "gate"), str(bare.host.root)])
    path = str(bare.host.root / "app.log")
    with Fleet(tmp_path) as fleet:
        host = fleet.add("web-1", options={"TrustedUserCAKeys": str(tmp_path / "ca.pub"), "AuthorizedKeysFile": "none"})
        heard = {}
        for address in (LOOPBACK, "192.0.2.1"):
            options = ["clear", f"force-command={gate}", f"source-address={address}/32"]
            words = [word for option in options for word in ("-O", option)]
            signed = [keygen, "-q", "-s", str(tmp_path / "ca"), "-I", "logs", "-n", fleet.user, *words]
            subprocess.run([*signed, str(tmp_path / "key.pub")], check=True)
            for asked in (commands.read(path, 0, 99).request, "id"):
                heard[address, asked[:2]] = fleet.ssh(host, asked, identity=tmp_path / "key")
            if address == LOOPBACK:
                ssh = {"identity_files": [str(tmp_path / "key")], "gate": True}
                inventory = fleet.inventory({"app": {"hosts": "@*", "path": path}}, ssh=ssh)
                with Product(inventory, tmp_path) as product:
                    assert texts_of(product.once(source="app")) == ["a line of the log"]
    assert heard[LOOPBACK, "v1"].stdout.endswith(b"\na line of the log\n")
    assert heard[LOOPBACK, "id"].returncode == 77
    assert {heard["192.0.2.1", word].returncode for word in ("v1", "id")} == {255}
