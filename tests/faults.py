"""Network faults on demand: a TCP proxy that cuts, stalls, throttles and delays; a black hole.

async with TcpProxy(host.port) as proxy:
    ... connect to proxy.port ...
    proxy.stall()      # a cut cable: nobody hears of it
    proxy.resume()
    proxy.cut()        # a reset for both ends
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
CHUNKS_ON_THE_WAY = 64  # bound of what a delayed or stalled direction holds back: 4 MiB
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time at all: close() sends RST

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpProxy:
    """Forwards `port` to `target_port`. Faults apply to open and to new connections, both directions.

    `accepted` counts connections ever, `open` those there are; `bytes_up` went to the target, `bytes_down`
    came from it.
    """

    def __init__(self, target_port: int, target: str = LOOPBACK) -> None:
        self.target_port = target_port
        self.target = target
        self.port = 0
        self.accepted = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay_s = 0.0
        self._bytes_per_s: float | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def open(self) -> int:
        """Connections from clients that have not ended."""
        return len(self._tasks)

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = set(self._tasks)
        self.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> int:
        """Reset all open connections, at both ends; says how many sockets."""
        writers, self._writers = self._writers, set()
        for writer in writers:
            _reset(writer)
        return len(writers)

    def stall(self) -> None:
        """Half-open: hold all bytes, ends and resets in both directions, and new connections too."""
        self._flowing.clear()

    def resume(self) -> None:
        """Let go what was held; undoes `stall` and `blackhole`."""
        self._flowing.set()

    def blackhole(self) -> None:
        """Cut what is open; new connections are taken by the kernel and never hear a word."""
        self.stall()
        self.cut()

    def throttle(self, bytes_per_s: float | None) -> None:
        """Bound the rate of each direction of each connection; None: no bound."""
        self._bytes_per_s = bytes_per_s

    def delay(self, seconds: float) -> None:
        """Let each chunk arrive this much later, order and throughput kept."""
        self._delay_s = seconds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.accepted += 1
        try:
            await self._flowing.wait()
            await self._forward((reader, writer))
        except (OSError, asyncio.CancelledError):
            _reset(writer)  # the target is not there, or the proxy is ending
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)

    async def _forward(self, client: Stream) -> None:
        target = await asyncio.open_connection(self.target, self.target_port)
        self._writers.add(target[1])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client[0], target[1], up=True))
                group.create_task(self._pump(target[0], client[1], up=False))
        finally:
            self._writers.discard(target[1])
            for writer in (client[1], target[1]):
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        """One direction. An end (b"") and a reset (None) queue up behind the bytes before them."""
        queue: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(CHUNKS_ON_THE_WAY)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(reader, queue))
            group.create_task(self._give(queue, writer, up=up))

    async def _take(self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes | None]]) -> None:
        loop = asyncio.get_running_loop()
        data: bytes | None = b"-"
        while data:
            try:
                data = await reader.read(CHUNK_BYTES)
            except OSError:
                data = None
            await queue.put((loop.time() + self._delay_s, data))

    async def _give(
        self, queue: asyncio.Queue[tuple[float, bytes | None]], writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - loop.time())
            if data and self._bytes_per_s is not None:
                await asyncio.sleep(len(data) / self._bytes_per_s)
            await self._flowing.wait()
            if data is None:
                _reset(writer)
                return
            with contextlib.suppress(OSError):  # gone: the other direction says so to the other end
                if not data:
                    if writer.can_write_eof() and not writer.is_closing():
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
            if up:
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """A loopback port where connecting takes for ever, as behind a firewall that drops packets.

    Linux drops SYNs to a listener whose queue is full; ours takes one connection and nobody accepts it.
    """
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        filler = sockets.enter_context(socket.socket())
        filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.asynccontextmanager
async def blackhole() -> AsyncIterator[int]:
    """`deaf_port` for exit stacks that are asynchronous."""
    with deaf_port() as port:
        yield port
