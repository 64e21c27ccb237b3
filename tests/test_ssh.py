"""How hosts are reached over real sshd: ssh_config, jump hosts, certificates, keys, known_hosts, algorithms."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml
from fleet import LOOPBACK, Fleet, FleetHost, wait_for

from aggregator.errors import HostError
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.remote import commands
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.ssh import SshConnection, SshTransport


@asynccontextmanager
async def reached(fleet: Fleet, name: str = "a", **extra: Any) -> AsyncIterator[Link]:
    """A link to host `name`, dialled; `extra` goes into the inventory."""
    inventory = load([fleet.inventory({}, **extra)])
    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, Metrics(), lambda _: None)
        pool.use(inventory.hosts)
        link = pool.link(inventory.hosts[name])
        try:
            async with link.hold():
                await link.reached()
                yield link
        finally:
            await pool.close()


async def refused(fleet: Fleet, name: str = "a", **extra: Any) -> HostError:
    """The trouble in reaching host `name`."""
    with pytest.raises(ExceptionGroup) as caught:
        async with reached(fleet, name, **extra):
            pass
    return the_error(caught.value)


def the_error(group: ExceptionGroup[Exception]) -> HostError:
    (error,) = group.exceptions
    assert isinstance(error, HostError)
    return error


def accepted(host: FleetHost) -> list[str]:
    """Logins that a host has let in."""
    return [line for line in host.lines_logged() if line.startswith("Accepted publickey")]


def config_of(fleet: Fleet, folder: Path, text: str) -> dict[str, Any]:
    """An inventory's `ssh:` that has nothing but an ssh_config and our known_hosts."""
    target = folder / "ssh_config"
    target.write_text(text)
    return {
        "version": 1,
        "ssh": {"config": [str(target)], "known_hosts": [str(fleet.known_hosts)]},
    }


@asynccontextmanager
async def alias(fleet: Fleet, folder: Path, text: str, host: dict[str, Any]) -> AsyncIterator[Link]:
    """Like `reached`, of the only host `a` of an inventory that leaves all to an ssh_config."""
    inventory = folder / "alias.yaml"
    inventory.write_text(yaml.safe_dump({**config_of(fleet, folder, text), "hosts": {"a": host}}))
    loaded = load([inventory])
    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, Metrics(), lambda _: None)
        pool.use(loaded.hosts)
        link = pool.link(loaded.hosts["a"])
        try:
            async with link.hold():
                await link.reached()
                yield link
        finally:
            await pool.close()


async def test_alias_of_ssh_config_says_name_port_user_and_key(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("x")
    config = f"""
        Host shop
          HostName {LOOPBACK}
          Port {host.port}
          User {fleet.user}
          IdentityFile {fleet.identity}
    """
    async with alias(fleet, tmp_path, config, {"address": "shop"}) as link:
        assert link.state == "live"
    assert len(accepted(host)) == 1


async def test_inventory_wins_over_ssh_config(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("x")
    config = f"Host *\n Port 1\n User nobody\n IdentityFile {fleet.identity}\n"
    entry = {"address": LOOPBACK, "ssh": {"port": host.port, "user": fleet.user}}
    async with alias(fleet, tmp_path, config, entry) as link:
        assert link.state == "live"


async def test_ssh_config_can_not_turn_checking_off(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    config = tmp_path / "ssh_config"
    config.write_text("Host *\n StrictHostKeyChecking no\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n")
    empty = tmp_path / "known"
    empty.write_text("")
    error = await refused(fleet, ssh={"config": [str(config)], "known_hosts": [str(empty)]})
    assert error.cause == "unknown-host-key"
    error = await refused(fleet, ssh={"config": [str(config)], "known_hosts": []})
    assert error.cause == "unknown-host-key"
    error = await refused(fleet, ssh={"config": [str(config)], "known_hosts": [str(tmp_path / "gone")]})
    assert error.cause == "unknown-host-key"


async def test_proxyjump_of_ssh_config_is_checked_against_our_known_hosts(fleet: Fleet, tmp_path: Path) -> None:
    jump, host = fleet.add("jump"), fleet.add("x")
    config = f"""
        Host bastion
          HostName {LOOPBACK}
          Port {jump.port}
        Host inner
          HostName {LOOPBACK}
          Port {host.port}
          ProxyJump bastion
        Host *
          User {fleet.user}
          IdentityFile {fleet.identity}
    """
    async with alias(fleet, tmp_path, config, {"address": "inner"}) as link:
        assert link.state == "live"
    assert (len(accepted(jump)), len(accepted(host))) == (1, 1)
    jump.stop()
    jump.change_key()
    jump.start()
    assert jump.port
    with pytest.raises(ExceptionGroup) as caught:
        async with alias(fleet, tmp_path, config, {"address": "inner"}):
            pass
    error = the_error(caught.value)
    assert (error.cause, error.retry) == ("jump-failed", False)
    assert "has changed" in error.words
    assert len(accepted(host)) == 1


async def test_proxyjump_to_itself_is_said_and_does_not_hang(fleet: Fleet, tmp_path: Path) -> None:
    jump = fleet.add("x")
    config = f"Host *\n HostName {LOOPBACK}\n Port {jump.port}\n ProxyJump bastion\n IdentityFile {fleet.identity}\n"
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), alias(fleet, tmp_path, config, {"address": "inner"}):
            pass
    error = the_error(caught.value)
    assert "leads back to itself" in error.words


async def test_jump_by_the_name_of_an_inventory_host(fleet: Fleet) -> None:
    jump, host = fleet.add("jump"), fleet.add("a")
    async with reached(fleet, hosts={"a": {"jump": "jump"}}) as link:
        assert link.state == "live"
        assert jump.connections()
    assert (len(accepted(jump)), len(accepted(host))) == (1, 1)
    host_side = [line for line in host.lines_logged() if "Connection from" in line]
    assert len(host_side) == 1


async def test_jump_by_user_host_and_port_through_another_jump(fleet: Fleet) -> None:
    first, second, host = fleet.add("first"), fleet.add("second"), fleet.add("a")
    jumps = {"second": {"jump": f"{fleet.user}@{LOOPBACK}:{first.port}"}, "a": {"jump": "second"}}
    async with reached(fleet, hosts=jumps) as link:
        assert link.state == "live"
    assert [len(accepted(each)) for each in (first, second, host)] == [1, 1, 1]


async def test_jump_host_is_left_when_nobody_needs_it(fleet: Fleet) -> None:
    jump = fleet.add("jump")
    fleet.add("a")
    inventory = load([fleet.inventory({}, hosts={"a": {"jump": "jump"}})])
    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, Metrics(), lambda _: None)
        pool.use(inventory.hosts)
        link = pool.link(inventory.hosts["a"])
        async with link.hold():
            await link.reached()
            assert jump.connections()
        await asyncio.to_thread(_until_left, jump)


def _until_left(host: FleetHost) -> None:
    wait_for(lambda: not host.connections(), "the connection to end")


async def test_many_hosts_behind_one_jump_share_its_connection(fleet: Fleet) -> None:
    jump = fleet.add("jump")
    names = [f"web-{number}" for number in range(12)]
    for name in names:
        fleet.add(name)
    inventory = load([fleet.inventory({}, hosts={name: {"jump": "jump"} for name in names})])
    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, Metrics(), lambda _: None)
        pool.use(inventory.hosts)
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(pool.link(inventory.hosts[name]).reached())
        assert len(accepted(jump)) == 1
        await pool.close()


async def test_user_certificate_lets_in(fleet: Fleet) -> None:
    host = fleet.add("a", options=fleet.trusts_user_ca)
    error = await refused(fleet)
    assert error.cause == "permission-denied"
    async with reached(fleet, ssh={"identity_files": [str(fleet.certify_user())]}) as link:
        assert link.state == "live"
    assert "-CERT" in accepted(host)[0]


async def test_host_certificate_stands_in_for_its_key(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a", certified=True)
    assert "@cert-authority" in fleet.known_hosts.read_text()
    async with reached(fleet) as link:
        assert link.state == "live"
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    known = tmp_path / "known"
    known.write_text(f"@cert-authority [{LOOPBACK}]:{host.port} {other}\n")
    error = await refused(fleet, ssh={"known_hosts": [str(known)]})
    assert error.cause == "unknown-host-key"
    assert "a certificate signed by ssh-ed25519 SHA256:" in error.words


async def test_hashed_known_hosts_are_understood(fleet: Fleet) -> None:
    fleet.add("a")
    known = fleet.known_hosts
    keygen("-H", "-f", known)
    text = known.read_text()
    assert text.startswith("|1|")
    hashed = known.with_name("hashed")
    hashed.write_text(text)
    async with reached(fleet, ssh={"known_hosts": [str(hashed)]}) as link:
        assert link.state == "live"


async def test_wrong_line_of_known_hosts_does_not_hide_the_others(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    known = tmp_path / "known"
    known.write_bytes(
        b"nonsense\n@strange x y z\n\xff\xfe\n|1|bad host ssh-ed25519 AAAA\n" + fleet.known_hosts.read_bytes()
    )
    async with reached(fleet, ssh={"known_hosts": [str(known)]}) as link:
        assert link.state == "live"


async def test_wrong_revocation_is_not_passed_over(fleet: Fleet, tmp_path: Path) -> None:
    """Who revokes a key and mistypes it must hear of it."""
    fleet.add("a")
    known = tmp_path / "known"
    known.write_text(fleet.known_hosts.read_text() + "@revoked\n")
    error = await refused(fleet, ssh={"known_hosts": [str(known)]})
    assert error.cause == "bad-identity"
    assert f"{known}" in error.words


async def test_rebuilt_host_with_another_kind_of_key_is_a_changed_key(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    known = tmp_path / "known"
    other = asyncssh.generate_private_key("ssh-rsa").export_public_key().decode().strip()
    known.write_text(f"[{LOOPBACK}]:{host.port} {other}\n")
    error = await refused(fleet, ssh={"known_hosts": [str(known)]})
    assert (error.cause, error.retry) == ("changed-host-key", False)


def keygen(*arguments: str | Path) -> None:
    subprocess.run(["ssh-keygen", *map(str, arguments)], check=True, capture_output=True)


def make_key(folder: Path, *, passphrase: str, authorized: Path) -> Path:
    target = folder / "id_locked"
    keygen("-q", "-t", "ed25519", "-N", passphrase, "-f", target)
    with authorized.open("a") as out:
        out.write(target.with_name("id_locked.pub").read_text())
    return target


async def test_encrypted_key_is_said(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    fleet.add("a")
    locked = make_key(tmp_path, passphrase="secret", authorized=fleet.authorized_keys)
    error = await refused(fleet, ssh={"identity_files": [str(locked)]})
    assert (error.cause, error.retry) == ("bad-identity", False)
    assert f"{locked} is encrypted" in error.words
    assert "ssh-agent" in error.words


@contextmanager
def agent(folder: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh-agent that holds one key."""
    socket = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        wait_for(socket.exists, "the agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
        yield
    finally:
        process.terminate()
        process.wait(10)


async def test_agent_lets_in(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.add("a")
    with agent(tmp_path, fleet.identity, monkeypatch):
        async with reached(fleet, ssh={"identity_files": []}) as link:
            assert link.state == "live"


async def test_agent_lets_in_with_an_encrypted_identity_file(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add("a")
    locked = make_key(tmp_path, passphrase="secret", authorized=fleet.authorized_keys)
    opened = tmp_path / "opened"
    shutil.copy(locked, opened)
    opened.chmod(0o600)
    keygen("-q", "-p", "-P", "secret", "-N", "", "-f", opened)
    with agent(tmp_path, opened, monkeypatch):
        async with reached(fleet, ssh={"identity_files": [str(locked)]}) as link:
            assert link.state == "live"


async def test_missing_ssh_config_that_was_named_is_said(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    error = await refused(fleet, ssh={"config": [str(tmp_path / "gone")]})
    assert error.cause == "bad-identity"
    assert f"No such file or directory: {tmp_path / 'gone'}" in error.words


async def test_wrong_ssh_config_is_said(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    config = tmp_path / "ssh_config"
    config.write_text("Host *\n Port many\n")
    error = await refused(fleet, ssh={"config": [str(config)]})
    assert error.cause == "bad-identity"
    assert str(config) in error.words


async def test_cheap_modern_algorithms_are_chosen(fleet: Fleet) -> None:
    host = fleet.add("a", options={"LogLevel": "DEBUG1"})
    async with reached(fleet) as link:
        connection = await link.connection()
        assert isinstance(connection, SshConnection)
        assert connection.conn.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"
        assert connection.conn.get_extra_info("recv_cipher") == "aes128-gcm@openssh.com"
        assert connection.conn.get_extra_info("send_compression") == "none"
    assert any("kex: algorithm: curve25519-sha256" in line for line in host.lines_logged())


async def test_strong_ciphers_only_server_is_still_reached(fleet: Fleet) -> None:
    fleet.add("a", options={"Ciphers": "chacha20-poly1305@openssh.com", "KexAlgorithms": "ecdh-sha2-nistp256"})
    async with reached(fleet) as link:
        assert link.state == "live"


def test_host_key_check_can_not_be_turned_off() -> None:
    folder = Path(__file__).parents[1]
    for path in [*(folder / "aggregator").rglob("*.py"), *(folder / "web").rglob("*.py")]:
        if "node_modules" not in path.parts:
            assert not re.search(r"known_hosts\W{0,3}[=:]\s*(None|\(\)|b?[\"']{2})", path.read_text()), path


async def test_nothing_is_forwarded_and_no_password_is_tried(fleet: Fleet) -> None:
    host = fleet.add("a", options={"AuthorizedKeysFile": "none", "LogLevel": "DEBUG1", "PasswordAuthentication": "yes"})
    error = await refused(fleet)
    assert error.cause == "permission-denied"
    assert not any(
        "password" in line.lower() and "auth" in line.lower() and "method password" in line
        for line in host.lines_logged()
    )


async def test_probe_says_clock_zone_and_user(fleet: Fleet) -> None:
    fleet.add("a")
    async with reached(fleet) as link:
        probe = link.known_probe()
        assert abs(probe.skew) < 2
        assert probe.user == fleet.user
        assert b"tailon-probe" in await link.run(commands.probe(), 1000)
