"""`tailon-agg`: the command line. Errors are one line on stderr and an exit status, never a traceback."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from aggregator import __version__, limits
from aggregator.cli import audit, check, doctor, explain, gate, options, ownlog, schema, search, secrets
from aggregator.cli.client import tail_from
from aggregator.cli.demo import demo
from aggregator.cli.serve import serve
from aggregator.cli.tail import tail
from aggregator.errors import Fault, TailonError, UsageError
from aggregator.inventory import Inventory, adhoc, default_inventory, load
from aggregator.query import Query

_COMMANDS = {
    "serve": "serve the unified view (the default)",
    "check": "validate the inventory; all errors at once",
    "doctor": "reach every host, and say what does not work there and what helps",
    "tail": "the merged live view in the terminal",
    "search": "what the logs of many hosts hold",
    "explain": "without connecting: what the rules say, and what would run on hosts",
    "gate": "print the script that limits what a key may do on a host",
    "schema": "print the JSON Schema of the inventory, for editors",
    "audit": "check an audit log, or show its records",
    "passwd": "print the hash of a password, for access.users",
    "token": "print a new API token and its hash, for access.tokens",
    "demo": "an embedded fleet with live logs, and the view over it; nothing else needed",
}
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and end the process with the exit status of INTERFACE §1."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = run(words)
    except TailonError as error:
        for line in _lines_of(error):
            print(f"tailon-agg: {line}", file=sys.stderr)
        status = error.exit_code
    except KeyboardInterrupt:
        status = _INTERRUPTED
    sys.exit(status)


def run(words: list[str]) -> int:
    """Parse and run; the exit status. Raises TailonError."""
    parser = _parser()
    given = _parse(parser, _with_times(_with_command(words)))
    environ = os.environ
    paths = options.inventory_paths(given)
    if given.command == "schema":
        return schema.run()
    if given.command == "audit":
        return audit.run(given)
    if given.command == "passwd":
        return secrets.passwd()
    if given.command == "token":
        return secrets.token()
    if given.command == "gate" and given.authorized_keys is None:
        return gate.script()
    settings = options.resolve(given, environ)
    if given.command == "check":
        return check.run(paths or default_inventory(environ, Path.cwd()), settings.env)
    if given.command == "demo":
        ownlog.configure(settings.log_format, settings.log_level)
        return _loop(demo(settings, given.hosts, given.rate))
    if given.command == "tail" and given.server:
        ownlog.configure(settings.log_format, "warning")
        return _loop(tail_from(given.server, environ, _query(given), given.output))
    if given.command == "search" and given.server:
        ownlog.configure(settings.log_format, "warning")
        return _loop(search.search_from(given.server, environ, search.asked_of(given)))
    specs = getattr(given, "specs", [])
    if specs and ":" not in specs[0]:
        known = ", ".join(_COMMANDS)
        raise UsageError(Fault("COMMAND", f"there is no {specs[0]!r}; commands are {known}, logs are host:/path"))

    def read() -> Inventory:
        return adhoc(specs) if specs else load(paths or default_inventory(environ, Path.cwd()), settings.env)

    inventory = read()
    settings = options.resolve(given, environ, inventory)
    ownlog.configure(settings.log_format, settings.log_level if given.command == "serve" else "warning")
    if given.command == "tail":
        return _loop(tail(settings, inventory, environ, _query(given), given.output))
    if given.command == "doctor":
        return _loop(doctor.doctor(settings, inventory, environ, given.selectors, given.output))
    if given.command == "gate":
        return gate.line(inventory, given.authorized_keys, given.origin)
    if given.command == "explain":
        return explain.run(inventory, explain.asked_of(given), given.output)
    if given.command == "search":
        return _loop(search.search(settings, inventory, environ, search.asked_of(given)))
    return _loop(serve(settings, inventory, environ, read))


def _loop(work: Coroutine[Any, Any, int | None]) -> int:
    """Run on uvloop; the exit status, 0 where there is none. A group of errors is its first one of ours."""
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(limits.RESOLVERS))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work) or 0
    except BaseExceptionGroup as group:
        ours, _ = group.split(TailonError)
        while ours is not None and isinstance(ours.exceptions[0], BaseExceptionGroup):
            ours = ours.exceptions[0]
        if ours is None:
            raise
        raise ours.exceptions[0] from None


def _with_command(words: list[str]) -> list[str]:
    """`serve` is the command where none is named: the first word that is no option may be one, or a host:/path."""
    flags = {flag: option for option in options.OPTIONS for flag in option.flags}
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-h", "--help", "--version"):
            return words
        elif word == "--":
            break
        elif word.startswith("-"):
            skip = word in flags
        elif word in _COMMANDS:
            return words
        else:
            break
    return ["serve", *words]


def _parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Parse; selectors may also stand behind options, where argparse no longer takes them."""
    given, rest = parser.parse_known_args(words)
    if rest and (not hasattr(given, "selectors") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        given.selectors += rest
    return given


def _with_times(words: list[str]) -> list[str]:
    """`--since -15m` as `--since=-15m`: to argparse a value that begins with a dash is an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("--since", "--until") and word.startswith("-"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tailon-agg",
        description="One live, read-only, audited view of the logs of many hosts, over plain SSH.",
        epilog="Without a command: serve the view. `tailon-agg COMMAND --help` tells more. "
        "[user@]host:/path … in place of an inventory shows these logs.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tailon-agg {__version__}")
    options.add_to(parser, early=True)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    added = {
        name: commands.add_parser(name, help=words, description=words, allow_abbrev=False)
        for name, words in _COMMANDS.items()
    }
    for command in added.values():
        options.add_to(command)
    added["serve"].add_argument(
        "specs", nargs="*", metavar="[user@]host:/path", help="logs to show, without an inventory"
    )
    _add_tail(added["tail"])
    audit.add_to(added["audit"])
    search.add_to(added["search"])
    explain.add_to(added["explain"])
    doctor.add_to(added["doctor"])
    gate.add_to(added["gate"])
    added["demo"].add_argument("--hosts", type=int, default=None, metavar="N", help="how many hosts (default 8)")
    added["demo"].add_argument(
        "--rate", type=float, default=None, metavar="LINES_PER_S", help="lines a second (default 40)"
    )
    return parser


def _add_tail(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "selectors", nargs="*", metavar="SELECTOR", help="hosts: web-1, web-[1-20], @group, @label:value"
    )
    command.add_argument("--source", action="append", default=[], metavar="NAME", help="only this source (repeatable)")
    command.add_argument(
        "--grep", action="append", default=[], metavar="RE2", help="only lines that match (all of them)"
    )
    command.add_argument(
        "--exclude", action="append", default=[], metavar="RE2", help="no lines that match (any of them)"
    )
    command.add_argument("--level", metavar="LEVEL", help="only this level and above")
    command.add_argument("-n", "--lines", default="10", metavar="N", help="lines of backlog per file (default 10)")
    command.add_argument(
        "--after", action="append", default=[], metavar="POSITION", help="begin after this line (one a file)"
    )
    command.add_argument("--no-follow", action="store_true", help="end when each file's backlog is out")
    command.add_argument(
        "--server", metavar="URL", help="ask this tailon-agg instead of the hosts (token in TAILON_AGG_TOKEN)"
    )
    command.add_argument("--reveal", metavar="REASON", help="show hidden text, too; the reason is written down")
    command.add_argument("--output", choices=("text", "json"), default="text", help="text, or the stream's records")


def _query(given: argparse.Namespace) -> Query:
    return Query(
        hosts=tuple(given.selectors),
        sources=tuple(given.source),
        grep=tuple(given.grep),
        exclude=tuple(given.exclude),
        level=given.level,
        lines=given.lines,
        after=tuple(given.after),
        follow="0" if given.no_follow else "1",
        raw="0" if given.reveal is None else "1",
        reason=given.reveal,
    )


def _lines_of(error: TailonError) -> list[str]:
    if isinstance(error, UsageError):
        return [str(fault) for fault in error.faults]
    return str(error).splitlines() or [error.title]
