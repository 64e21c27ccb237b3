"""How hosts, sources and their files are, for whoever may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.access.sight import Sight
from aggregator.hub.feed import Feed
from aggregator.hub.finder import Finder
from aggregator.hub.hub import Hub
from aggregator.inventory import Inventory
from aggregator.model import File, Host, Source, State
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.trouble import trouble


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host as `/api/v1/hosts` shows it; times are seconds, None where not known."""

    name: str
    address: str
    labels: Mapping[str, str]
    groups: Sequence[str]
    state: State
    error: str | None
    lag_s: float | None
    clock_skew_s: float | None
    poll_s: float | None
    gated: bool | None


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file of a source as `/api/v1/sources` shows it."""

    host: str
    path: str
    state: State
    error: str | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as `/api/v1/sources` shows it."""

    name: str
    kind: str
    files: Sequence[FileStatus]


class Status:
    """How everything in an inventory is now, as far as it exists for a principal."""

    def __init__(self, inventory: Inventory, links: Links, hub: Hub, sight: Sight) -> None:
        self._inventory = inventory
        self._links = links
        self._hub = hub
        self._sight = sight

    def hosts(self) -> list[HostStatus]:
        """In natural order: web-2 before web-10."""
        links = {link.host.name: link for link in self._links.all()}
        feeds: dict[str, list[Feed]] = {}
        for feed in self._hub.feeds.values():
            if self._sight.file(feed.file) and self._sight.real(feed.file, feed.real):
                feeds.setdefault(feed.file.host, []).append(feed)
        finders: dict[str, list[Finder]] = {}
        for (host, source), finder in self._hub.finders.items():
            if source in self._inventory.sources and self._sight.source(self._inventory, host, source):
                finders.setdefault(host, []).append(finder)
        return [
            _host_status(self._inventory.hosts[name], links.get(name), feeds.get(name, []), finders.get(name, []))
            for name in sorted(self._sight.hosts(self._inventory), key=natural)
        ]

    def sources(self) -> list[SourceStatus]:
        """Those on whose hosts something may be seen."""
        found = [(source, self._hosts_of(source)) for source in self._inventory.sources.values()]
        return [SourceStatus(source.name, source.kind, self._files(source, hosts)) for source, hosts in found if hosts]

    def _hosts_of(self, source: Source) -> list[str]:
        hosts = [host for host in source.hosts if self._sight.source(self._inventory, host, source.name)]
        return sorted(hosts, key=natural)

    def _files(self, source: Source, hosts: Sequence[str]) -> list[FileStatus]:
        found: list[FileStatus] = []
        for host in hosts:
            finder = self._hub.finders.get((host, source.name))
            listed = finder.files if finder else ()
            if not listed:
                error = str(finder.error) if finder and finder.error else None
                state: State = finder.state if finder else "idle"
                found.append(FileStatus(host, self._hub.plain_path(host, source.name), state, error))
            for file in filter(self._sight.file, listed):
                found.append(self._file(file, self._hub.feeds.get(file)))
        return found

    def _file(self, file: File, feed: Feed | None) -> FileStatus:
        """A file whose name leads to what may not be seen is told as such, and nothing of what is there."""
        if feed and not self._sight.real(file, feed.real):
            return FileStatus(file.host, file.path, "failed", str(trouble("not-allowed", path=file.path)))
        error = str(feed.error) if feed and feed.error else None
        return FileStatus(file.host, file.path, feed.state if feed else "idle", error)


def _host_status(host: Host, link: Link | None, feeds: Sequence[Feed], finders: Sequence[Finder]) -> HostStatus:
    """A host that can be reached but has a file that can't be read is still live; its error says which."""
    state: State = link.state if link else "idle"
    error = str(link.error) if link and link.error else None
    if error is None:
        errors = [*(feed.error for feed in feeds), *(finder.error for finder in finders)]
        error = next((str(each) for each in errors if each), None)
    lags = [feed.lag for feed in feeds if feed.lag is not None]
    skew = link.probe.skew if link and link.probe else None
    return HostStatus(
        host.name,
        host.address,
        dict(host.labels),
        host.groups,
        state,
        error,
        max(lags, default=None),
        None if skew is None else round(skew, 3),
        link.probe.poll if link and link.probe else None,
        link.probe.gate is not None if link and link.probe else None,
    )


def natural(name: str) -> list[tuple[int, int | str]]:
    """web-2 before web-10."""
    parts: list[tuple[int, int | str]] = []
    digits = ""
    for char in f"{name}\0":
        if char.isascii() and char.isdigit():
            digits += char
            continue
        if digits:
            parts.append((0, int(digits)))
            digits = ""
        parts.append((1, char))
    return parts
