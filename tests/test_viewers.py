"""Viewers from outside: slow ones, many of them, those that go, sockets, and the end of the product."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from product import LOOPBACK, Product, Record, lines_of, target, wait_until
from rig import HOSTS, Rig, rig_in
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from aggregator.limits import TAIL_LINGER

MIB = 1 << 20


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("viewers")) as made:
        yield made


@contextlib.contextmanager
def stalled(product: Product, **parameters: object) -> Iterator[socket.socket]:
    """A client of the stream that has asked and does not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((LOOPBACK, product.port))
        request = f"GET {target('/api/v1/stream', parameters)} HTTP/1.1\r\nHost: {LOOPBACK}:{product.port}\r\n\r\n"
        client.sendall(request.encode())
        yield client


class Reader:
    """Reads what a stalled client was sent, from some moment on."""

    def __init__(self, client: socket.socket) -> None:
        self._file = client.makefile("rb")
        client.settimeout(20)
        while self._file.readline().strip():
            pass  # the answer's head

    def records(self) -> Iterator[Record]:
        rest = b""
        while size := int(self._file.readline() or b"0", 16):
            lines = (rest + self._file.read(size)).split(b"\n")
            self._file.readline()
            rest = lines.pop()
            for line in lines:
                yield json.loads(line)


def flood(rig: Rig, source: str, lines: int, start: int = 0, host: str = "web-1") -> None:
    """Write lines of a kilobyte, in pieces that leave other lines between them."""
    for first in range(start, start + lines, 500):
        rig.write(
            source, "".join(f"{n:06} {'x' * 1000}\n" for n in range(first, min(first + 500, start + lines))), host
        )
        time.sleep(0.01)


# --- Slow viewers -------------------------------------------------------------------------------------------------


def test_slow_viewer_gets_gaps_that_add_up_and_slows_nobody(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "start\n")
    with stalled(rig.product, source=source) as slow, rig.product.stream(source=source) as quick:
        quick.wait_live()
        before = rig.product.rss()
        began = time.monotonic()
        flood(rig, source, 40_000)
        quick.wait(lambda: len(quick.of("line")) == 40_001, "all lines")
        assert time.monotonic() - began < 25  # it would be 30 s, if the slow one held it up until it is ended
        assert rig.product.rss() - before < 64 * MIB
        rig.write(source, "the end\n")
        quick.wait_text("the end")
        got: list[Record] = []
        for record in Reader(slow).records():
            got.append(record)
            if record.get("text") == "the end":
                break
    everything = quick.of("line")
    assert not quick.of("gap")
    gaps = [record for record in got if record["type"] == "gap"]
    assert gaps
    assert {gap["reason"] for gap in gaps} == {"slow-viewer"}
    place = {line["position"]: number for number, line in enumerate(everything)}
    seen = [place[line["position"]] for line in lines_of(got)]
    missing: list[int] = []
    for gap in gaps:
        lost = range(place[gap["from"]], place[gap["to"]])
        assert gap["lines"] == len(lost)
        assert gap["bytes"] == sum(len(everything[number]["text"]) + 1 for number in lost)
        missing += lost
    assert sorted(seen + missing) == list(range(len(everything)))
    assert seen == sorted(seen)
    order = [record for record in got if record["type"] in ("line", "gap")]
    for record, following in itertools.pairwise(order):
        if record["type"] == "gap":
            assert following["position"] == record["to"], "a gap stands where its lines are missing"


# --- Many, and those that go --------------------------------------------------------------------------------------


def test_fifty_viewers_share_one_pipeline(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, "start\n", host)
    batches = rig.product.metric("tailon_agg_received_lines_total")
    views = [rig.product.stream(source=source) for _ in range(50)]
    try:
        for view in views:
            view.wait_live(3)
        for number in range(50):
            rig.write(source, f"{number}\n")
        for view in views:
            view.wait_text("49")
        assert rig.product.metric("tailon_agg_received_lines_total") - batches == 53
        assert rig.product.metric("tailon_agg_viewers") == 50
    finally:
        for view in views:
            view.close()
    wait_until(lambda: rig.product.metric("tailon_agg_viewers") == 0, "all viewers to be gone")


def test_after_half_a_minute_who_never_reads_is_ended_and_a_host_that_nobody_watches_is_left(
    fleet: Fleet, tmp_path: Path
) -> None:
    busy, left = fleet.add("busy-1"), fleet.add("left-1")
    for host in (busy, left):
        (host.root / "a.log").write_text("start\n")
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{busy.root.parent}/${{host}}/*.log"}})
    with Product(inventory, tmp_path) as product, product.stream(hosts="busy-1") as quick:
        with product.stream(hosts="left-1") as view:
            view.wait_live()
            assert left.processes()
        with stalled(product, hosts="busy-1"):
            quick.wait_live()
            with (busy.root / "a.log").open("a") as out:
                out.write("".join(f"{n} {'x' * 1000}\n" for n in range(12_000)))
            quick.wait(lambda: len(quick.of("line")) == 12_001, "all lines")
            assert product.metric("tailon_agg_files_followed") == 2
            wait_until(lambda: product.metric("tailon_agg_viewers") == 1, "the end of the one that does not read", 45)
        closed = [record for record in product.audited() if record["event"] == "close"]
        assert [record["detail"]["end"] for record in closed] == ["viewer-left", "slow-viewer"]
        assert closed[1]["detail"]["dropped_lines"] > 0
        assert not quick.ended.is_set()
        wait_until(lambda: not left.processes() and not left.connections(), "the host to be left", TAIL_LINGER)
        assert product.metric("tailon_agg_files_followed") == 1
        assert product.metric("tailon_agg_connections") == 1
        states = {host["name"]: (host["state"], host["error"]) for host in product.get("/api/v1/hosts").json()}
        assert states == {"busy-1": ("live", None), "left-1": ("idle", None)}
        with product.stream(hosts="left-1") as view:
            view.wait_text("start")


# --- Sockets ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def socket_of(product: Product, **parameters: object) -> Iterator[ClientConnection]:
    with connect(f"ws://{LOOPBACK}:{product.port}{target('/ws', parameters)}") as client:
        yield client


def received(client: ClientConnection) -> tuple[list[Record], int]:
    """All records of a socket, and its close code."""
    records: list[Record] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = json.loads(client.recv(20))
            assert isinstance(message, list)
            records += message
    assert client.close_code is not None
    return records, client.close_code


def test_socket_brings_the_streams_records_in_arrays_and_closes_1000(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, "".join(f"{host} {n}\n" for n in range(30)), host)
    with socket_of(rig.product, source=source, follow=0, lines=20) as client:
        records, code = received(client)
    assert code == 1000
    assert records[-1] == {"type": "end", "reason": "complete"}

    def key(record: Record) -> str:
        return json.dumps(record, sort_keys=True)

    assert sorted(map(key, records)) == sorted(map(key, rig.product.once(source=source, lines=20)))


def test_socket_goes_on_live_and_ignores_what_the_client_says(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "start\n")
    with socket_of(rig.product, source=source) as client:
        client.send("hello")
        records: list[Record] = []
        while not [record for record in records if record["type"] == "notice"]:
            records += json.loads(client.recv(10))
        rig.write(source, "live\n")
        while "live" not in [record.get("text") for record in records]:
            records += json.loads(client.recv(10))


@pytest.mark.parametrize(("parameters", "status"), [({"grep": "("}, 400), ({"hosts": "nobody"}, 400)])
def test_socket_with_a_wrong_parameter_is_refused_as_a_problem(
    rig: Rig, parameters: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused, socket_of(rig.product, **parameters):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["errors"]


def test_socket_of_a_foreign_origin_is_refused_and_recorded(rig: Rig) -> None:
    url = f"ws://{LOOPBACK}:{rig.product.port}/ws"
    with pytest.raises(InvalidStatus) as refused, connect(url, origin="https://evil.example"):  # type: ignore[arg-type]
        pass
    assert refused.value.response.status_code == 403
    last = [record for record in rig.product.audited() if record["event"] == "refuse"][-1]
    assert (last["verdict"], last["command"]) == ("denied", "/ws")


# --- The end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_end_streams_and_sockets_with_shutdown(fleet: Fleet, tmp_path: Path, number: int) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text("start\n")
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{host.root}/a.log"}})
    with Product(inventory, tmp_path) as product, product.stream() as view, socket_of(product) as client:
        view.wait_live()
        ends: list[tuple[list[Record], int]] = []
        reader = threading.Thread(target=lambda: ends.append(received(client)))
        reader.start()
        began = time.monotonic()
        assert product.stop(number) == 0
        assert time.monotonic() - began < 10
        view.wait(view.ended.is_set, "the end")
        reader.join(10)
        assert view.records[-1] == {"type": "end", "reason": "shutdown"}
        ((records, code),) = ends
        assert (records[-1], code) == ({"type": "end", "reason": "shutdown"}, 1001)
        wait_until(lambda: not host.processes(), "the host to be left")
        events = [record["event"] for record in product.audited()]
        assert (events[0], events[-1]) == ("start", "stop")
        assert events.count("open") == events.count("close") == 2
