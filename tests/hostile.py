"""SSH servers that mean harm: each answers the aggregator's commands with what a test gives it.

    with Hostile(fleet) as hostile:
        hostile.add("evil-1", probe=says(b"tailon-probe 1 nan +9999 gnu root"))
        inventory = hostile.inventory({"app": {"hosts": "@*", "path": "/var/log/app.log"}})

What is not given is answered as an honest host would, by running the command here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh
from fleet import LOOPBACK, Fleet

Process = asyncssh.SSHServerProcess[bytes]
Answer = Callable[[Process], Awaitable[None]]
MARK = b"\ntailon-agg\n"
START_S = 10.0
PAUSE_S = 0.01  # between two pieces of a flood, so that a test machine has time for anything else


def says(text: bytes, *, errors: bytes = b"", status: int | None = 0) -> Answer:
    """An answer that is the mark and a text; with `status` None the command then neither ends nor says more than its
    errors, again and again as follow.sh does."""

    async def answer(process: Process) -> None:
        process.stdout.write(MARK + text)
        process.stderr.write(errors)
        await process.stdout.drain()
        while status is None and not process.is_closing():
            await asyncio.sleep(0.1)
            process.stderr.write(errors)
            await process.stderr.drain()
        process.exit(status or 0)

    return answer


def floods(begin: bytes, chunk: bytes, *, errors: bool = False) -> Answer:
    """An answer that never ends: a beginning, then the same again and again."""

    async def answer(process: Process) -> None:
        process.stdout.write(begin)
        out = process.stderr if errors else process.stdout
        while not process.is_closing():
            out.write(chunk)
            await out.drain()
            await asyncio.sleep(PAUSE_S)

    return answer


class _Server(asyncssh.SSHServer):
    def __init__(self, user_key: asyncssh.SSHKey) -> None:
        self._key = user_key

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key == self._key


class Hostile:
    """The servers, in a thread of their own, beside the honest hosts of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.commands: dict[str, list[str]] = {}
        self._ports: dict[str, int] = {}
        self._keys: dict[str, asyncssh.SSHKey] = {}
        self._user = asyncssh.read_public_key(fleet.folder / "id_ed25519.pub")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listeners: list[Any] = []

    def __enter__(self) -> Hostile:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()

    def add(self, name: str, options: Mapping[str, Any] | None = None, **answers: Answer) -> None:
        """A host; `answers` by command: probe, list, find, generations, read, follow; `options` of asyncssh.listen."""
        self._keys[name] = asyncssh.generate_private_key("ssh-ed25519")
        self._do(self._listen(name, options or {}, answers))

    def add_raw(self, name: str, begin: bytes, chunk: bytes = b"") -> None:
        """A host that is no SSH server: it sends `begin`, then `chunk` for ever, or nothing more."""
        self._keys[name] = asyncssh.generate_private_key("ssh-ed25519")
        self._do(self._listen_raw(name, begin, chunk))

    def inventory(self, sources: dict[str, Any], **extra: Any) -> Path:
        """The inventory of the fleet with these hosts added."""
        known = self.fleet.folder / "hostile_known_hosts"
        lines = [
            f"[{LOOPBACK}]:{port} {self._keys[name].export_public_key().decode().strip()}\n"
            for name, port in self._ports.items()
        ]
        known.write_text("".join(lines))
        hosts = {name: {"address": LOOPBACK, "ssh": {"port": port}} for name, port in self._ports.items()}
        ssh = {"known_hosts": [str(self.fleet.known_hosts), str(known)]}
        return self.fleet.inventory(sources, hosts=hosts, ssh=ssh, **extra)

    async def _listen_raw(self, name: str, begin: bytes, chunk: bytes) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                writer.write(begin)
                while chunk:
                    writer.write(chunk)
                    await writer.drain()
                await reader.read()
            writer.close()

        listener = await asyncio.start_server(serve, LOOPBACK, 0)
        self._listeners.append(listener)
        self._ports[name] = listener.sockets[0].getsockname()[1]

    async def _listen(self, name: str, options: Mapping[str, Any], answers: dict[str, Answer]) -> None:
        async def handle(process: Process) -> None:
            command = process.command or ""
            self.commands.setdefault(name, []).append(command)
            found = re.search(r" tailon-agg-(\w+)(?: |$)", command)
            answer = answers.get(found[1] if found else "", honest)
            with contextlib.suppress(OSError, asyncssh.Error, asyncio.CancelledError):
                await answer(process)

        listener = await asyncssh.listen(
            LOOPBACK,
            0,
            **{
                "server_factory": lambda: _Server(self._user),
                "server_host_keys": [self._keys[name]],
                "process_factory": handle,
                "encoding": None,
                "login_timeout": 0,
                **options,
            },
        )
        self._listeners.append(listener)
        self._ports[name] = listener.get_port()

    async def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_S)


@contextlib.asynccontextmanager
async def running_here(process: Process) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command that was asked for, run on this machine; it is ended with the block, and its pipes are closed."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", process.command or "", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        child._transport.close()  # a loop that ends right after its exit would leave them open
        await child.wait()
        await asyncio.sleep(0)


async def honest(process: Process) -> None:
    """What an honest host does: run the command."""
    async with running_here(process) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        heartbeats = asyncio.create_task(_copy(process.stdin, child.stdin))
        try:
            await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
            process.exit(await child.wait())
        finally:
            heartbeats.cancel()


async def _copy(source: Any, target: Any) -> None:
    while data := await source.read(1 << 16):
        target.write(data)
        await target.drain()
    if isinstance(target, asyncio.StreamWriter):
        target.close()
