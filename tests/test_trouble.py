"""Each row of the table cause → words → next step, provoked over a real sshd, as the API and a stream show it."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from engine import running
from faults import TcpProxy, blackhole
from fleet import LOOPBACK, Fleet, free_port

from aggregator.remote.trouble import TABLE

Entry = dict[str, Any]


@dataclass
class Provoked:
    """A trouble on host `a`: what makes it, and what people then read; `state` is of the file."""

    cause: str
    state: str
    words: str
    step: str
    host_state: str = ""
    entry: Entry = field(default_factory=dict)
    path: str = "/var/log/app.log"


async def check(fleet: Fleet, folder: Path, wanted: Provoked) -> None:
    """Watch the file of host `a` and compare notice, `/api/v1/hosts` and `/api/v1/sources` with what is wanted."""
    sources = {"app": {"hosts": "a", "path": wanted.path}}
    inventory = fleet.inventory(sources, hosts={"a": wanted.entry})
    async with running(inventory, folder) as engine, engine.watch("a") as view:
        notice = await view.until_notice(wanted.state, wanted.words)
        (shown,) = await engine.files("app")
        host = await engine.host("a")
    retry = wanted.state == "waiting"
    if wanted.cause != "jump-failed":  # which depends on what ails the jump host
        assert TABLE[wanted.cause].retry == retry
    assert (shown["state"], host["state"]) == (wanted.state, wanted.host_state or wanted.state)
    for error in (shown["error"], host["error"]):
        assert wanted.words in error
        assert wanted.step in error
    if retry:
        assert "next attempt in " in notice["detail"] or wanted.host_state == "live"
    else:
        assert wanted.step in notice["detail"]
    assert (notice["host"], notice["source"]) == ("a", "app")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that users without rights can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def weak_shell() -> str | None:
    """A login shell for a host user without rights: as root another user's, else our own."""
    return "setpriv --reuid 65534 --regid 65534 --clear-groups sh" if os.getuid() == 0 else None


async def test_unknown_host_key(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    empty = tmp_path / "known_hosts"
    empty.write_text("")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "unknown-host-key",
            "failed",
            "is not in known_hosts (it offered ssh-ed25519 SHA256:",
            f"compare the fingerprint on the host itself, then add its key to {empty}",
            entry={"ssh": {"known_hosts": [str(empty)]}},
        ),
    )


async def test_changed_host_key(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    assert fleet.known_hosts.read_text()
    host.stop()
    host.change_key()
    host.start()
    await check(
        fleet,
        tmp_path,
        Provoked("changed-host-key", "failed", f"{LOOPBACK}:{host.port} has changed", "or someone in between"),
    )


async def test_revoked_host_key(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    known = tmp_path / "known_hosts"
    _, key = fleet.known_hosts.read_text().split(" ", 1)
    known.write_text(f"{fleet.known_hosts.read_text()}@revoked * {key}")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "revoked-host-key",
            "failed",
            f"the host key of {LOOPBACK}:{host.port} is marked as revoked in known_hosts",
            "give the host a new key",
            entry={"ssh": {"known_hosts": [str(known)]}},
        ),
    )


async def test_host_certificate_for_another_name(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", certified=True)
    known = tmp_path / "known_hosts"
    known.write_text(fleet.known_hosts.read_text().replace(LOOPBACK, "localhost"))
    await check(
        fleet,
        tmp_path,
        Provoked(
            "bad-host-certificate",
            "failed",
            f"the host certificate of localhost:{host.port} can't be accepted",
            "have it renewed by the authority",
            entry={"address": "localhost", "ssh": {"known_hosts": [str(known)]}},
        ),
    )


async def test_permission_denied(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", options={"AuthorizedKeysFile": "none"})
    await check(
        fleet,
        tmp_path,
        Provoked(
            "permission-denied",
            "failed",
            f"permission denied for {fleet.user}@{LOOPBACK}:{host.port}",
            f"~{fleet.user}/.ssh/authorized_keys",
        ),
    )


async def test_unusable_identity(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    missing = tmp_path / "id_gone"
    await check(
        fleet,
        tmp_path,
        Provoked(
            "bad-identity",
            "failed",
            f"No such file or directory: {missing}",
            "name another under ssh:",
            entry={"ssh": {"identity_files": [str(missing)]}},
        ),
    )


async def test_connection_refused(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    host.stop()
    await check(
        fleet,
        tmp_path,
        Provoked("refused", "waiting", f"connection refused by {LOOPBACK}:{host.chosen_port}", "see whether sshd runs"),
    )


async def test_time_out_while_connecting(fleet: Fleet, tmp_path: Path) -> None:
    async with blackhole() as port:
        fleet.add("a").reached_at = port
        await check(
            fleet,
            tmp_path,
            Provoked(
                "timeout",
                "waiting",
                f"no answer from {LOOPBACK}:{port} within 0.3 s",
                "a firewall",
                entry={"ssh": {"connect_timeout": "0.3s"}},
            ),
        )


async def test_time_out_of_a_host_that_takes_connections_and_is_silent(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    async with TcpProxy(host.port) as proxy:
        host.reached_at = proxy.port
        proxy.blackhole()
        await check(
            fleet,
            tmp_path,
            Provoked(
                "timeout",
                "waiting",
                "within 0.3 s",
                "see whether the host is up",
                entry={"ssh": {"connect_timeout": "0.3s"}},
            ),
        )


async def test_name_not_found(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "name-not-found",
            "waiting",
            "the name no-such-host.invalid was not found",
            "check the spelling",
            entry={"address": "no-such-host.invalid"},
        ),
    )


async def test_unreachable_network(fleet: Fleet, tmp_path: Path) -> None:
    """Linux refuses to connect to a broadcast address, as it does where there is no route."""
    fleet.add("a")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "unreachable",
            "waiting",
            "255.255.255.255",
            "check the network between here and there",
            entry={"address": "255.255.255.255"},
        ),
    )


async def test_something_else_than_ssh(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    async with speaking(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as port:
        await check(
            fleet,
            tmp_path,
            Provoked(
                "protocol",
                "waiting",
                f"{LOOPBACK}:{port} does not speak SSH as expected",
                "check address and port",
                entry={"ssh": {"port": port}},
            ),
        )


@asynccontextmanager
async def speaking(words: bytes) -> AsyncIterator[int]:
    """A TCP port that says something to whoever connects, and hangs up."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await reader.read(64)
        writer.close()

    async with await asyncio.start_server(say, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_no_such_file(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    path = str(host.root / "gone.log")
    await check(
        fleet,
        tmp_path,
        Provoked("no-file", "failed", f"no such file: {path}", "check the path", host_state="live", path=path),
    )


async def test_pattern_without_a_match(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    path = f"{host.root}/*.log"
    await check(
        fleet,
        tmp_path,
        Provoked("no-match", "failed", f"no file matches {path}", "check the pattern", host_state="live", path=path),
    )


async def test_unreadable_file_names_the_line_that_helps(fleet: Fleet, tmp_path: Path, public: Path) -> None:
    fleet.add("a", shell=weak_shell())
    log = public / "app.log"
    log.write_text("secret\n")
    log.chmod(0o000)
    user = "nobody" if os.getuid() == 0 else fleet.user
    await check(
        fleet,
        tmp_path,
        Provoked(
            "not-readable",
            "failed",
            f"{log} is not readable for {user}",
            f"group adm or an ACL: setfacl -m u:{user}:r {log}",
            host_state="live",
            path=str(log),
        ),
    )


@pytest.mark.parametrize("name", ["app.log", "*.log"])
async def test_unreadable_folder_names_the_line_that_helps(
    fleet: Fleet, tmp_path: Path, public: Path, name: str
) -> None:
    fleet.add("a", shell=weak_shell())
    folder = public / "private"
    folder.mkdir()
    (folder / "app.log").write_text("secret\n")
    folder.chmod(0o000)
    user = "nobody" if os.getuid() == 0 else fleet.user
    await check(
        fleet,
        tmp_path,
        Provoked(
            "not-readable",
            "failed",
            f"is not readable for {user}",
            f"setfacl -m u:{user}:rx {folder}",
            host_state="live",
            path=f"{folder}/{name}",
        ),
    )
    folder.chmod(0o700)


async def test_folder_is_not_a_regular_file(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    path = str(host.root)
    await check(
        fleet,
        tmp_path,
        Provoked(
            "not-regular",
            "failed",
            f"{path} is not a regular file (it is a folder)",
            f"a pattern such as {path}/*.log",
            host_state="live",
            path=path,
        ),
    )


async def test_fifo_is_not_waited_for(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    path = host.root / "fifo"
    os.mkfifo(path)
    words = f"{path} is not a regular file (a device, FIFO or socket)"
    await check(
        fleet,
        tmp_path,
        Provoked("not-regular", "failed", words, "name a log file", host_state="live", path=str(path)),
    )


async def test_device_is_not_read(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    words = "/dev/zero is not a regular file (a device, FIFO or socket)"
    await check(
        fleet,
        tmp_path,
        Provoked("not-regular", "failed", words, "name a log file", host_state="live", path="/dev/zero"),
    )


async def test_journal_can_not_be_followed_yet(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    inventory = fleet.inventory({"app": {"hosts": "a", "journal": "ssh.service"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        notice = await view.until_notice("failed")
    assert (
        notice["detail"]
        == str(TABLE["journal"].words.format(path="journal:ssh.service")) + "; " + TABLE["journal"].step
    )


async def test_too_many_sessions(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", options={"MaxSessions": "1"})
    for name in "123456":
        (host.root / f"{name}.log").write_text(f"{name}\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{host.root}/?.log"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        notice = await view.until_notice("waiting", "takes no more sessions")
        await view.until_all(lambda: len(view.texts) == 3)  # one session of four connections is kept for commands
        troubles: list[str] = []
        while len(troubles) < 3:
            troubles = [file["error"] for file in await engine.files("app") if file["state"] == "waiting"]
    assert all("raise MaxSessions in its sshd_config, or watch fewer files of it" in words for words in troubles)
    assert notice["path"].endswith(".log")


async def test_host_without_sessions(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", options={"MaxSessions": "0"})
    words = f"{LOOPBACK}:{host.port} takes no more sessions"
    await check(fleet, tmp_path, Provoked("too-many-sessions", "waiting", words, "raise MaxSessions"))


async def test_more_files_than_can_be_followed(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    for number in range(25):
        (host.root / f"{number:02}.log").write_text("x\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{host.root}/*.log"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        notice = await view.until_notice("failed", "more files than the 24")
        await view.until_all(lambda: len(view.texts) == 24)
    assert TABLE["too-many-files"].step in notice["detail"]
    assert notice["path"].startswith(str(host.root))


async def test_no_tail_on_the_host(fleet: Fleet, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("date", "id", "sh", "head", "od", "tr", "stat"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    fleet.add("a", path=tools)
    await check(fleet, tmp_path, Provoked("no-tail", "failed", "there is no tail on a", "install coreutils or BusyBox"))


@pytest.mark.parametrize(
    ("shell", "detail"),
    [
        ("/bin/false", "exit status 1"),
        ("/usr/sbin/nologin", "This account is currently not available."),
        ("/no/such/shell", "/no/such/shell"),
        ("/bin/true", "exit status 0"),
    ],
)
async def test_no_shell(fleet: Fleet, tmp_path: Path, shell: str, detail: str) -> None:
    fleet.add("a", options={"ForceCommand": shell})
    await check(fleet, tmp_path, Provoked("no-shell", "failed", detail, "the user needs a shell that runs `sh -c`"))


async def test_command_that_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a", options={"ForceCommand": "kill -KILL $$"})
    await check(fleet, tmp_path, Provoked("remote-error", "waiting", "killed by a signal", "look at the host"))


async def test_lost_connection_is_told_and_comes_back(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    log = host.root / "app.log"
    log.write_text("one\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": str(log)}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        await view.until_text("one")
        host.kill_connections()
        notice = await view.until_notice("waiting")
        assert (await engine.host("a"))["state"] == "waiting"
        assert "the connection to a was lost; next attempt in" in notice["detail"]
        await view.until_notice("live", "connected again")
        with log.open("a") as out:
            out.write("two\n")
        await view.until_text("two")
    assert view.texts == ["one", "two"]


async def test_unknown_key_of_the_jump_host(fleet: Fleet, tmp_path: Path) -> None:
    jump, _ = fleet.add("jump"), fleet.add("a")
    known = tmp_path / "known_hosts"
    known.write_text("\n".join(fleet.hosts["a"].known_hosts_lines().values()))
    await check(
        fleet,
        tmp_path,
        Provoked(
            "jump-failed",
            "failed",
            f"the jump host {LOOPBACK}:{jump.port} failed: the host key of {LOOPBACK}:{jump.port} is not in",
            f"add its key to {known}",
            entry={"jump": f"{LOOPBACK}:{jump.port}", "ssh": {"known_hosts": [str(known)]}},
        ),
    )


async def test_jump_host_that_refuses_connections(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    port = free_port()
    await check(
        fleet,
        tmp_path,
        Provoked(
            "jump-failed",
            "waiting",
            f"the jump host {LOOPBACK}:{port} failed: connection refused by {LOOPBACK}:{port}",
            "see whether sshd runs there",
            entry={"jump": f"{LOOPBACK}:{port}"},
        ),
    )


async def test_jump_host_that_forwards_nothing(fleet: Fleet, tmp_path: Path) -> None:
    jump = fleet.add("jump", options={"AllowTcpForwarding": "no"})
    fleet.add("a")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "jump-failed",
            "waiting",
            f"the jump host {LOOPBACK}:{jump.port} failed: it does not forward connections",
            "allow it in its sshd_config: AllowTcpForwarding",
            entry={"jump": f"{LOOPBACK}:{jump.port}"},
        ),
    )


async def test_host_behind_a_jump_host_that_refuses(fleet: Fleet, tmp_path: Path) -> None:
    jump, host = fleet.add("jump"), fleet.add("a")
    host.stop()
    await check(
        fleet,
        tmp_path,
        Provoked(
            "refused",
            "waiting",
            f"connection refused by {LOOPBACK}:{host.chosen_port}",
            "see whether sshd runs there",
            entry={"jump": f"{LOOPBACK}:{jump.port}"},
        ),
    )


async def test_host_behind_a_jump_host_whose_name_is_not_known(fleet: Fleet, tmp_path: Path) -> None:
    jump = fleet.add("jump")
    fleet.add("a")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "name-not-found",
            "waiting",
            "the name no-such-host.invalid was not found",
            "check the spelling",
            entry={"address": "no-such-host.invalid", "jump": f"{LOOPBACK}:{jump.port}"},
        ),
    )


async def test_no_gate_where_one_should_be(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    await check(
        fleet,
        tmp_path,
        Provoked(
            "no-gate",
            "failed",
            "no gate answers on a (ssh.gate is true)",
            "install the script that `tailon-agg gate` prints",
            entry={"ssh": {"gate": True}},
        ),
    )


async def test_gate_that_the_inventory_does_not_know_of(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a", gate=[tmp_path])
    await check(
        fleet,
        tmp_path,
        Provoked(
            "gated",
            "failed",
            "a gate limits the key on a, and the inventory does not say so",
            "say ssh.gate: true for this host",
            entry={"ssh": {"gate": False}},
        ),
    )


async def test_file_outside_of_the_gate(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a", gate=[tmp_path])
    await check(
        fleet,
        tmp_path,
        Provoked(
            "outside-gate",
            "failed",
            "/var/log/app.log is not below a folder that the gate on a lets the key read",
            "tailon-agg gate --authorized-keys a",
            host_state="live",
        ),
    )


async def test_gate_whose_folders_are_not_there(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a", gate=[tmp_path / "none"])
    await check(
        fleet,
        tmp_path,
        Provoked(
            "gate-refused",
            "failed",
            "the gate on a refuses what is asked of it (no-folder)",
            "prints the script of this version",
        ),
    )


def test_each_row_of_the_table_is_provoked() -> None:
    folder = Path(__file__).parent
    provoked = set(re.findall(r'Provoked\(\s*"([a-z-]+)"', (folder / "test_trouble.py").read_text()))
    others = {
        "lost": test_lost_connection_is_told_and_comes_back,
        "journal": test_journal_can_not_be_followed_yet,
        "too-many-files": test_more_files_than_can_be_followed,
    }
    elsewhere = [
        cause
        for name in ("test_commands.py", "test_scan.py", "test_real_path.py")
        for cause in re.findall(r"cause == \"([a-z-]+)\"", (folder / name).read_text())
    ]
    assert provoked | others.keys() | set(elsewhere) == TABLE.keys()


def test_document_says_the_same_as_the_table() -> None:
    text = (Path(__file__).parents[1] / "docs" / "troubles.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{cause}` | {row.words} | {row.step} | {'waiting' if row.retry else 'failed'} |"
        for cause, row in TABLE.items()
    ]
