"""Many hosts that write a little all the time: what a line costs here, beside one `ssh host tail -F` for each host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from fleet import Fleet

from bench.product import lines_of, product, wait_until_live
from bench.result import Row
from bench.sshtail import ssh_tail
from bench.usage import cpu_s

HOSTS = 8
RATE = 2_000  # lines a second over all hosts, each line written by itself
WRITE_S = 8.0
REST_S = 0.5  # for what was written last to be delivered


def measure(folder: Path) -> list[Row]:
    """CPU microseconds a line, of the aggregator with one viewer and of all ssh clients together."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        logs = {host: host.root / "app.log" for host in (fleet.add(f"web-{number}") for number in range(HOSTS))}
        for log in logs.values():
            log.write_text("2026-01-01T00:00:00.000Z INFO start\n")
        sources = {"app": {"hosts": "@*", "path": f"{fleet.folder}/roots/${{host}}/app.log"}}
        with product(fleet.inventory(sources)) as ours, ours.viewer(lines=0) as response:
            wait_until_live(response, HOSTS)
            _drain(lambda: sum(1 for _ in lines_of(response)))
            cost = _cost([ours.pid], list(logs.values()))
        clients = [stack.enter_context(ssh_tail(fleet, host, log)) for host, log in logs.items()]
        for client in clients:
            _drain(lambda client=client: sum(1 for _ in iter(lambda: client.out.read(1 << 16), b"")))  # type: ignore[misc]
        other = _cost([client.pid for client in clients], list(logs.values()))
    return [Row(f"CPU per line, {HOSTS} hosts merged, {RATE:,} lines/s", "µs", cost, other)]


def _drain(read: Callable[[], object]) -> None:
    """Read until the end, beside."""

    def run() -> None:
        try:
            read()
        except (OSError, ValueError, AttributeError):
            return  # closed under our hands: the measurement is over

    threading.Thread(target=run, daemon=True).start()


def _cost(pids: list[int], logs: list[Path]) -> float:
    before = sum(map(cpu_s, pids))
    lines = _write(logs)
    time.sleep(REST_S)
    return (sum(map(cpu_s, pids)) - before) / lines * 1e6


def _write(logs: list[Path]) -> int:
    """Append for a while, at a steady rate; how many lines."""
    lines = 0
    with ExitStack() as stack:
        files = [stack.enter_context(log.open("ab", buffering=0)) for log in logs]
        start = time.monotonic()
        while (passed := time.monotonic() - start) < WRITE_S:
            while lines < passed * RATE:
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                text = f"{now} INFO shop.web[12]: GET /orders/{lines * 7919 % 10007} status=200 request={lines}\n"
                files[lines % len(files)].write(text.encode())
                lines += 1
            time.sleep(0.001)
    return lines
