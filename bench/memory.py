"""What the aggregator and a host's helpers grow to: beside a viewer who does not read, and by a line without an end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import processes
from fleet import LOOPBACK, Fleet, FleetHost

from bench.product import Product, product, wait_until_live
from bench.result import Row
from bench.usage import rss_mib

VIEWERS = 50
RATE = 20 << 20  # bytes a second
WRITE_S = 12.0  # less than the 30 s after which a viewer who does not read is ended
WARM_S = 3.0  # of these, before which memory is not counted: rings and queues fill up once
LINE = 1 << 30  # bytes
LOOK_S = 0.05

_READER = """
import selectors, socket, sys
chosen = selectors.DefaultSelector()
for _ in range(int(sys.argv[2])):
    plug = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    plug.sendall(b"GET /api/v1/stream?lines=0 HTTP/1.1\\r\\nHost: 127.0.0.1:" + sys.argv[1].encode() + b"\\r\\n\\r\\n")
    chosen.register(plug, selectors.EVENT_READ)
room = bytearray(1 << 20)
print("reading", flush=True)
while True:
    for key, _ in chosen.select():
        key.fileobj.recv_into(room)
"""


def stalled(folder: Path) -> list[Row]:
    """MiB by which the aggregator grows with one stalled viewer beside many, over what it has with these alone."""
    text = _second_of_text()
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        log = fleet.add("web-1").root / "app.log"
        log.write_text("2026-01-01T00:00:00.000Z INFO start\n")
        ours = stack.enter_context(product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}})))
        wait_until_live(stack.enter_context(ours.viewer(lines=0)), 1)  # this one never reads again
        stack.enter_context(_readers(ours))
        idle = rss_mib(ours.pid)
        peak = _Peak([ours.pid])
        written = _write(log, text)
        highest, warm = peak.end(), peak.at(WARM_S)
    rate = written / WRITE_S / (1 << 20)
    return [
        Row(f"1 stalled viewer beside {VIEWERS}, {rate:.0f} MB/s: over idle", "MiB", highest - idle, 64.0),
        Row(f"of this, after the first {WARM_S:.0f} s", "MiB", highest - warm),
    ]


def long_line(folder: Path) -> list[Row]:
    """MiB by which the aggregator grows over its idle size, and that any helper on the host has, by a 1 GiB line."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder))
        host = fleet.add("web-1")
        log = host.root / "app.log"
        log.write_text("2026-01-01T00:00:00.000Z INFO start\n")
        ours = stack.enter_context(product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}})))
        response = stack.enter_context(ours.viewer(lines=0))
        wait_until_live(response, 1)
        idle = rss_mib(ours.pid)
        own, helper = _Peak([ours.pid]), _Peak(_commands(host))
        os.truncate(log, log.stat().st_size + LINE)  # zeros, which take no room on the disk
        with log.open("ab") as out:
            out.write(b"\n")
        while b'"clipped":true' not in response.readline():
            pass
        highest = own.end() - idle
    return [
        Row("a line of 1 GiB: aggregator over idle", "MiB", highest, 128.0),
        Row("a line of 1 GiB: largest process on the host", "MiB", helper.end(), 10.0),
    ]


class _Peak:
    """The largest resident memory that one of some processes has had, in MiB, looked at all the time."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._seen: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._start = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return max(size for _, size in self._seen)

    def at(self, seconds: float) -> float:
        """The largest one until then."""
        return max(size for when, size in self._seen if when <= seconds)

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            self._seen.append((time.monotonic() - self._start, max(map(rss_mib, self._pids))))


def _commands(host: FleetHost) -> list[int]:
    return processes.with_environment(b"SSH_CONNECTION=", f" {LOOPBACK} {host.chosen_port}".encode())


@contextmanager
def _readers(ours: Product) -> Iterator[None]:
    """A process that reads many streams and forgets them."""
    command = [sys.executable, "-c", _READER, str(ours.port), str(VIEWERS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1)  # for the streams to be live
        yield
    finally:
        process.kill()
        process.communicate()


def _second_of_text() -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = f"{now} INFO shop.web[1]: GET /orders/7 {'x' * 60}\n".encode()
    return line * (RATE // len(line))


def _write(log: Path, text: bytes) -> int:
    """Append at a steady rate for a while; how many bytes."""
    written, parts = 0, 50
    size = len(text) // parts
    size -= size % (text.index(b"\n") + 1)
    with log.open("ab", buffering=0) as out:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < WRITE_S:
            while written < passed * RATE:
                written += out.write(text[:size])
            time.sleep(0.002)
    return written
