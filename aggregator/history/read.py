"""Reads a range of addresses of a file on its host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone
from aggregator.model import Batch, File
from aggregator.remote import commands
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter, generation_of
from aggregator.stream.proof import Place, Proof


@dataclass(frozen=True, slots=True)
class Where:
    """Where the text of a generation lies: a file's name, and how it is compressed (`plain`: not)."""

    name: str
    kind: str = "plain"


async def read_bytes(
    link: Link, file: File, generation: str, start: int, end: int | None, where: Where | None = None
) -> AsyncIterator[bytes]:
    """The bytes [start, end) of a generation's text, in chunks as they come; `end` None: all there are now. Without
    `where` they are looked for under the log's own name. Raises HostError, and Gone when that is another generation
    or a shorter one."""
    where = where or Where(file.path)
    length = limits.FAR_END if end is None else end - start
    gone = Gone(f"{where.name} on {file.host} is no longer what it was")
    command = commands.read(where.name, start, length, where.kind)
    async with link.channel("command", lambda _: command, wait=False) as channel:
        user = link.known_probe().user
        header, data = await read_header(channel, path=where.name, host=file.host, user=user)
        if generation_of(header.head) != generation:
            raise gone
        left = length
        while left > 0:
            if data:
                yield data[:left]
                left -= len(data)
            if left > 0:
                try:
                    async with asyncio.timeout(limits.COMMAND_TIMEOUT):
                        data, errors = await channel.read()
                except TimeoutError as error:
                    raise trouble("timeout", endpoint=file.host, seconds=limits.COMMAND_TIMEOUT) from error
                if not data and not errors:
                    ended = await channel.exit()
                    if ended.lost or ended.status is None:
                        raise trouble("lost", endpoint=file.host)
                    if end is not None:
                        raise gone
                    return


async def read_range(
    link: Link, file: File, generation: str, start: int, end: int, where: Where | None = None
) -> AsyncIterator[Batch]:
    """The lines in [start, end), both of which are beginnings of lines. Raises as `read_bytes`."""
    cutter = Cutter(file, generation, start)
    async for data in read_bytes(link, file, generation, start, end, where):
        for batch in cutter.feed(data):
            yield batch


async def read_rest(link: Link, file: File, place: Place, where: Where) -> AsyncGenerator[tuple[Batch, Place], None]:
    """The lines of a closed generation after a place, each batch with the place after it; its last line may lack a
    newline. The bytes before the place are read too and must be the same. Raises as `read_bytes`."""
    start = place.offset - place.proof.length
    head = b""
    cutter: Cutter | None = None
    async for data in read_bytes(link, file, place.generation, start, None, where):
        if cutter is None:
            head += data
            if len(head) < place.proof.length:
                continue
            before, data = head[: place.proof.length], head[place.proof.length :]
            if not place.proof.holds(before):
                raise Gone(f"{where.name} on {file.host} begins like the log, but is another")
            cutter = Cutter(file, place.generation, place.offset, before=before)
        for batch in cutter.feed(data):
            yield batch, Place(place.generation, batch.end, Proof.of(cutter.before), place.inode)
    if cutter is None:
        if place.proof.holds(head):
            return
        raise Gone(f"{where.name} on {file.host} is shorter than what was read of it")
    for batch in cutter.finish():
        yield batch, Place(place.generation, batch.end, Proof.of(cutter.before), place.inode)


async def read_back(link: Link, file: File, generation: str, end: int, lines: int) -> list[Batch]:
    """The last `lines` lines before the address `end`, or all there are; reads at most `limits.BACKLOG_BYTES` back.
    The first batch may hold some lines more. Raises as `read_bytes`."""
    window = limits.READ_CHUNK // 16
    batches: list[Batch] = []
    while lines > 0 and end > 0:
        start = max(0, end - window)
        cutter = Cutter(file, generation, start, skip=start > 0)
        found: list[Batch] = []
        async for data in read_bytes(link, file, generation, start, end):
            found += cutter.feed(data)
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
