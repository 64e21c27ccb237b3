"""How far something has come, on one line of the terminal's second output."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from aggregator import limits
from aggregator.cli.charts import size_words
from aggregator.pages import ProgressRecord


@contextlib.asynccontextmanager
async def shown(progress: Callable[[], Sequence[ProgressRecord]]) -> AsyncIterator[None]:
    """Show a search's for as long as this lasts, where somebody looks on; then the line is empty again."""
    async with line_of(lambda: _words(progress())):
        yield


@contextlib.asynccontextmanager
async def line_of(words: Callable[[], str]) -> AsyncIterator[None]:
    """Keep a line of words true for as long as this lasts, where somebody looks on; then it is empty again."""
    if not sys.stderr.isatty():
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(_tell(words))
        try:
            yield
        finally:
            telling.cancel()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


async def _tell(words: Callable[[], str]) -> None:
    while True:
        await asyncio.sleep(limits.PROGRESS_BEAT)
        sys.stderr.write(f"\r\x1b[K{words()}")
        sys.stderr.flush()


def _words(hosts: Sequence[ProgressRecord]) -> str:
    done = sum(one.stage == "done" for one in hosts)
    scanned, whole = sum(one.scanned for one in hosts), sum(one.to_scan for one in hosts)
    matches = sum(one.matches for one in hosts)
    return f"{done} of {len(hosts)} hosts, {size_words(scanned)} of {size_words(whole)}, {matches:,} found"
