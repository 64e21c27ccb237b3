"""What commands answer, behind whatever a login shell prints before them."""

from __future__ import annotations

import asyncio
import re

from aggregator import limits
from aggregator.errors import HostError
from aggregator.model import Host
from aggregator.remote.commands import MARK
from aggregator.remote.transport import Channel, Exit
from aggregator.remote.trouble import trouble

_REFUSED = re.compile(rb"E gate-refused ([a-z-]{1,20})\n")


def after_mark(output: bytes | bytearray) -> bytes | None:
    """What a command has said, without what its login shell said before; None while the mark is not there."""
    start = 0 if output.startswith(MARK) else output.find(b"\n" + MARK) + 1
    if start == 0 and not output.startswith(MARK):
        return None
    return bytes(output[start + len(MARK) :])


def patience(host: Host) -> float:
    """Seconds that a short command may take where somebody waits who must soon be told that the host is gone."""
    return min(limits.COMMAND_TIMEOUT, host.ssh.connect_timeout + limits.SCAN_SILENCE)


async def collect(
    channel: Channel, host: str, limit: int, seconds: float | None = None, *, path: str = "what was asked for"
) -> bytes:
    """All output of a command up to its end, at most `limit` bytes; `path` is what it is about. Raises HostError: too
    long, or failed."""
    seconds = limits.COMMAND_TIMEOUT if seconds is None else seconds
    output, errors = bytearray(), b""
    try:
        async with asyncio.timeout(seconds):
            while len(output) <= limit + limits.LOGIN_NOISE:
                data, said = await channel.read()
                output += data
                errors = (errors + said)[-limits.CHANNEL_STDERR :]
                if not data and not said:
                    break
            else:
                channel.close()
            answer = after_mark(output)
            if answer is None:
                raise no_answer(await channel.exit(), host, errors or bytes(output))
    except TimeoutError as error:
        raise trouble("timeout", endpoint=host, seconds=seconds) from error
    finally:
        channel.close()
    if refused := _REFUSED.match(answer):
        raise gate_refused(refused[1].decode(), path, host)
    return answer[:limit]


def gate_refused(why: str, path: str, host: str) -> HostError:
    """What a gate means by the word with which it refuses: `folder`, `argument`, ...; `path` is what was asked for."""
    return trouble("outside-gate" if why == "folder" else "gate-refused", path=path, host=host, detail=why)


def no_answer(end: Exit, host: str, said: bytes) -> HostError:
    """Why a command ended without a word of its own; `said` is what was heard instead."""
    if end.lost:
        return trouble("lost", endpoint=host)
    lines = said.decode("utf-8", "replace").strip().splitlines()
    if end.status is None:
        return trouble("remote-error", host=host, detail="it was killed by a signal")
    return trouble("no-shell", endpoint=host, detail=lines[-1][:200] if lines else f"exit status {end.status}")
