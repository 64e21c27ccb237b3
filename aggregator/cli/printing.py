"""Records to standard output."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterable, Mapping

from aggregator.cli.terminal import Painter, wants_colour
from aggregator.errors import TailonError
from aggregator.hub.queue import Block
from aggregator.stream.records import encode


async def print_blocks(blocks: AsyncIterable[Block], output: str, environ: Mapping[str, str]) -> bool:
    """Print records as text or JSON; False when nobody reads them any more."""
    painter = Painter(colour=wants_colour(sys.stdout, environ))
    async for block in blocks:
        if output == "json":
            text = "".join(encode(record).decode() + "\n" for record in block.records)
        else:
            text = "".join(painter.paint(record) for record in block.records)
        if not await printed(text):
            return False
    return True


async def printed(text: str) -> bool:
    """Print a text; false when nobody reads it any more. Raises TailonError."""
    try:
        await asyncio.to_thread(_write, text)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at exit
        if error.errno in (errno.EPIPE, errno.EIO):
            return False
        raise TailonError(f"what was read can't be written to standard output: {error.strerror}") from None
    return True


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
