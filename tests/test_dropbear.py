"""Dropbear ends a whole connection when a channel is closed that still sends: nobody else may lose theirs by that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fleet import Fleet, FleetHost, wait_for

from aggregator import limits
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.slots import Kind
from aggregator.remote.ssh import SshChannel, SshTransport
from aggregator.remote.transport import Channel

PATIENCE_S = 30.0
LONG = b"2026-11-23T10:00:00Z INFO a line that is read, and then nobody wants it any more\n" * 400_000


@pytest.fixture(scope="module", params=["sh", "ash"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, FleetHost]]:
    with Fleet(tmp_path_factory.mktemp("dropbear")) as fleet:
        if request.param == "sh":
            host = fleet.add("old-1", server="dropbear")
        else:
            host = fleet.add("old-1", server="dropbear", shell="busybox ash", path=fleet.busybox())
        (host.root / "long.log").write_bytes(LONG)
        yield fleet, host


@asynccontextmanager
async def link_to(fleet: Fleet) -> AsyncIterator[Link]:
    inventory = load([fleet.inventory({})])
    async with asyncio.TaskGroup() as tasks:
        link = Links(SshTransport(), tasks, Metrics(), lambda _: None).link(inventory.hosts["old-1"])
        async with link.hold():
            yield link


async def seen(channel: Channel, text: bytes) -> None:
    data = b""
    while text not in data:
        more, _ = await channel.read()
        assert more, f"the follow has ended with {data[-200:]!r}"
        data += more


async def waiting(channel: Channel) -> None:
    """The host has sent about all that it may."""
    assert isinstance(channel, SshChannel)
    async with asyncio.timeout(PATIENCE_S):
        while sum(map(len, channel._chunks)) < limits.CHANNEL_BUFFER // 2:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.005)


def begun(host: FleetHost, what: str) -> list[str]:
    return [line for line in host.processes() if what in line]


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as log:
        log.write(text)


COMMANDS = {
    "read": lambda path: commands.read(path, 0, len(LONG)),
    "search": lambda path: commands.search(path, 0, None, "plain", "stream"),
    "grep": lambda path: commands.search(path, 0, None, "plain", "grep", "wants"),
}


@pytest.mark.parametrize("what", COMMANDS)
async def test_what_is_given_up_amid_its_answer_does_not_cost_a_live_follow_its_connection(
    host: tuple[Fleet, FleetHost], what: str
) -> None:
    fleet, server = host
    live = server.root / f"live-{what}.log"
    live.write_bytes(b"begun\n")
    path = str(server.root / "long.log")
    async with (
        link_to(fleet) as link,
        link.channel("follow", lambda probe: commands.follow(str(live), 0, 0, tail=probe.tail), wait=False) as follow,
    ):
        await seen(follow, b"begun\n")
        for _ in range(3):
            kind: Kind = "command" if what == "read" else "scan"
            async with link.channel(kind, lambda _: COMMANDS[what](path), wait=False) as channel:
                await seen(channel, b"a line that is read")
                await waiting(channel)
        await asyncio.to_thread(
            wait_for, lambda: not begun(server, f"tailon-agg-{'read' if what == 'read' else 'search'}"), "their end"
        )
        append(live, b"and still here\n")
        await seen(follow, b"and still here\n")
        assert link.state == "live"
    assert not any("Failed assertion" in line for line in server.lines_logged())


async def test_what_nobody_reads_any_more_ends_on_the_host(host: tuple[Fleet, FleetHost]) -> None:
    """It is not sent to its end for nothing."""
    fleet, server = host
    with (server.root / "endless.log").open("wb") as log:
        log.truncate(1 << 36)
    async with link_to(fleet) as link:
        command = commands.read(str(server.root / "endless.log"), 0, 1 << 36)
        async with link.channel("command", lambda _: command, wait=False) as channel:
            await seen(channel, b"\0\0\0")
        await asyncio.to_thread(wait_for, lambda: not begun(server, "endless.log"), "the read to end")
        assert link.state == "live"
    (server.root / "endless.log").unlink()
