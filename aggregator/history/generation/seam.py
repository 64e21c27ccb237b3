"""What the lines before a place say of secrets after it: a read may begin inside a private key, or inside a record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from aggregator import limits
from aggregator.errors import Gone
from aggregator.history.generation.read import Where, read_bytes
from aggregator.model import Batch, File
from aggregator.remote.link import Link
from aggregator.stream.lines import Cutter
from aggregator.stream.reader import LineReader
from aggregator.stream.redact import Redaction
from aggregator.stream.redactor import Redactor


def wonders(reader: LineReader, batch: Batch) -> bool:
    """Whether a reader has to know the lines before a batch for what is secret in it."""
    return reader.redaction is not None and reader.redaction.wonders(batch, records=True)


async def look_back(
    link: Link, batch: Batch, where: Where | None, reader: LineReader, make: Callable[[], LineReader]
) -> None:
    """Tell a reader of the lines before a batch that it is to read next, where it wonders. `make` makes a reader that
    remembers nothing. To be called while no other command is held open on the host. Raises HostError."""
    redaction = reader.redaction
    if redaction is None or not wonders(reader, batch):
        return
    other = make()
    other.redaction = None
    async with aclosing(_before(link, batch, where)) as batches:
        async for before in batches:
            redaction.take(before, other.read(before, at=0.0, history=True))
    if other.memory.record is not None:
        redaction.goes_on()


Batches = AsyncGenerator[Batch, None]


async def redacted(
    link: Link, batches: Batches, where: Where, redactor: Redactor, again: Callable[[int], Batches] | None
) -> Batches:
    """Batches of one generation with what is secret in their lines; there may be gaps between them. What own patterns
    find over several lines is not among it. `again` reads on from an offset, where what is read holds a command open:
    another one must not be waited for meanwhile. Raises as they do, and HostError."""
    redaction = Redaction(redactor)
    looks = limits.REDACT_LOOKS if where.kind == "plain" else limits.SIFT_MENDS
    start: int | None = None
    while True:
        async with aclosing(batches):
            async for batch in batches:
                if looks and batch.start != start and redaction.wonders(batch, records=False):
                    looks, start = looks - 1, batch.start
                    if again:
                        break
                    await _look(link, batch, where, redaction)
                yield replace(batch, secrets=redaction.find_later(batch))
            else:
                return
        await _look(link, batch, where, redaction)
        batches = again(batch.start)


async def _look(link: Link, batch: Batch, where: Where, redaction: Redaction) -> None:
    async with aclosing(_before(link, batch, where)) as earlier:
        async for before in earlier:
            redaction.find(before)


async def _before(link: Link, batch: Batch, where: Where | None) -> AsyncGenerator[Batch, None]:
    """The lines before a batch, within `limits.REDACT_LOOKBACK`; none where they are gone."""
    file: File = batch.file
    start = max(0, batch.start - limits.REDACT_LOOKBACK)
    cutter = Cutter(file, batch.generation, start, skip=start > 0)
    try:
        async with aclosing(read_bytes(link, file, batch.generation, start, batch.start, where)) as chunks:
            async for data in chunks:
                for before in cutter.feed(data):
                    yield before
    except Gone:
        return
