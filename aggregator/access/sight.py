"""What exists for a principal: the rest is not in lists, not in counts and not in errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aggregator.access.policy import Policy
from aggregator.access.real import decide_real
from aggregator.inventory import Inventory
from aggregator.inventory.paths import path_pattern
from aggregator.model import File, Principal
from aggregator.remote.real import Real


@dataclass(frozen=True, slots=True)
class Sight:
    """A principal's view of an inventory, under the rules of whatever moment it is asked."""

    principal: Principal
    rules: Callable[[], Policy]

    def hosts(self, inventory: Inventory) -> frozenset[str]:
        """The hosts that some rule is about."""
        return self.rules().visible_hosts(self.principal, inventory)

    def source(self, inventory: Inventory, host: str, source: str) -> bool:
        """Whether a source may have files on a host that exist for the principal."""
        found = inventory.sources[source]
        if host not in found.hosts or host not in inventory.hosts:
            return False
        return self.rules().may_see(self.principal, host, path_pattern(found, inventory.hosts[host]))

    def file(self, file: File) -> bool:
        """Whether a file exists for the principal."""
        return self.rules().sees(self.principal, file)

    def real(self, file: File, real: Real | None) -> bool:
        """Whether what a file's name leads to may be viewed, too."""
        return real is None or decide_real(self.rules(), self.principal, "view", file, real).allowed
