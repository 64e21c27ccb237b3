"""The way to a host over real sshd: budgets, sharing, back-off, and what is left on the host afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from engine import running
from faults import TcpProxy
from fleet import Fleet, FleetHost, wait_for

from aggregator import limits
from aggregator.errors import HostError
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.model import State
from aggregator.remote import commands
from aggregator.remote.backoff import pause_after
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.probe import Probe
from aggregator.remote.ssh import SshTransport
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import TABLE, trouble


@dataclass
class Way:
    """A link, and the states that it told."""

    link: Link
    metrics: Metrics
    states: list[State] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, state: State, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while self.link.state != state:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def way_to(fleet: Fleet, name: str = "a", **extra: Any) -> AsyncIterator[Way]:
    """The link to host `name`, held; all is closed at the end."""
    inventory = load([fleet.inventory({}, **extra)])
    metrics = Metrics()
    ways: list[Way] = []

    def changed(link: Link) -> None:
        ways[0].states.append(link.state)
        ways[0].changed.set()

    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, metrics, changed)
        pool.use(inventory.hosts)
        ways.append(Way(pool.link(inventory.hosts[name]), metrics))
        try:
            async with ways[0].link.hold():
                yield ways[0]
        finally:
            await pool.close()


@asynccontextmanager
async def following(link: Link, path: Path, *, wait: bool = False) -> AsyncIterator[Channel]:
    """A follower of a file, that has answered."""

    def command(probe: Probe) -> str:
        return commands.follow(str(path), None, 1000, tail=probe.tail)

    async with link.channel("follow", command, wait=wait) as channel:
        await read_header(channel, path=str(path), host="a", user="me")
        yield channel


def logs(host: FleetHost, count: int) -> list[Path]:
    paths = [host.root / f"{number:02}.log" for number in range(count)]
    for path in paths:
        path.write_text("x\n")
    return paths


def logins(host: FleetHost) -> int:
    return sum("Accepted publickey" in line for line in host.lines_logged())


def tails(host: FleetHost) -> int:
    return sum(line.startswith("tail ") for line in host.processes())


async def eventually(condition: Any, what: str, seconds: float = 20.0) -> None:
    await asyncio.to_thread(wait_for, condition, what, seconds)


async def test_twenty_four_files_take_four_connections_and_the_next_is_refused(fleet: Fleet) -> None:
    host = fleet.add("a")
    paths = logs(host, 25)
    async with way_to(fleet) as way, AsyncExitStack() as open_files:
        for path in paths[:6]:
            await open_files.enter_async_context(following(way.link, path))
        assert logins(host) == 1
        await open_files.enter_async_context(following(way.link, paths[6]))
        assert logins(host) == 2
        async with asyncio.TaskGroup() as tasks:
            for path in paths[7:24]:
                tasks.create_task(open_files.enter_async_context(following(way.link, path)))
        assert logins(host) == limits.CONNECTIONS_PER_HOST
        with pytest.raises(HostError, match="more files than the 24") as caught:
            async with following(way.link, paths[24]):
                pass
        assert caught.value.cause == "too-many-files"
        answers = [way.link.run(commands.read(str(path), 0, 10), 1000) for path in paths]
        async with asyncio.TaskGroup() as tasks:  # commands have places of their own
            for answer in answers:
                tasks.create_task(answer)
        assert logins(host) == limits.CONNECTIONS_PER_HOST


async def test_commands_wait_for_one_of_two_places_of_one_connection(fleet: Fleet) -> None:
    host = fleet.add("a")
    (path,) = logs(host, 1)
    async with way_to(fleet) as way:
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(way.link.run(commands.read(str(path), 0, 10), 1000)) for _ in range(20)]
        assert all(answer.result().endswith(b"\nx\n") for answer in answers)
        assert logins(host) == 1


async def test_all_who_wait_share_one_dial_and_its_error(fleet: Fleet) -> None:
    host = fleet.add("a")
    async with way_to(fleet) as way:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(30):
                tasks.create_task(way.link.reached())
        assert logins(host) == 1
        assert way.states == ["connecting", "live"]
    host.stop()
    async with way_to(fleet) as way:
        outcomes = await asyncio.gather(*(way.link.reached() for _ in range(30)), return_exceptions=True)
        assert {str(outcome) for outcome in outcomes} == {str(outcomes[0])}
        assert isinstance(outcomes[0], HostError)
        assert way.metrics.dials._value.get() == 1
        assert way.states == ["connecting", "waiting"]


async def test_refused_login_is_not_tried_again_soon(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", options={"AuthorizedKeysFile": "none"})
    sources = {f"s{number}": {"hosts": "a", "path": f"/tmp/{number}*.log"} for number in range(4)}
    plain = {f"p{number}": {"hosts": "a", "path": f"/tmp/{number}.log"} for number in range(4)}
    async with running(fleet.inventory({**sources, **plain}), tmp_path) as engine:
        for _ in range(5):  # people who come and go change nothing
            async with engine.watch("a") as view:
                await view.until_all(lambda: len({n["source"] for n in view.notices("failed")}) == 8)
            async with engine.watch("a", follow="0") as view:
                await view.until(lambda record: record["type"] == "end")
    failed = [line for line in host.lines_logged() if "Connection from" in line]
    assert len(failed) == 1


@pytest.mark.parametrize("cause", [cause for cause in TABLE if TABLE[cause].retry])
def test_pauses_grow_with_full_jitter_up_to_a_minute(cause: str) -> None:
    error = HostError(cause, "words", retry=True)
    for failures in range(1, 50):
        most = min(limits.BACKOFF_CAP, limits.BACKOFF_BASE * 2**failures)
        pauses = [pause_after(error, failures) for _ in range(100)]
        assert 0 < min(pauses) < most / 3
        assert most / 2 < max(pauses) <= most


def test_pause_where_a_person_is_needed_is_over_a_minute() -> None:
    error = trouble("permission-denied", user="u", endpoint="h")
    assert min(pause_after(error, 1) for _ in range(200)) > 60
    assert max(pause_after(error, 50) for _ in range(200)) < 20 * 60
    for _ in range(200):
        attempts, passed = 1, pause_after(error, 1)
        while passed < 3600:
            attempts += 1
            passed += pause_after(error, attempts)
        assert attempts <= 8, "logins that are refused for an hour"


async def test_half_open_connection_is_noticed_by_keepalive(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    (log,) = logs(host, 1)
    async with TcpProxy(host.port) as proxy:
        host.reached_at = proxy.port
        inventory = fleet.inventory({"app": {"hosts": "a", "path": str(log)}}, ssh={"keepalive": "0.2s"})
        async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
            await view.until_text("x")
            proxy.stall()
            began = time.monotonic()
            await view.until_notice("waiting", "was lost")
            assert 0.2 < time.monotonic() - began < 5
            proxy.cut()
            proxy.resume()
            with log.open("a") as out:
                out.write("y\n")
            await view.until_text("y")
        assert view.texts == ["x", "y"]


async def test_host_that_comes_back_is_live_again_by_itself(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    log, other = logs(host, 2)
    sources = {"one": {"hosts": "a", "path": str(log)}, "all": {"hosts": "a", "path": f"{host.root}/*1.log"}}
    async with running(fleet.inventory(sources), tmp_path) as engine, engine.watch("a") as view:
        await view.until_all(lambda: len(view.texts) == 2)
        host.stop()
        await view.until_notice("waiting", "refused")
        assert (await engine.host("a"))["state"] in ("waiting", "connecting")
        with log.open("a") as out:
            out.write("while it was down\n")
        host.start()
        assert host.port
        seen = len(view.records)
        await view.until_text("while it was down")
        await view.until_all(lambda: len([n for n in view.records[seen:] if n.get("detail") == "connected again"]) == 2)
        assert (await engine.host("a"))["state"] == "live"
        assert [file["state"] for source in sources for file in await engine.files(source)] == ["live", "live"]
        with other.open("a") as out:
            out.write("and after\n")
        await view.until_text("and after")
    assert sorted(view.texts) == ["and after", "while it was down", "x", "x"]


async def test_who_joins_a_lost_host_is_told_at_once(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    log, other = logs(host, 2)
    sources = {"one": {"hosts": "a", "path": str(log)}, "two": {"hosts": "a", "path": str(other)}}
    async with running(fleet.inventory(sources), tmp_path) as engine, engine.watch("a", sources=("one",)) as view:
        await view.until_text("x")
        host.stop()
        await view.until_notice("waiting", "refused")
        async with engine.watch("a", sources=("one",)) as joiner:
            await joiner.until_text("x")
            await joiner.until_notice("waiting", seconds=10)
            assert not joiner.notices("live")
        async with engine.watch("a", sources=("two",), follow="0") as joiner:
            await joiner.until(lambda record: record["type"] == "end", seconds=10)
            assert joiner.notices("waiting")


@pytest.mark.parametrize("server", ["openssh", "dropbear"])
async def test_closing_leaves_no_process_and_no_connection(fleet: Fleet, server: Any) -> None:
    host = fleet.add("a", server=server)
    paths = logs(host, 8)
    async with way_to(fleet) as way:
        async with AsyncExitStack() as open_files:
            for path in paths:
                await open_files.enter_async_context(following(way.link, path))
            await eventually(lambda: tails(host) == 8, "the tails to run")
        await eventually(lambda: not host.processes(), "the followers to end", 20)
        assert host.connections()
    await eventually(lambda: not host.connections(), "the connections to end", 20)
    assert way.link.state == "idle"


async def test_killed_connection_leaves_no_process(fleet: Fleet) -> None:
    host = fleet.add("a")
    (path,) = logs(host, 1)
    async with way_to(fleet) as way, following(way.link, path) as channel:
        await eventually(lambda: tails(host) == 1, "the tail to run")
        host.kill_connections()
        with pytest.raises(HostError, match="was lost"):
            await way.link.ended(channel)
        await eventually(lambda: not host.processes(), "the follower to end", 20)
        assert way.states[-1] == "waiting"


@pytest.mark.timeout(180)
async def test_idle_follower_lives_on_and_a_cut_one_ends_within_a_minute(fleet: Fleet) -> None:
    """Slow: the follower's own patience is 45 s. One is kept alive by heartbeats, the other's cable is cut."""
    host, other = fleet.add("a"), fleet.add("b")
    (path,) = logs(host, 1)
    (cut_path,) = logs(other, 1)
    path.write_text("")  # else the first bytes may come with the header or after it
    async with TcpProxy(other.port) as proxy:
        other.reached_at = proxy.port
        async with way_to(fleet) as way, way_to(fleet, "b") as cut:
            async with following(way.link, path) as channel, following(cut.link, cut_path):
                await eventually(lambda: (tails(host), tails(other)) == (1, 1), "the tails to run")
                proxy.stall()
                began = time.monotonic()
                await eventually(lambda: not other.processes(), "the cut follower to end", 60)
                assert time.monotonic() - began > 25
                left = 52 - (time.monotonic() - began)
                await asyncio.sleep(max(0.0, left))  # past the patience of a follower that nobody listens to
                assert tails(host) == 1
                with path.open("a") as out:
                    out.write("y\n")
                async with asyncio.timeout(20):
                    assert (await channel.read())[0] == b"y\n"
            proxy.cut()


async def test_words_of_a_login_shell_do_not_disturb_a_view(fleet: Fleet, tmp_path: Path) -> None:
    noise = 'echo "Welcome to $HOSTNAME"; echo "/etc/passwd"; printf "no newline"; echo oops >&2; '
    host = fleet.add("a", options={"ForceCommand": f'{noise} exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    paths = logs(host, 2)
    sources = {"one": {"hosts": "a", "path": str(paths[0])}, "all": {"hosts": "a", "path": f"{host.root}/*1.log"}}
    async with running(fleet.inventory(sources), tmp_path) as engine, engine.watch("a") as view:
        await view.until_all(lambda: len(view.texts) == 2)
        with paths[1].open("a") as out:
            out.write("y\n")
        await view.until_text("y")
        assert [file["path"] for file in await engine.files("all")] == [str(paths[1])]
    assert sorted(view.texts) == ["x", "x", "y"]


async def test_banner_before_the_login_is_passed_over(fleet: Fleet, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("*** authorised users only ***\n" * 50)
    fleet.add("a", options={"Banner": str(banner)})
    async with way_to(fleet) as way:
        await way.link.reached()
        assert way.link.state == "live"


async def test_host_that_takes_no_more_connections_keeps_what_it_has(fleet: Fleet) -> None:
    """The first six files stay, and the seventh is told why it can't be followed."""
    host = fleet.add("a")
    paths = logs(host, 8)
    async with TcpProxy(host.port) as proxy:
        host.reached_at = proxy.port
        async with way_to(fleet, ssh={"connect_timeout": "0.5s"}) as way, AsyncExitStack() as open_files:
            for path in paths[:6]:
                await open_files.enter_async_context(following(way.link, path))
            proxy.target_port = 1
            with pytest.raises(HostError) as caught:
                async with following(way.link, paths[6], wait=True):
                    pass
            assert caught.value.retry
            assert way.link.state == "live"
            assert tails(host) == 6
            answer = await way.link.run(commands.read(str(paths[7]), 0, 10), 1000)
            assert answer.endswith(b"\nx\n")


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash"])
async def test_followers_that_are_closed_at_once_leave_no_process(fleet: Fleet, shell: str) -> None:
    """However early in the script the end comes."""
    host = fleet.add("a", shell=shell)
    (path,) = logs(host, 1)
    async with way_to(fleet) as way:
        for _ in range(30):
            async with following(way.link, path):
                pass
        await eventually(lambda: not host.processes(), "the followers to end", 20)
