"""One host, from its name to its files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from aggregator.doctor.ask import ask, sessions
from aggregator.doctor.channels import judge_channels, wanted
from aggregator.doctor.check import Check
from aggregator.doctor.gate import judge_gate
from aggregator.doctor.gated import ask_gate
from aggregator.doctor.logs import Log, journal_of, pattern_of
from aggregator.doctor.machine import judge_clock, judge_following, judge_packed, judge_tools
from aggregator.doctor.reach import STEPS, passed, refused
from aggregator.errors import HostError
from aggregator.inventory.roots import roots_of
from aggregator.model import Source
from aggregator.remote.link import Link
from aggregator.remote.probe import Probe


async def examine(link: Link, sources: Sequence[Source]) -> tuple[Check, ...]:
    """Reach a host once and look at it. A host without sources need not have a shell: it may be there to jump over."""
    host = link.host
    async with link.hold():
        try:
            await link.reached()
        except HostError as error:
            return refused(host, error)
        if link.probe is None:
            return tuple(passed(step, host) for step in STEPS[:-1])
        before = tuple(passed(step, host, link.probe.user) for step in STEPS)
        try:
            return *before, *await _look_at(link, link.probe, sources)
        except HostError as error:
            return *before, Check("look", "fail", error.words, error.step)


async def _look_at(link: Link, probe: Probe, sources: Sequence[Source]) -> list[Check]:
    plain = [source for source in sources if source.kind == "file"]
    now = time.time()
    patterns = [(source, pattern_of(source, link.host, probe.zone, now)) for source in plain]
    paths = list(dict.fromkeys(path for _, path in patterns))
    refused: list[str] = []
    if probe.gate:
        facts, refused = await ask_gate(link, paths)
    else:
        facts = await ask(link, paths)
    known = [(one, path) for one, path in patterns if path not in refused]
    logs = [Log(one, path, facts.looks.get(path), probe.user, facts) for one, path in known]
    files = len({name for log in logs for name in log.files})
    taken = await sessions(link, wanted(files))
    return [
        *(judge_tools(facts) if facts.tools else ()),
        judge_following(probe),
        judge_clock(probe, facts),
        *_of_sources(logs, sources),
        *judge_packed(facts),
        judge_channels(files, taken),
        *judge_gate(link.host, probe.gate, roots_of(link.host, plain), refused),
    ]


def _of_sources(logs: Sequence[Log], sources: Sequence[Source]) -> Iterator[Check]:
    for log in logs:
        yield from log.checks()
    yield from (journal_of(source) for source in sources if source.kind == "journal")
