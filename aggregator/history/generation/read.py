"""Reads a range of addresses of a file on its host."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.model import Batch, File
from aggregator.remote import commands
from aggregator.remote.header import Header, read_header
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter, begins
from aggregator.stream.proof import Place, Proof

_ENDED = re.compile(rb"(?m)^X (\d{1,3})$")  # of read.sh: how the decompressor ended, and what passes its text on


@dataclass(frozen=True, slots=True)
class Where:
    """Where the text of a generation lies: a file's name, how it is compressed (`plain`: not), which file that is."""

    name: str
    kind: str = "plain"
    inode: str | None = None


class Moved(Gone):
    """Another file has the name now, or can't be told from one: rotation goes on while we look."""


async def read_bytes(
    link: Link, file: File, generation: str | None, start: int, end: int | None, where: Where | None = None
) -> AsyncGenerator[bytes, None]:
    """The bytes [start, end) of a generation's text, in chunks as they come; `end` None: all there are now. Without
    `where` they are looked for under the log's own name. Raises HostError; Moved when another file has the name; Gone
    when it holds another generation or a shorter one, or a text that can't be decompressed to its end."""
    where = where or Where(file.path)
    length = limits.FAR_END if end is None else end - start
    gone = Gone(f"{where.name} on {file.host} is no longer what it was")
    command = commands.read(where.name, start, length, where.kind)
    async with link.channel("command", lambda _: command, wait=False) as channel:
        user = link.known_probe().user
        try:
            header, data, said = await read_header(channel, path=where.name, host=file.host, user=user)
        except HostError as error:
            if error.cause == "no-file" and where.inode:
                raise Moved(f"{where.name} on {file.host} was moved") from error
            raise
        if where.inode and header.inode != where.inode:
            raise Moved(f"{where.name} on {file.host} is another file now")
        is_other = bool(generation) and not begins(header.head, generation or "")
        if _is_short(header, where) and (is_other or where.kind == "plain"):
            raise Moved(f"{where.name} on {file.host} was changed, or what reads it was killed")
        if is_other:
            raise gone
        left = most = length if end is not None else _most(header.size, start, where)
        while left > 0:
            if data:
                yield data[:left]
                left -= len(data)
            if left > 0:
                try:
                    async with asyncio.timeout(limits.COMMAND_TIMEOUT):
                        data, errors = await channel.read()
                        said += errors
                    if len(said) > limits.LOGIN_NOISE + limits.CHANNEL_STDERR:
                        raise trouble("remote-error", host=file.host, detail="it complains without end")
                except TimeoutError as error:
                    raise trouble("timeout", endpoint=file.host, seconds=limits.COMMAND_TIMEOUT) from error
                if not data and not errors:
                    ended = await channel.exit()
                    if ended.lost or ended.status is None:
                        raise trouble("lost", endpoint=file.host)
                    statuses = [int(status) for status in _ENDED.findall(said)]
                    if ended.status or _is_killed(where, statuses):
                        raise trouble("remote-error", host=file.host, detail=f"reading {where.name} broke off")
                    if end is not None or any(statuses):
                        raise gone
                    if where.kind == "plain" and most - left < header.size - start:
                        raise trouble("remote-error", host=file.host, detail=f"reading {where.name} broke off")
                    return
        if end is None and where.kind != "plain":
            raise trouble("unpacked", path=where.name, ratio=limits.UNPACKED_RATIO)
        if end is None:
            raise trouble("remote-error", host=file.host, detail=f"it sends more than {where.name} holds")


def _is_short(header: Header, where: Where) -> bool:
    """Whether first bytes are missing that a plain file has, or a compressed one may have."""
    most = header.size if where.kind == "plain" else limits.HEAD_BYTES
    return len(header.head) < min(most, limits.HEAD_BYTES)


def _is_killed(where: Where, statuses: list[int]) -> bool:
    """Whether a text ended because what reads it was killed: a status is missing, or is a signal's (from 128 on)."""
    return where.kind != "plain" and (len(statuses) < 2 or max(statuses) >= 128)


def _most(size: int, start: int, where: Where) -> int:
    """Bytes that there may be from an offset to the end of a file's text, where it has grown meanwhile."""
    if where.kind != "plain":
        return max(size, limits.UNPACKED_LEAST) * limits.UNPACKED_RATIO
    return max(0, size - start) + limits.READ_GROWTH


async def read_range(
    link: Link, file: File, generation: str, start: int, end: int, where: Where | None = None
) -> AsyncGenerator[Batch, None]:
    """The lines that begin in [start, end) and end there. Anybody may have made an offset up: of a line that `start` is
    inside of nothing is read out, as what is secret in it may be known by its beginning only.

    Raises as `read_bytes`."""
    first = max(0, start - 1)
    cutter = Cutter(file, generation, first, skip=start > 0)
    async with aclosing(read_bytes(link, file, generation, first, end, where)) as chunks:
        async for data in chunks:
            for batch in cutter.feed(data):
                yield batch


async def read_rest(
    link: Link, file: File, place: Place, where: Where, *, finish: bool = True
) -> AsyncGenerator[tuple[Batch, Place], None]:
    """The lines of a closed generation after a place, each batch with the place after all that came with it. With
    `finish`, also a last line that lacks a newline. The bytes before the place are read too and must be the same; of a
    place without a proof, a line that it is inside of is passed over (see `read_range`). A place at 0 may be of any
    generation (`""`). Raises as `read_bytes`."""
    proven = place.proof.length > 0
    start = max(0, place.offset - (place.proof.length or 1))
    head = b""
    skip = place.offset > 0
    cutter = None if skip and proven else Cutter(file, place.generation or None, start, skip=skip)
    async with aclosing(read_bytes(link, file, place.generation or None, start, None, where)) as chunks:
        async for data in chunks:
            if cutter is None:
                head += data
                if len(head) < place.proof.length:
                    continue
                before, data = head[: place.proof.length], head[place.proof.length :]
                if not place.proof.holds(before):
                    raise Gone(f"{where.name} on {file.host} begins like the log, but is another")
                cutter = Cutter(file, place.generation, place.offset, before=before)
            for batch in cutter.feed(data):
                yield batch, Place(batch.generation, cutter.position, Proof.of(cutter.before), place.inode)
    if cutter is None:
        if place.proof.holds(head):
            return
        raise Gone(f"{where.name} on {file.host} is shorter than what was read of it")
    for batch in cutter.finish() if finish else ():
        yield batch, Place(batch.generation, batch.end, Proof.of(cutter.before), place.inode)


async def holds(link: Link, file: File, place: Place, where: Where) -> bool:
    """Whether a file holds a place: the bytes before it are the same. Raises HostError, Moved."""
    start = place.offset - place.proof.length
    data = b""
    try:
        async with aclosing(read_bytes(link, file, place.generation, start, place.offset, where)) as chunks:
            async for part in chunks:
                data += part
    except Moved:
        raise
    except Gone:
        return False
    return place.proof.holds(data)


async def read_back(
    link: Link, file: File, generation: str, end: int, lines: int, where: Where | None = None, *, finish: bool = False
) -> list[Batch]:
    """The last `lines` lines before the address `end`, or all there are; reads at most `limits.BACKLOG_BYTES` back.
    The first batch may hold some lines more. With `finish`, `end` is a closed generation's, whose last line counts also
    without its newline. Raises as `read_bytes`."""
    window = limits.READ_CHUNK // 16
    batches: list[Batch] = []
    while lines > 0 and end > 0:
        start = max(0, end - window)
        cutter = Cutter(file, generation, start, skip=start > 0)
        found: list[Batch] = []
        async with aclosing(read_bytes(link, file, generation, start, end, where)) as chunks:
            async for data in chunks:
                found += cutter.feed(data)
        if finish and not batches:
            found += cutter.finish()
        if found:
            batches = found + batches
            lines -= sum(count_lines(batch) for batch in found)
            end = found[0].start
        elif window >= limits.BACKLOG_BYTES:
            break
        window = min(window * 4, limits.BACKLOG_BYTES)
        if sum(batch.end - batch.start for batch in batches) >= limits.BACKLOG_BYTES:
            break
    return batches


def count_lines(batch: Batch) -> int:
    """How many lines a batch holds."""
    return 1 if batch.length is not None else batch.text.count(b"\n")
