"""From checked sections to the inventory: what refers to each other must fit, and defaults are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aggregator.errors import UsageError
from aggregator.inventory import groups, hosts, paths, selector
from aggregator.inventory.access import build_access
from aggregator.inventory.address import is_host, parse_bind, parse_syslog
from aggregator.inventory.groups import GroupTable
from aggregator.inventory.inventory import Inventory
from aggregator.inventory.jumps import check_jumps
from aggregator.inventory.schema import (
    AuditSection,
    HostSection,
    InventorySection,
    ServerSection,
    SourceSection,
    SshSection,
)
from aggregator.inventory.settings import Audit, Redact, RedactPattern, Server
from aggregator.inventory.validate import Faults
from aggregator.model import Host, Source, SshOptions

_SAMPLE = datetime(2026, 11, 23, tzinfo=UTC)
_SSH_KEYS = frozenset(SshSection.model_fields)


def build(
    section: InventorySection, broken_groups: frozenset[str], faults: Faults, files: tuple[Path, ...]
) -> Inventory:
    """The inventory of sections that are right in themselves; what does not fit together goes to `faults`."""
    labels = selector.index_labels({name: host.labels for name, host in section.hosts.items()})
    table = GroupTable(
        section.groups,
        broken_groups,
        frozenset(section.hosts),
        labels,
        lambda name, detail: faults.add(("groups", name), detail),
    )
    members = table.resolve()
    jumps = {name: host.jump for name, host in section.hosts.items() if host.jump}
    check_jumps(jumps, frozenset(section.hosts), faults)
    return Inventory(
        hosts=_hosts(section, members, faults),
        groups=MappingProxyType(members),
        sources=_sources(section, table, faults),
        server=_server(section.server, faults),
        access=build_access(section.access, table.universe, faults) if section.access else None,
        audit=_audit(section.audit),
        redact=_redact(section, faults),
        files=files,
    )


def _audit(section: AuditSection) -> Audit:
    file = Path(section.file).expanduser() if section.file else None
    return Audit(file, parse_syslog(section.syslog.address) if section.syslog else None)


def _hosts(section: InventorySection, members: Mapping[str, frozenset[str]], faults: Faults) -> Mapping[str, Host]:
    """Hosts by name, each with the groups it is in."""
    groups_of: dict[str, list[str]] = {name: [] for name in section.hosts}
    for group, names in members.items():
        for name in names:
            groups_of[name].append(group)
    for name in section.hosts:
        if ("hosts", name, "address") not in faults.places and not is_host(name):
            faults.add(("hosts", name), "the name is not one to connect to; give an 'address'", at_key=True)
    defaults = _ssh(section.ssh, ("ssh",), SshOptions(), faults)
    return MappingProxyType(
        {
            name: Host(
                name=name,
                address=host.address or name,
                ssh=_host_ssh(name, host, defaults, faults),
                labels=MappingProxyType(host.labels),
                groups=tuple(groups_of[name]),
                jump=host.jump,
            )
            for name, host in section.hosts.items()
        }
    )


def _host_ssh(name: str, host: HostSection, defaults: SshOptions, faults: Faults) -> SshOptions:
    """Defaults, then the host's `ssh:`, then its own keys; a key in both is a fault."""
    at = ("hosts", name)
    if not host.model_fields_set & (_SSH_KEYS | {"ssh"}):
        return defaults
    nested = host.ssh or SshSection()
    for key in sorted(nested.model_fields_set & host.model_fields_set):
        faults.add((*at, "ssh", key), f"'{key}' is given twice: here and beside 'ssh'", at_key=True)
    return _ssh(host, at, _ssh(nested, (*at, "ssh"), defaults, faults), faults)


def _ssh(section: SshSection, at: tuple[str, ...], base: SshOptions, faults: Faults) -> SshOptions:
    """`base` with what the section gives; lists are lists of files."""
    given: dict[str, Any] = {}
    for key in section.model_fields_set & _SSH_KEYS:
        value = getattr(section, key)
        if isinstance(value, list):
            value = tuple(faults.near((*at, key, index), item) for index, item in enumerate(value))
        given[key] = value
    return replace(base, **given) if given else base


def _sources(section: InventorySection, table: GroupTable, faults: Faults) -> Mapping[str, Source]:
    found: dict[str, Source] = {}
    for name, source in section.sources.items():
        at = ("sources", name)
        given = [key for key in ("path", "journal") if (*at, key) in faults.places]
        if len(given) != 1:
            which = "both 'path' and 'journal' are given; a source is one of them"
            faults.add(at, which if given else "give a 'path' or a 'journal'", at_key=True)
        try:
            names = selector.select(source.hosts, table.universe, "hosts")
        except UsageError as error:
            for detail in groups.details(error):
                faults.add((*at, "hosts"), detail)
            names = frozenset()
        if source.path:
            _check_path(source.path, names, section.hosts, at, faults)
        found[name] = _source(name, source, names)
    return MappingProxyType(found)


def _source(name: str, section: SourceSection, names: frozenset[str]) -> Source:
    return Source(
        name=name,
        kind="file" if section.path else "journal",
        hosts=names,
        path=section.path or f"journal:{section.journal}",
        retention=section.retention,
        timezone=section.timezone,
    )


def _check_path(
    path: str, names: frozenset[str], sections: Mapping[str, HostSection], at: tuple[str, ...], faults: Faults
) -> None:
    """Every host of a source must have the labels of its path, and get a path of them."""
    wanted = sorted(set(paths.variables(path)))
    lacking: set[str] = set()
    for key in wanted:
        without = [name for name in names if key not in sections[name].labels]
        lacking.update(without)
        if without:
            faults.add((*at, "path"), f"${{{key}}}: no label {key!r} on {hosts.fold(without)}")
    for name in sorted(names - lacking) if wanted or "${host}" in path else ():
        try:
            paths.path_of(path, name, sections[name].labels, _SAMPLE)
        except ValueError as error:
            faults.add((*at, "path"), f"on host {name}: {error}")
            return


def _server(section: ServerSection, faults: Faults) -> Server:
    """The server's options; files and sockets are relative to the inventory file that names them."""

    def file(key: str) -> Path | None:
        value = getattr(section, key)
        return Path(faults.near(("server", key), value)).expanduser() if value else None

    return Server(
        bind=tuple(
            parse_bind(text, faults.folder(("server", "bind", index))) for index, text in enumerate(section.bind)
        ),
        relative_root=section.relative_root,
        public_url=tuple(section.public_url),
        allow_download=section.allow_download,
        state_dir=file("state_dir"),
        audit_log=file("audit_log"),
        tls_cert=file("tls_cert"),
        tls_key=file("tls_key"),
        log_format=section.log_format,
        log_level=section.log_level,
    )


def _redact(section: InventorySection, faults: Faults) -> Redact:
    seen: set[str] = set()
    for index, pattern in enumerate(section.redact.patterns):
        if pattern.name in seen:
            faults.add(("redact", "patterns", index, "name"), f"the name {pattern.name!r} is used twice")
        seen.add(pattern.name)
    return Redact(section.redact.builtin, tuple(RedactPattern(p.name, p.pattern) for p in section.redact.patterns))
