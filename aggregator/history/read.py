"""Reads a range of addresses of a file on its host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aggregator import limits
from aggregator.errors import Gone
from aggregator.model import Batch, File
from aggregator.remote import commands
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter, generation_of


async def read_bytes(link: Link, file: File, generation: str, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes [start, end) of a generation, in chunks as they come. Raises HostError, and Gone when the file that
    has this name now is another generation, or shorter."""
    async with link.channel("command", lambda _: commands.read(file.path, start, end - start), wait=False) as channel:
        probe = link.known_probe()
        header, data = await read_header(channel, path=file.path, host=file.host, user=probe.user)
        if generation_of(header.head) != generation or header.size < end:
            raise Gone(f"{file.path} on {file.host} is no longer what it was")
        left = end - start
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
                    await link.ended(channel)


async def read_range(link: Link, file: File, generation: str, start: int, end: int) -> AsyncIterator[Batch]:
    """The lines in [start, end), both of which are beginnings of lines. Raises as `read_bytes`."""
    cutter = Cutter(file, generation, start)
    async for data in read_bytes(link, file, generation, start, end):
        for batch in cutter.feed(data):
            yield batch


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
