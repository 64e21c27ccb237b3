"""The product as its users run it: a process that serves, and NDJSON viewers of it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

START_S = 20.0  # for the product to listen
READ_BYTES = 1 << 18
_LISTENING = re.compile(r"listening on http://([\d.]+):(\d+)")


class Product:
    """A running aggregator."""

    def __init__(self, process: subprocess.Popen[str], host: str, port: int) -> None:
        self.pid = process.pid
        self.port = port
        self._address = (host, port)

    @contextmanager
    def viewer(self, **query: str | int) -> Iterator[http.client.HTTPResponse]:
        """An open `/api/v1/stream`."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request("GET", f"/api/v1/stream?{urlencode(query)}")
            plug = connection.sock
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError(f"the stream answered {response.status}: {response.read(500)!r}")
            yield response
            plug.shutdown(socket.SHUT_RDWR)  # a thread that reads now must not hold up the closing
        finally:
            connection.close()

    def health(self) -> dict[str, int]:
        """How many hosts are in which state."""
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            connection.request("GET", "/health")
            hosts: dict[str, int] = json.loads(connection.getresponse().read())["hosts"]
        finally:
            connection.close()
        return hosts


@contextmanager
def product(inventory: Path) -> Iterator[Product]:
    """Serve an inventory, on a port of the system's choice."""
    command = [str(Path(sys.executable).with_name("tailon-agg")), "--inventory", str(inventory)]
    command += ["--bind", "127.0.0.1:0", "--state-dir", str(inventory.parent / "state")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    watchdog = threading.Timer(START_S, process.kill)
    watchdog.start()
    said = ""
    try:
        while not (found := _LISTENING.search(said)):
            line = process.stderr.readline()
            if not line:
                raise RuntimeError(f"the product did not start: {said}")
            said += line
        watchdog.cancel()
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield Product(process, found[1], int(found[2]))
    finally:
        watchdog.cancel()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def lines_of(response: http.client.HTTPResponse) -> Iterator[list[bytes]]:
    """Complete lines of an answer as they come, all that came together in one list."""
    rest = b""
    while data := response.read1(READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield lines


def wait_until_live(response: http.client.HTTPResponse, files: int) -> None:
    """Read until the backlogs of so many files are out."""
    live = 0
    for lines in lines_of(response):
        live += sum(b'"type":"notice"' in line and b'"live"' in line and b'"path"' in line for line in lines)
        if live >= files:
            return
    raise RuntimeError(f"the stream ended with {live} of {files} files live")
