"""Several files as one: maps merge deeply, lists are replaced, null deletes; every value keeps the mark of its file."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator import limits
from aggregator.errors import ConfigFault
from aggregator.inventory import hosts
from aggregator.inventory.node import Entry, Scalar, Table

_NAMED = frozenset(
    {
        ("hosts",),
        ("groups",),
        ("sources",),
        ("access", "roles"),
        ("access", "users"),
        ("access", "tokens"),
        ("access", "proxy", "group_roles"),
    }
)
_NOTHING_TO_DELETE = (
    "has no value, and no earlier file has this key (null deletes a key of an earlier file); "
    "write {} for a mapping without keys, or remove the key"
)


def overlay(tables: Iterable[Table]) -> tuple[Table, list[ConfigFault]]:
    """Merge the mappings of one or more files, later ones over earlier ones, ranges of hosts expanded before."""
    faults: list[ConfigFault] = []
    expanded = [_expand_hosts(table, faults) for table in tables]
    tree = _merge(Table({}, expanded[0].mark, 1), expanded[0], (), faults, first=True)
    for over in expanded[1:]:
        tree = _merge(tree, over, (), faults)
    return tree, faults


def _merge(base: Table, over: Table, path: tuple[str, ...], faults: list[ConfigFault], *, first: bool = False) -> Table:
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        inner = (*path, entry.written)
        before = entries.get(key)
        if isinstance(entry.node, Scalar) and entry.node.value is None:
            if entries.pop(key, None) is None and (first or _is_named(path)):
                faults.append(ConfigFault(entry.mark, ".".join(inner), _NOTHING_TO_DELETE))
        elif isinstance(entry.node, Table):
            old = before.node if before else None
            table = old if isinstance(old, Table) else Table({}, entry.node.mark, 1)
            entries[key] = Entry(entry.written, entry.mark, _merge(table, entry.node, inner, faults, first=first))
        else:
            entries[key] = entry
    return Table(entries, over.mark, base.size + over.size)


def _is_named(path: tuple[str, ...]) -> bool:
    """Whether the keys at `path` are names that people gave: deleting one that isn't there is a slip of the pen."""
    return path in _NAMED or (len(path) == 3 and path[0] == "hosts" and path[2] == "labels")


def _expand_hosts(table: Table, faults: list[ConfigFault]) -> Table:
    """The same with one entry a host, where the file has folded ranges."""
    section = table.entries.get("hosts")
    if section is None or not isinstance(section.node, Table):
        return table
    entries: dict[str, Entry] = {}
    size = 1
    for entry in section.node.entries.values():
        try:
            names = _names(entry.written, limits.INVENTORY_HOSTS - len(entries))
            size += len(names) * entry.node.size
            if size > limits.INVENTORY_NODES:
                raise ValueError(f"the hosts hold more than {limits.INVENTORY_NODES:,} values (ranges written out)")
        except ValueError as error:
            faults.append(ConfigFault(entry.mark, f"hosts.{entry.written}", str(error)))
            continue
        twice = next((name for name in names if name in entries), None)
        if twice is not None:
            first = entries[twice].mark
            detail = f"the host {twice!r} is named twice; the first is at {first.line}:{first.column}"
            faults.append(ConfigFault(entry.mark, f"hosts.{entry.written}", detail))
        entries |= {name: entry for name in names if name not in entries}
    hosts_table = Table(entries, section.node.mark, size)
    return Table({**table.entries, "hosts": Entry("hosts", section.mark, hosts_table)}, table.mark, table.size)


def _names(written: str, left: int) -> list[str]:
    """The hosts that a key names. Raises ValueError with a sentence."""
    names = hosts.expand(written, left)
    if len(names) > left:
        raise ValueError(f"an inventory holds at most {limits.INVENTORY_HOSTS:,} hosts")
    bad = next((name for name in names if not hosts.is_name(name)), None)
    if bad is not None:
        raise ValueError(f"{bad!r} can't be the name of a host: {hosts.NAME_RULE}")
    return names
