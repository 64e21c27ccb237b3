"""The test fleet is what the other tests take it for: seen with the plain OpenSSH client and with asyncssh."""

from __future__ import annotations

import subprocess
from typing import Literal

import asyncssh
import pytest
import yaml
from faults import TcpProxy
from fleet import LOOPBACK, Fleet, FleetHost, wait_for

from aggregator.inventory import load

Server = Literal["openssh", "dropbear"]
both_servers = pytest.mark.parametrize("server", ["openssh", "dropbear"])


def _sleeper(fleet: Fleet, host: FleetHost) -> subprocess.Popen[bytes]:
    """A client whose command runs until somebody ends it."""
    quiet = subprocess.DEVNULL
    client = subprocess.Popen([*fleet.ssh_arguments(host), "sleep 1000"], stdin=quiet, stdout=quiet, stderr=quiet)
    wait_for(lambda: any("sleep 1000" in line for line in host.processes()), "the command to run")
    return client


@both_servers
def test_openssh_client_runs_a_command(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server)
    done = fleet.ssh(host, "printf out; printf err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"out", b"err", 3)


@both_servers
async def test_asyncssh_runs_a_command(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server)
    async with asyncssh.connect(
        LOOPBACK,
        host.port,
        username=fleet.user,
        client_keys=[str(fleet.identity)],
        known_hosts=str(fleet.known_hosts),
        config=None,
    ) as connection:
        done = await connection.run("echo hi; exit 3")
    assert (done.stdout, done.exit_status) == ("hi\n", 3)


@both_servers
def test_busybox_host_has_busybox_tools_and_no_others(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server, shell="busybox ash", path=fleet.busybox())
    assert b"BusyBox" in fleet.ssh(host, "tail --help 2>&1").stdout
    assert fleet.ssh(host, "cat /proc/$$/comm; :").stdout == b"busybox\n"
    assert fleet.ssh(host, "python3 --version").returncode == 127


@both_servers
def test_connections_can_be_killed_and_what_outlives_them_is_seen(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server)
    client = _sleeper(fleet, host)
    assert host.kill_connections() >= 1
    assert client.wait(10) == 255
    wait_for(lambda: host.connections() == 0, "the connection to end")
    assert any("sleep 1000" in line for line in host.processes())
    host.stop()
    wait_for(lambda: not host.processes(), "the command to end with its host")


@both_servers
def test_stopped_host_refuses_and_comes_back_on_its_port(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server)
    client, port = _sleeper(fleet, host), host.port
    host.stop()
    assert client.wait(10) == 255
    assert b"Connection refused" in fleet.ssh(host, "true").stderr
    host.start()
    assert host.port == port
    assert fleet.ssh(host, "true").returncode == 0


@both_servers
def test_changed_host_key_is_refused_by_the_client(fleet: Fleet, server: Server) -> None:
    host = fleet.add("a", server=server)
    assert fleet.ssh(host, "true").returncode == 0
    host.stop()
    host.change_key()
    host.start()
    assert b"IDENTIFICATION HAS CHANGED" in fleet.ssh(host, "true").stderr


def test_certificates_stand_in_for_keys_on_both_sides(fleet: Fleet) -> None:
    host = fleet.add("a", certified=True, options=fleet.trusts_user_ca)
    assert b"Permission denied" in fleet.ssh(host, "true").stderr
    assert fleet.ssh(host, "true", identity=fleet.certify_user()).returncode == 0
    assert b"Permission denied" in fleet.ssh(host, "true", identity=fleet.certify_user("somebody")).stderr
    assert "@cert-authority" in fleet.known_hosts.read_text()


def test_jump_host_is_just_another_host(fleet: Fleet) -> None:
    jump, inner = fleet.add("jump"), fleet.add("inner")
    through = " ".join([*fleet.ssh_arguments(jump)[:-1], "-W", "%h:%p", fleet.ssh_arguments(jump)[-1]])
    arguments = fleet.ssh_arguments(inner)
    arguments[1:1] = ["-o", f"ProxyCommand={through}"]
    done = subprocess.run([*arguments, "echo inner"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert done.stdout == b"inner\n"
    assert any("Accepted publickey" in line for line in jump.lines_logged())


def test_options_of_a_host_win_over_those_of_the_fleet(fleet: Fleet) -> None:
    host = fleet.add("a", options={"MaxSessions": "0"})
    assert fleet.ssh(host, "true").returncode != 0


def test_inventory_names_every_host_and_can_be_changed_in_any_part(fleet: Fleet) -> None:
    first, second = fleet.add("web-1"), fleet.add("web-2", server="dropbear")
    source = {"hosts": "@*", "path": "/tmp/app.log"}
    path = fleet.inventory({"app": source}, ssh={"keepalive": "1s"}, hosts={"web-2": {"labels": {"env": "test"}}})
    data = yaml.safe_load(path.read_text())
    assert data["sources"] == {"app": source}
    assert data["ssh"]["keepalive"] == "1s"
    assert data["ssh"]["user"] == fleet.user
    assert data["hosts"]["web-1"]["ssh"]["port"] == first.port
    assert data["hosts"]["web-2"] == {
        "address": LOOPBACK,
        "ssh": {"port": second.port, "server": "dropbear"},
        "labels": {"env": "test"},
    }


def test_ordinary_loader_accepts_the_inventory(fleet: Fleet) -> None:
    host = fleet.add("web-1", server="dropbear")
    loaded = load([fleet.inventory({"app": {"hosts": "@*", "path": "/tmp/app.log"}})]).hosts["web-1"]
    assert (loaded.address, loaded.ssh.port, loaded.ssh.server) == (LOOPBACK, host.port, "dropbear")


async def test_host_can_be_reached_through_a_proxy(fleet: Fleet) -> None:
    host = fleet.add("a")
    async with TcpProxy(host.port) as proxy:
        host.reached_at = proxy.port
        loaded = load([fleet.inventory({"app": {"hosts": "@*", "path": "/tmp/app.log"}})]).hosts["a"]
        assert loaded.ssh.port == proxy.port
        async with asyncssh.connect(
            LOOPBACK,
            proxy.port,
            username=fleet.user,
            client_keys=[str(fleet.identity)],
            known_hosts=str(fleet.known_hosts),
            config=None,
        ) as connection:
            assert (await connection.run("echo through")).stdout == "through\n"


def test_forty_hosts_are_up_at_once(fleet: Fleet) -> None:
    hosts = [fleet.add(f"web-{number}") for number in range(1, 41)]
    assert len({host.port for host in hosts}) == 40
    assert fleet.ssh(hosts[-1], "echo up").stdout == b"up\n"
