"""Hosts without SSH: the true remote commands, run by a shell of this machine. Quick, with faults on demand.

transport = LocalTransport(shell=["sh"])          # or ["busybox", "ash"] with path=fleet.busybox()
...
transport.cut()      # all connections are lost
transport.down()     # … and new ones are refused, until up()
transport.trip("tailon-agg-read")      # the next command of this name finds its connection lost
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from aggregator.model import Host
from aggregator.remote.transport import Connection, Exit
from aggregator.remote.trouble import trouble

CHUNK = 64 << 10


class LocalChannel:
    """A command of this machine; as over SSH its standard input closes when it is given up."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self._output = b""
        self._errors = b""
        self._lost = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._more = asyncio.Event()
        self._open = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.returncode is not None

    async def gone(self, seconds: float) -> None:
        """Wait for the command's end; AssertionError when it does not come by itself."""
        if self.process is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
            raise AssertionError("a command outlived its connection") from None
        finally:
            self.process._transport.close()  # else its pipes stay open while nobody reads them
            await asyncio.sleep(0)

    async def start(self, shell: Sequence[str], command: str, path: str | None) -> None:
        environment = {**os.environ, **({"PATH": path} if path else {})}
        self.process = await asyncio.create_subprocess_exec(
            *shell,
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
        self._open = 2
        self._tasks = [asyncio.create_task(self._pump(errors=False)), asyncio.create_task(self._pump(errors=True))]

    async def read(self) -> tuple[bytes, bytes]:
        while not (self._output or self._errors or self._open == 0 or self._lost):
            self._more.clear()
            await self._more.wait()
        if self._lost:
            return b"", b""
        output, errors, self._output, self._errors = self._output, self._errors, b"", b""
        return output, errors

    def beat(self) -> None:
        if self.process and self.process.stdin and not self._lost:
            with suppress(OSError, RuntimeError):
                self.process.stdin.write(b"\n")

    async def exit(self) -> Exit:
        if self._lost or self.process is None:
            return Exit(None, lost=True)
        return Exit(await self.process.wait())

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self.process and self.process.stdin:
            self.process.stdin.close()

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def lose(self) -> None:
        """The connection is gone: nothing more is heard, and the command's input ends."""
        self._lost = True
        self._more.set()
        self.close()

    async def _pump(self, *, errors: bool) -> None:
        assert self.process
        assert self.process.stdout
        assert self.process.stderr
        stream = self.process.stderr if errors else self.process.stdout
        while data := await stream.read(CHUNK):
            await self._flowing.wait()
            if errors:
                self._errors += data
            else:
                self._output += data
            self._more.set()
        self._open -= 1
        self._more.set()


class LocalConnection:
    """Commands on this machine, as if over one connection."""

    def __init__(self, transport: LocalTransport) -> None:
        self._transport = transport
        self._lost = asyncio.Event()
        self.channels: list[LocalChannel] = []

    async def run(self, command: str) -> LocalChannel:
        if not self.lost and self._transport.tripping and f" {self._transport.tripping} " in command:
            self._transport.stumble()
        if self.lost:
            raise trouble("lost", endpoint="here")
        self.channels = [one for one in self.channels if not one.ended]
        channel = LocalChannel()
        self.channels.append(channel)
        self._transport.channels.append(channel)
        await channel.start(self._transport.shell, command, self._transport.path)
        if self._transport.stalled:
            channel.stall()
        return channel

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    async def wait_lost(self) -> None:
        await self._lost.wait()

    async def close(self) -> None:
        self.lose()

    def lose(self) -> None:
        self._lost.set()
        for channel in self.channels:
            channel.lose()


class LocalTransport:
    """This machine as every host. `shell` is the login shell, `path` the PATH of its commands."""

    def __init__(self, shell: Sequence[str] = ("sh",), path: str | None = None) -> None:
        self.shell = tuple(shell)
        self.path = path
        self.stalled = False
        self.connections: list[LocalConnection] = []
        self._refusing = False
        self.tripping = ""
        self.tripped = asyncio.Event()
        self._stays_down = False
        self._steps = 0
        self._instead: Callable[[], None] | None = None
        self.channels: list[LocalChannel] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self, seconds: float = 20.0) -> None:
        """Wait for all commands to end by themselves; AssertionError otherwise."""
        self.resume()
        self.cut()
        for channel in self.channels:
            await channel.gone(seconds)

    async def connect(self, host: Host, via: Connection | None) -> LocalConnection:
        if self._refusing:
            raise trouble("refused", endpoint=host.name)
        connection = LocalConnection(self)
        self.connections.append(connection)
        return connection

    async def jumps(self, host: Host) -> str | None:
        return None

    def cut(self) -> None:
        for connection in self.connections:
            connection.lose()
        self.connections.clear()

    def down(self) -> None:
        self._refusing = True
        self.cut()

    def up(self) -> None:
        self._refusing = False

    def trip(self, name: str, *, after: int = 1, again: bool = False) -> None:
        """Lose all connections when a command of this name is asked for, the first or a later one; `again`: and refuse
        new ones until `up`."""
        self.tripping = name
        self._steps = after
        self._stays_down = again
        self.tripped.clear()

    def before(self, name: str, what: Callable[[], None]) -> None:
        """Do something when a command of this name is asked for next, before it runs."""
        self.tripping = name
        self._steps = 1
        self._instead = what

    def stumble(self) -> None:
        """What was asked for with `trip` or `before`."""
        self._steps -= 1
        if self._steps:
            return
        self.tripping = ""
        if self._instead:
            self._instead()
            self._instead = None
            return
        self.tripped.set()
        if self._stays_down:
            self.down()
        else:
            self.cut()

    def stall(self) -> None:
        """Nothing comes through for a while; nobody hears of it."""
        self.stalled = True
        for connection in self.connections:
            for channel in connection.channels:
                channel.stall()

    def resume(self) -> None:
        self.stalled = False
        for connection in self.connections:
            for channel in connection.channels:
                channel.resume()


def killed_once(tmp_path: Path, tool: str, used: str, turn: int) -> LocalTransport:
    """A host where a tool that is used with arguments like `used` is killed in mid-text at that turn, as by the
    out-of-memory killer; `tmp_path/uses` has a line for each turn."""
    tools, uses = tmp_path / "tools", tmp_path / "uses"
    tools.mkdir()
    uses.touch()
    count = f"case $* in {used.replace(' ', chr(92) + ' ')}) echo >>{uses};; *) false;; esac"
    mine = f"{count} && [ $(wc -l <{uses}) = {turn} ]"
    begun = "" if tool in ("head", "tail", "dd") else f'{shutil.which(tool)} "$@" | '
    (tools / tool).write_text(
        f'#!/bin/sh\n{mine} || exec {shutil.which(tool)} "$@"\n{begun}{shutil.which("head")} -c 100\nkill -9 $$\n'
    )
    (tools / tool).chmod(0o755)
    return LocalTransport(("dash",), f"{tools}:{os.environ['PATH']}")
