"""Every answer about the past against a plain reading of the same files (`oracle.py`), over real SSH servers.

`PAST_EXAMPLES=2000 pytest tests/test_past_oracle.py` looks longer, with `PAST_SHRINK=1` for the simplest
example of what is wrong.
"""

from __future__ import annotations

import difflib
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from oracle import MICROS, Entry, Log, Query, Shown, asked, is_order, lines_of, micros_of, rfc3339
from pastlogs import FORMS, WORDS, Maker, Shape
from product import Product

SHRINK = "PAST_SHRINK" in os.environ  # look for a simpler example of what failed: takes minutes
FEW = 12  # examples that the suite has time for: always the same
EXAMPLES = int(os.environ.get("PAST_EXAMPLES", FEW))
CHECKS = os.environ.get("PAST_CHECKS", "forward backward rotated histogram download records").split()
HOSTS = ("old-1", "web-1", "web-2")
ZONES = ("UTC", "Europe/Berlin")
QUERIES = 4  # of each example
CLIPPED_PAGE = 7  # lines, where pages are short
STARTS = {
    "a plain day": datetime(2026, 11, 20, 9, tzinfo=UTC),
    "clocks put back": datetime(2026, 10, 24, 23, 20, tzinfo=UTC),
    "clocks put forward": datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    "the turn of the year": datetime(2025, 12, 31, 22, 30, tzinfo=UTC),
}


class Rig:
    """Three hosts and a product; each example takes a source of its own: two files on each host."""

    def __init__(self, fleet: Fleet, product: Product) -> None:
        self.fleet = fleet
        self.product = product
        self._numbers = {zone: itertools.count(number, len(ZONES)) for number, zone in enumerate(ZONES)}

    def logs(self, zone: str, shapes: list[tuple[int, Shape]]) -> tuple[str, list[Log]]:
        """Write a log of each shape on one host after the other; the source's name and the logs."""
        source = f"past-{next(self._numbers[zone])}"
        logs = []
        for number, (seed, shape) in enumerate(shapes):
            host = HOSTS[number % len(HOSTS)]
            folder = self.fleet.hosts[host].root / source
            folder.mkdir(exist_ok=True)
            log = Maker(seed, shape).log(host, source, folder / f"app{number // len(HOSTS)}.log")
            log.write()
            logs.append(log)
        return source, logs


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("past")) as rig:
        yield rig


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    with Fleet(folder) as fleet:
        fleet.add("web-1")
        fleet.add("web-2")
        fleet.add("old-1", shell="busybox ash", path=fleet.busybox())
        roots = fleet.hosts["web-1"].root.parent
        sources = {
            f"past-{number}": {
                "hosts": "@*",
                "path": f"{roots}/${{host}}/past-{number}/*.log",
                "timezone": ZONES[number % len(ZONES)],
            }
            for number in range(len(ZONES) * (EXAMPLES * 2 + 50))
        }
        with Product(fleet.inventory(sources), folder) as product:
            yield Rig(fleet, product)


def shapes(chance: random.Random) -> tuple[str, list[tuple[int, Shape]]]:
    """A zone, and a seed and a shape for each log."""
    zone = chance.choice(ZONES)
    day = chance.choice(sorted(STARTS))
    made = []
    for _ in range(chance.randint(1, 4)):
        shape = Shape(
            form=chance.choice(FORMS),
            zone=zone,
            start=int(STARTS[day].timestamp()),
            entries=chance.choice((3, 10, 40, 40, 200)),
            step=chance.choice((2.0, 60.0, 600.0)),
            back=0.0 if day == "clocks put back" else chance.choice((0.0, 0.0, 0.0, 1.0, 60.0)),
            parts=chance.randint(1, 4),
            scheme=chance.choice(("numbers", "dates")),
            packing=chance.choice(("plain", "gz", "xz", "bz2")),
            banner=chance.random() < 0.2,
            preface=chance.choice((0, 0, 2)),
            long_line=chance.choice((0, 0, 0, 0, 66_000, 200_000)),
            open_ends=chance.random() < 0.5,
        )
        made.append((chance.randrange(10**6), shape))
    return zone, made


def query_of(chance: random.Random, times: list[int], hosts: tuple[str, ...]) -> Query:
    nudges = (0, 0, 1, -1, MICROS, -5 * MICROS, 90 * MICROS)
    bounds = [chance.choice((None, chance.choice(times) + chance.choice(nudges))) for _ in range(2)]
    since, until = bounds if None in bounds else sorted(bounds, key=lambda bound: bound or 0)
    patterns = (*map(literal, WORDS), "tim[eo]+ut", r"order \d+7\b", "(?i)NEEDLE", "^\tat ", "IOExc", "é$")
    return Query(
        since=since,
        until=until,
        grep=tuple(chance.choices(patterns, k=chance.choice((0, 0, 1, 1, 1, 2)))),
        exclude=tuple(chance.choices(patterns, k=chance.choice((0, 0, 1)))),
        level=chance.choice((None, None, "info", "warning", "critical")),
        hosts=tuple(chance.sample(hosts, k=chance.randint(1, len(hosts)))),
    )


def literal(word: str) -> str:
    """A pattern for a text, for RE2 and `re` alike."""
    return "".join(f"\\{char}" if char in ".*+?()[]{}|^$\\" else char for char in word)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= FEW,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase != Phase.shrink or SHRINK],
    report_multiple_bugs=False,
    print_blob=True,
)
@given(chance=st.randoms(use_true_random=False))
@pytest.mark.timeout(0)
def test_every_answer_is_what_a_plain_reading_of_the_files_gives(rig: Rig, chance: random.Random) -> None:
    for line in example(rig, chance):
        note(line)


def example(rig: Rig, chance: random.Random) -> Iterator[str]:
    """Write some logs and ask for them; says what is going to be asked."""
    zone, made = shapes(chance)
    source, logs = rig.logs(zone, made)
    yield f"{source} in {zone}: {made}"
    times = [entry.time for log in logs for entry in log.entries()] or [made[0][1].start * MICROS]
    ask = Asker(rig.product, source, logs)
    ask.everything()
    for _ in range(QUERIES):
        query = query_of(chance, times, ask.hosts)
        check = chance.choice(CHECKS)
        yield f"{check} {query}"
        getattr(ask, check)(query)
    yield "context"
    ask.context(chance.randrange(10**6))


class Asker:
    """Asks a product about logs and compares with the oracle."""

    def __init__(self, product: Product, source: str, logs: list[Log]) -> None:
        self._product = product
        self._source = source
        self._logs = logs
        self.hosts = tuple(sorted({log.host for log in logs}))
        self._exact = not any(log.goes_back for log in logs)
        self._all: list[dict[str, Any]] = []

    def everything(self) -> None:
        """All lines at once; each has a position of its own."""
        query = Query(hosts=self.hosts)
        page = self._page(query, limit=10_000, direction="forward")
        self._compare(query, page["lines"])
        self._all = page["lines"]
        alike = {(log.host, str(log.path)) for log in self._logs if log.begins_alike}
        own = [line["position"] for line in self._all if (line["host"], line["path"]) not in alike]
        assert len(set(own)) == len(own)

    def forward(self, query: Query, limit: int = CLIPPED_PAGE) -> None:
        self._compare(query, self._pages(query, "forward", limit))

    def backward(self, query: Query, limit: int = CLIPPED_PAGE) -> None:
        self._compare(query, self._pages(query, "backward", limit))

    def rotated(self, query: Query) -> None:
        """Pages go on where they were while all files get other names, and are compressed."""
        for direction in ("forward", "backward"):
            self._compare(query, self._pages(query, direction, CLIPPED_PAGE, self._rotate))

    def _rotate(self) -> None:
        for log in self._logs:
            if all(part.suffix.count("-") == 0 for part in log.parts):
                log.rotate()

    def histogram(self, query: Query) -> None:
        entries = asked(self._logs, query)
        times = [entry.time for entry in entries] or [0]
        since = query.since if query.since is not None else min(times) - MICROS
        until = query.until if query.until is not None else max(times) + MICROS
        query = replace(query, since=since, until=max(until, since + MICROS))
        until = query.until or 0
        given = {**query.parameters(), "source": self._source, "buckets": 10}
        answer = self._product.get("/api/v1/histogram", **given)
        assert answer.status == 200, answer.text
        found = answer.json()
        assert (found["complete"], found["failed"], found["exact"]) == (True, [], True)
        starts = [micros_of(bucket["start"]) for bucket in found["buckets"]]
        assert starts[:1] in ([since], [])
        for bucket, start, end in zip(found["buckets"], starts, [*starts[1:], until], strict=True):
            within = [line for entry in asked(self._logs, query) if start <= entry.time < end for line in entry.lines]
            assert bucket["count"] == len(within), (bucket, rfc3339(end), [brief(line) for line in within])
            by_host = Counter(line.host for line in within)
            assert {host: count for host, count in bucket["by_host"].items() if count} == by_host

    def download(self, query: Query) -> None:
        answer = self._product.get("/api/v1/download", **query.parameters(), source=self._source)
        assert answer.status == 200, answer.text
        texts = [line.text for line in lines_of(asked(self._logs, query))]
        found = answer.body.decode().split("\n")
        assert found.pop() == ""
        assert (found if self._exact else sorted(found)) == (texts if self._exact else sorted(texts))

    def records(self, query: Query) -> None:
        """As they are found."""
        for direction, limit in (("forward", 10_000), ("forward", 5 * CLIPPED_PAGE), ("backward", 5 * CLIPPED_PAGE)):
            self._records(query, direction, limit)

    def _records(self, query: Query, direction: str, limit: int) -> None:
        """Pages as they are found: each line once, in its file's order; in the order of all where no host was slow."""
        lines: list[dict[str, Any]] = []
        given: dict[str, Any] = {**query.parameters(), "source": self._source, "limit": limit, "direction": direction}
        while True:
            answer = self._product.get("/api/v1/lines", **given, format="ndjson")
            assert answer.status == 200, answer.text
            records = [json.loads(line) for line in answer.body.splitlines()]
            end = records[-1]
            assert (end["type"], end["reason"], end["complete"], end["failed"]) == ("end", "complete", True, []), end
            lines += [record for record in records if record["type"] == "line"]
            if end["cursor"] is None:
                break
            given["cursor"] = end["cursor"]
        if direction == "backward":
            lines.reverse()
        if not any(line.get("late") for line in lines):
            self._compare(query, lines)
            return
        wanted = lines_of(asked(self._logs, query))
        for file in {(log.host, str(log.path)) for log in self._logs}:
            own = [as_shown(line) for line in lines if (line["host"], line["path"]) == file]
            expected = [line for line in wanted if (line.host, line.path) == file]
            assert own == expected, difference(own, expected)

    def context(self, number: int) -> None:
        """The neighbours of a line in its own file."""
        if not self._all:
            return
        middle = self._all[number % len(self._all)]
        if sum(line["position"] == middle["position"] for line in self._all) > 1:
            return  # a banner: the address of each is that of all
        own = [line for line in self._all if (line["host"], line["path"]) == (middle["host"], middle["path"])]
        at = own.index(middle)
        answer = self._product.get("/api/v1/context", position=middle["position"], before=3, after=2)
        assert answer.status == 200, answer.text
        near = [as_shown(line) for line in own[max(0, at - 3) : at + 3]]
        found = [as_shown(line) for line in answer.json()["lines"]]
        assert [line.text for line in found] == [line.text for line in near], difference(found, near)

    def _pages(
        self, query: Query, direction: str, limit: int, between: Callable[[], None] | None = None
    ) -> list[dict[str, Any]]:
        """The lines of all pages, oldest first."""
        lines: list[dict[str, Any]] = []
        cursor = None
        for _ in range(10_000):
            page = self._page(query, limit=limit, direction=direction, **({"cursor": cursor} if cursor else {}))
            assert len(page["lines"]) <= limit
            lines = page["lines"] + lines if direction == "backward" else lines + page["lines"]
            cursor = page["cursor"]
            if cursor is None:
                return lines
            if between and len(lines) <= 2 * limit:
                between()
            if len(lines) > 20 * limit:
                limit = 10_000
        raise AssertionError("pages without an end")

    def _page(self, query: Query, **more: Any) -> dict[str, Any]:
        answer = self._product.get("/api/v1/lines", **query.parameters(), source=self._source, **more)
        assert answer.status == 200, answer.text
        page: dict[str, Any] = answer.json()
        assert page["complete"], page["failed"]
        assert page["failed"] == []
        return page

    def _compare(self, query: Query, lines: list[dict[str, Any]]) -> None:
        entries = asked(self._logs, query)
        found = [as_shown(line) for line in lines]
        wanted = lines_of(entries)
        if self._exact or sorted(map(repr, found)) != sorted(map(repr, wanted)):
            assert found == wanted, difference(found, wanted)
        else:
            assert is_order(_entries_in(lines, entries))


def difference(found: list[Shown], wanted: list[Shown]) -> str:
    """What differs, for people."""
    rows = [[brief(line) for line in lines] for lines in (wanted, found)]
    return "wanted -, found +:\n" + "\n".join(difflib.unified_diff(*rows, lineterm="", n=2))[:4000]


def brief(line: Shown) -> str:
    mark = "" if line.stamped else " no stamp"
    name = line.path.rsplit("/", 1)[-1]
    return f"{line.host}:{name} {rfc3339(line.time)} {line.level}{mark} {line.length or ''} {line.text[:60]!r}"


def as_shown(line: dict[str, Any]) -> Shown:
    stamped = line.get("stamped", True)
    return Shown(
        line["host"], line["path"], line["text"], micros_of(line["time"]), stamped, line["level"], line.get("length")
    )


def _entries_in(lines: list[dict[str, Any]], entries: list[Entry]) -> list[Entry]:
    """The entries in the order in which their lines came, each whole; AssertionError where one is torn."""
    left = {(entry.host, entry.path, entry.number): entry for entry in entries}
    ordered: list[Entry] = []
    at = 0
    while at < len(lines):
        head = as_shown(lines[at])
        ready = [one for one in left.values() if (one.host, one.path) == (head.host, head.path)]
        entry = min(ready, key=lambda one: one.number)
        assert [as_shown(line) for line in lines[at : at + len(entry.lines)]] == entry.lines
        ordered.append(left.pop((entry.host, entry.path, entry.number)))
        at += len(entry.lines)
    return ordered
