"""What a host that was reached answers: facts, and how many sessions it takes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from aggregator import limits
from aggregator.doctor.facts import Facts, read_facts
from aggregator.errors import HostError
from aggregator.model import Host
from aggregator.remote import commands
from aggregator.remote.answer import after_mark, no_answer, patience
from aggregator.remote.link import Link
from aggregator.remote.probe import Probe
from aggregator.remote.transport import Channel, Connection
from aggregator.remote.trouble import trouble

_ENDING = (limits.SESSION_END, limits.SESSION_END)  # seconds: sessions before these may still be ending there


async def ask(link: Link, patterns: Sequence[str]) -> Facts:
    """What can be done on a host, and with the files of path patterns. Looks that took too long are not whole, and
    those after them are missing. Raises HostError."""
    facts = Facts()
    for part in _parts(patterns):
        command = partial(_command, part)
        async with link.channel("command", command, wait=False) as channel:
            answer, ended = await _some(channel, link.host)
        read_facts(answer, part, facts)
        if not ended:
            break
    return facts


async def sessions(link: Link, wanted: int) -> int:
    """How many of the wanted sessions a connection takes at once. Raises HostError."""
    connection = await link.connection()
    count = 0
    with ExitStack() as opened:
        for pause in (0.0, *_ENDING):
            await asyncio.sleep(pause)
            async with asyncio.TaskGroup() as tasks:
                opening = [tasks.create_task(_session(link, connection, opened)) for _ in range(wanted - count)]
            count += sum(task.result() for task in opening)
            if count == wanted:
                break
    if connection.lost:
        raise trouble("lost", endpoint=link.host.name)
    return count


async def _session(link: Link, connection: Connection, opened: ExitStack) -> bool:
    """Open one, to be closed with the others; whether that is possible."""
    try:
        channel = await connection.run(link.said(commands.idle()))
    except HostError:
        return False
    opened.callback(channel.close)
    return True


def _command(patterns: Sequence[str], _: Probe) -> commands.Command:
    return commands.doctor(patterns, limits.FILES_PER_GLOB * 8)


def _parts(patterns: Sequence[str]) -> Iterator[list[str]]:
    """Patterns for one command each; one run at least."""
    part: list[str] = []
    size = 0
    for pattern in patterns:
        cost = len(commands.quote(pattern))
        if part and size + cost > limits.DOCTOR_COMMAND:
            yield part
            part, size = [], 0
        part.append(pattern)
        size += cost
    yield part


async def _some(channel: Channel, host: Host) -> tuple[bytes, bool]:
    """A command's output as far as it comes in time, and whether that is all. Raises HostError when it is nothing."""
    output, errors, ended = bytearray(), b"", False
    try:
        async with asyncio.timeout(patience(host)):
            while len(output) <= limits.DOCTOR_BYTES and not ended:
                data, said = await channel.read()
                output += data
                errors = (errors + said)[-limits.CHANNEL_STDERR :]
                ended = not data and not said
    except TimeoutError:
        pass  # what was said tells where it stuck
    answer = after_mark(output)
    if answer is None and ended:
        raise no_answer(await channel.exit(), host.name, errors or bytes(output))
    return answer or b"", ended
