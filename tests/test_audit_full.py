"""The product on a disk that is full: no byte of a log leaves unaudited, it says so, and heals by itself."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fleet import Fleet
from product import Product, lines_of, wait_until

from aggregator.cli.main import run


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as made:
        made.bind(str(tmp_path / "log"))
        yield made


@pytest.fixture
def product(fleet: Fleet, tmp_path: Path, syslog: socket.socket) -> Iterator[Product]:
    host = fleet.add("web-1")
    (host.root / "app.log").write_text("one\n")
    sources = {"app": {"hosts": "@*", "path": str(host.root / "app.log")}}
    inventory = fleet.inventory(sources, audit={"syslog": {"address": f"unix:{syslog.getsockname()}"}})
    with Product(inventory, tmp_path) as product:
        yield product


def limit(product: Product, size: int) -> None:
    """The most bytes that a file of the product may have; a write beyond fails with EFBIG (setrlimit(2))."""
    resource.prlimit(product.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_lets_no_unaudited_byte_out_and_heals(product: Product, fleet: Fleet) -> None:
    log = fleet.hosts["web-1"].root / "app.log"
    with product.stream() as view:
        view.wait_text("one")
        limit(product, product.audit.stat().st_size)
        refused = product.get("/api/v1/stream", follow=0)
        assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
        for path in ("/api/v1/lines", "/api/v1/download", "/api/v1/histogram"):
            assert product.get(path).status == 503
        ready = product.get("/readyz?verbose")
        assert (ready.status, "[-]audit failed: can't be written" in ready.text) == (503, True)
        with log.open("a") as out:
            out.write("unaudited\n")
        view.wait(view.ended.is_set, "the view's end")
        assert view.records[-1] == {**view.records[-1], "type": "end", "reason": "audit-unavailable"}
        assert "unaudited" not in view.texts()
    limit(product, resource.RLIM_INFINITY)
    wait_until(lambda: product.get("/readyz").status == 200, "the log to heal")
    assert [line["text"] for line in lines_of(product.once())] == ["one", "unaudited"]
    wait_until(lambda: sum(record["event"] == "close" for record in product.audited()) == 2, "both ends on disk")
    assert run(["audit", "verify", str(product.audit)]) == 0
    ends = [record["detail"] for record in product.audited() if record["event"] == "close"]
    assert [(one["end"], one["lines"]) for one in ends] == [("audit-unavailable", 1), ("complete", 2)]


def test_a_syslog_server_that_is_gone_is_told_and_holds_nobody_up(product: Product, syslog: socket.socket) -> None:
    syslog.close()
    assert [line["text"] for line in lines_of(product.once())] == ["one"]
    words = "[!]audit-copy is out: Connection refused; the log itself goes on\n"
    wait_until(lambda: words in product.get("/readyz?verbose").text, "the trouble to be told")
    assert product.get("/readyz").status == 200
