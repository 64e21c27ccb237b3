"""Many hosts come back at once: how long until all of them stream again, and whether sshd turned anybody away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import yaml
from fleet import Fleet, FleetHost

from bench.product import lines_of, product, wait_until_live
from bench.result import Row

HOSTS = 200  # names, which share
SERVERS = 4  # sshd with their default MaxStartups 10:30:100
OUTAGE_S = 45.0  # long enough that pauses between attempts have grown to their longest
PATIENCE_S = 90.0
GOAL_S = 30.0


def measure(folder: Path) -> list[Row]:
    """Seconds until a line that each host wrote meanwhile has come; connections that were refused by MaxStartups."""
    with Fleet(folder) as fleet:
        servers = [fleet.add(f"server-{number}") for number in range(SERVERS)]
        logs = [folder / f"host-{number}.log" for number in range(HOSTS)]
        for log in logs:
            log.write_text("start\n")
        with (
            product(_inventory(fleet, folder, servers)) as ours,
            ours.viewer(lines=0) as response,
        ):
            start = time.monotonic()
            wait_until_live(response, HOSTS)
            first = time.monotonic() - start
            refused = _refused(servers)
            with _arriving(response) as arrived:
                for server in servers:
                    server.stop()
                time.sleep(OUTAGE_S)
                for log in logs:
                    with log.open("a") as out:
                        out.write(f"back {log.stem}\n")
                for server in servers:
                    server.start()
                again = _wait(arrived)
            refused += _refused(servers)
    return [
        Row(f"{HOSTS} hosts, {SERVERS} sshd: all live at first", "s", first),
        Row(f"{HOSTS} hosts back after {OUTAGE_S:.0f} s: all streaming", "s", again, GOAL_S),
        Row("connections refused by MaxStartups", "", refused, 0),
    ]


def _inventory(fleet: Fleet, folder: Path, servers: list[FleetHost]) -> Path:
    """Each server under many names."""
    path = fleet.inventory({"app": {"hosts": "@*", "path": f"{folder}/${{host}}.log"}})
    data = yaml.safe_load(path.read_text())
    entries = [data["hosts"][server.name] for server in servers]
    data["hosts"] = {f"host-{number}": dict(entries[number % len(entries)]) for number in range(HOSTS)}
    path.write_text(yaml.safe_dump(data))
    return path


@contextmanager
def _arriving(response: HTTPResponse) -> Iterator[set[bytes]]:
    """The hosts whose line came, growing while the block runs."""
    arrived: set[bytes] = set()

    def read() -> None:
        try:
            for lines in lines_of(response):
                arrived.update(line for line in lines if b'"text":"back ' in line)
        except (OSError, ValueError, AttributeError):
            return  # closed under our hands: the measurement is over

    threading.Thread(target=read, daemon=True).start()
    yield arrived


def _wait(arrived: set[bytes]) -> float:
    start = time.monotonic()
    while len(arrived) < HOSTS:
        if time.monotonic() - start > PATIENCE_S:
            raise RuntimeError(f"{HOSTS - len(arrived)} hosts did not come back within {PATIENCE_S:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - start


def _refused(servers: list[FleetHost]) -> int:
    logged = [line for server in servers for line in server.lines_logged()]
    return sum("MaxStartups" in line or "drop connection" in line for line in logged)
