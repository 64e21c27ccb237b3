"""Which files a source has on a host: a plain path is one, a pattern or a date is looked for again and again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.errors import HostError
from aggregator.inventory.globs import matches
from aggregator.inventory.paths import expand, has_wildcard, is_generation, uses_date
from aggregator.model import File, Host, Source, State
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.trouble import not_readable, trouble

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ufffd]")  # in a path: U+FFFD stands for bytes that are no text
_LONGEST = 4096  # bytes of a path (limits.h, PATH_MAX)


class Finder:
    """The files of (host, source) now. Each of `listeners` is called when `files`, `state` or `error` are others.

    `now` tells seconds since the epoch. `born` are the files that were not there when it had looked before.
    """

    def __init__(self, host: Host, source: Source, link: Link, now: Callable[[], float] = time.time) -> None:
        self.host = host
        self.source = source
        self.files: tuple[File, ...] = ()
        self.born: frozenset[File] = frozenset()
        self.error: HostError | None = None
        self.settled = asyncio.Event()
        self.listeners: set[Callable[[Finder], None]] = set()
        self._link = link
        self._now = now
        self._dates: dict[str, float] = {}
        self._looked = False
        if source.kind == "file" and not has_wildcard(source.path) and not uses_date(source):
            self.files = (File(host.name, source.name, self.pattern()),)
            self.settled.set()

    @property
    def state(self) -> State:
        if self.error:
            return "waiting" if self.error.retry else "failed"
        return "live" if self.settled.is_set() else "connecting"

    @property
    def plain(self) -> bool:
        """Whether there is nothing to look for: the one file is known."""
        return self.settled.is_set() and not has_wildcard(self.source.path) and not uses_date(self.source)

    def pattern(self) -> str:
        """The path or pattern for this host, today."""
        if self.source.kind == "journal":
            return self.source.path
        zone = ZoneInfo(self.source.timezone) if self.source.timezone else self._host_zone()
        return expand(self.source, self.host, datetime.fromtimestamp(self._now(), zone))

    async def run(self) -> None:
        """Look again every `limits.GLOB_INTERVAL` seconds until cancelled."""
        if self.source.kind == "journal":
            self._tell((), trouble("journal", path=self.source.path))
            return
        if self.plain:
            return
        async with self._link.hold():
            while True:
                wait = not self.settled.is_set() and self.error is None
                try:
                    self._tell(await self._look(), None)
                except HostError as error:
                    self._tell(self.files, error)
                if self.error and self.error.retry and not wait:
                    await self._reconnected()
                else:
                    await asyncio.sleep(limits.GLOB_INTERVAL)

    def trouble(self, error: HostError) -> None:
        """Tell what keeps the files from being looked for."""
        self._tell(self.files, error)

    async def _reconnected(self) -> None:
        """Wait for the link's next attempt, and make it if nobody else does."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.5, (self._link.next_try or now) - now))

    async def _look(self) -> tuple[File, ...]:
        await self._link.reached()
        pattern = self.pattern()
        if not has_wildcard(pattern):
            names = [pattern]
        else:
            limit = limits.FILES_PER_GLOB * 8  # bytes are cheap; generations are taken out below
            answer = await self._link.run(commands.listing(pattern, limit), limit * 4096, path=pattern)
            lines = answer.decode("utf-8", "replace").split("\n")[:limit]
            if lines[0].startswith("E "):
                raise self._no_files(lines[0], pattern)
            found = {name for name in lines if _is_name(name) and matches(pattern, name)}
            logs = found | {file.path for file in self.files}  # one may have no name while it is being rotated
            names = sorted(name for name in found if not is_generation(name, logs))[: limits.FILES_PER_GLOB]
            if not names:
                raise trouble("no-match", path=pattern)
        return tuple(File(self.host.name, self.source.name, name) for name in self._with_yesterday(pattern, names))

    def _with_yesterday(self, pattern: str, names: list[str]) -> list[str]:
        """Of a dated path, the day before stays for late lines, for an hour."""
        if not uses_date(self.source):
            return names
        now = self._now()
        today = set(names)
        before = {name: seen for name, seen in self._dates.items() if name in today or not matches(pattern, name)}
        self._dates = {name: seen for name, seen in before.items() if now - seen < limits.DATED_LINGER}
        self._dates.update(dict.fromkeys(names, now))
        return list(self._dates)

    def _no_files(self, answer: str, pattern: str) -> HostError:
        if answer == "E not-readable":
            folder = min(pattern.split(char)[0] for char in "*?[").rsplit("/", 1)[0] or "/"
            return not_readable(pattern, self._link.known_probe().user, folder=folder)
        return trouble("no-match", path=pattern)

    def _host_zone(self) -> tzinfo:
        return self._link.probe.zone if self._link.probe else UTC

    def _tell(self, files: tuple[File, ...], error: HostError | None) -> None:
        self.settled.set()
        if self._looked:
            self.born = (self.born & frozenset(files)) | frozenset(files).difference(self.files)
        self._looked = self._looked or error is None or error.cause == "no-match"
        if (files, str(error)) != (self.files, str(self.error)):
            self.files, self.error = files, error
            for changed in tuple(self.listeners):
                changed(self)


def _is_name(name: str) -> bool:
    """Whether a path that a host tells is one that can be followed: absolute, text, leading nowhere else."""
    return name.startswith("/") and len(name) <= _LONGEST and not _CONTROL.search(name) and "/../" not in name
