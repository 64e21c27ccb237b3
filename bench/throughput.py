"""One file of many lines, appended at once: lines per second at one viewer, beside `ssh host tail -F | wc -l`."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet import Fleet

from bench.product import Product, lines_of, product, wait_until_live
from bench.result import Row
from bench.sshtail import ssh_tail

LINES = 300_000  # some 40 MiB
ROUNDS = 2  # of each; the better one counts


def measure(folder: Path) -> list[Row]:
    """Lines per second until the last one has arrived, and the part of the lines that a gap stands for."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        host = fleet.add("web-1")
        log = host.root / "app.log"
        log.write_text("2026-01-01T00:00:00.000Z info start\n")
        text = made_up()
        ours = stack.enter_context(product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}})))
        watched = [_watch(ours, log, text) for _ in range(ROUNDS)]
        tailed = [_tail(fleet, log, text) for _ in range(ROUNDS)]
    speed = max(lines / seconds for lines, _, seconds in watched)
    missing = sum(gone for _, gone, _ in watched) / (ROUNDS * LINES)
    return [
        Row(f"{LINES:,} lines of {len(text) // LINES} bytes at one viewer", "lines/s", speed, LINES / min(tailed)),
        Row("of these as a gap record", "%", missing * 100),
    ]


def _watch(ours: Product, log: Path, text: bytes) -> tuple[int, int, float]:
    """Lines delivered, lines that are a gap, and seconds."""
    delivered = missing = 0
    with ours.viewer(lines=0) as response:
        wait_until_live(response, 1)
        start = time.monotonic()
        _append(log, text)
        for lines in lines_of(response):
            for line in lines:
                if line.startswith(b'{"type":"line"'):
                    delivered += 1
                elif line.startswith(b'{"type":"gap"'):
                    missing += json.loads(line)["lines"]
            if delivered + missing >= LINES:
                break
        return delivered, missing, time.monotonic() - start


def _tail(fleet: Fleet, log: Path, text: bytes) -> float:
    """Seconds until `wc -l` would have seen all lines."""
    with ssh_tail(fleet, fleet.hosts["web-1"], log) as client:
        start = time.monotonic()
        _append(log, text)
        lines = 0
        while lines < LINES:
            lines += client.out.read(1 << 18).count(b"\n")
        return time.monotonic() - start


def _append(log: Path, text: bytes) -> None:
    with log.open("ab", buffering=0) as out:
        out.write(text)


def made_up() -> bytes:
    """`LINES` lines of an application's log."""
    start = datetime.now(UTC)
    levels = ("INFO", "INFO", "INFO", "WARN", "DEBUG", "INFO", "ERROR", "INFO")
    lines = []
    for number in range(LINES):
        at = (start + timedelta(milliseconds=number / 100)).isoformat(timespec="milliseconds")
        words = f"GET /api/orders/{number * 7919 % 100_003}?page={number % 17} status=200 bytes={number % 8191}"
        lines.append(
            f"{at} {levels[number % 8]} shop.web[{1000 + number % 9}]: {words} took=12ms request={number:08d}\n"
        )
    return "".join(lines).encode()
