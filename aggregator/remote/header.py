"""The first line of what `open.sh` answers: what was opened, or why it could not be."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import HostError
from aggregator.remote.answer import after_mark, gate_refused, no_answer
from aggregator.remote.real import judge
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import not_readable, trouble

_LONGEST = 2 * limits.HEAD_BYTES + limits.PATH_BYTES + 512  # bytes: a path, the hexadecimal head, five short words
_HEADER = re.compile(rb"H ([!-~]{1,100}) (\d{1,15}) (-?\d{1,18}) (\d{1,15}) ((?:[0-9a-f]{2})*)")
_SHORT = 200  # bytes of an answer that are repeated in words
_REFUSALS = frozenset(
    {"no-tail", "not-regular", "not-readable", "no-file", "no-decompressor", "outside-gate"}
)  # what open.sh says


@dataclass(frozen=True, slots=True)
class Header:
    """An opened file: its device and inode, size and mtime then, where reading starts, its first bytes; and `real`, the
    path that its descriptor leads to (None: the host can't tell)."""

    inode: str
    size: int
    mtime: int
    start: int
    head: bytes
    real: str | None


class Truncated(Exception):
    """The file is shorter than where reading was to start; `size` in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"the file has only {size} bytes")


async def read_header(channel: Channel, *, path: str, host: str, user: str) -> tuple[Header, bytes, bytes]:
    """The header, and what came with it of both outputs: on the second one a host may have said by then that it failed,
    and a login shell may have said anything. What was opened is judged (`aggregator.remote.real`). Raises HostError,
    Truncated."""
    heard, said, data = b"", b"", None
    try:
        async with asyncio.timeout(limits.HEADER_TIMEOUT):
            while data is None or not _is_whole(data):
                more, errors = await channel.read()
                said = (said + errors)[-limits.CHANNEL_STDERR :]
                if not more and not errors:
                    raise await _none(channel, host, said, heard, data)
                heard += more
                data = after_mark(heard)
                if len(heard) > limits.LOGIN_NOISE + _LONGEST and (data is None or not _is_whole(data)):
                    raise trouble("remote-error", host=host, detail="it says too much before its answer")
    except TimeoutError as error:
        raise trouble("timeout", endpoint=host, seconds=limits.HEADER_TIMEOUT) from error
    real, data = _real(data, path)
    judge(host, path, real)
    line, _, rest = data.partition(b"\n")
    words = line.split(b" ")
    if words[0] == b"E" and len(words) == 3:
        raise _refusal(words[1].decode("ascii", "replace"), words[2][:_SHORT], path, host, user)
    header = _parse(line, real)
    if header is None:
        raise trouble("remote-error", host=host, detail=line[:_SHORT].decode("utf-8", "replace"))
    return header, rest, said


def _is_whole(data: bytes) -> bool:
    """Whether the header is there, with the line before it that tells where the file really is."""
    return data.count(b"\n") > data.startswith(b"P ")


def _real(data: bytes, path: str) -> tuple[str | None, bytes]:
    """The path that was really opened, and the rest; one that is longer than paths are is not known."""
    if not data.startswith(b"P "):
        return path, data
    line, _, rest = data.partition(b"\n")
    told = line[2:]
    known = told.startswith(b"/") and len(told) <= limits.PATH_BYTES
    return told.decode("utf-8", "surrogateescape") if known else None, rest


def _parse(line: bytes, real: str | None) -> Header | None:
    """A header whose numbers a file can have, or None; an mtime that is no date is the nearest that is one."""
    match = _HEADER.fullmatch(line)
    if match is None:
        return None
    inode, size, mtime, start, head = match.groups()
    if max(int(size), int(start)) >= limits.FILE_BYTES or len(head) > 2 * limits.HEAD_BYTES:
        return None
    written = min(max(int(mtime), 0), limits.LAST_SECOND)
    return Header(inode.decode(), int(size), written, int(start), bytes.fromhex(head.decode()), real)


async def _none(channel: Channel, host: str, said: bytes, heard: bytes, answer: bytes | None) -> HostError:
    """Why there is no header."""
    end = await channel.exit()
    if answer is None or end.lost or end.status is None:
        return no_answer(end, host, said or heard)
    lines = said.decode("utf-8", "replace").strip().splitlines() or [f"exit status {end.status}"]
    return trouble("remote-error", host=host, detail=lines[-1][:200])


def _refusal(cause: str, detail: bytes, path: str, host: str, user: str) -> HostError | Truncated:
    said = detail.decode("utf-8", "replace")
    if cause == "truncated" and re.fullmatch(rb"\d{1,15}", detail):
        return Truncated(int(detail))
    if cause == "gate-refused":
        return gate_refused(said, path, host)
    if cause not in _REFUSALS:
        return trouble("remote-error", host=host, detail=f"it answers {cause[:_SHORT]} {said}")
    about = {"folder": "it is a folder", "special": "a device, FIFO or socket"}.get(said, said)
    if cause == "not-readable":
        return not_readable(path, user, folder=path.rsplit("/", 1)[0] if detail == b"folder" else None)
    return trouble(cause, path=path, host=host, user=user, detail=about)
