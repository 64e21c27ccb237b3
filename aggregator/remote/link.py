"""The way to one host: its connections and channels within their budgets, with back-off."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn

from aggregator import limits
from aggregator.errors import HostError
from aggregator.model import Host, State
from aggregator.remote import commands
from aggregator.remote.answer import collect
from aggregator.remote.backoff import pause_after
from aggregator.remote.commands import Command
from aggregator.remote.probe import Probe, read_probe
from aggregator.remote.slots import Connections, Kind, Slots
from aggregator.remote.transport import Channel, Connection
from aggregator.remote.trouble import trouble
from aggregator.remote.way import Way

log = logging.getLogger(__name__)


class Link:
    """The way to one host: dials when a channel is wanted, backs off when that fails, tells its state to a listener.

    `changed(link)` is called after each change of `state` or `error`.
    """

    def __init__(
        self,
        host: Host,
        way: Way,
        changed: Callable[[Link], None],
        *,
        probes: bool = True,
    ) -> None:
        self.host = host
        self.state: State = "idle"
        self.error: HostError | None = None
        self.next_try: float | None = None  # event loop time
        self.probe: Probe | None = None
        self._way = way
        self._changed = changed
        self._probes = probes  # a jump host need not have a shell
        self._connections = Connections()
        self._dialling: asyncio.Task[None] | None = None
        self._failures = 0
        self._freed = asyncio.Condition()
        self._users = 0
        self._kept_until = 0.0  # event loop time
        self._lingering: asyncio.Task[None] | None = None
        self._refusal: HostError | None = None  # of the last dial
        self._jump: Link | None = None
        self._jump_held = AsyncExitStack()

    @asynccontextmanager
    async def hold(self, linger: float = 0.0) -> AsyncIterator[None]:
        """Keep the connections of this host open while inside; the last one out closes them, `linger` seconds later."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._kept_until = max(self._kept_until, asyncio.get_running_loop().time() + linger)
            if linger and self._lingering is None:
                lingering = self._linger()
                try:
                    self._lingering = self._way.tasks.create_task(lingering, name=f"linger {self.host.name}")
                except RuntimeError:  # all ends
                    lingering.close()
            if self._users == 0 and self._lingering is None:
                await self.close()

    async def _linger(self) -> None:
        """Close when nobody has held the link for a while."""
        try:
            while (left := self._kept_until - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110 - it is moved on
                await asyncio.sleep(left)
        finally:
            self._lingering = None
        if self._users == 0:
            try:
                await self.close()
            except Exception:  # a fault of ours with one host must not end all others
                log.exception("closing the connections to %s ended by a fault of ours", self.host.name)

    @asynccontextmanager
    async def channel(self, kind: Kind, command: Callable[[Probe], Command], *, wait: bool) -> AsyncIterator[Channel]:
        """A running command on the host, closed at the end of the block.

        With `wait`, sleeps out a back-off first; without, raises the HostError that it backs off from. Raises
        HostError when dialling fails, or the budget of follows (cause `too-many-files`) is used up.
        """
        slots, channel = await self._open(kind, command, wait)
        try:
            yield channel
        finally:
            slots.channels.discard(channel)
            channel.close()
            await self._release(slots, kind)

    async def run(self, command: Command, limit: int, *, path: str = "what was asked for") -> bytes:
        """The output of a short command about a path, at most `limit` bytes of it. Raises HostError."""
        async with self.channel("command", lambda _: command, wait=False) as channel:
            return await collect(channel, self.host.name, limit, path=path)

    async def reached(self) -> None:
        """Wait until the host is connected. Raises the HostError of an attempt, or of the back-off from one."""
        while not self._connections:
            await self._dialled(wait=False)

    async def connection(self) -> Connection:
        """A connection, for hosts behind this one. Raises HostError."""
        slots = await self._reserve("command", wait=False)
        slots.take("command", -1)
        return slots.connection

    async def close(self) -> None:
        """Close all connections; the state is `idle` then, unless a person is needed."""
        if self._dialling:
            self._dialling.cancel()
            self._dialling = None
        await asyncio.gather(*(slots.connection.close() for slots in self._connections.clear()))
        if self._connections or self._is_dialling:
            return  # somebody came meanwhile
        await self._go_through(None)
        if self.state != "failed":
            self._set("idle", None)

    async def ended(self, channel: Channel) -> NoReturn:
        """Raise the HostError of a follow that has ended by itself."""
        end = await channel.exit()
        if end.lost:
            raise trouble("lost", endpoint=self.host.name)
        how = "was killed by a signal" if end.status is None else f"ended with status {end.status}"
        raise trouble("remote-error", host=self.host.name, detail=f"the follower {how}")

    @property
    def refusal(self) -> HostError | None:
        """The trouble that is being backed off from."""
        return self._refusal if (self.next_try or 0) > asyncio.get_running_loop().time() else None

    @property
    def failure(self) -> HostError | None:
        """What ailed the last attempt, as long as none has succeeded since and the host is in use."""
        return None if self.state == "idle" else self._refusal

    def known_probe(self) -> Probe:
        """What the host answered when it was dialled. Raises HostError."""
        if self.probe is None:
            raise trouble("remote-error", host=self.host.name, detail="it did not answer the probe")
        return self.probe

    async def _open(self, kind: Kind, command: Callable[[Probe], Command], wait: bool) -> tuple[Slots, Channel]:
        """Start a command on a connection that takes one more session; how many it takes is learned from refusals."""
        refusals = 0
        while True:
            slots = await self._reserve(kind, wait)
            try:
                channel = await slots.connection.run(self.said(command(self.known_probe())))
            except HostError as error:
                await self._release(slots, kind)
                if error.cause != "too-many-sessions":
                    raise
                if refusals and not self._connections.refused(slots) and refusals >= limits.SESSION_ENDS:
                    raise  # all that were ours have had their time to end
                refusals += 1
                await asyncio.sleep(limits.SESSION_END)
            except BaseException:
                await self._release(slots, kind)
                raise
            else:
                slots.channels.add(channel)
                return slots, channel

    def said(self, command: Command) -> str:
        """What is sent to the host."""
        return command.request if self.host.ssh.gate else command

    async def _free_again(self) -> None:
        async with self._freed:
            await self._freed.wait()

    async def _release(self, slots: Slots, kind: Kind) -> None:
        slots.take(kind, -1)
        self._drop_lost()
        async with self._freed:
            self._freed.notify_all()

    async def _reserve(self, kind: Kind, wait: bool) -> Slots:
        """A connection with a free place of this kind, dialling one if need be."""
        while True:
            self._drop_lost()
            slots = self._connections.take(kind, self.host.name)
            if slots:
                return slots
            if kind == "command" and self._connections.busy(kind) and not self._is_dialling:
                await self._free_again()
            elif not self._connections.full:
                await self._dialled(wait)
            elif kind != "follow" and self._connections.busy("scan"):
                await self._free_again()
            else:
                raise trouble("too-many-sessions", endpoint=self.host.name)

    @property
    def _is_dialling(self) -> bool:
        return self._dialling is not None and not self._dialling.done()

    def _drop_lost(self) -> None:
        """Forget lost connections; with the last one, back off. Whoever sees the loss first calls this."""
        if self._connections.drop_lost():
            self._back_off(trouble("lost", endpoint=self.host.name))

    async def _dialled(self, wait: bool) -> None:
        """Wait for the dial that is under way, or start one. All who wait share one dial and its error."""
        task = self._dialling
        if task is None or task.done():
            pause = (self.next_try or 0) - asyncio.get_running_loop().time()
            if pause > 0:
                if not wait and self._refusal:
                    raise self._refusal
                failures = self._failures
                await asyncio.sleep(pause)
                if self._refusal and self._failures != failures:
                    raise self._refusal  # somebody else has tried meanwhile
                if self._is_dialling:
                    return await self._dialled(wait)
            task = self._dialling = self._way.tasks.create_task(self._dial(), name=f"dial {self.host.name}")
        await asyncio.wait([task])
        if task.cancelled():
            raise trouble("lost", endpoint=self.host.name)
        if self._refusal:
            raise self._refusal

    async def _dial(self) -> None:
        """One attempt, with its outcome in `state`, `error` and `next_try`; raises nothing."""
        if not self._connections:
            self._set("connecting", None)
        try:
            connection = await self._connect()
        except HostError as error:
            self._way.metrics.dial_failures.labels(error.cause).inc()
            self._back_off(error)
            return
        except Exception:  # a fault of ours with one host must not end all others, whose tasks are of the same group
            log.exception("dialling %s ended by a fault of ours", self.host.name)
            self._back_off(HostError("internal", "the dial failed inside tailon-agg", "see its own log", retry=True))
            return
        self._failures = 0
        self._refusal = self.next_try = None
        slots = self._connections.add(connection)
        self._way.tasks.create_task(self._watch(slots), name=f"watch {self.host.name}")
        self._set("live", None)

    async def _connect(self) -> Connection:
        spec = self.host.jump or await self._way.transport.jumps(self.host)
        jump = self._way.jump(spec, self.host) if spec else None
        await self._go_through(jump)
        if jump is None:
            server = self._way.budgets.server(self.host.address, self.host.ssh.port)
            async with server, self._way.budgets.dials:
                return await self._dial_probed(None)
        via = await self._jump_connection(jump)
        async with self._way.budgets.server(jump.host.name, None):
            return await self._dial_probed(via)

    async def _go_through(self, jump: Link | None) -> None:
        """Keep the jump host's connection open from now on, and let go of another one."""
        if jump is not self._jump:
            held, self._jump_held = self._jump_held, AsyncExitStack()
            self._jump = jump
            if jump:
                await self._jump_held.enter_async_context(jump.hold())
            await held.aclose()

    async def _jump_connection(self, jump: Link) -> Connection:
        """A connection to the jump host. Raises HostError (cause `jump-failed`)."""
        name, behind = jump.host.name, jump
        while behind is not self and behind._jump:
            behind = behind._jump
        if behind is self:
            words = trouble("jump-failed", jump=name, detail="it leads back to itself").words
            raise HostError("jump-failed", words, "mend ProxyJump in ssh_config, or jump: in the inventory")
        try:
            return await jump.connection()
        except HostError as error:
            words = trouble("jump-failed", jump=name, detail=error.words).words
            raise HostError("jump-failed", words, error.step, retry=error.retry) from error

    async def _dial_probed(self, via: Connection | None) -> Connection:
        """Connect and ask the host what it has, within `connect_timeout` and the probe's own time."""
        self._way.metrics.dials.inc()
        connection = await self._way.transport.connect(self.host, via)
        try:
            if self._probes and (self.probe is None or not self._connections):
                self.probe = await self._ask(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _ask(self, connection: Connection) -> Probe:
        before = time.time()
        channel = await connection.run(self.said(commands.probe()))
        try:
            answer = await collect(channel, self.host.name, limits.PROBE_BYTES)
        except HostError as error:
            if error.cause == "gate-refused" and not self.host.ssh.gate:
                raise trouble("gated", host=self.host.name) from error
            if error.cause == "no-shell" and self.host.ssh.gate:
                raise trouble("no-gate", host=self.host.name, detail=error.words) from error
            raise
        after = time.time()
        return read_probe(self.host, answer, before, after)

    def _back_off(self, error: HostError) -> None:
        self._failures += 1
        self._refusal = error
        self.next_try = asyncio.get_running_loop().time() + pause_after(error, self._failures)
        if not self._connections:
            self._set("waiting" if error.retry else "failed", error)

    async def _watch(self, slots: Slots) -> None:
        """Send heartbeats until the connection is lost; with the last one of a host in use, its state is `waiting`."""
        self._way.metrics.connections.inc()
        try:
            while not slots.connection.lost:
                for channel in slots.channels:
                    channel.beat()
                try:
                    async with asyncio.timeout(limits.HEARTBEAT):
                        await slots.connection.wait_lost()
                except TimeoutError:
                    continue
        finally:
            self._way.metrics.connections.dec()
        self._drop_lost()
        async with self._freed:
            self._freed.notify_all()

    def _set(self, state: State, error: HostError | None) -> None:
        if (state, str(error)) != (self.state, str(self.error)):
            self.state, self.error = state, error
            self._changed(self)
