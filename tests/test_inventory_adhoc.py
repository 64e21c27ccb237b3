"""Inventories from arguments: `[alias=NAME,][group=NAME,][user@]host:/path`."""

from __future__ import annotations

import pytest

from aggregator.errors import UsageError
from aggregator.inventory import adhoc


def test_a_path_on_several_hosts_is_one_source() -> None:
    found = adhoc(["web-1:/var/log/nginx/access.log", "root@web-2:/var/log/nginx/access.log"])
    assert {host.name: (host.address, host.ssh.user) for host in found.hosts.values()} == {
        "web-1": ("web-1", None),
        "web-2": ("web-2", "root"),
    }
    source = found.sources["access.log"]
    assert (source.kind, source.path, source.hosts) == ("file", "/var/log/nginx/access.log", {"web-1", "web-2"})


def test_names_of_sources_are_as_short_as_they_can_be() -> None:
    paths = ["/a/x.log", "/b/x.log", "/c/b/x.log", "/d/*.log", "/*", "/ü/é", "/x.log"]
    found = adhoc([f"h:{path}" for path in paths])
    assert {name: source.path for name, source in found.sources.items()} == {
        "x.log": "/a/x.log",
        "b-x.log": "/b/x.log",
        "c-b-x.log": "/c/b/x.log",
        "log": "/d/*.log",
        "log-2": "/*",
        "log-3": "/ü/é",
        "x.log-2": "/x.log",
    }


def test_alias_names_the_source_and_group_the_hosts() -> None:
    found = adhoc(["alias=shop,group=web,web-[1-2]:/a.log", "group=all,alias=db,db:/b.log", "group=all,web-1:/c.log"])
    assert {name: source.hosts for name, source in found.sources.items()} == {
        "shop": {"web-1", "web-2"},
        "db": {"db"},
        "c.log": {"web-1"},
    }
    assert found.groups == {"web": {"web-1", "web-2"}, "all": {"web-1", "db"}}
    assert found.hosts["web-1"].groups == ("web", "all")
    assert found.select(["@web!web-1"]) == {"web-2"}


@pytest.mark.parametrize(
    ("spec", "name", "address"),
    [
        ("[::1]:/a", "::1", "::1"),
        ("me@[fe80::1%eth0]:/a", "fe80::1-eth0", "fe80::1%eth0"),
        ("10.0.0.1:/a", "10.0.0.1", "10.0.0.1"),
        ("a.example.org:/a", "a.example.org", "a.example.org"),
    ],
)
def test_hosts_may_be_addresses(spec: str, name: str, address: str) -> None:
    assert adhoc([spec]).hosts[name].address == address


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        (["/var/log/syslog"], r"is not \[user@\]host:/path"),
        (["web-1:relative"], r"is not \[user@\]host:/path"),
        (["::1:/x"], r"is not \[user@\]host:/path"),
        ([":/x"], r"is not \[user@\]host:/path"),
        (["@h:/x"], "can't be the name of a user"),
        (["-oProxyCommand=id:/x"], "is not a host name"),
        (["h:/a/../b"], "must not hold '..'"),
        (["h:/a\nb"], "control character"),
        (["h:/${env}"], "no label 'env'"),
        (["web-[1-99999]:/x"], "at most 10,000"),
        (["alias=a b,h:/x"], "alias= takes one name"),
        (["alias=a,alias=b,h:/x"], "alias= takes one name"),
        (["alias=a,h:/x", "alias=a,h:/y"], "alias=a is given for two paths: /x and /y"),
        (["a@h:/x", "b@h:/y"], "'h' is given with two users"),
    ],
)
def test_wrong_specs_are_told(specs: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        adhoc(specs)


def test_all_wrong_specs_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        adhoc(["a", "h:/x", "b"])
    assert len(caught.value.faults) == 2
