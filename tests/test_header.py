"""What a host said by the time that its header is read counts, however late we listen."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from local import LocalChannel, LocalConnection, LocalTransport

from aggregator.errors import Gone, HostError
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.read import Where, read_bytes
from aggregator.history.scanning.searching import Aim, searching
from aggregator.metrics import Metrics
from aggregator.model import File, Host, SshOptions
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.pool import Links

HOST = Host("a", "127.0.0.1", SshOptions(), {})


@pytest.fixture
async def link(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Link]:
    """To a host whose commands have said all and ended before we listen."""

    async def late(connection: LocalConnection, command: str) -> LocalChannel:
        channel = await run(connection, command)
        async with asyncio.timeout(20):
            await asyncio.gather(*channel._tasks)
        return channel

    run = LocalConnection.run
    monkeypatch.setattr(LocalConnection, "run", late)
    transport = LocalTransport()
    async with asyncio.TaskGroup() as tasks:
        link = Links(transport, tasks, Metrics(), lambda _: None).link(HOST)
        async with link.hold():
            yield link
        await transport.end()


@pytest.fixture
def damaged(tmp_path: Path) -> File:
    """A log with an old generation whose compressed text breaks off."""
    (tmp_path / "app.log").write_bytes(b"live\n")
    packed = gzip.compress(b"".join(b"%d some words\n" % number for number in range(9000)))
    (tmp_path / "app.log.1.gz").write_bytes(packed[:-100])
    return File("a", "app", str(tmp_path / "app.log"))


async def searched(link: Link, file: File, old: Generation) -> None:
    aim = Aim(file, old, 0, None, None, "stream")
    async with searching(link, aim, lambda _: None) as search, aclosing(search.chunks()) as chunks:
        async for _ in chunks:
            pass


async def test_a_search_hears_of_a_decompressor_that_failed_at_once(link: Link, damaged: File) -> None:
    old = next(one for one in await generations(link, damaged) if one.kind == "gz")
    with pytest.raises(HostError) as caught:
        await searched(link, damaged, old)
    assert caught.value.cause == "damaged"


async def whole(link: Link, file: File, where: Where) -> bytes:
    async with aclosing(read_bytes(link, file, None, 0, None, where)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_a_reading_hears_of_a_decompressor_that_failed_at_once(link: Link, damaged: File) -> None:
    with pytest.raises(Gone):
        await whole(link, damaged, Where(f"{damaged.path}.1.gz", "gz"))


async def test_what_came_with_the_header_is_given_back(link: Link, damaged: File) -> None:
    script = "printf '\\ntailon-agg\\nH 1:2:3 9 1 0 6162\\nabc'; printf 'T 7\\n' >&2"
    async with link.channel("command", lambda _: script, wait=False) as channel:
        header, data, said = await read_header(channel, path=damaged.path, host="a", user="me")
    assert (header.size, data, said) == (9, b"abc", b"T 7\n")
