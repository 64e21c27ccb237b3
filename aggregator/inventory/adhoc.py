"""An inventory from the command line: `[alias=NAME,][group=NAME,][user@]host:/path …`, as scp and tailon write them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from aggregator import limits
from aggregator.errors import Fault, UsageError
from aggregator.inventory import hosts, paths
from aggregator.inventory.address import check_host, check_user
from aggregator.inventory.inventory import Inventory
from aggregator.model import Host, Source, SshOptions

PARAMETER = "[user@]host:/path"
_OPTION = re.compile(r"(alias|group)=([^,]*),")
_SPEC = re.compile(r"(?:([^@:/]*)@)?(?:\[([0-9A-Fa-f:.%]*:[^\[\]]*)\]|([^:/@]+)):(/.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spec:
    """One argument: the hosts that it names, the account, the path, and what the source and group are to be called."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    user: str | None
    path: str
    alias: str | None
    group: str | None


def adhoc(specs: Sequence[str]) -> Inventory:
    """The inventory that some specs make. Raises UsageError with a fault for each that can't be used."""
    parsed: list[Spec] = []
    faults: list[Fault] = []
    for text in specs:
        try:
            parsed.append(parse_spec(text))
        except ValueError as error:
            faults.append(Fault(PARAMETER, str(error)))
    if faults:
        raise UsageError(faults)
    try:
        found = _hosts(parsed)
        return Inventory(hosts=found, groups=_groups(found), sources=_sources(parsed))
    except ValueError as error:
        raise UsageError(Fault(PARAMETER, str(error))) from None


def parse_spec(text: str) -> Spec:
    """Take an argument apart. Raises ValueError with a sentence for a person."""
    rest, options = text, dict[str, str]()
    while match := _OPTION.match(rest):
        key, name = match[1], match[2]
        if key in options or not hosts.is_name(name):
            raise ValueError(f"{text!r}: {key}= takes one name ({hosts.NAME_RULE})")
        options[key], rest = name, rest[match.end() :]
    match = _SPEC.fullmatch(rest)
    if match is None:
        raise ValueError(f"{text!r} is not [user@]host:/path (an absolute path; IPv6 in brackets)")
    user, v6, host, path = match.groups()
    addresses = (check_host(v6),) if v6 else tuple(hosts.expand(host))
    for address in addresses:
        check_host(address)
    wanted = next(iter(paths.variables(path)), None)
    if wanted is not None:
        raise ValueError(f"{text!r}: a host on the command line has no label {wanted!r} ('$$' stands for '$')")
    return Spec(
        names=tuple(address.replace("%", "-") for address in addresses),
        addresses=addresses,
        user=None if user is None else check_user(user),
        path=path,
        alias=options.get("alias"),
        group=options.get("group"),
    )


def _hosts(specs: Iterable[Spec]) -> Mapping[str, Host]:
    found: dict[str, Host] = {}
    for spec in specs:
        for name, address in zip(spec.names, spec.addresses, strict=True):
            host = found.setdefault(name, Host(name, address, SshOptions(user=spec.user), MappingProxyType({})))
            if host.ssh.user != spec.user:
                raise ValueError(f"{name!r} is given with two users; use an inventory to name it twice")
            if spec.group and spec.group not in host.groups:
                found[name] = replace(host, groups=(*host.groups, spec.group))
    if len(found) > limits.INVENTORY_HOSTS:
        raise ValueError(f"more than {limits.INVENTORY_HOSTS:,} hosts")
    return MappingProxyType(found)


def _groups(found: Mapping[str, Host]) -> Mapping[str, frozenset[str]]:
    names = dict.fromkeys(group for host in found.values() for group in host.groups)
    return MappingProxyType(
        {group: frozenset(name for name, host in found.items() if group in host.groups) for group in names}
    )


def _sources(specs: Sequence[Spec]) -> Mapping[str, Source]:
    """One source a path, on all hosts that it is given for."""
    hosts_of: dict[tuple[str | None, str], set[str]] = {}
    for spec in specs:
        hosts_of.setdefault((spec.alias, spec.path), set()).update(spec.names)
    found: dict[str, Source] = {}
    for (alias, path), names in sorted(hosts_of.items(), key=lambda item: item[0][0] is None):
        if alias in found:
            raise ValueError(f"alias={alias} is given for two paths: {found[alias].path} and {path}")
        name = alias or _derive(path, found)
        found[name] = Source(name=name, kind="file", hosts=frozenset(names), path=path)
    return MappingProxyType(found)


def _derive(path: str, taken: Mapping[str, Source]) -> str:
    """The file's name, with as many folders before it as it takes to be the only one."""
    words = [word for word in (re.sub(r"[^A-Za-z0-9._:-]+", "-", part).strip("-.") for part in path.split("/")) if word]
    candidates = ["-".join(words[-count:])[-limits.NAME_CHARACTERS :] for count in range(1, len(words) + 1)] or ["log"]
    numbered = (f"{candidates[-1]}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(candidates, numbered) if name not in taken)
