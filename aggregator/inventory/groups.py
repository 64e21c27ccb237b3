"""Groups of the inventory: selectors by name, which may refer to other groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from aggregator import limits
from aggregator.errors import UsageError
from aggregator.inventory import selector
from aggregator.inventory.selector import Labels, Universe

Report = Callable[[str, str], None]
"""Takes the name of a group and what is wrong with it."""


class GroupTable:
    """Members of groups, found when first asked for; each fault is reported once, its group then counts as empty."""

    def __init__(
        self, written: Mapping[str, str], broken: frozenset[str], names: frozenset[str], labels: Labels, report: Report
    ) -> None:
        self._written = written
        self._members: dict[str, frozenset[str]] = dict.fromkeys(broken, frozenset[str]())
        self._open: list[str] = []
        self._report = report
        self.universe = Universe(names, self, labels)

    def resolve(self) -> dict[str, frozenset[str]]:
        """The members of every group that is written."""
        return {name: self[name] for name in self._written}

    def __contains__(self, name: object) -> bool:
        return name in self._written or name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __getitem__(self, name: str) -> frozenset[str]:
        if name not in self._members:
            found = self._find(name)
            self._members.setdefault(name, found)
        return self._members[name]

    def _find(self, name: str) -> frozenset[str]:
        """Members of a group that was not asked for before; while it is looked into, it is open."""
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            self._report(name, f"the group refers to itself: {circle}")
            return frozenset()
        if len(self._open) >= limits.GROUP_DEPTH:
            self._report(name, f"more than {limits.GROUP_DEPTH} groups refer to each other in a row")
            return frozenset()
        self._open.append(name)
        try:
            return selector.select(self._written[name], self.universe, "groups")
        except UsageError as error:
            for detail in details(error):
                self._report(name, detail)
            return frozenset()
        finally:
            self._open.pop()


def details(error: UsageError) -> list[str]:
    """A selector's faults as sentences for an inventory, where there is a line and column for the whole of it."""
    return [
        fault.detail if fault.column in (None, 1) else f"{fault.detail} (at character {fault.column} of the selector)"
        for fault in error.faults
    ]
