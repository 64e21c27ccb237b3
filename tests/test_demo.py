"""The demo fleet: reachable with plain OpenSSH, no process and no folder left behind, logs as programs write them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import asyncssh
import processes
import pytest
import yaml

from aggregator import limits
from aggregator.demo.cluster import LOGS, cluster_of
from aggregator.demo.files import LogFile, LogFiles
from aggregator.demo.fleet import DemoFleet
from aggregator.demo.line import Line
from aggregator.demo.traffic import Traffic
from aggregator.errors import UsageError
from aggregator.inventory import load
from aggregator.inventory.paths import expand
from aggregator.remote import commands
from aggregator.stream.levels import level_of
from aggregator.stream.stamps import StampReader

START = 1_795_425_600.0  # a day in November 2026


async def _until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(10):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


def _ssh(fleet: DemoFleet, name: str) -> list[str]:
    options = {
        "UserKnownHostsFile": fleet.folder / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentityFile": fleet.folder / "id_ed25519",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
    }
    settings = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-F", "none", *settings, "-p", str(fleet.servers[name].port), "demo@127.0.0.1"]


async def _said(fleet: DemoFleet, name: str, command: str, told: bytes = b"") -> tuple[bytes, bytes, int | None]:
    client = await asyncio.create_subprocess_exec(
        *(*_ssh(fleet, name), command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(client.communicate(told), 30)
    return out, err, client.returncode


def _connect(fleet: DemoFleet, name: str) -> contextlib.AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
    return asyncssh.connect(
        "127.0.0.1",
        fleet.servers[name].port,
        username="demo",
        client_keys=[str(fleet.folder / "id_ed25519")],
        known_hosts=str(fleet.folder / "known_hosts"),
        config=None,
    )


async def _settled(path: Path) -> str:
    """The content once nothing has been written for 0.3 s."""
    content, looks = "", 0
    while looks < 30:
        await asyncio.sleep(0.01)
        now = _text(path)
        content, looks = (content, looks + 1) if now == content else (now, 0)
    return content


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _lines(path: str) -> int:
    return Path(path).read_text().count("\n")


def _running(mark: str) -> list[int]:
    return [pid for pid in processes.pids() if mark in " ".join(processes.arguments(pid))]


# --- Reaching the hosts


async def test_openssh_client_tails_a_log_and_follows_it() -> None:
    async with DemoFleet(hosts=3, rate=200) as fleet:
        log = fleet.folder / "web-1" / LOGS["nginx"][1]
        out, err, status = await _said(fleet, "web-1", f"tail -n 5 {log}")
        assert (len(out.splitlines()), err, status) == (5, b"", 0)
        async with _connect(fleet, "web-1") as connection:
            follower = await connection.create_process(f"tail -n 0 -f {log}", encoding=None)
            assert b'" rt=' in await asyncio.wait_for(follower.stdout.readline(), 10)


async def test_commands_have_stdin_stderr_and_an_exit_status() -> None:
    async with DemoFleet(hosts=1) as fleet:
        answer = await _said(fleet, "web-1", "cat; echo oops >&2; exit 7", b"fed\n")
        assert answer == (b"fed\n", b"oops\n", 7)
        assert await _said(fleet, "web-1", "kill -TERM $$") == (b"", b"", 143)


async def test_much_output_arrives_whole() -> None:
    async with DemoFleet(hosts=1) as fleet:
        out, _, _ = await _said(fleet, "web-1", "head -c 20000000 /dev/zero")
        assert len(out) == 20_000_000


async def test_slow_reader_holds_the_command_back() -> None:
    async with DemoFleet(hosts=1) as fleet, _connect(fleet, "web-1") as connection:
        script = "for n in 1 2 3 4 5 6 7 8; do head -c 8000000 /dev/zero; echo $n > progress; done"
        process = await connection.create_process(script, encoding=None)
        await process.stdout.readexactly(1)
        assert await _settled(fleet.folder / "web-1" / "progress") != "8\n"
        assert len(await asyncio.wait_for(process.stdout.read(), 30)) == 63_999_999


async def test_another_key_is_refused(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with DemoFleet(hosts=1) as fleet:
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1", fleet.servers["web-1"].port, client_keys=[key], known_hosts=None, config=None
            )


async def test_remote_command_follows_a_log_and_ends_with_its_connection() -> None:
    async with DemoFleet(hosts=1, rate=500) as fleet, _connect(fleet, "web-1") as connection:
        log = str(fleet.folder / "web-1" / LOGS["nginx"][1])
        follower = await connection.create_process(commands.follow(log, None, 2000, tail="gnu"), encoding=None)
        assert await asyncio.wait_for(follower.stdout.readuntil(b"\n" + commands.MARK), 10)
        assert (await asyncio.wait_for(follower.stdout.readline(), 10)).startswith(b"H ")
        assert len(await asyncio.wait_for(follower.stdout.readexactly(4000), 10)) == 4000
        parts = _running(log)
        connection.abort()
        await _until(lambda: not set(parts) & set(_running(log)), "the follower to end")
    assert parts


async def test_cut_connection_leaves_no_process() -> None:
    async with DemoFleet(hosts=1) as fleet:
        mark = f"mark{os.getpid()}"
        client = await asyncio.create_subprocess_exec(
            *(*_ssh(fleet, "web-1"), f": {mark}; trap '' TERM HUP; (sleep 1000 & wait) & wait"),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await _until(lambda: len(_running(f"-c : {mark}")) == 2, "the command and its child")
        parts = {below for pid in _running(f"-c : {mark}") for below in {pid} | processes.descendants(pid)}
        client.kill()
        await client.wait()
        await _until(lambda: not parts & {p for p in processes.pids() if processes.state(p)[0] != "Z"}, "the end")
        await _until(lambda: fleet.servers["web-1"].sessions == 0, "the session to end")


async def test_end_of_the_demo_leaves_no_process_and_no_folder() -> None:
    async with DemoFleet(hosts=2) as fleet:
        connection = await _connect(fleet, "web-1").__aenter__()
        await connection.create_process("sleep 999.25")
        await _until(lambda: _running("sleep 999.25"), "the command")
    assert not _running("sleep 999.25")
    assert not fleet.folder.exists()
    await connection.wait_closed()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_signal_leaves_no_process_and_no_folder(sent: signal.Signals, tmp_path: Path) -> None:
    program = (
        "import asyncio, signal\n"
        "from aggregator.demo.fleet import DemoFleet\n"
        "async def main():\n"
        "    stop = asyncio.Event()\n"
        "    for s in (signal.SIGINT, signal.SIGTERM):\n"
        "        asyncio.get_running_loop().add_signal_handler(s, stop.set)\n"
        "    async with DemoFleet(hosts=2) as fleet:\n"
        "        print(fleet.folder, flush=True)\n"
        "        await stop.wait()\n"
        "asyncio.run(main())\n"
    )
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", program),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert demo.stdout is not None
    folder = Path((await asyncio.wait_for(demo.stdout.readline(), 30)).decode().strip())
    assert folder.parent == tmp_path
    demo.send_signal(sent)
    _, err = await asyncio.wait_for(demo.communicate(), 30)
    assert (demo.returncode, err, _names(tmp_path)) == (0, b"", [])


async def test_cancelled_start_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fleet = DemoFleet(hosts=40)
    starting = asyncio.ensure_future(fleet.__aenter__())
    await _until(lambda: len(list(tmp_path.glob("*/*/*"))) > 30, "the start to be under way")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert _names(tmp_path) == []


@pytest.mark.parametrize(("hosts", "rate"), [(0, 40), (limits.DEMO_HOSTS_MAX + 1, 40), (8, 0), (8, float("nan"))])
def test_numbers_out_of_range_are_a_usage_error(hosts: int, rate: float) -> None:
    with pytest.raises(UsageError, match=r"--(hosts|rate): "):
        DemoFleet(hosts, rate)


# --- The inventory


@pytest.mark.parametrize(("hosts", "split"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (8, (3, 3, 2))])
async def test_inventory_names_hosts_that_have_their_logs(hosts: int, split: tuple[int, int, int]) -> None:
    async with DemoFleet(hosts) as fleet:
        data = yaml.safe_load(fleet.inventory_path.read_text())
        roles = Counter(entry["labels"]["role"] for entry in data["hosts"].values())
        assert (roles["web"], roles["app"], roles["db"]) == split
        assert set(data["sources"]) == set(LOGS)
        for log, source in data["sources"].items():
            group = data["groups"].get(source["hosts"][1:], ",".join(data["hosts"]))
            for host in group.split(","):
                assert _lines(source["path"].replace("${host}", host)) > 100, (log, host)


async def test_ordinary_loader_accepts_the_inventory() -> None:
    async with DemoFleet(hosts=8) as fleet:
        inventory = load([fleet.inventory_path])
        assert set(inventory.hosts) == set(fleet.cluster.hosts)
        assert inventory.select(["@role:db"]) == inventory.groups["db"] == set(fleet.cluster.db)
        assert inventory.hosts["db-1"].ssh.port == fleet.servers["db-1"].port
        assert inventory.hosts["db-1"].ssh.config == ()
        place = expand(inventory.sources["postgres"], inventory.hosts["db-1"], datetime.now(UTC))
        assert _lines(place) > 100


# --- The logs

GRAIN = {"nginx": 1.0, "nginx-errors": 1.0, "orders": 1e-3, "payments": 1e-3, "postgres": 1e-3, "syslog": 1.0}


@pytest.fixture(scope="module")
def hour() -> list[Line]:
    """An hour of a shop of eight hosts."""
    traffic = Traffic(cluster_of(8), Random(1), START, 18.0)
    return list(traffic.until_each(START + 3600, 1.0))


def _of(lines: Iterable[Line], log: str) -> list[Line]:
    return [line for line in lines if line.log == log]


@pytest.mark.parametrize("log", LOGS)
def test_every_record_has_a_stamp_that_can_be_read(hour: list[Line], log: str) -> None:
    zone = datetime.fromtimestamp(START).astimezone().tzinfo
    assert zone is not None
    reader = StampReader(zone, lambda: START + 3600)
    for line in _of(hour, log):
        stamp = reader.read(line.text.partition("\n")[0])
        assert stamp is not None, line
        assert -1e-5 <= line.time - stamp / 1e6 < GRAIN[log] + 1e-5, line


def test_levels_are_those_of_the_programs(hour: list[Line]) -> None:
    levels = {(line.log, level_of(line.text.partition("\n")[0])) for line in hour}
    assert {(log, "error") for log in ("nginx", "nginx-errors", "orders", "payments", "postgres")} <= levels
    assert {level for log, level in levels if log == "orders"} == {"debug", "info", "warning", "error"}
    assert ("nginx-errors", "critical") in levels


def test_lines_come_in_the_order_of_time_and_at_the_rate(hour: list[Line]) -> None:
    assert hour == sorted(hour, key=lambda line: line.time)
    assert 0.85 < sum(line.lines for line in hour) / 3600 / 18 < 1.15


def test_one_order_can_be_followed_through_all_its_hosts(hour: list[Line]) -> None:
    confirmed = [json.loads(line.text) for line in _of(hour, "orders") if "order confirmed" in line.text]
    request = confirmed[100]["request_id"]
    logs = [line.log for line in hour if request in line.text]
    assert logs == ["orders", "payments", "payments", "postgres", "orders", "nginx"]


@pytest.mark.parametrize("seed", range(5))
def test_incident_makes_one_host_stand_out(seed: int) -> None:
    traffic = Traffic(cluster_of(8), Random(seed), START, 40.0)
    traffic.go_live(40.0)
    lines = list(traffic.until_each(START + 75, 0.1))
    for log, sign in (("orders", '"level": "error"'), ("payments", " ERROR ")):
        errors = Counter(line.host for line in _of(lines, log) if sign in line.text)
        assert len(errors) == 1
        assert errors.total() >= 10


def test_stack_traces_are_lines_without_a_stamp(hour: list[Line]) -> None:
    java = next(line for line in _of(hour, "payments") if "Exception" in line.text)
    python = next(line for line in _of(hour, "orders") if "Traceback" in line.text)
    assert "\n\tat " in java.text
    assert "\nCaused by: " in java.text
    assert json.loads(python.text.split("\n")[0])["level"] == "error"


def test_only_documentation_addresses_and_names_appear(hour: list[Line]) -> None:
    text = re.sub(r'"Mozilla[^"]*"', "", "\n".join(line.text for line in hour))
    networks = ("192.0.2.", "198.51.100.", "203.0.113.")
    assert {a for a in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text) if not a.startswith(networks)} == set()
    named = {name for name in re.findall(r"https?://([a-z.-]+)/", text) if "example" not in name}
    assert named == set()


def test_same_seed_makes_the_same_logs() -> None:
    first, second = (list(Traffic(cluster_of(8), Random(5), START, 50.0).until(START + 20)) for _ in "ab")
    assert first == second
    assert first


def test_missed_time_is_not_caught_up_with() -> None:
    traffic = Traffic(cluster_of(8), Random(5), START, 100.0)
    list(traffic.until(START + 1))
    traffic.skip_to(START + 36_000)
    lines = sum(line.lines for line in traffic.until(START + 36_001))
    assert lines < 1000


# --- Files


def test_rotation_keeps_late_writes_in_the_renamed_file(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log")
    file.write(b"one\n")
    file.rotate()
    file.write(b"late\n")
    file.write(b"two\n")
    file.close()
    assert (tmp_path / "a.log.1").read_bytes() == b"one\nlate\n"
    assert (tmp_path / "a.log").read_bytes() == b"two\n"


def test_old_generations_are_compressed_and_let_go(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log")
    for number in range(8):
        file.write(f"late {number}\n".encode())
        file.write(f"{number}\n".encode())
        file.rotate()
    file.close()
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"a.log.1", *(f"a.log.{n}.gz" for n in range(2, limits.DEMO_GENERATIONS + 1))}
    assert gzip.decompress((tmp_path / "a.log.3.gz").read_bytes()) == b"5\nlate 6\n"


def test_disk_use_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEMO_DISK", 1_000_000)
    cluster = cluster_of(2)
    files = LogFiles(cluster, tmp_path)
    traffic = Traffic(cluster, Random(1), START, 1000.0)
    for second in range(60):
        files.write(traffic.until(START + second))
    files.close()
    written = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert 100_000 < written < 1_400_000


async def test_live_lines_are_written_when_their_time_has_come() -> None:
    async with DemoFleet(hosts=2, rate=500) as fleet:
        log = fleet.folder / "app-1" / LOGS["orders"][1]
        size = log.stat().st_size
        await _until(lambda: log.stat().st_size > size, "a line to be written")
        last = [line for line in log.read_text().splitlines() if line.startswith("{")][-1]
        assert abs(time.time() - datetime.fromisoformat(json.loads(last)["time"]).timestamp()) < 2
