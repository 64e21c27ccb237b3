"""Loading: defaults, overlays, folders, relative paths, and what becomes of each section."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import ConfigError, UsageError
from aggregator.inventory import Inventory, TcpBind, UnixBind, default_inventory, load
from aggregator.model import SshOptions


def write(folder: Path, text: str, name: str = "hosts.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def inventory(folder: Path, *texts: str) -> Inventory:
    return load([write(folder, text, f"{number}.yaml") for number, text in enumerate(texts)])


def test_a_host_takes_defaults_and_overrides_each_of_them(tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        """
        version: 1
        ssh: {user: logreader, port: 22, config: [], connect_timeout: 500ms, keepalive: 2m}
        hosts:
          a: {}
          b: {address: 10.0.0.1, port: 2222, user: root, jump: a, identity_files: [~/.ssh/b, keys/b, /etc/b]}
          c: {ssh: {gate: true, server: dropbear}}
        """,
    )
    defaults = SshOptions(user="logreader", port=22, config=(), connect_timeout=0.5, keepalive=120.0)
    assert found.hosts["a"].ssh == defaults
    assert (found.hosts["a"].address, found.hosts["b"].address) == ("a", "10.0.0.1")
    b = found.hosts["b"]
    assert (b.ssh.port, b.ssh.user, b.jump, b.ssh.keepalive) == (2222, "root", "a", 120.0)
    assert b.ssh.identity_files == ("~/.ssh/b", str(tmp_path / "keys/b"), "/etc/b")
    assert (found.hosts["c"].ssh.gate, found.hosts["c"].ssh.server) == (True, "dropbear")


def test_ranges_are_expanded_and_groups_found(tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        """
        version: 1
        hosts: {"web-[08-10]": {labels: {env: prod}}, db-1: {}}
        groups: {all: "@web,@db", web: "web-*", db: "@all2!@web", all2: "@*", none: "@web!@web"}
        """,
    )
    assert list(found.hosts) == ["web-08", "web-09", "web-10", "db-1"]
    assert found.groups["all"] == set(found.hosts)
    assert found.groups["none"] == frozenset()
    assert found.hosts["web-09"].groups == ("all", "web", "all2")
    assert found.hosts["web-09"].labels == {"env": "prod"}


def test_sources_of_files_and_journals(tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        """
        version: 1
        hosts: {a: {labels: {env: prod}}, b: {}}
        sources:
          orders: {hosts: "@env:prod", path: "/logs/${env}/${date}.log", retention: 7d, timezone: Europe/Berlin}
          sshd: {hosts: "*", journal: ssh.service, retention: 3}
        """,
    )
    orders, sshd = found.sources["orders"], found.sources["sshd"]
    assert (orders.kind, orders.hosts, orders.retention, orders.timezone) == ("file", {"a"}, 7, "Europe/Berlin")
    assert (sshd.kind, sshd.path, sshd.hosts, sshd.retention) == ("journal", "journal:ssh.service", {"a", "b"}, 3)


def test_overlays_merge_maps_replace_lists_and_delete_with_null(tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        """
        version: 1
        ssh: {user: a, config: [/x, /y]}
        hosts: {"web-[1-3]": {port: 1, labels: {env: prod, app: shop}}, db-1: {}}
        groups: {web: "web-*", gone: db-1}
        """,
        """
        ssh: {config: [/z], user: null}
        hosts: {web-2: {port: 2, labels: {app: pay}}, db-1: null, web-4: {}}
        groups: {gone: null}
        access: null
        """,
        "hosts: {web-2: {labels: {env: test}}}",
    )
    assert sorted(found.hosts) == ["web-1", "web-2", "web-3", "web-4"]
    assert found.hosts["web-1"].labels == {"env": "prod", "app": "shop"}
    assert found.hosts["web-2"].labels == {"env": "test", "app": "pay"}
    assert (found.hosts["web-1"].ssh.port, found.hosts["web-2"].ssh.port) == (1, 2)
    assert (found.hosts["web-1"].ssh.user, found.hosts["web-1"].ssh.config) == (None, ("/z",))
    assert list(found.groups) == ["web"]


def test_relative_paths_are_relative_to_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "version: 1\nssh: {known_hosts: [kh], identity_files: [id]}\nhosts: {a: {}}\n", "base/base.yaml")
    over = "ssh: {identity_files: [id2]}\nserver: {tls_cert: c.pem, bind: ['unix:s', '[::1]:0'], state_dir: ~/x}\n"
    write(tmp_path, over, "over/over.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    found = load([Path("base/base.yaml"), Path("over/over.yaml")])
    assert found.hosts["a"].ssh.known_hosts == (str(tmp_path / "base/kh"),)
    assert found.hosts["a"].ssh.identity_files == (str(tmp_path / "over/id2"),)
    assert found.server.tls_cert == tmp_path / "over/c.pem"
    assert found.server.bind == (UnixBind(tmp_path / "over/s"), TcpBind("::1", 0))
    assert [str(bind) for bind in found.server.bind] == [f"unix:{tmp_path}/over/s", "[::1]:0"]
    assert found.server.state_dir == Path("/home/me/x")


def test_a_folder_is_its_base_and_then_its_environment(tmp_path: Path) -> None:
    write(tmp_path, "version: 1\nhosts: {a: {port: 1}}\n", "base.yaml")
    write(tmp_path, "hosts: {a: {port: 2}}\n", "prod.yaml")
    assert load([tmp_path]).hosts["a"].ssh.port == 1
    found = load([tmp_path], env="prod")
    assert found.hosts["a"].ssh.port == 2
    assert found.files == (tmp_path / "base.yaml", tmp_path / "prod.yaml")


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ("staging", "no such environment; there are prod"),
        ("../prod", "can't name"),
        ("base", "can't name"),
        ("", "can't"),
    ],
)
def test_an_environment_that_is_not_there_is_told(env: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, "version: 1\n", "base.yaml")
    write(tmp_path, "{}\n", "prod.yaml")
    with pytest.raises(ConfigError, match=words):
        load([tmp_path], env=env)


def test_an_environment_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no --inventory is a folder"):
        load([write(tmp_path, "version: 1\n")], env="prod")


def test_no_inventory_at_all_is_told() -> None:
    with pytest.raises(ConfigError, match="name one with --inventory"):
        load([])


def test_a_folder_without_a_base_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"base\.yaml:1:1: can't be read: No such file"):
        load([tmp_path])


def test_devices_are_refused_and_silent_pipes_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="neither a file nor a pipe"):
        load([Path("/dev/zero")])
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr("aggregator.limits.INVENTORY_READ", 0.01)
    with pytest.raises(ConfigError, match="a pipe that nothing came through"):
        load([tmp_path / "fifo"])


def test_a_pipe_is_read_to_its_end() -> None:
    read, write_end = os.pipe()
    os.write(write_end, b"version: 1\nhosts: {a: {}}\n")
    os.close(write_end)
    assert list(load([Path(f"/dev/fd/{read}")]).hosts) == ["a"]
    os.close(read)


@pytest.mark.parametrize(
    "text", ["\ufeffversion: 1\n", "version: 1\r\nhosts: {}\r\n", "---\nversion: 1\n...\n", "{version: 1}"]
)
def test_forms_of_the_same_yaml_are_read(text: str, tmp_path: Path) -> None:
    assert inventory(tmp_path, text).hosts == {}


def test_access_audit_and_redact_are_read(tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        """
        version: 1
        hosts: {a: {labels: {env: prod}}, b: {}}
        access:
          roles: {r: {allow: [{hosts: "@env:prod", paths: ["/l/**"], actions: [view, search, view]}]}}
          users:
            al: {roles: [r], password_hash: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA"}
          tokens:
            ci: {hash: "sha256:AAA", roles: [r], expires: 2027-01-01}
            cd: {hash: "sha256:bbb", roles: [r], expires: 2027-01-01T00:00:00+01:00}
            ce: {hash: "sha256:bbb", roles: [r]}
          proxy:
            trusted: [10.0.0.2, "::1/128"]
            secret_header: {name: X-Secret, file: proxy.secret}
            user_header: X-User
            groups_header: X-Groups
            group_roles: {sre team: [r]}
        audit: {file: audit.jsonl}
        redact: {builtin: false, patterns: [{name: t, pattern: "T-[0-9]+"}]}
        """.replace("AAA", "A" * 64).replace("bbb", "b" * 64),
    )
    access = found.access
    assert access is not None
    assert access.proxy is not None
    rule = access.roles["r"][0]
    assert (rule.name, rule.hosts, rule.actions) == ("access.roles.r.allow[0]", {"a"}, {"view", "search"})
    assert access.users["al"].roles == ("r",)
    assert access.tokens["ci"].sha256 == "a" * 64
    assert access.tokens["ci"].expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert access.tokens["cd"].expires == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert access.tokens["ce"].expires is None
    assert [str(network) for network in access.proxy.trusted] == ["10.0.0.2/32", "::1/128"]
    assert access.proxy.secret_header is not None
    assert access.proxy.secret_header.file == tmp_path / "proxy.secret"
    assert access.proxy.group_roles == {"sre team": ("r",)}
    assert found.audit.file == Path("audit.jsonl")
    assert (found.redact.builtin, found.redact.patterns[0].pattern) == (False, "T-[0-9]+")


def test_without_sections_there_are_defaults(tmp_path: Path) -> None:
    found = inventory(tmp_path, "version: 1\n")
    assert (found.access, found.server.bind, found.audit.file, found.redact.builtin) == (None, (), None, True)
    assert found.select([]) == frozenset()


def test_select_joins_selectors_and_tells_all_faults(tmp_path: Path) -> None:
    found = inventory(tmp_path, 'version: 1\nhosts: {"a-[1-3]": {}, b: {}}\n')
    assert found.select(["a-1", "b", "a-[1-2]"]) == {"a-1", "a-2", "b"}
    assert found.select([]) == set(found.hosts)
    assert found.select([], visible=frozenset({"b", "gone"})) == {"b"}
    with pytest.raises(UsageError) as caught:
        found.select(["c", "b,d"], parameter="SELECTOR")
    assert [(fault.parameter, fault.column) for fault in caught.value.faults] == [("SELECTOR", 1), ("SELECTOR", 3)]


def test_the_inventory_is_looked_for_in_order(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home")}
    assert default_inventory(environ | {"TAILON_AGG_INVENTORY": "/a:/b"}, tmp_path) == [Path("/a"), Path("/b")]
    folder = write(tmp_path, "version: 1\n", "home/.config/tailon-agg/base.yaml").parent
    assert default_inventory(environ, tmp_path) == [folder]
    other = write(tmp_path, "version: 1\n", "xdg/tailon-agg/base.yaml").parent
    assert default_inventory(environ | {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}, tmp_path) == [other]
    here = write(tmp_path, "version: 1\n", "inventory.yaml")
    assert default_inventory(environ, tmp_path) == [here]
