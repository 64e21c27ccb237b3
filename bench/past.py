"""The past on eight hosts: a search beside `ssh host grep -F` on all of them at once; a range, a histogram, a page.

`HISTORY_MIB` is the size of each host's log (1,024). Nothing is kept of one product for the next, so all is cold, but
for the operating system's cache of files, which is warm for both sides.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fleet import Fleet

from bench import usage
from bench.product import READ_BYTES, Product, product
from bench.result import Row

HOSTS = 8
MIB = int(os.environ.get("HISTORY_MIB", "1024"))
START = datetime(2026, 11, 20, tzinfo=UTC)
RATE = 100  # lines in each second of the log
RARE = "needle-4711"
RARE_EVERY = 4_000  # seconds of the log
ROUNDS = 3
LOOKS = 7  # rounds of what takes less than a second
MATCHING = 10_000_000  # lines that are read while the memory is watched, at most
WATCHED_S = 60.0  # at most, for them


def search(folder: Path) -> list[Row]:
    """Seconds until the last answer to a rare word, beside plain clients."""
    with _hosts(folder) as (fleet, inventory, logs):
        greps = [[*fleet.ssh_arguments(host), f"grep -F {RARE} {logs[name]}"] for name, host in fleet.hosts.items()]
        ours, others, counts = [], [], []
        for _ in range(ROUNDS):
            others.append(_timed(lambda: counts.append(_all_at_once(greps))))
            with product(inventory) as served:
                ours.append(_timed(lambda: counts.append(_lines(served, grep=RARE, max_scan=1 << 40))))
    if len(set(counts)) != 1 or not counts[0]:
        raise RuntimeError(f"the answers differ: {counts} lines")
    size = HOSTS * MIB / 1024
    return [Row(f"a rare word in {size:g} GiB on {HOSTS} hosts", "s", *map(statistics.median, (ours, others)))]


def looks(folder: Path) -> list[Row]:
    """Milliseconds, beside their goals: a range, the quick histogram, and a page, on hosts that are connected."""
    with _hosts(folder) as (fleet, inventory, logs):
        seconds = _seconds(next(iter(logs.values())))
        middle = START + timedelta(seconds=seconds // 2)
        five = {"since": _stamp(middle), "until": _stamp(middle + timedelta(minutes=5))}
        whole = {"since": _stamp(START), "until": _stamp(START + timedelta(seconds=seconds))}
        asks: list[tuple[str, float, str, dict[str, Any]]] = [
            ("first page back from now", 200, "lines", {}),
            ("first page of five minutes in the middle", 300, "lines", five),
            ("histogram of all, `exact=0`", 1000, "histogram", {**whole, "exact": 0}),
        ]
        rows = [Row("a round trip to all hosts at once, by multiplexed plain clients", "ms", _trip(fleet))]
        for what, goal, path, query in asks:
            taken = []
            for _ in range(LOOKS):
                with product(inventory) as served:
                    _connect(served)
                    taken.append(_timed(lambda: _get(served, f"/api/v1/{path}", **query)) * 1000)  # noqa: B023
            rows.append(Row(what, "ms", statistics.median(taken), goal))
    return rows


def _trip(fleet: Fleet) -> float:
    """Milliseconds until all hosts have answered a command that does nothing, over connections that are open."""
    clients = []
    for host in fleet.hosts.values():
        program, *rest = fleet.ssh_arguments(host)
        control = fleet.folder / f"control-{host.name}"
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={control}", "-o", "ControlPersist=60"]
        clients.append([program, *shared, *rest, "exec sh -c :"])
    _all_at_once(clients)  # which connects them
    return statistics.median(_timed(lambda: _all_at_once(clients)) * 1000 for _ in range(LOOKS))


def memory(folder: Path) -> list[Row]:
    """MiB of the aggregator, at most, while all lines of a log match and are downloaded."""
    with _hosts(folder) as (_, inventory, _logs), product(inventory) as served:
        _connect(served)
        peak, ended = [usage.rss_mib(served.pid)], threading.Event()
        watch = threading.Thread(target=_watch, args=(served.pid, peak, ended))
        watch.start()
        began = time.monotonic()
        lines = _download(served, grep="request", max_scan=1 << 40)
        taken = time.monotonic() - began
        ended.set()
        watch.join()
    return [
        Row(f"memory while every line matches, {lines:,} of them read", "MiB", max(peak), 200),
        Row("lines downloaded", "lines/s", lines / taken),
    ]


@contextmanager
def _hosts(folder: Path) -> Iterator[tuple[Fleet, Path, dict[str, Path]]]:
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        logs = {f"web-{number}": fleet.add(f"web-{number}").root / "app.log" for number in range(1, HOSTS + 1)}
        for name, log in logs.items():
            _write(log, name)
        os.sync()  # gigabytes on their way to the disk would slow down everybody
        path = f"{fleet.folder}/roots/${{host}}/app.log"
        yield fleet, fleet.inventory({"app": {"hosts": "@*", "path": path}}), logs


def _write(log: Path, host: str) -> None:
    """A log of `MIB`, `RATE` lines a second."""
    lines = [
        f'@.{n * 10:03}Z INFO {host} shop: request {n} "GET /cart/{n * 7919} HTTP/1.1" 200 in {n} ms\n'
        for n in range(RATE)
    ]
    block = "".join(lines).encode()
    rare = f"@.999Z WARN {host} shop: {RARE} request\n".encode()
    written = second = 0
    with log.open("wb") as out:
        while written < MIB << 20:
            text = block + (rare if second % RARE_EVERY == RARE_EVERY // 2 else b"")
            written += out.write(text.replace(b"@", f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}".encode()))
            second += 1


def _seconds(log: Path) -> int:
    """How much time a log covers."""
    with log.open("rb") as text:
        text.seek(-4096, os.SEEK_END)
        last = text.read().split(b"\n")[-2][:19].decode()
    return int((datetime.fromisoformat(last).replace(tzinfo=UTC) - START).total_seconds())


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _all_at_once(commands: list[list[str]]) -> int:
    """Lines that plain clients print."""
    running = [subprocess.Popen(one, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for one in commands]
    return sum(one.communicate()[0].count(b"\n") for one in running)


def _connect(served: Product) -> None:
    """Let all hosts be reached: the newest line of each."""
    _get(served, "/api/v1/lines", limit=1)


def _lines(served: Product, **query: Any) -> int:
    return len(_get(served, "/api/v1/lines", **query)["lines"])


def _get(served: Product, path: str, **query: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=600)
    try:
        connection.request("GET", f"{path}?{urlencode(query)}")
        answer = connection.getresponse()
        found = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200 or not found["complete"]:
        raise RuntimeError(f"{path} answered {answer.status}: {found.get('failed', found)}")
    return found


def _download(served: Product, **query: Any) -> int:
    """Lines that came until enough have, or the time is over."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    lines, end = 0, time.monotonic() + WATCHED_S
    try:
        connection.request("GET", f"/api/v1/download?{urlencode(query)}")
        answer = connection.getresponse()
        while (data := answer.read1(READ_BYTES)) and lines < MATCHING and time.monotonic() < end:
            lines += data.count(b"\n")
    finally:
        connection.close()
    return lines


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.2):
        peak.append(usage.rss_mib(pid))
