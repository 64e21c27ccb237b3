"""Browsers, websites and programs of this machine that mean harm, over bare sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from product import LOOPBACK, Product

INVENTORY = "version: 1\nhosts: {a: {address: 127.0.0.1, ssh: {port: 1}}}\nsources: {s: {hosts: a, path: /x}}\n"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "hosts.yaml").write_text(INVENTORY)
    with Product(folder / "hosts.yaml", folder) as running:
        yield running


def connect(product: Product, *parts: bytes) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, product.port), timeout=20)
    for part in parts:
        connection.sendall(part)
    return connection


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    with connection:
        answer = b""
        while data := connection.recv(1 << 16):
            answer += data
        return answer


def ask(product: Product, line: str, headers: str = "", body: bytes = b"") -> bytes:
    head = f"{line} HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\nConnection: close\r\n{headers}\r\n"
    return all_of(connect(product, head.encode("latin-1"), body))


def test_two_lengths_are_refused_and_what_follows_is_not_read(product: Product) -> None:
    smuggled = f"0\r\n\r\nGET /api/v1/hosts HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\n\r\n".encode()
    head = f"GET /livez HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\nContent-Length: 5\r\n"
    answer = all_of(connect(product, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + smuggled))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_half_a_request_is_not_held_open_and_a_silent_socket_is(product: Product) -> None:
    upgrade = f"GET /ws HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\n{UPGRADE}\r\n"
    quiet = connect(product, upgrade.encode())
    halves = [connect(product, begin) for begin in (b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: ")]
    began = time.monotonic()
    assert [all_of(half) for half in halves] == [b"", b"", b""]
    assert time.monotonic() - began < 15
    with quiet:
        assert quiet.recv(1 << 16).startswith(b"HTTP/1.1 101")
        quiet.sendall(b"\x89\x80mask")  # a ping, to be answered
        while b"\x8a\0" not in quiet.recv(1 << 16):
            pass


def test_half_a_second_request_is_not_held_open_either(product: Product) -> None:
    head = f"GET /livez HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\n".encode()
    assert all_of(connect(product, head + b"\r\n" + head)).endswith(b"ok\n")


@pytest.mark.parametrize("path", ["/api/v1/hosts", "/", "/nowhere"])
def test_a_socket_elsewhere_is_nothing(product: Product, path: str) -> None:
    assert ask(product, f"GET {path}", UPGRADE)[9:12] in (b"403", b"404")


@pytest.mark.parametrize("path", ["%00", "%ff.js", "..%2f..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "a" * 5000])
def test_nothing_but_our_own_files_is_served(product: Product, path: str) -> None:
    static = product.get("/").text.split('href="/static/')[1].split("/")[0]
    assert ask(product, f"GET /static/{static}/{path}").startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "path", ["//", "//evil.example/", "/logs/../", "/api//v1/hosts", "/api/v1/../v1/hosts", "/%ff"]
)
def test_odd_paths_are_nothing(product: Product, path: str) -> None:
    answer = ask(product, f"GET {path}")
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"evil" not in answer


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "CONNECT", "DELETE", "FOO"])
@pytest.mark.parametrize("path", ["/", "/api/v1/stream", "/ws", "/livez"])
def test_only_get_and_head_are_answered(product: Product, method: str, path: str) -> None:
    assert ask(product, f"{method} {path}").startswith(b"HTTP/1.1 405")


HARD = [
    "lines=" + "9" * 5000,
    "lines=%D9%A3",
    "hosts=%ED%A0%80",
    "hosts=" + "(" * 10_000,
    "hosts=" + "@*," * 3000,
    "grep=" + "%28" * 400 + "a" + "%29%7B9%7D" * 400,
    "grep=%28%3Fi%29%28%5CpL%7B100%7D%29%7B9%7D",
    "after=" + "A" * 9000,
    "&".join(["after=x"] * 6000),
    "&".join(f"grep=a{number}" for number in range(17)),
    "format=%0d%0aX-Evil:1",
]


@pytest.mark.parametrize("query", HARD, ids=range(len(HARD)))
def test_hard_parameters_are_refused_in_words_and_quickly(product: Product, query: str) -> None:
    began = time.monotonic()
    answer = product.get(f"/api/v1/stream?{query}")
    assert answer.status == 400
    assert answer.json()["errors"]
    assert time.monotonic() - began < 10
    assert "x-evil" not in {name.lower() for name in answer.headers}


def test_a_thousand_connections_are_survived(product: Product) -> None:
    crowd = [connect(product) for _ in range(600)]
    try:
        assert product.get("/livez").status == 200
    finally:
        for connection in crowd:
            connection.close()


def test_a_message_from_a_browser_that_is_too_long_ends_its_socket(product: Product) -> None:
    head = f"GET /ws HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\n{UPGRADE}\r\n"
    with connect(product, head.encode()) as peer:
        while b"\r\n\r\n" not in peer.recv(1 << 16):
            pass
        peer.sendall(b"\x81\xff\x7f" + b"\xff" * 7 + b"mask")
        assert b"exceeds limit" in all_of(peer)


def test_the_log_of_its_own_has_no_line_that_others_made_up(product: Product, tmp_path: Path) -> None:
    ask(product, "GET /api/v1/hosts%0a2026-01-01%20forged", "Origin: http://evil.example/%0aforged\r\n")
    assert "forged" not in product.stderr
