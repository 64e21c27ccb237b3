"""A burst on one host with its own viewer: how late the lines of another host are at theirs, beside calm."""

from __future__ import annotations

import http.client
import threading
from contextlib import ExitStack
from pathlib import Path

from fleet import Fleet

from bench.latency import Arrivals, delays, write
from bench.product import Product, product, wait_until_live
from bench.result import Row, percentile
from bench.throughput import made_up

LINES = 120  # of the quiet host, meanwhile


def measure(folder: Path) -> list[Row]:
    """Milliseconds of the quiet host's lines, p50 and p99: during the burst, and in calm."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        logs = {name: fleet.add(name).root / "app.log" for name in ("busy", "quiet")}
        for log in logs.values():
            log.write_text("2026-01-01T00:00:00.000Z INFO start\n")
        sources = {"app": {"hosts": "@*", "path": f"{fleet.folder}/roots/${{host}}/app.log"}}
        ours = stack.enter_context(product(fleet.inventory(sources)))
        calm, burst = (_delays(ours, logs, text) for text in (b"", made_up()))
    return [
        Row(f"a quiet host's line, {word}", "ms", percentile(burst, part), percentile(calm, part))
        for word, part in (("p50", 0.5), ("p99", 0.99))
    ]


def _delays(ours: Product, logs: dict[str, Path], burst: bytes) -> list[float]:
    with ours.viewer(hosts="busy", lines=0) as busy, ours.viewer(hosts="quiet", lines=0) as quiet:
        wait_until_live(busy, 1)
        wait_until_live(quiet, 1)
        arrivals = Arrivals(lambda: quiet.read1(1 << 16))
        reader = threading.Thread(target=_read, args=(busy, burst.count(b"\n")))
        reader.start()
        with logs["busy"].open("ab", buffering=0) as out:
            out.write(burst)
        written = write([logs["quiet"]], LINES)
        found = delays(written, [arrivals])
        reader.join()
    return found


def _read(response: http.client.HTTPResponse, lines: int) -> None:
    """Read until so many lines have come."""
    while lines > 0:
        lines -= response.read1(1 << 18).count(b"\n")
