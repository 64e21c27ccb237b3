"""Which files a source has had on a host: a plain path is one, patterns and dates are looked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from aggregator import limits
from aggregator.inventory.globs import has_wildcard, is_generation, matches
from aggregator.inventory.paths import expand, path_pattern, uses_date
from aggregator.model import File, Host, Source
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.trouble import not_readable, trouble

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ufffd]")  # in a path: U+FFFD stands for bytes that are no text
_DAY = 86_400_000_000  # microseconds


def plain_file(host: Host, source: Source) -> File | None:
    """The one file of a source on a host, where nothing needs to be looked for."""
    if source.kind == "journal" or has_wildcard(source.path) or uses_date(source):
        return None
    return File(host.name, source.name, expand(source, host, datetime.now(UTC)))


async def find_files(link: Link, source: Source, since: int | None, until: int) -> list[File]:
    """The files of a source on a host that may hold lines of a range (microseconds since the epoch). Raises HostError
    when there are none, but for a path with a date, which need not have been written then."""
    host = link.host
    if source.kind == "journal":
        raise trouble("journal", path=source.path)
    if plain := plain_file(host, source):
        return [plain]
    await link.reached()
    zone = ZoneInfo(source.timezone) if source.timezone else link.known_probe().zone
    names = await _list(link, path_pattern(source, host))
    if uses_date(source):
        if source.retention is not None:
            oldest = until - (source.retention + 1) * _DAY
            since = oldest if since is None else max(since, oldest)
        names = _dated(names, source, host, zone, since, until)
    elif not names:
        raise trouble("no-match", path=source.path)
    if len(names) > limits.FILES_PER_GLOB:
        raise trouble("too-many-files", limit=limits.FILES_PER_GLOB)
    return [File(host.name, source.name, name) for name in names]


async def _list(link: Link, pattern: str) -> list[str]:
    limit = limits.FILES_PER_GLOB * 8  # bytes are cheap; generations are taken out below
    answer = await link.run(commands.listing(pattern, limit), limit * limits.PATH_BYTES, path=pattern)
    lines = answer.decode("utf-8", "replace").split("\n")[:limit]
    if lines[0] == "E not-readable":
        folder = min(pattern.split(char)[0] for char in "*?[").rsplit("/", 1)[0] or "/"
        raise not_readable(pattern, link.known_probe().user, folder=folder)
    found = {name for name in lines if _is_name(name) and matches(pattern, name)}
    return sorted(name for name in found if not is_generation(name, found))


def _dated(names: list[str], source: Source, host: Host, zone: tzinfo, since: int | None, until: int) -> list[str]:
    """The names that carry a date of the range, or of a day before or after; all where the range has no beginning."""
    if since is None:
        return names
    when = datetime.fromtimestamp(since / 1e6, UTC).astimezone(zone) - timedelta(days=1)
    end = datetime.fromtimestamp(until / 1e6, UTC).astimezone(zone) + timedelta(days=1)
    if (end - when).days > limits.DATED_DAYS:
        return names
    patterns: set[str] = set()
    while when <= end:
        patterns.add(expand(source, host, when))
        when += timedelta(hours=1)
    if any(has_wildcard(pattern) for pattern in patterns):
        return [name for name in names if any(matches(pattern, name) for pattern in patterns)]
    return [name for name in names if name in patterns]


def _is_name(name: str) -> bool:
    """Whether a path that a host tells is one that can be read: absolute, text, leading nowhere else."""
    return name.startswith("/") and len(name) <= limits.PATH_BYTES and not _CONTROL.search(name) and "/../" not in name
