"""The inventory: what hosts and logs there are, and everything else that its files say. Read once, then frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.inventory import selector
from aggregator.inventory.selector import Universe
from aggregator.inventory.settings import Access, Audit, Redact, Server
from aggregator.model import Host, Source


@dataclass(frozen=True, slots=True)
class Inventory:
    """Hosts, groups and sources by name; `files` are what it was read from, in the order of overlaying."""

    hosts: Mapping[str, Host]
    groups: Mapping[str, frozenset[str]]
    sources: Mapping[str, Source]
    server: Server = field(default_factory=Server)
    access: Access | None = None
    audit: Audit = field(default_factory=Audit)
    redact: Redact = field(default_factory=Redact)
    files: tuple[Path, ...] = ()
    _universe: Universe = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        labels = selector.index_labels({name: host.labels for name, host in self.hosts.items()})
        object.__setattr__(self, "_universe", Universe(frozenset(self.hosts), self.groups, labels))

    def select(
        self, selectors: Sequence[str], *, parameter: str = "hosts", visible: frozenset[str] | None = None
    ) -> frozenset[str]:
        """The hosts that any of the selectors names; without selectors all of them.

        `visible` are the hosts that the asker may see (None: all); others, and groups and labels that only they have,
        are unknown. Raises UsageError with the faults of all selectors, each with `parameter` and its column.
        """
        universe = self._universe if visible is None else self._universe.seen_by(visible)
        return selector.union(selectors, universe, parameter) if selectors else universe.names
