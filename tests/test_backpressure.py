"""What a host sends faster than it is read waits on the host, not in our memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet import Fleet

from aggregator import limits
from aggregator.inventory import load
from aggregator.remote.ssh import SshChannel, SshTransport


@asynccontextmanager
async def running(fleet: Fleet, command: str) -> AsyncIterator[SshChannel]:
    """A command on a host of the fleet."""
    fleet.add("a")
    inventory = load([fleet.inventory({"app": {"hosts": "@*", "path": "/tmp/a.log"}})])
    connection = await SshTransport().connect(inventory.hosts["a"], None)
    try:
        yield await connection.run(command)
    finally:
        await connection.close()


async def test_a_slow_reader_holds_no_more_than_the_window(fleet: Fleet) -> None:
    async with running(fleet, "head -c 100000000 /dev/zero") as channel:
        await channel.read()
        tracemalloc.start()
        try:
            taken = 0
            while taken < 12 * limits.CHANNEL_BUFFER:
                taken += len((await channel.read())[0])
                await asyncio.sleep(0.002)  # slower than a host can send
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 2 * limits.CHANNEL_BUFFER


async def test_all_that_was_sent_comes_however_it_is_read(fleet: Fleet) -> None:
    count = 300_000
    async with running(fleet, f"seq {count}; echo end >&2") as channel:
        heard, errors = b"", b""
        while True:
            data, said = await channel.read()
            if not data and not said:
                break
            heard, errors = heard + data, errors + said
            if len(heard) % 7 == 0:
                await asyncio.sleep(0.001)
    assert heard == "".join(f"{number}\n" for number in range(1, count + 1)).encode()
    assert errors == b"end\n"


async def test_a_flood_of_errors_does_not_stop_what_is_said(fleet: Fleet) -> None:
    """Bytes of standard error count for the window too."""
    async with running(fleet, "head -c 3000000 /dev/zero >&2; echo done") as channel:
        heard = b""
        async with asyncio.timeout(20):
            while heard != b"done\n":
                heard += (await channel.read())[0]
