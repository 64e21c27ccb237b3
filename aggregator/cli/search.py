"""`tailon-agg search`: what the logs of many hosts hold, in the terminal."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from aggregator import limits
from aggregator.cli.asking import Server
from aggregator.cli.charts import chart, size_words
from aggregator.cli.consent import allowed, is_terminal
from aggregator.cli.found import Printer, Take, as_they_come, newest_last
from aggregator.cli.options import Settings
from aggregator.cli.printing import printed
from aggregator.cli.progress import shown
from aggregator.cli.state import open_audit, open_for_terminal
from aggregator.errors import Fault, HostError, UsageError
from aggregator.histogram import Histogram
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.model import Principal
from aggregator.pages import Failure, Page
from aggregator.past import Past
from aggregator.pastquery import HistogramQuery, PastQuery
from aggregator.remote.ssh import SshTransport
from aggregator.service import Aggregator

FOUND, NOTHING, FAILED = 0, 1, HostError.exit_code
_EVER = "1970-01-01T00:00:00Z"
_SIZE = re.compile(r"([0-9]{1,15})(?:([KMGT])i?B?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was asked for on the command line."""

    query: PastQuery
    form: str  # lines, count or histogram
    output: str
    reverse: bool = False

    @property
    def flows(self) -> bool:
        """Whether lines are printed while they come: they are more than one page, or their order allows it."""
        limit = self.query.limit or ""
        large = limit.isascii() and limit.isdigit() and not 0 < int(limit) <= limits.PAGE_LINES
        return self.form == "lines" and (self.reverse or large)


class History(Protocol):
    """Where answers come from: the hosts, or a server."""

    hosts: int | None  # that were asked, where that is known

    async def page(self, query: PastQuery) -> Page: ...
    async def too_large(self, query: PastQuery) -> list[Failure]: ...
    async def read(self, query: PastQuery, take: Take, *, late: bool) -> Page: ...
    async def histogram(self, query: HistogramQuery) -> Histogram: ...


def add_to(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument("pattern", metavar="PATTERN", help="RE2; lines that match, with the rest of their records")
    command.add_argument("selectors", nargs="*", metavar="SELECTOR", help="hosts: web-1, web-[1-20], @group")
    command.add_argument("--source", action="append", default=[], metavar="NAME", help="only this source (repeatable)")
    command.add_argument("--exclude", action="append", default=[], metavar="RE2", help="no records that match")
    command.add_argument("--level", metavar="LEVEL", help="only this level and above")
    command.add_argument("--since", metavar="TIME", help="from then on: RFC 3339, a day, or -15m")
    command.add_argument("--until", metavar="TIME", help="before then")
    command.add_argument("--limit", metavar="N", help="at most so many lines, the newest (default 1000); 0: all")
    command.add_argument("--reverse", action="store_true", help="the newest lines first, as they are found")
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument("--count", action="store_true", help="only how many lines there are")
    kinds.add_argument("--histogram", action="store_true", help="how many lines there were when")
    command.add_argument("--max-scan", metavar="BYTES", help="read at most so much of a host (default 4 GiB)")
    command.add_argument("--reveal", metavar="REASON", help="show hidden text, too; the reason is written down")
    command.add_argument("--server", metavar="URL", help="ask this tailon-agg instead (token in TAILON_AGG_TOKEN)")
    command.add_argument("--output", choices=("text", "json"), default="text", help="text, or JSON")


def asked_of(given: argparse.Namespace) -> Asked:
    """What the command line asks for. Raises UsageError."""
    query = PastQuery(
        hosts=tuple(given.selectors),
        sources=tuple(given.source),
        grep=(given.pattern,),
        exclude=tuple(given.exclude),
        level=given.level,
        since=given.since,
        until=given.until,
        limit=given.limit,
        max_scan=_bytes(given.max_scan),
        raw="0" if given.reveal is None else "1",
        reason=given.reveal,
    )
    form = "count" if given.count else "histogram" if given.histogram else "lines"
    return Asked(query, form, given.output, given.reverse)


async def search(settings: Settings, inventory: Inventory, environ: Mapping[str, str], asked: Asked) -> int:
    """Search with an engine of our own; the exit status. Raises ConfigError, UsageError, AuditUnavailable."""
    async with _own_past(settings, inventory, environ) as past:
        return await answer(Hosts(past), asked, environ)


async def search_from(url: str, environ: Mapping[str, str], asked: Asked) -> int:
    """Have a server search; the exit status. Raises UsageError, Denied, ServerError."""
    return await answer(Server(url, environ), asked, environ)


@contextlib.asynccontextmanager
async def _own_past(settings: Settings, inventory: Inventory, environ: Mapping[str, str]) -> AsyncIterator[Past]:
    metrics = Metrics()
    with contextlib.closing(open_for_terminal(settings, environ)) as state:
        async with (
            await open_audit(settings, inventory, state, metrics) as audit,
            Aggregator(inventory, SshTransport(), audit, metrics) as aggregator,
        ):
            yield aggregator.past(Principal(f"local:{getpass.getuser()}", "cli"))


class Hosts:
    """Answers from the hosts themselves, with how far they have come on a terminal's second output."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self.hosts: int | None = None

    async def page(self, query: PastQuery) -> Page:
        async with self._past.lines(query) as reading, shown(reading.total):
            page = await reading.page()
            self.hosts = reading.total().hosts
            return page

    async def too_large(self, query: PastQuery) -> list[Failure]:
        """Hosts that would read more than is allowed, and are not read for that."""
        async with self._past.all_lines(query) as reading:
            async with shown(reading.total):
                await reading.search.measured()
            return [failure for failure in reading.failed() if failure.to_scan]

    async def read(self, query: PastQuery, take: Take, *, late: bool) -> Page:
        patience = limits.MERGE_PATIENCE if late else None
        async with (
            self._past.all_lines(query) as reading,
            shown(reading.total),
            aclosing(reading.blocks(patience=patience)) as blocks,
        ):
            async for block in blocks:
                if not await take([line.record for line in block]):
                    break
            self.hosts = reading.total().hosts
            failed = reading.failed()
            return Page([], reading.cursor(), not failed, reading.scanned, failed, reading.notes())

    async def histogram(self, query: HistogramQuery) -> Histogram:
        async with self._past.counting(query) as counting, shown(counting.total):
            found = await counting.histogram()
            self.hosts = counting.total().hosts
            return found


async def answer(history: History, asked: Asked, environ: Mapping[str, str]) -> int:
    """Print what was found; the exit status. Raises as the history does."""
    printer = Printer(asked.output, environ)
    if asked.flows:
        found: Page | Histogram = await _flow(history, asked, printer)
        some = printer.count > 0
    else:
        found = await _find(history, asked)
        if larger := await allowed(found.failed):
            asked = replace(asked, query=replace(asked.query, max_scan=str(larger)))
            found = await _find(history, asked)
        some = await _print(found, asked, printer)
    for failure in found.failed:
        print(f"tailon-agg: {failure.host}: {failure.detail}", file=sys.stderr)
    if isinstance(found, Page):
        for note in found.notes:
            print(f"tailon-agg: {note.host}: {note.detail}", file=sys.stderr)
        if found.cursor and printer.count:
            print(f"tailon-agg: the newest {printer.count} lines; --limit or --since choose others", file=sys.stderr)
    on = "" if history.hosts is None else f" on {history.hosts} host{'s' * (history.hosts != 1)}"
    print(f"tailon-agg: read {size_words(found.scanned_bytes)}{on}", file=sys.stderr)
    return FAILED if found.failed else FOUND if some else NOTHING


async def _flow(history: History, asked: Asked, printer: Printer) -> Page:
    """Print all lines, oldest first, or the newest ones. What is JSON may come late: it says so. What is not read
    because it would be too much is asked about before anything is printed: it belongs among the rest."""
    late = asked.output == "json"
    all_ = asked.query.limit == "0"
    limit = None if all_ else asked.query.limit or str(limits.PAGE_USUAL)
    query = replace(asked.query, limit=limit, direction="forward" if all_ and not asked.reverse else "backward")
    if is_terminal() and (larger := await allowed(await history.too_large(query))):
        query = replace(query, max_scan=str(larger))
    if all_ or asked.reverse:
        return await as_they_come(history, query, printer, late=late)
    return await newest_last(history, query, printer)


async def _find(history: History, asked: Asked) -> Page | Histogram:
    if asked.form == "lines":
        return await history.page(asked.query)
    query = replace(asked.query, limit=None)
    if asked.form == "count":
        return await history.histogram(HistogramQuery(replace(query, since=query.since or _EVER), "1"))
    return await history.histogram(HistogramQuery(query, "24"))


async def _print(found: Page | Histogram, asked: Asked, printer: Printer) -> bool:
    """Print an answer; whether there is something in it."""
    if isinstance(found, Page):
        await printer.take(found.lines)
        return bool(found.lines)
    count = sum(bucket.count for bucket in found.buckets)
    if asked.output == "json" and asked.form == "count":
        by_host = found.buckets[0].by_host if found.buckets else {}
        answer = {"count": count, "by_host": by_host, "complete": found.complete, "failed": found.failed}
        await printed(msgspec.json.encode(answer).decode() + "\n")
    elif asked.output == "json":
        await printed(msgspec.json.encode(found).decode() + "\n")
    else:
        await printed(f"{count}\n" if asked.form == "count" else chart(found))
    return count > 0


def _bytes(text: str | None) -> str | None:
    """A number of bytes, also as 8G or 512MiB. Raises UsageError."""
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(Fault("--max-scan", f"a number of bytes such as 4294967296 or 8G, not {text!r}"))
    power = " KMGT".index(match[2].upper()) if match[2] else 0
    return str(int(match[1]) << (10 * power))
