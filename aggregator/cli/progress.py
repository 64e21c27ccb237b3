"""How far something has come, on one line of the terminal's second output."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable

from aggregator import limits
from aggregator.cli.charts import size_words
from aggregator.pages import TotalRecord


@contextlib.asynccontextmanager
async def shown(total: Callable[[], TotalRecord | None]) -> AsyncIterator[None]:
    """Show a search's for as long as this lasts, where somebody looks on; then the line is empty again."""
    async with line_of(lambda: _words(total())):
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
            wipe()


def wipe() -> None:
    """Make room for other words; the next beat shows it again."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


async def _tell(words: Callable[[], str]) -> None:
    while True:
        await asyncio.sleep(limits.PROGRESS_BEAT)
        sys.stderr.write(f"\r\x1b[K{words()}")
        sys.stderr.flush()


def _words(total: TotalRecord | None) -> str:
    if total is None:
        return ""
    scanned = f"{size_words(total.scanned)} of {size_words(total.to_scan)}"
    return f"{total.done + total.failed} of {total.hosts} hosts, {scanned}, {total.matches:,} found"
