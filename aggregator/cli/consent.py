"""The question before more is read of a host than is allowed unasked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from aggregator.cli.charts import size_words
from aggregator.pages import Failure


def is_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def allowed(failed: Sequence[Failure]) -> int | None:
    """How many bytes may be read of a host, where that is more than was allowed and somebody says yes to it."""
    large = [failure for failure in failed if failure.to_scan]
    if not large or not is_terminal():
        return None
    for failure in large:
        print(f"{failure.host}: {size_words(failure.to_scan or 0)} would be read", file=sys.stderr)
    print("Read it all? [y/N] ", end="", file=sys.stderr, flush=True)
    said = await asyncio.to_thread(sys.stdin.readline)
    if said.strip().lower() not in ("y", "yes"):
        return None
    return max(failure.to_scan or 0 for failure in large)
