"""The faults are what they say: seen from a client through the proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from faults import LOOPBACK, TcpProxy, blackhole

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    """A proxy before an echo server."""
    server = await asyncio.start_server(_echo, LOOPBACK, 0)
    async with server, TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: TcpProxy) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    yield reader, writer
    writer.close()


async def _echoed(client: Stream, data: bytes, seconds: float = 5) -> bytes:
    client[1].write(data)
    return await asyncio.wait_for(client[0].readexactly(len(data)), seconds)


async def test_forwards_and_counts_both_directions(proxy: TcpProxy, client: Stream) -> None:
    assert await _echoed(client, b"hello") == b"hello"
    assert (proxy.accepted, proxy.open, proxy.bytes_up, proxy.bytes_down) == (1, 1, 5, 5)


async def test_end_of_stream_reaches_the_other_end(client: Stream) -> None:
    client[1].write(b"last words")
    client[1].write_eof()
    assert await asyncio.wait_for(client[0].read(), 5) == b"last words"


async def test_cut_resets_the_client(proxy: TcpProxy, client: Stream) -> None:
    await _echoed(client, b"x")
    assert proxy.cut() == 2
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(client[0].read(), 5)


async def test_stalled_bytes_arrive_after_resume(proxy: TcpProxy, client: Stream) -> None:
    await _echoed(client, b"x")
    proxy.stall()
    with pytest.raises(TimeoutError):
        await _echoed(client, b"held", 0.1)
    proxy.resume()
    assert await asyncio.wait_for(client[0].readexactly(4), 5) == b"held"


async def test_stalled_end_is_not_told(proxy: TcpProxy, client: Stream) -> None:
    await _echoed(client, b"x")
    proxy.stall()
    client[1].write_eof()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client[0].read(), 0.1)


async def test_delay_and_throttle_take_their_time(proxy: TcpProxy, client: Stream) -> None:
    loop = asyncio.get_running_loop()
    proxy.delay(0.1)
    start = loop.time()
    await _echoed(client, b"x")
    assert 0.2 <= loop.time() - start < 1
    proxy.delay(0)
    proxy.throttle(10_000)
    start = loop.time()
    await _echoed(client, b"x" * 1_000)
    assert 0.2 <= loop.time() - start < 1


async def test_blackholed_proxy_takes_connections_and_says_nothing(proxy: TcpProxy) -> None:
    proxy.blackhole()
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    with pytest.raises(TimeoutError):
        await _echoed((reader, writer), b"hello?", 0.1)
    proxy.resume()
    assert await asyncio.wait_for(reader.readexactly(6), 5) == b"hello?"
    writer.close()


async def test_refused_target_resets_the_client(free_port: int) -> None:
    async with TcpProxy(free_port) as proxy:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_connecting_to_a_black_hole_takes_for_ever() -> None:
    async with blackhole() as port:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection(LOOPBACK, port), 0.3)
