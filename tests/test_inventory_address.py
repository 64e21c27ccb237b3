"""Addresses as people write them: jumps, binds, public URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.inventory import Endpoint, TcpBind, UnixBind, parse_bind, parse_endpoint
from aggregator.inventory.address import check_public_url, check_root


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("bastion", Endpoint("bastion")),
        ("root@bastion.example.org:2222", Endpoint("bastion.example.org", "root", 2222)),
        ("10.0.0.1:22", Endpoint("10.0.0.1", None, 22)),
        ("::1", Endpoint("::1")),
        ("[::1]", Endpoint("::1")),
        ("a.b@[fe80::1%eth0]:22", Endpoint("fe80::1%eth0", "a.b", 22)),
    ],
)
def test_endpoints_are_read(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "@h",
            "h:",
            "h:0",
            "h:65536",
            "h:x",
            "h:22:22",
            "a@b@c",
            "-x",
            "-l@h",
            "[h]:22",
            "[::1",
            "h h",
            "h\n",
            "a b@h",
        ),
        *("fe80::1%a b", "x,y", "ssh://h"),
    ],
)
def test_wrong_endpoints_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|can't be"):
        parse_endpoint(text)


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1:8080", TcpBind("127.0.0.1", 8080)),
        ("[::1]:0", TcpBind("::1", 0)),
        ("localhost:80", TcpBind("localhost", 80)),
        ("unix:/run/x.sock", UnixBind(Path("/run/x.sock"))),
        ("unix:x.sock", UnixBind(Path("/base/x.sock"))),
    ],
)
def test_binds_are_read(text: str, bind: TcpBind | UnixBind) -> None:
    assert parse_bind(text, Path("/base")) == bind


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "::1:8080", "127.0.0.1", "h:-1", "h:65536", "unix:", "[h]:1", "h:٣"]
)
def test_wrong_binds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|brackets|missing"):
        parse_bind(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [("https://a.example.org/", "https://a.example.org"), ("http://[::1]:8080/logs", "http://[::1]:8080/logs")],
)
def test_public_urls_are_read(text: str, url: str) -> None:
    assert check_public_url(text) == url


@pytest.mark.parametrize(
    "text", ["a", "ftp://a", "https://", "https://a?b", "https://a#b", "https://u@a", "http://a:0", "http://ä"]
)
def test_wrong_public_urls_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not"):
        check_public_url(text)


@pytest.mark.parametrize("text", ["", "logs", "/../x", "/a b", "//a", "/" + "a" * 5000 + "!"])
def test_wrong_roots_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a path like"):
        check_root(text)
