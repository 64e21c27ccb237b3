"""What the doctor found, for people: one table, the hosts that don't work first, equal ones folded together."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from aggregator.cli.terminal import neutralise
from aggregator.doctor.check import WORST, Check, Report, State, worst
from aggregator.inventory import fold
from aggregator.model import Host

WIDTH_LEAST, WIDTH_MOST = 60, 100  # columns
_SGR = {"fail": "31", "warn": "33", "ok": "32"}
_NAME = 16  # columns of a check's name
_SELF = "HOST"  # what a host is called in words that are true of several
_ODD = re.compile(r"[0-9.:-]")
_PORT = r"(?::[0-9]+)?"
_BEFORE = r"@|\b(?:of|by|from|on|to|for|name|host) "
_AFTER = "can't be|does not|ran no|takes no"
_NEVER = r"(?!)"


def table(reports: Iterable[Report], hosts: Mapping[str, Host], *, width: int, colour: bool) -> str:
    """All reports as text: for each trouble its words and, behind `here$` or `host#`, the command that helps."""
    paint = _painter(colour)
    blocks: dict[tuple[Check, ...], list[Report]] = defaultdict(list)
    for report in reports:
        blocks[tuple(_general(check, hosts[report.host]) for check in _wrong(report))].append(report)
    lines: list[str] = []
    for checks, alike in sorted(blocks.items(), key=lambda block: _place(block[1])):
        lines += _heading([report.host for report in alike], worst(checks), width, paint)
        for check in _wrong(alike[0]) if len(alike) == 1 else checks:
            lines += _rows(check, width, paint)
    return "".join(f"{line}\n" for line in lines)


def _wrong(report: Report) -> list[Check]:
    """What is not fine, the worst first."""
    return sorted((check for check in report.checks if check.state != "ok"), key=lambda check: WORST.index(check.state))


def summary(reports: Sequence[Report], asked: int) -> str:
    """The last line: `393 of 400 hosts are fine`."""
    fine = sum(report.state != "fail" for report in reports)
    warned = sum(report.state == "warn" for report in reports)
    some = f", {warned} of them with a warning" if warned else ""
    unknown = f"; {asked - len(reports)} not looked at" if len(reports) < asked else ""
    return f"{fine} of {asked} host{'s are' if asked != 1 else ' is'} fine{some}{unknown}"


def as_json(reports: Iterable[Report]) -> list[dict[str, object]]:
    """Reports as JSON values, the worst first."""
    return [
        {"host": report.host, "state": report.state, "checks": [_json(check) for check in report.checks]}
        for report in sorted(reports, key=lambda report: (WORST.index(report.state), _natural(report.host)))
    ]


def _json(check: Check) -> dict[str, object]:
    """`fix` is a command, to be run `here` or on the `host` (as root), where `on` is not null; else a sentence."""
    return {
        "name": check.name,
        "state": check.state,
        "detail": check.detail,
        "fix": check.fix,
        "on": check.on if check.command else None,
    }


def _place(alike: Sequence[Report]) -> tuple[int, list[object]]:
    return WORST.index(alike[0].state), min(_natural(report.host) for report in alike)


def _natural(name: str) -> list[object]:
    """web-2 before web-10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def _general(check: Check, host: Host) -> Check:
    """A check in words that do not name its host, so that equal ones can be told together. A name that may be a word
    is one only where our own words have a host."""
    own = sorted({host.name, host.address}, key=len, reverse=True)
    odd = "|".join(re.escape(name) for name in own if _ODD.search(name)) or _NEVER
    plain = "|".join(re.escape(name) for name in own if not _ODD.search(name)) or _NEVER
    pattern = re.compile(
        rf"(?<![\w-])\[?(?:{odd})\]?{_PORT}(?![\w-])"
        rf"|({_BEFORE})(?:{plain}){_PORT}(?![\w-])"
        rf"|^(?:{plain}){_PORT}(?= (?:{_AFTER}))"
    )

    def general(text: str) -> str:
        return pattern.sub(lambda match: f"{match[1] or ''}{_SELF}", text)

    return Check(check.name, check.state, general(check.detail), general(check.step), general(check.command), check.on)


def _heading(names: Sequence[str], state: State, width: int, paint: Callable[[str, str], str]) -> list[str]:
    """`web-[1-393]: ok`, on several lines where there are many stretches."""
    terms = re.sub(r",(?=[^\[\]]*(?:\[|$))", ", ", fold(names))
    folded = textwrap.wrap(terms, width - 6, break_long_words=False, break_on_hyphens=False)
    lines = [line.replace(", ", ",") for line in folded]
    return [*lines[:-1], f"{paint(lines[-1], '1')}: {paint(state, _SGR[state])}"]


def _rows(check: Check, width: int, paint: Callable[[str, str], str]) -> Iterator[str]:
    room = width - _NAME - 8
    name = f"{check.name:<{_NAME}}" if len(check.name) < _NAME else check.name
    detail = textwrap.wrap(neutralise(check.detail), room, break_on_hyphens=False) or [""]
    start = f"  {paint(f'{check.state:<4}', _SGR[check.state])}  {name}"
    indent = " " * (_NAME + 8)
    if len(check.name) >= _NAME:
        yield start
        yield f"{indent}{detail[0]}"
    else:
        yield f"{start}{detail[0]}"
    yield from (f"{indent}{line}" for line in detail[1:])
    if check.step:
        yield from (f"{indent}{line}" for line in textwrap.wrap(neutralise(f"→ {check.step}"), room))
    if check.command:  # on one line, to be copied
        prompt = "here$" if check.on == "here" else "host#"
        yield f"{' ' * (_NAME + 2)}{paint(prompt, '2')} {neutralise(check.command)}"


def _painter(colour: bool) -> Callable[[str, str], str]:
    return (lambda text, sgr: f"\x1b[{sgr}m{text}\x1b[0m") if colour else (lambda text, _: text)
