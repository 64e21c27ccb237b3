"""Following over real SSH servers whose users have other login shells: live lines, rotation, no process left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
from fleet import LOOPBACK, Fleet, FleetHost
from product import Product, wait_until

SHELLS = {"dash": "dash", "bash": "bash", "ash": "busybox ash", "csh": "csh", "fish": "fish"}


@pytest.fixture
def product(tmp_path: Path) -> Iterator[tuple[Fleet, Product]]:
    with Fleet(tmp_path) as fleet:
        for name, shell in SHELLS.items():
            fleet.add(name, shell=shell, path=fleet.busybox() if name == "ash" else None)
            append(fleet.hosts[name], "it's the first! \\n\n")
        inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{fleet.folder}/roots/${{host}}/an app's.log"}})
        with Product(inventory, tmp_path) as product:
            yield fleet, product


def log(host: FleetHost) -> Path:
    return host.root / "an app's.log"


def append(host: FleetHost, text: str) -> None:
    with log(host).open("a") as out:
        out.write(text)


def ours_on(host: FleetHost) -> list[int]:
    """The processes that run on a host for its clients."""
    return processes.with_environment(b"SSH_CONNECTION=", f" {LOOPBACK} {host.chosen_port}".encode())


def test_live_lines_rotation_and_no_orphan(product: tuple[Fleet, Product]) -> None:
    fleet, ours = product
    hosts = fleet.hosts
    with ours.stream(source="app") as view:
        view.wait_live(len(SHELLS))
        for host in hosts.values():
            append(host, "live\n")
        view.wait(lambda: all("live" in view.texts(name) for name in SHELLS), "a live line of each")
        for host in hosts.values():
            log(host).rename(host.root / "an app's.log.1")
            append(host, "rotated\n")
        view.wait(lambda: all("rotated" in view.texts(name) for name in SHELLS), "the next generation of each")
        for host in hosts.values():
            with (host.root / "an app's.log.1").open("a") as late:
                late.write("late\n")
        view.wait(lambda: all("late" in view.texts(name) for name in SHELLS), "a late line of each")
        for name in SHELLS:
            assert view.texts(name) == ["it's the first! \\n", "live", "rotated", "late"], name
        assert all(ours_on(host) for host in hosts.values())
        ours.kill()
        wait_until(lambda: not any(ours_on(host) for host in hosts.values()), "the end of all that ran there", 60)
