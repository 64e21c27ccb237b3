"""`tailon-agg audit verify` and `audit show`: what an audit log proves and says; they need nothing but its files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.access import chain
from aggregator.access.checkpoint import read_checkpoint
from aggregator.access.seen import served_line
from aggregator.errors import Fault, UsageError
from aggregator.inventory import durations
from aggregator.stream import positions


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records to show; None or empty: all."""

    line: str | None = None
    host: str | None = None
    principal: str | None = None
    since: str | None = None


def add_to(command: argparse.ArgumentParser) -> None:
    """The subcommands and their options."""
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True)
    words = "check the chain over these files, naming the first bad record"
    checked = actions.add_parser("verify", help=words, description=words, allow_abbrev=False)
    words = "list records"
    shown = actions.add_parser("show", help=words, description=words, allow_abbrev=False)
    for action in (checked, shown):
        action.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an audit log")
    checked.add_argument("--key", metavar="BASE64", help="the public key that checkpoints must be signed by")
    shown.add_argument("--line", metavar="POSITION", help="who was shown this line: records whose ranges hold it")
    shown.add_argument("--host", metavar="HOST", help="only records that name this host")
    shown.add_argument("--principal", metavar="NAME", help="only what this principal did")
    shown.add_argument("--since", metavar="TIME", help="only from then on: RFC 3339, a day, or -15m")
    shown.add_argument("--output", choices=("text", "json"), default="text", help="text, or the records as they are")


def run(given: argparse.Namespace) -> int:
    """Run `verify` or `show`; the exit status. Raises UsageError."""
    if given.action == "verify":
        return verify(given.files, given.key)
    return show(given.files, Wanted(given.line, given.host, given.principal, given.since), given.output)


def verify(files: Sequence[Path], key: str | None = None) -> int:
    """Check that the files are one chain, whatever their order here, with checkpoints signed by `key` (base64), else by
    one and the same; the exit status: 0, or 1 with the first bad record named. Raises UsageError for a file that can't
    be read."""
    seen = _Seen(key)
    ordered = sorted(files, key=_first_seq)
    last = _before(ordered[0])
    for file in ordered:
        with _open(file) as log:
            found = chain.verify(chain.lines_of(log), last, seen.look)
        seen.records += found.records
        if found.bad:
            print(f"{file}:{found.bad.line}: seq {found.bad.seq}: {found.bad.detail}", file=sys.stderr)
            return 1
        last = found.last
    since = "" if last.seq == seen.records else f" from seq {last.seq - seen.records + 1} on"
    print(f"ok: {seen.records} records{since}, seq {last.seq}, hash {last.hash}{seen.words(last.seq)}")
    return 0


class _Seen:
    """What a check has come across."""

    def __init__(self, key: str | None) -> None:
        self.records = 0
        self._key = key
        self._signed: int | None = None  # the number of the last record that a checkpoint vouches for

    def look(self, record: dict[str, Any]) -> None:
        found = read_checkpoint(record)
        if found is None:
            return
        self._key = self._key or found.key
        if found.key != self._key:
            raise ValueError(f"is a checkpoint by another key, {found.key}")
        self._signed = found.seq

    def words(self, last: int) -> str:
        if self._signed is None:
            return ""
        return f"; signed up to seq {self._signed} by {self._key}"


def _first_seq(file: Path) -> int:
    """The number of a file's first record; a file that does not begin with one comes last, and is found bad."""
    with _open(file) as log:
        line = log.readline(chain.LINE_BYTES)
    try:
        return chain.read(line)[1].seq if line else sys.maxsize
    except chain.Broken:
        return sys.maxsize - 1


def _before(file: Path) -> chain.Link:
    """What the first of the files follows: nothing, or the files before a rotation, which its first record signs."""
    with _open(file) as log:
        line = log.readline(chain.LINE_BYTES)
    try:
        record, _ = chain.read(line)
        if read_checkpoint(record) and "previous_file" in record["detail"]:
            return chain.Link(record["seq"] - 1, record["prev"])
    except ValueError:
        pass
    return chain.GENESIS


def show(files: Sequence[Path], wanted: Wanted, output: str) -> int:
    """Print the records that are asked for, and warn of a broken chain (exit status 1). Raises UsageError."""
    place = positions.decode(wanted.line, "--line") if wanted.line else None
    since = _since(wanted.since) if wanted.since else None
    broken = False
    for file in files:
        with _open(file) as log:
            last = chain.GENESIS
            for number, line in enumerate(chain.lines_of(log), 1):
                try:
                    record, link = chain.read(line)
                except chain.Broken as error:
                    print(f"{file}:{number}: {error}", file=sys.stderr)
                    broken = True
                    continue
                if number > 1 and (record["prev"], link.seq) != (last.hash, last.seq + 1):
                    print(f"{file}:{number}: seq {link.seq} does not follow the record before it", file=sys.stderr)
                    broken = True
                last = link
                if _is_wanted(record, wanted, since) and (place is None or served_line(record, place)):
                    print(line.decode().rstrip("\n") if output == "json" else "\n".join(_text(record)))
    return 1 if broken else 0


def _open(file: Path) -> Any:
    try:
        return file.open("rb")
    except OSError as error:
        raise UsageError(Fault("FILE", f"{file}: {error.strerror}")) from None


def _since(text: str) -> datetime:
    """RFC 3339, a day, or `-15m`: so long before now. Raises UsageError."""
    try:
        if text.startswith("-"):
            return datetime.now(UTC) - timedelta(seconds=durations.seconds(text[1:]))
        return durations.moment(text)
    except (ValueError, OverflowError):
        raise UsageError(Fault("--since", f"a time like 2026-11-23T10:00:00Z or -15m, not {text!r}")) from None


def _is_wanted(record: dict[str, Any], wanted: Wanted, since: datetime | None) -> bool:
    if wanted.host is not None and wanted.host not in (record.get("hosts") or ()):
        return False
    if wanted.principal is not None and record.get("principal") != wanted.principal:
        return False
    return since is None or _time(record) >= since


def _time(record: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(record.get("time")))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)  # what is odd is shown


def _text(record: dict[str, Any]) -> Iterator[str]:
    """A record for people: who did what to which files, what came of it."""
    who = record.get("principal") or "-"
    at = f" from {record['address']}" if record.get("address") else ""
    verdict = f" {record['verdict']}" if record.get("verdict") else ""
    rule = f" by {record['rule']}" if record.get("rule") else ""
    yield f"{record['time']} #{record['seq']} {record['event']} {who}{at}{verdict}{rule}"
    for name in ("hosts", "paths"):
        if record.get(name):
            yield f"    {name}: {_list(record[name])}"
    if record.get("filter"):
        yield f"    filter: {json.dumps(record['filter'])}"
    if record.get("reason"):
        yield f"    reason: {json.dumps(record['reason'])}"
    match record.get("detail"):
        case str(words):
            yield f"    {_printable(words)}"
        case {"lines": lines, "bytes": size, **rest}:
            dropped = f", {rest['dropped_lines']} lines lost to slowness" if rest.get("dropped_lines") else ""
            yield f"    of #{rest.get('open')}: {lines} lines, {size} bytes{dropped}; {rest.get('end') or 'so far'}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(_printable(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _printable(text: str) -> str:
    """Names come from hosts: nothing of them may reach the terminal as a control character."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
