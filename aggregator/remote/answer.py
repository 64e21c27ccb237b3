"""The whole answer of a short command."""

from __future__ import annotations

import asyncio

from aggregator import limits
from aggregator.remote.transport import Channel, Exit
from aggregator.remote.trouble import trouble


async def collect(channel: Channel, host: str, limit: int) -> bytes:
    """All output of a command up to its end, at most `limit` bytes. Raises HostError: too long, or failed."""
    output, errors = bytearray(), b""
    try:
        async with asyncio.timeout(limits.COMMAND_TIMEOUT):
            while len(output) <= limit:
                data, said = await channel.read()
                output += data
                errors = (errors + said)[-limits.CHANNEL_STDERR :]
                if not data and not said:
                    _judge(await channel.exit(), host, bytes(output), errors)
                    break
    except TimeoutError as error:
        raise trouble("timeout", endpoint=host, seconds=limits.COMMAND_TIMEOUT) from error
    finally:
        channel.close()
    return bytes(output[:limit])


def _judge(end: Exit, host: str, output: bytes, errors: bytes) -> None:
    """Raise the HostError of a command that ended badly."""
    if end.lost:
        raise trouble("lost", endpoint=host)
    if not output and end.status:
        said = errors.decode("utf-8", "replace").strip().splitlines() or [f"exit status {end.status}"]
        raise trouble("no-shell", endpoint=host, detail=said[-1][:200])
