"""What idle hosts cost: the aggregator per host, and our processes on a host beside `tail -F`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import processes
from fleet import LOOPBACK, Fleet, FleetHost

from bench.latency import tails
from bench.product import product, wait_until_live
from bench.result import Row
from bench.usage import cpu_s, pss_mib, rss_mib

HOSTS = 40
TAILED = 8  # of these, with plain `tail -F`
WATCH_S = 20.0
CALM_S = 3.0  # after the last connection was made


def measure(folder: Path) -> list[Row]:
    """Per idle host with one followed file and one viewer of all."""
    with Fleet(folder) as fleet:
        machines = [fleet.add(f"host-{number}") for number in range(HOSTS)]
        for machine in machines:
            (machine.root / "app.log").write_text("2026-01-01T00:00:00.000Z info start\n")
        with tails(fleet, machines[:TAILED], "app.log"):
            time.sleep(CALM_S)
            tail_cpu, tail_pss = _on_hosts(machines[:TAILED], WATCH_S / 2)
        sources = {"app": {"hosts": "@*", "path": f"{fleet.folder}/roots/${{host}}/app.log"}}
        with ExitStack() as stack:
            ours = stack.enter_context(product(fleet.inventory(sources)))
            empty = rss_mib(ours.pid)
            response = stack.enter_context(ours.viewer(lines=0))
            wait_until_live(response, HOSTS)
            time.sleep(CALM_S)
            before = cpu_s(ours.pid)
            host_cpu, host_pss = _on_hosts(machines, WATCH_S)
            cpu = cpu_s(ours.pid) - before
            full = rss_mib(ours.pid)
    return [
        Row("aggregator: memory with no viewer", "MiB", empty),
        Row(f"aggregator: memory per host ({HOSTS} hosts)", "MiB", (full - empty) / HOSTS),
        Row("aggregator: CPU per host", "ms/s", cpu / WATCH_S / HOSTS * 1000),
        Row("on the host: CPU per file", "ms/s", host_cpu * 1000, tail_cpu * 1000),
        Row("on the host: memory per file (PSS)", "MiB", host_pss, tail_pss),
    ]


def _on_hosts(machines: list[FleetHost], seconds: float) -> tuple[float, float]:
    """CPU seconds per second, and MiB, of what runs on a host for its clients: the mean over all hosts."""
    pids = [pid for machine in machines for pid in _commands(machine)]
    before = {pid: cpu_s(pid) for pid in pids}
    time.sleep(seconds)
    used = sum(cpu_s(pid) - start for pid, start in before.items() if cpu_s(pid))
    return used / seconds / len(machines), pss_mib(pids) / len(machines)


def _commands(machine: FleetHost) -> list[int]:
    return processes.with_environment(b"SSH_CONNECTION=", f" {LOOPBACK} {machine.chosen_port}".encode())
