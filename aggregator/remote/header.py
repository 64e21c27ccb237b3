"""The first line of what `open.sh` answers: what was opened, or why it could not be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import HostError
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import trouble

_LONGEST = 2 * limits.HEAD_BYTES + 512  # bytes: the hexadecimal head and five short words


@dataclass(frozen=True, slots=True)
class Header:
    """An opened file: its device and inode, size and mtime then, where reading starts, its first bytes."""

    inode: str
    size: int
    mtime: int
    start: int
    head: bytes


class Truncated(Exception):
    """The file is shorter than where reading was to start; `size` in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"the file has only {size} bytes")


async def read_header(channel: Channel, *, path: str, host: str, user: str) -> tuple[Header, bytes]:
    """The header and the bytes that came with it. Raises HostError, Truncated."""
    data, said = b"", b""
    try:
        async with asyncio.timeout(limits.HEADER_TIMEOUT):
            while b"\n" not in data and len(data) <= _LONGEST:
                more, errors = await channel.read()
                if not more and not errors:
                    await _no_answer(channel, host, said)
                data += more
                said = (said + errors)[-limits.CHANNEL_STDERR :]
    except TimeoutError as error:
        raise trouble("timeout", endpoint=host, seconds=limits.HEADER_TIMEOUT) from error
    line, _, rest = data.partition(b"\n")
    words = line.split(b" ")
    if words[0] == b"E" and len(words) >= 3:
        raise _refusal(words[1].decode("ascii", "replace"), words[2], path, host, user)
    try:
        _, inode, size, mtime, start, *head = words
        header = Header(inode.decode(), int(size), int(mtime), int(start), bytes.fromhex(b"".join(head).decode()))
    except ValueError as error:
        raise trouble("remote-error", host=host, detail=line[:200].decode("utf-8", "replace")) from error
    return header, rest


async def _no_answer(channel: Channel, host: str, said: bytes) -> None:
    end = await channel.exit()
    if end.lost or end.status is None:
        raise trouble("lost", endpoint=host)
    lines = said.decode("utf-8", "replace").strip().splitlines() or [f"exit status {end.status}"]
    raise trouble(
        "no-shell" if end.status in (126, 127) else "remote-error", endpoint=host, host=host, detail=lines[-1]
    )


def _refusal(cause: str, detail: bytes, path: str, host: str, user: str) -> HostError | Truncated:
    if cause == "truncated":
        return Truncated(int(detail))
    about = {"folder": "it is a folder", "special": "a device, FIFO or socket"}.get(detail.decode(), detail.decode())
    acl_path = path.rsplit("/", 1)[0] if detail == b"folder" and cause == "not-readable" else path
    return trouble(cause, path=path, host=host, user=user, detail=about, acl_path=acl_path)
