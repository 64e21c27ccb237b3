"""Line written on a host → line at a viewer, beside `ssh host tail -F` of the same file at the same time."""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fleet import Fleet, FleetHost

from bench.product import product, wait_until_live
from bench.result import Row, percentile
from bench.sshtail import ssh_tail

LINES = 600
PAUSE_S = (0.005, 0.035)  # between two lines; irregular, so that no poll falls into step with it
LAST_S = 10.0  # for the last line to arrive
_NUMBER = re.compile(rb"request=(\d+)")


class Arrivals:
    """When each numbered line arrived at one reader, in ns of the monotonic clock."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.at: dict[int, int] = {}
        self._read = read
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        rest = b""
        try:
            while data := self._read():
                now = time.monotonic_ns()
                complete, _, rest = (rest + data).rpartition(b"\n")
                for found in _NUMBER.finditer(complete):
                    self.at.setdefault(int(found[1]), now)
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return  # closed under our hands: the measurement is over


@contextmanager
def tails(fleet: Fleet, hosts: list[FleetHost], path: str) -> Iterator[list[Arrivals]]:
    """`ssh host tail -F` for each host."""
    with ExitStack() as stack:
        clients = [stack.enter_context(ssh_tail(fleet, host, host.root / path)) for host in hosts]
        yield [Arrivals(lambda out=client.out: out.read(1 << 16)) for client in clients]  # type: ignore[misc]


def write(paths: list[Path], count: int) -> dict[int, int]:
    """Append numbered lines here and there; when each was written."""
    written: dict[int, int] = {}
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("ab", buffering=0)) for path in paths]
        for number in range(count):
            time.sleep(random.uniform(*PAUSE_S))
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = f"{now} info GET /orders/{number * 7919 % 10007} 200 12ms request={number}\n"
            written[number] = time.monotonic_ns()
            random.choice(files).write(line.encode())
    return written


def measure(folder: Path, hosts: int) -> list[Row]:
    """Milliseconds, p50 and p99, of one file a host."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        machines = [fleet.add(f"web-{number}") for number in range(hosts)]
        for machine in machines:
            (machine.root / "app.log").write_text("2026-01-01T00:00:00.000Z info start\n")
        sources = {"app": {"hosts": "@*", "path": f"{fleet.folder}/roots/${{host}}/app.log"}}
        ours = stack.enter_context(product(fleet.inventory(sources)))
        readers: dict[str, list[Arrivals]] = {}
        for order in ("time", "arrival") if hosts > 1 else ("time",):
            response = stack.enter_context(ours.viewer(lines=0, order=order))
            wait_until_live(response, hosts)
            readers[order] = [Arrivals(lambda response=response: response.read1(1 << 16))]  # type: ignore[misc]
        readers["tail"] = stack.enter_context(tails(fleet, machines, "app.log"))
        written = write([machine.root / "app.log" for machine in machines], LINES)
        found = {name: delays(written, arrivals) for name, arrivals in readers.items()}
    name = "1 host, 1 file" if hosts == 1 else f"{hosts} hosts merged"
    return [
        Row(f"{name}{f', order={order}' if hosts > 1 else ''}, {word}", "ms", ours_ms, percentile(found["tail"], part))
        for order in found
        if order != "tail"
        for word, part in (("p50", 0.5), ("p99", 0.99))
        for ours_ms in [percentile(found[order], part)]
    ]


def delays(written: dict[int, int], readers: list[Arrivals]) -> list[float]:
    """Milliseconds of each line; every line must have arrived."""
    end = time.monotonic() + LAST_S
    while sum(len(reader.at) for reader in readers) < len(written):
        if time.monotonic() > end:
            raise RuntimeError(f"{len(written) - sum(len(reader.at) for reader in readers)} lines did not arrive")
        time.sleep(0.05)
    return [(at - written[number]) / 1e6 for reader in readers for number, at in reader.at.items()]
