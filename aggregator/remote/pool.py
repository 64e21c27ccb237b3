"""Connections and channels of one host within their budgets, with back-off; and the links of all hosts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Literal

from aggregator import limits
from aggregator.errors import HostError
from aggregator.metrics import Metrics
from aggregator.model import Host, State
from aggregator.remote import commands
from aggregator.remote.transport import Channel, Connection, Exit, Transport
from aggregator.remote.trouble import trouble

Kind = Literal["follow", "command"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a host answered: its clock minus ours (seconds, with the error of that), its zone, its kind of tail."""

    skew: float
    skew_error: float
    zone: tzinfo
    tail: str
    user: str

    @property
    def offset(self) -> float:
        """Seconds to take off the host's stamps; nothing when the difference is within the error of measuring."""
        return self.skew if abs(self.skew) > self.skew_error else 0.0


@dataclass(slots=True, eq=False)
class _Slots:
    """One connection and the channels in use on it."""

    connection: Connection
    follows: int = 0
    commands: int = 0
    channels: set[Channel] = field(default_factory=set)

    def free(self, kind: Kind) -> bool:
        if self.connection.lost:
            return False
        if kind == "follow":
            return self.follows < limits.FOLLOWS_PER_CONNECTION
        return self.commands < limits.COMMANDS_PER_CONNECTION

    def take(self, kind: Kind, count: int) -> None:
        if kind == "follow":
            self.follows += count
        else:
            self.commands += count


@dataclass(slots=True)
class Budgets:
    """What all dials share: handshakes at once, over all and through each jump host."""

    dials: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(limits.DIALS_AT_ONCE))
    jumps: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def jump(self, name: str) -> asyncio.Semaphore:
        return self.jumps.setdefault(name, asyncio.Semaphore(limits.DIALS_PER_JUMP))


class Link:
    """The way to one host: dials when a channel is wanted, backs off when that fails, tells its state to a listener.

    `changed(link)` is called after each change of `state` or `error`.
    """

    def __init__(
        self,
        host: Host,
        links: Links,
        transport: Transport,
        budgets: Budgets,
        changed: Callable[[Link], None],
        *,
        probes: bool = True,
    ) -> None:
        self.host = host
        self.state: State = "idle"
        self.error: HostError | None = None
        self.next_try: float | None = None  # event loop time
        self.probe: Probe | None = None
        self._links = links
        self._transport = transport
        self._budgets = budgets
        self._changed = changed
        self._probes = probes  # a jump host need not have a shell
        self._slots: list[_Slots] = []
        self._dialling: asyncio.Task[None] | None = None
        self._failures = 0
        self._freed = asyncio.Condition()
        self._users = 0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep the connections of this host open while inside; the last one out closes them."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self.close()

    @asynccontextmanager
    async def channel(self, kind: Kind, command: Callable[[Probe], str], *, wait: bool) -> AsyncIterator[Channel]:
        """A running command on the host, closed at the end of the block.

        With `wait`, sleeps out a back-off first; without, raises the HostError that it backs off from. Raises
        HostError when dialling fails, or the budget of follows (cause `too-many-files`) is used up.
        """
        slots = await self._reserve(kind, wait)
        try:
            channel = await slots.connection.run(command(self._known_probe()))
            slots.channels.add(channel)
            try:
                yield channel
            finally:
                slots.channels.discard(channel)
                channel.close()
        finally:
            slots.take(kind, -1)
            async with self._freed:
                self._freed.notify_all()

    async def run(self, command: str, limit: int) -> bytes:
        """The output of a short command, at most `limit` bytes of it. Raises HostError."""
        async with self.channel("command", lambda _: command, wait=False) as channel:
            return await self._collect(channel, limit)

    async def close(self) -> None:
        """Close all connections; the state is `idle` then, unless an error stands."""
        if self._dialling and not self._dialling.done():
            self._dialling.cancel()
        slots, self._slots = self._slots, []
        await asyncio.gather(*(slot.connection.close() for slot in slots))
        if self.state in ("live", "connecting"):
            self._set("idle", None)

    def report(self, error: HostError) -> None:
        """A user of the link saw a trouble that concerns the whole host (such as no shell)."""
        self._set("waiting" if error.retry else "failed", error)

    def _known_probe(self) -> Probe:
        if self.probe is None:
            raise trouble("remote-error", host=self.host.name, detail="it did not answer the probe")
        return self.probe

    async def _reserve(self, kind: Kind, wait: bool) -> _Slots:
        """A connection with a free place of this kind, dialling one if need be."""
        while True:
            self._drop_lost()
            for slots in self._slots:
                if slots.free(kind):
                    slots.take(kind, 1)
                    return slots
            if len(self._slots) >= limits.CONNECTIONS_PER_HOST:
                if kind == "follow":
                    most = limits.CONNECTIONS_PER_HOST * limits.FOLLOWS_PER_CONNECTION
                    raise trouble("too-many-files", limit=most)
                async with self._freed:
                    await self._freed.wait()
                continue
            if kind == "command" and self._slots and not (self._dialling and not self._dialling.done()):
                async with self._freed:
                    await self._freed.wait()
                continue
            await self._dialled(wait)

    def _drop_lost(self) -> None:
        self._slots = [slots for slots in self._slots if not slots.connection.lost]

    async def _dialled(self, wait: bool) -> None:
        """Wait for the dial that is under way, or start one. All who wait share one dial and its error."""
        if self._dialling is None or self._dialling.done():
            pause = (self.next_try or 0) - asyncio.get_running_loop().time()
            if pause > 0:
                if not wait and self.error:
                    raise self.error
                await asyncio.sleep(pause)
                if self._dialling and not self._dialling.done():
                    return await self._dialled(wait)
            self._dialling = self._links.tasks.create_task(self._dial(), name=f"dial {self.host.name}")
        task = self._dialling
        await asyncio.wait([task])
        if task.cancelled():
            raise trouble("lost", endpoint=self.host.name)
        if self.error and not self._slots:
            raise self.error

    async def _dial(self) -> None:
        """One attempt, with its outcome in `state`, `error` and `next_try`; raises nothing."""
        if not self._slots:
            self._set("connecting", None)
        try:
            connection = await self._connect()
        except HostError as error:
            self._links.metrics.dial_failures.labels(error.cause).inc()
            self._back_off(error)
            return
        self._failures = 0
        self.next_try = None
        slots = _Slots(connection)
        self._slots.append(slots)
        self._links.tasks.create_task(self._watch(slots), name=f"watch {self.host.name}")
        self._set("live", None)

    async def _connect(self) -> Connection:
        jump = self.host.jump or await self._transport.jumps(self.host)
        if jump is None:
            async with self._budgets.dials:
                return await self._dial_probed(None)
        via = await self._links.jump(jump, self.host)
        async with self._budgets.jump(jump):
            return await self._dial_probed(via)

    async def _dial_probed(self, via: Connection | None) -> Connection:
        """Connect and ask the host what it has, within `connect_timeout` and the probe's own time."""
        self._links.metrics.dials.inc()
        connection = await self._transport.connect(self.host, via)
        try:
            if self._probes and (self.probe is None or not self._slots):
                self.probe = await self._ask(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _ask(self, connection: Connection) -> Probe:
        before = time.time()
        channel = await connection.run(commands.probe())
        answer = await self._collect(channel, limits.PROBE_BYTES)
        after = time.time()
        return _read_probe(self.host, answer, before, after)

    async def _collect(self, channel: Channel, limit: int) -> bytes:
        """All output of a command up to its end. Raises HostError when it takes too long or says too much."""
        output, errors = bytearray(), b""
        try:
            async with asyncio.timeout(limits.COMMAND_TIMEOUT):
                while len(output) <= limit:
                    data, said = await channel.read()
                    output += data
                    errors = (errors + said)[-limits.CHANNEL_STDERR :]
                    if not data and not said:
                        self._judge(await channel.exit(), bytes(output), errors)
                        break
        except TimeoutError as error:
            raise trouble("timeout", endpoint=self.host.name, seconds=limits.COMMAND_TIMEOUT) from error
        finally:
            channel.close()
        return bytes(output[:limit])

    def _judge(self, end: Exit, output: bytes, errors: bytes) -> None:
        """Raise the HostError of a command that ended badly."""
        if end.lost:
            raise trouble("lost", endpoint=self.host.name)
        if not output and end.status:
            said = errors.decode("utf-8", "replace").strip().splitlines() or [f"exit status {end.status}"]
            raise trouble("no-shell", endpoint=self.host.name, detail=said[-1][:200])

    def _back_off(self, error: HostError) -> None:
        self._failures += 1
        if error.retry:
            most = min(limits.BACKOFF_CAP, limits.BACKOFF_BASE * 2.0 ** min(self._failures, 10))
            pause = random.uniform(0.1, most)  # noqa: S311 - full jitter, not a secret
        else:
            pause = limits.FAILED_RETRY * random.uniform(0.75, 1.25)  # noqa: S311
        self.next_try = asyncio.get_running_loop().time() + pause
        if not self._slots:
            self._set("waiting" if error.retry else "failed", error)

    async def _watch(self, slots: _Slots) -> None:
        """Send heartbeats until the connection is lost; with the last one of a host in use, its state is `waiting`."""
        self._links.metrics.connections.inc()
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
            self._links.metrics.connections.dec()
        known = slots in self._slots
        self._drop_lost()
        async with self._freed:
            self._freed.notify_all()
        if known and not self._slots:
            self._back_off(trouble("lost", endpoint=self.host.name))

    def _set(self, state: State, error: HostError | None) -> None:
        if (state, str(error)) != (self.state, str(self.error)):
            self.state, self.error = state, error
            self._changed(self)


class Links:
    """The links of all hosts, and the jump hosts between."""

    def __init__(
        self, transport: Transport, tasks: asyncio.TaskGroup, metrics: Metrics, changed: Callable[[Link], None]
    ) -> None:
        self.tasks = tasks
        self.metrics = metrics
        self._transport = transport
        self._changed = changed
        self._budgets = Budgets()
        self._links: dict[str, Link] = {}
        self._jumps: dict[str, Link] = {}

    def link(self, host: Host) -> Link:
        """The link of an inventory host; a host whose way has changed gets a new one."""
        link = self._links.get(host.name)
        if link is None or link.host != host:
            link = self._links[host.name] = Link(host, self, self._transport, self._budgets, self._changed)
        return link

    def all(self) -> list[Link]:
        return list(self._links.values())

    def keep(self, names: frozenset[str]) -> None:
        """Forget the links of hosts that the inventory no longer has."""
        self._links = {name: link for name, link in self._links.items() if name in names}

    async def jump(self, spec: str, target: Host) -> Connection:
        """A connection to a jump host (an inventory host's name or `[user@]host[:port]`). Raises HostError."""
        first, _, rest = spec.rpartition(",")  # ssh_config: a,b means b through a
        link = self._jumps.get(spec) or self._jumps.setdefault(spec, self._jump_link(rest, first, target))
        try:
            slots = await link._reserve("command", wait=False)
        except HostError as error:
            words = trouble("jump-failed", jump=spec, detail=error.words).words
            raise HostError("jump-failed", words, error.step, retry=error.retry) from error
        slots.take("command", -1)
        return slots.connection

    def _jump_link(self, spec: str, before: str, target: Host) -> Link:
        known = self._links.get(spec)
        host = known.host if known else _jump_host(spec, before, target)
        return Link(host, self, self._transport, self._budgets, lambda _: None, probes=False)

    async def close(self) -> None:
        """Close everything, targets before the jump hosts that carry them."""
        await asyncio.gather(*(link.close() for link in self._links.values()))
        await asyncio.gather(*(link.close() for link in self._jumps.values()))


def _jump_host(spec: str, before: str, target: Host) -> Host:
    user, _, address = spec.rpartition("@")
    port: int | None = None
    if address.startswith("["):
        address, _, tail = address[1:].partition("]")
        port = int(tail[1:]) if tail.startswith(":") else None
    elif address.count(":") == 1:
        address, _, text = address.partition(":")
        port = int(text)
    ssh = replace(target.ssh, user=user or target.ssh.user, port=port)
    return Host(name=spec, address=address, ssh=ssh, labels={}, jump=before or None)


def _read_probe(host: Host, answer: bytes, before: float, after: float) -> Probe:
    """Parse the probe's line; what a login shell prints before it (a banner) is passed over. Raises HostError."""
    for line in answer.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:2] == ["tailon-probe", "1"] and len(words) == 6:
            break
    else:
        said = answer.decode("utf-8", "replace").strip().splitlines()
        raise trouble("no-shell", endpoint=host.name, detail=(said or ["no answer to the probe"])[0][:200])
    _, _, clock, zone, tail, user = words
    if tail == "none":
        raise trouble("no-tail", host=host.name)
    try:
        theirs = float(clock)
    except ValueError:
        theirs = (before + after) / 2
    resolution = 0.01 if "." in clock else 1.0
    error = (after - before) / 2 + resolution
    middle = (before + after) / 2 - (0.0 if "." in clock else 0.5)
    return Probe(theirs - middle, error, _zone(zone), tail, user)


def _zone(text: str) -> tzinfo:
    """`+0130` as a fixed zone, as `date +%z` prints it."""
    if len(text) == 5 and text[0] in "+-" and text[1:].isdigit():
        minutes = int(text[1:3]) * 60 + int(text[3:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
    return UTC
