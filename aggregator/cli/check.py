"""`tailon-agg check`: read the inventory, say everything that is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aggregator.errors import ConfigError
from aggregator.inventory import Inventory, load


def run(paths: Sequence[Path], env: str | None) -> int:
    """Print every fault on stderr, one a line, or one line of summary on stdout; return the exit status, 0 or 78."""
    try:
        inventory = load(paths, env)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return error.exit_code
    print(_summary(inventory))
    return 0


def _summary(inventory: Inventory) -> str:
    counts = ", ".join(
        f"{len(table)} {noun if len(table) == 1 else noun + 's'}"
        for noun, table in (("host", inventory.hosts), ("group", inventory.groups), ("source", inventory.sources))
    )
    return f"{', '.join(str(file) for file in inventory.files)}: ok: {counts}"
