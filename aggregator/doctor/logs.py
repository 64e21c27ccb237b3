"""What the sources of a host find there, and whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.doctor.check import Check, State
from aggregator.doctor.facts import Facts, Look
from aggregator.doctor.rights import Need, mend
from aggregator.errors import HostError
from aggregator.inventory.globs import is_generation, matches
from aggregator.inventory.paths import expand, has_wildcard, uses_date
from aggregator.model import Host, Source
from aggregator.remote.trouble import trouble

_MORE = 500  # characters of a detail; a host's names may be long


def pattern_of(source: Source, host: Host, zone: tzinfo, now: float) -> str:
    """The path or pattern of a source on a host, today."""
    local = ZoneInfo(source.timezone) if source.timezone else zone
    return expand(source, host, datetime.fromtimestamp(now, UTC).astimezone(local))


@dataclass(frozen=True, slots=True)
class Log:
    """A source on a host, with what was seen of it; `look` is None where there was no time for it."""

    source: Source
    pattern: str
    look: Look | None
    user: str
    facts: Facts

    @property
    def files(self) -> list[str]:
        """The files that are followed; rotated generations are not."""
        found = {*self._readable, *self._unreadable}
        return sorted(name for name in found if not is_generation(name, found))[: limits.FILES_PER_GLOB]

    @property
    def _readable(self) -> set[str]:
        return {name for name in self.look.readable if matches(self.pattern, name)} if self.look else set()

    @property
    def _unreadable(self) -> set[str]:
        return {name for name in self.look.unreadable if matches(self.pattern, name)} if self.look else set()

    def checks(self) -> Iterator[Check]:
        """Everything that is wrong with it, or one check that says how much there is."""
        wrong = list(self._wrong())
        if wrong:
            yield from wrong
        else:
            files = self.files
            what = files[0] if len(files) == 1 else f"{len(files):,} files match {self.pattern}"
            yield self._check("ok", f"{what}: readable" if len(files) == 1 else f"{what}, all readable")

    def _wrong(self) -> Iterator[Check]:
        look = self.look
        if look is None:
            yield self._check("fail", f"{self.pattern} was not looked at: what came before took too long")
            return
        for rights in look.refusing:
            need, how = self._needed(rights.path)
            step, command = mend(rights, need, self.user, self.facts)
            yield self._check("fail", f"{rights} may not be {how} by {self.user}", step, command)
        if not look.whole:
            detail = f"the look at {self.pattern} did not come to its end in time"
            yield self._check("fail", detail, "see whether a network file system hangs there, or narrow the path")
            return
        yield from self._absent(look)
        yield from self._closed(look)
        yield from self._rotated(look)

    def _absent(self, look: Look) -> Iterator[Check]:
        """No file at all: a dated one and a match of a pattern may be still to come, a path that is written out not."""
        if look.odd:
            about = "it is a folder" if look.odd == "folder" else "a device, FIFO or socket"
            yield self._trouble("fail", trouble("not-regular", path=self.pattern, detail=about))
        elif look.missing and look.missing != self.pattern:
            detail = f"{look.missing} is not there, on the way to {self.pattern}"
            yield self._check("fail", detail, "check the path in the inventory")
        elif look.missing and uses_date(self.source):
            yield self._check("warn", f"today's {self.pattern} is not there (yet)", "check the path if it stays so")
        elif look.missing:
            yield self._trouble("fail", trouble("no-file", path=self.pattern))
        elif not self.files and not look.refusing:
            yield self._trouble("warn", trouble("no-match", path=self.pattern))
        elif len(self._readable | self._unreadable) > limits.FILES_PER_GLOB == len(self.files):
            yield self._check("warn", f"{self.pattern} finds more than {limits.FILES_PER_GLOB} files", "narrow it")

    def _closed(self, look: Look) -> Iterator[Check]:
        unreadable = self._unreadable.intersection(self.files)
        known = [rights for rights in look.closed if rights.path in unreadable]
        if unreadable:
            which = f"{known[0] if known else min(unreadable)} is not readable for {self.user}"
            others = f", as {len(unreadable):,} of {len(self.files):,} files" if len(unreadable) > 1 else ""
            more = [rights.path for rights in known[1:]]
            step, command = mend(known[0], "r", self.user, self.facts, more) if known else ("", "")
            yield self._check("fail", which + others, step, command)
        if look.partly:
            yield self._check("warn", f"some folders that {self.pattern} goes through may not be listed")

    def _rotated(self, look: Look) -> Iterator[Check]:
        if look.unlisted:
            step, command = mend(look.unlisted, "rx", self.user, self.facts)
            detail = f"{look.unlisted} may not be listed by {self.user}: rotated files are not found"
            yield self._check("warn", detail, step, command)
        if look.rotated:
            step, command = mend(look.rotated, "r", self.user, self.facts)
            detail = f"the rotated {look.rotated} is not readable for {self.user}: history ends there"
            yield self._check("warn", detail, step, command)

    def _needed(self, folder: str) -> tuple[Need, str]:
        """What a folder on the way must allow: a log's own one is listed, for what rotation made, and one before a
        wildcard; the others are only entered."""
        below = self.pattern.split("/")[folder.count("/") + 1 :]
        return ("rx", "listed") if len(below) <= 1 or has_wildcard(below[0]) else ("x", "entered")

    def _trouble(self, state: State, error: HostError) -> Check:
        return self._check(state, error.words, error.step)

    def _check(self, state: State, detail: str, step: str = "", command: str = "") -> Check:
        return Check(f"source:{self.source.name}", state, detail[:_MORE], step, command)


def journal_of(source: Source) -> Check:
    """The check of a journal."""
    error = trouble("journal", path=source.path)
    return Check(f"source:{source.name}", "warn", error.words, error.step)
