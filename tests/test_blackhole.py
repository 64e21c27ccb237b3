"""Forty hosts, ten of them behind a firewall that drops packets: the others do not notice."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from engine import View, running
from faults import blackhole
from fleet import Fleet, FleetHost

from aggregator import limits

HOSTS = 40
LOST = 10
SLACK = 5.0  # seconds; it is under 2 on an idle machine of two cores
ROUNDS = 10


async def start(fleet: Fleet, stack: AsyncExitStack) -> tuple[list[FleetHost], list[str]]:
    """The hosts that live, each with a log of one line, and the names of the others."""
    hosts = [fleet.add(f"web-{number}") for number in range(HOSTS)]
    for host in hosts:
        (host.root / "app.log").write_text("old\n")
        assert host.port
    lost = hosts[:: HOSTS // LOST]
    for host in lost:
        host.reached_at = await stack.enter_async_context(blackhole())
    return [host for host in hosts if host not in lost], [host.name for host in lost]


def inventory(fleet: Fleet) -> Path:
    roots = {name: {"labels": {"root": name}} for name in fleet.hosts}
    path = f"{fleet.folder}/roots/${{root}}/app.log"
    return fleet.inventory({"app": {"hosts": "@*", "path": path}}, hosts=roots, ssh={"connect_timeout": "3s"})


async def latency(view: View, hosts: list[FleetHost], mark: str) -> float:
    """Median of the seconds from a line on a host to the viewer, one host after the other."""
    taken = []
    for number in range(ROUNDS):
        host = hosts[number % len(hosts)]
        text = f"{mark}-{number}"
        began = time.monotonic()
        with (host.root / "app.log").open("a") as out:
            out.write(f"{text}\n")
        await view.until_text(text, seconds=SLACK)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


async def test_dead_hosts_hold_up_nobody(fleet: Fleet, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        living, lost = await start(fleet, stack)
        names = [host.name for host in living]
        async with running(inventory(fleet), tmp_path) as engine:
            began = time.monotonic()
            async with engine.watch() as view:
                await view.until_all(lambda: {notice["host"] for notice in view.notices("live")} >= set(names))
                until_live = time.monotonic() - began
                assert {record["host"] for record in view.records if record["type"] == "line"} == set(names)
                assert not {notice["host"] for notice in view.notices("live")} & set(lost)
                with_dead = await latency(view, living, "with")
                await view.until_all(lambda: {notice["host"] for notice in view.notices("waiting")} == set(lost))
                shown = await engine.hosts()
                assert {shown[name]["state"] for name in names} == {"live"}
                assert {shown[name]["state"] for name in lost} <= {"waiting", "connecting"}
            async with engine.watch(*names) as view:
                await view.until_all(lambda: len({notice["host"] for notice in view.notices("live")}) == len(names))
                without = await latency(view, living, "without")
    assert until_live < SLACK
    assert with_dead < 3 * without + 0.2


async def test_backlog_of_the_living_ends_with_the_connect_timeout_of_the_dead(fleet: Fleet, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        living, lost = await start(fleet, stack)
        async with running(inventory(fleet), tmp_path) as engine, engine.watch(follow="0") as view:
            began = time.monotonic()
            await view.until(lambda record: record["type"] == "end")
            assert time.monotonic() - began < 3 + SLACK
    assert len(view.texts) == len(living)
    assert {notice["host"] for notice in view.notices("waiting")} == set(lost)
    assert view.records[-1]["reason"] == "complete"


async def test_hosts_that_die_later_hold_up_nobody(fleet: Fleet, tmp_path: Path) -> None:
    """Killed in the middle of a view: the others' lines come as quickly as before."""
    hosts = [fleet.add(f"web-{number}") for number in range(12)]
    for host in hosts:
        (host.root / "app.log").write_text("old\n")
        assert host.port
    async with running(inventory(fleet), tmp_path) as engine, engine.watch() as view:
        await view.until_all(lambda: len({notice["host"] for notice in view.notices("live")}) == len(hosts))
        before = await latency(view, hosts[4:], "before")
        async with asyncio.TaskGroup() as tasks:
            for host in hosts[:4]:
                tasks.create_task(asyncio.to_thread(host.stop))
        after = await latency(view, hosts[4:], "after")
        await view.until_all(lambda: len({notice["host"] for notice in view.notices("waiting")}) == 4)
    assert after < 3 * before + 0.2


def test_names_that_are_not_answered_leave_threads_for_the_others() -> None:
    """libuv starts all of its threads with the first name that is looked up."""
    program = """
import asyncio, os
from aggregator.cli.main import _loop
async def look_up():
    await asyncio.get_running_loop().getaddrinfo("localhost", 22)
    print(len(os.listdir("/proc/self/task")))
_loop(look_up())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert int(done.stdout) > limits.RESOLVERS > LOST
