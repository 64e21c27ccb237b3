"""`tailon-agg doctor`: reach every host once, say what does not work there and what helps."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import shutil
import sys
from collections.abc import Mapping, Sequence

import msgspec

from aggregator.access.events import Event
from aggregator.cli.diagnosis import WIDTH_LEAST, WIDTH_MOST, as_json, summary, table
from aggregator.cli.options import Settings
from aggregator.cli.progress import line_of
from aggregator.cli.state import open_audit, open_for_terminal
from aggregator.cli.terminal import wants_colour
from aggregator.doctor.check import Report
from aggregator.doctor.ward import visit
from aggregator.errors import HostError
from aggregator.inventory import Inventory
from aggregator.metrics import Metrics
from aggregator.openfiles import allow_open_files
from aggregator.remote.ssh import SshTransport

_BAR = 30  # columns


def add_to(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument("selectors", nargs="*", metavar="SELECTOR", help="hosts: web-1, web-[1-20], @group")
    command.add_argument("--output", choices=("text", "json"), default="text", help="a table, or JSON")


async def doctor(
    settings: Settings, inventory: Inventory, environ: Mapping[str, str], selectors: Sequence[str], output: str
) -> int:
    """Look at hosts and print what was found, also what there is when INT comes; 0 when all of them work, else 69.

    Raises ConfigError, UsageError, AuditUnavailable.
    """
    names = sorted(inventory.select(selectors, parameter="SELECTOR"))
    allow_open_files()
    reports: list[Report] = []
    with contextlib.closing(open_for_terminal(settings, environ)) as state:
        async with await open_audit(settings, inventory, state, Metrics()) as audit:
            await audit.record(_event(inventory, names))
            try:
                async with line_of(lambda: _progress(reports, len(names))):
                    await visit(inventory, names, SshTransport(), reports.append)
            except asyncio.CancelledError:
                _print(inventory, names, reports, environ, output)
                raise
            finally:
                await audit.record(Event("stop", detail=summary(reports, len(names))))
    _print(inventory, names, reports, environ, output)
    return HostError.exit_code if any(report.state == "fail" for report in reports) else 0


def _event(inventory: Inventory, names: Sequence[str]) -> Event:
    """What is looked at: names of files and their rights, no log text."""
    sources = [source for source in inventory.sources.values() if source.hosts.intersection(names)]
    return Event(
        "start",
        principal=f"local:{getpass.getuser()}",
        via="cli",
        hosts=tuple(names),
        sources=tuple(source.name for source in sources),
        paths=tuple(dict.fromkeys(source.path for source in sources)),
        command="doctor",
        detail=f"inventory {', '.join(str(file) for file in inventory.files)}",
    )


def _progress(reports: Sequence[Report], asked: int) -> str:
    done = len(reports)
    bar = "█" * (done * _BAR // max(asked, 1))
    failed = sum(report.state == "fail" for report in reports)
    return f"{bar:░<{_BAR}} {done} of {asked} hosts{f', {failed} not fine' if failed else ''}"


def _print(
    inventory: Inventory, names: Sequence[str], reports: Sequence[Report], environ: Mapping[str, str], output: str
) -> None:
    if output == "json":
        text = msgspec.json.format(msgspec.json.encode(as_json(reports))).decode() + "\n"
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
        width = min(max(columns, WIDTH_LEAST), WIDTH_MOST)
        colour = wants_colour(sys.stdout, environ)
        text = table(reports, inventory.hosts, width=width, colour=colour) + summary(reports, len(names)) + "\n"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at exit
