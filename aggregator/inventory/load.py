"""Inventory files → inventory, or all that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aggregator import limits
from aggregator.errors import ConfigError, ConfigFault
from aggregator.inventory import document, files
from aggregator.inventory.build import build
from aggregator.inventory.inventory import Inventory
from aggregator.inventory.node import Table
from aggregator.inventory.overlay import overlay
from aggregator.inventory.validate import Faults, validate


def load(paths: Sequence[Path], env: str | None = None) -> Inventory:
    """Read, merge and check inventory files; a folder stands for its `base.yaml`, then `ENV.yaml`.

    Reads files and blocks. Raises ConfigError with every fault, sorted by file, line and column.
    """
    found = files.resolve(paths, env)
    tables, faults = _compose(found)
    if len(tables) < len(found):  # a file that can't be read may change everything else
        raise ConfigError(_sorted(faults, found))
    tree, merge_faults = overlay(tables)
    collected = Faults(tree)
    section, broken_groups = validate(tree, collected)
    inventory = build(section, broken_groups, collected, tuple(found))
    faults = [*faults, *merge_faults, *collected.found]
    if faults:
        raise ConfigError(_sorted(faults, found))
    return inventory


def _compose(found: Sequence[Path]) -> tuple[list[Table], list[ConfigFault]]:
    """The mapping of each file that can be read as YAML, and the faults of all files."""
    tables: list[Table] = []
    faults: list[ConfigFault] = []
    for path in found:
        try:
            table, own = document.compose(files.read(path), str(path))
        except ConfigError as error:
            faults.extend(error.faults)
        else:
            tables.append(table)
            faults.extend(own)
    return tables, faults


def _sorted(faults: Sequence[ConfigFault], found: Sequence[Path]) -> list[ConfigFault]:
    order = {str(path): index for index, path in enumerate(found)}

    def key(fault: ConfigFault) -> tuple[int, int, int]:
        mark = fault.mark
        return (order.get(mark.file, -1), mark.line, mark.column) if mark else (-1, 0, 0)

    shown = sorted(faults, key=key)[: limits.INVENTORY_FAULTS]
    return [ConfigFault(fault.mark, _printable(fault.path), _printable(fault.detail)) for fault in shown]


def _printable(text: str) -> str:
    """Text on one line that can't steer a terminal: a quoted YAML key may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
