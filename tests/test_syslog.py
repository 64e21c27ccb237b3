"""The audit log's copy: RFC 5424 over real sockets, in order, whole, and never waited for."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fleethost import free_port
from product import wait_until

from aggregator import limits
from aggregator.access import chain
from aggregator.access.audit import AuditLog
from aggregator.access.events import Event
from aggregator.access.syslog import message, shortened
from aggregator.inventory.address import parse_syslog
from aggregator.inventory.settings import SyslogAddress
from aggregator.metrics import Metrics

HEAD = re.compile(
    rb"<(8[45])>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) tailon-agg (\d+) ([a-z-]{1,32}) "
    rb'\[tailon-agg@32473 seq="(\d+)" hash="([0-9a-f]{64})"\] '
)


class Server:
    """A syslog server: messages as they came, over datagrams, a stream with newlines, or TCP with octet counting."""

    def __init__(self, made: socket.socket, cut: Callable[[bytes], tuple[list[bytes], bytes]] | None) -> None:
        self.messages: list[bytes] = []
        self._socket = made
        self._cut = cut
        self._open: list[socket.socket] = []
        self._ended = False
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._ended = True
        for one in (self._socket, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def numbers(self) -> list[int]:
        return [json.loads(text.partition(b"] ")[2])["seq"] for text in tuple(self.messages)]

    def _run(self) -> None:
        with suppress(OSError):
            while not self._ended:
                if self._cut is None:
                    self.messages.append(self._socket.recv(1 << 20))
                else:
                    connection, _ = self._socket.accept()
                    self._open.append(connection)
                    self._read(connection, self._cut)

    def _read(self, connection: socket.socket, cut: Callable[[bytes], tuple[list[bytes], bytes]]) -> None:
        rest = b""
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                found, rest = cut(rest + data)
                self.messages += found


def counted(data: bytes) -> tuple[list[bytes], bytes]:
    """Messages of RFC 6587's octet counting, and what is left."""
    found = []
    while match := re.match(rb"([1-9]\d*) ", data):
        end = match.end() + int(match[1])
        if len(data) < end:
            break
        found.append(data[match.end() : end])
        data = data[end:]
    return found, data


def by_newline(data: bytes) -> tuple[list[bytes], bytes]:
    *found, rest = data.split(b"\n")
    return found, rest


@pytest.fixture(params=["datagram", "stream", "tcp"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, SyslogAddress]]:
    made, address = listener(request.param, tmp_path)
    one = Server(made, {"datagram": None, "stream": by_newline, "tcp": counted}[request.param])
    yield one, address
    one.close()


def listener(kind: str, folder: Path, port: int = 0) -> tuple[socket.socket, SyslogAddress]:
    if kind == "tcp":
        made = socket.create_server(("127.0.0.1", port))
        return made, parse_syslog(f"tcp://127.0.0.1:{made.getsockname()[1]}")
    path = folder / "log"
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
    made.bind(str(path))
    if kind == "stream":
        made.listen()
    return made, parse_syslog(f"unix:{path}")


async def record_some(log: AuditLog, count: int) -> None:
    await asyncio.gather(*(log.record(Event("open", principal="alice", detail="x\n\x1b")) for _ in range(count)))


async def until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


async def test_each_record_is_sent_whole_and_in_order(server: tuple[Server, SyslogAddress], tmp_path: Path) -> None:
    one, address = server
    async with await AuditLog.open(tmp_path / "audit.jsonl", syslog=address) as log:
        await record_some(log, 20)
        await log.record(Event("refuse", principal="bob", verdict="denied"))
    await until(lambda: len(one.messages) == 21, "all records")
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert [text.partition(b"] ")[2] for text in one.messages] == lines
    for text, line in zip(one.messages, lines, strict=True):
        head, record = HEAD.match(text), json.loads(line)
        assert head
        assert (int(head[6]), head[7].decode()) == (record["seq"], record["hash"])
        assert (head[2].decode(), head[5].decode()) == (record["time"], record["event"])
        assert head[1] == (b"84" if record["event"] == "refuse" else b"85")
    assert chain.verify(text.partition(b"] ")[2] + b"\n" for text in one.messages).bad is None


async def test_a_server_that_comes_later_gets_all_there_was(tmp_path: Path) -> None:
    port, metrics = free_port(), Metrics()
    address = SyslogAddress(host="127.0.0.1", port=port)
    async with await AuditLog.open(tmp_path / "audit.jsonl", metrics, syslog=address) as log:
        await record_some(log, 5)
        await until(lambda: log.copy_trouble == "Connection refused", "the trouble")
        assert log.healthy
        one = Server(listener("tcp", tmp_path, port)[0], counted)
        await until(lambda: one.numbers == [1, 2, 3, 4, 5], "all records")
        await until(lambda: log.copy_trouble is None, "the end of the trouble")
    one.close()
    assert b"tailon_agg_audit_copy_lost_total 0.0" in metrics.render(named=False)


async def test_a_server_that_restarts_misses_nothing(tmp_path: Path) -> None:
    made, address = listener("tcp", tmp_path)
    one = Server(made, counted)
    async with await AuditLog.open(tmp_path / "audit.jsonl", syslog=address) as log:
        await record_some(log, 3)
        await until(lambda: one.numbers == [1, 2, 3], "the first ones")
        one.close()
        await record_some(log, 3)
        other = Server(listener("tcp", tmp_path, address.port)[0], counted)
        await until(lambda: other.numbers[-1:] == [6], "the last one")
        other.close()
    assert set(one.numbers + other.numbers) == {1, 2, 3, 4, 5, 6}
    assert other.numbers == sorted(other.numbers)


async def test_a_server_that_takes_nothing_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AUDIT_COPY_TIMEOUT", 0.3)
    made, address = listener("stream", tmp_path)  # nobody reads
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with await AuditLog.open(tmp_path / "audit.jsonl", syslog=address) as log:
        big = Event("open", detail="x" * (1 << 20))
        for _ in range(3):
            await log.record(big)
        assert log.healthy
        await until(lambda: log.copy_trouble, "the trouble")
    made.close()


async def test_what_waits_too_long_is_counted_and_the_newest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_COPY_RECORDS", 4)
    port, metrics = free_port(), Metrics()
    address = SyslogAddress(host="127.0.0.1", port=port)
    async with await AuditLog.open(tmp_path / "audit.jsonl", metrics, syslog=address) as log:
        await record_some(log, 10)
        await until(lambda: log.copy_trouble, "the trouble")
        one = Server(listener("tcp", tmp_path, port)[0], counted)
        await until(lambda: one.numbers[-1:] == [10], "the last one")
    one.close()
    assert one.numbers[-4:] == [7, 8, 9, 10]
    assert b"tailon_agg_audit_copy_lost_total 6.0" in metrics.render(named=False)


async def test_a_record_too_long_for_a_datagram_leaves_its_number_and_hash(tmp_path: Path) -> None:
    made, address = listener("datagram", tmp_path)
    one = Server(made, None)
    async with await AuditLog.open(tmp_path / "audit.jsonl", syslog=address) as log:
        await log.record(Event("open", detail="x" * (4 << 20)))
        await until(lambda: one.messages, "the message")
    one.close()
    head = HEAD.match(one.messages[0])
    assert head
    assert head[6] == b"1"
    assert one.messages[0].endswith(b" bytes are too many for this socket")


def test_a_host_s_odd_name_is_no_second_field() -> None:
    line, _ = chain.seal(b'"time":"2026-11-23T10:00:00.000Z","event":"start"', chain.GENESIS)
    sent = message(line, "a b\n<1>1")
    assert sent.startswith(b"<85>1 2026-11-23T10:00:00.000Z a-b-<1>1 tailon-agg ")
    assert HEAD.match(shortened(sent))


@pytest.mark.parametrize(
    "text", ["unix:log", "tcp://logs", "tcp://me@logs:514", "udp://logs:514", "/dev/log", "tcp://:1"]
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_syslog(text)
