"""The first line of what `open.sh` answers: what was opened, or why it could not be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import HostError
from aggregator.remote.answer import after_mark, no_answer
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import not_readable, trouble

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
    heard, said, data = b"", b"", None
    try:
        async with asyncio.timeout(limits.HEADER_TIMEOUT):
            while data is None or b"\n" not in data:
                more, errors = await channel.read()
                said = (said + errors)[-limits.CHANNEL_STDERR :]
                if not more and not errors:
                    raise await _none(channel, host, said, heard, data)
                heard += more
                data = after_mark(heard)
                if len(heard) > limits.LOGIN_NOISE + _LONGEST and (data is None or b"\n" not in data):
                    raise trouble("remote-error", host=host, detail="it says too much before its answer")
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


async def _none(channel: Channel, host: str, said: bytes, heard: bytes, answer: bytes | None) -> HostError:
    """Why there is no header."""
    end = await channel.exit()
    if answer is None or end.lost or end.status is None:
        return no_answer(end, host, said or heard)
    lines = said.decode("utf-8", "replace").strip().splitlines() or [f"exit status {end.status}"]
    return trouble("remote-error", host=host, detail=lines[-1][:200])


def _refusal(cause: str, detail: bytes, path: str, host: str, user: str) -> HostError | Truncated:
    if cause == "truncated":
        return Truncated(int(detail))
    about = {"folder": "it is a folder", "special": "a device, FIFO or socket"}.get(detail.decode(), detail.decode())
    if cause == "not-readable":
        return not_readable(path, user, folder=path.rsplit("/", 1)[0] if detail == b"folder" else None)
    return trouble(cause, path=path, host=host, user=user, detail=about)
