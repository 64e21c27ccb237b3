"""Jump hosts: each is a host of the inventory or an address, and none leads back to itself."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.inventory.address import parse_endpoint
from aggregator.inventory.validate import Faults


def check_jumps(jumps: Mapping[str, str], names: frozenset[str], faults: Faults) -> None:
    """Report jumps that are neither a host nor an address, and each circle once."""
    for name, jump in jumps.items():
        if jump not in names:
            try:
                parse_endpoint(jump)
            except ValueError as error:
                faults.add(("hosts", name, "jump"), str(error))
    safe: set[str] = set()
    for start in jumps:
        chain: dict[str, None] = {}
        name = start
        while name in jumps and name not in safe and name not in chain:
            chain[name] = None
            name = jumps[name]
        if name in chain:
            circle = list(chain)[list(chain).index(name) :]
            faults.add(("hosts", name, "jump"), f"jumps in a circle: {' → '.join([*circle, name])}")
        safe.update(chain)
