"""Searches of the past while hosts and files misbehave: an answer is whole, or says what fails. Real SSH servers."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from faults import TcpProxy
from fleet import Fleet, FleetHost, wait_for
from product import Product, Stream, target, texts_of

CONNECT = 2  # seconds, connect_timeout of these inventories
SLACK = 5.0 + 2.0  # seconds that a lost host may take beside it, and what a loaded machine takes
RATE = 4_000_000  # bytes per second of a line that is slow enough to meddle with
LINES = 80_000  # of a file that takes two seconds then, one for each second of a day
SOME = r"order \d*0 of"  # every tenth line: fewer than a page takes; the host can't tell which


def big() -> str:
    """A log of 9 MB."""
    return "".join(
        f"2026-11-20T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z order {number} of {'x' * 60}\n"
        for number in range(LINES)
    )


BIG = big()


def ask(product: Product, **query: Any) -> Any:
    answer = product.get("/api/v1/lines", **query)
    assert answer.status == 200, answer.text
    return answer.json()


async def asked(product: Product, **query: Any) -> Any:
    """While a proxy runs here."""
    return await asyncio.to_thread(lambda: ask(product, **query))


def found(product: Product, **query: Any) -> Stream:
    """A search whose records come as they are found."""
    return Stream(product.port, target("/api/v1/lines", {"format": "ndjson", **query}))


@asynccontextmanager
async def behind_a_proxy(fleet: Fleet, folder: Path) -> AsyncIterator[tuple[Product, TcpProxy, FleetHost]]:
    """A product over `web-1`, and over `far-1` through a proxy; the big log is on both."""
    near, far = fleet.add("web-1"), fleet.add("far-1")
    for host in (near, far):
        (host.root / "app.log").write_text(BIG)
    async with TcpProxy(far.port) as proxy:
        far.reached_at = proxy.port
        source = {"hosts": "@*", "path": f"{near.root.parent}/${{host}}/app.log"}
        with Product(fleet.inventory({"app": source}, ssh={"connect_timeout": f"{CONNECT}s"}), folder) as product:
            yield product, proxy, far


def lose(proxy: TcpProxy, _: FleetHost) -> None:
    proxy.stall()


def switch_off(proxy: TcpProxy, host: FleetHost) -> None:
    host.stop()


def cut(proxy: TcpProxy, _: FleetHost) -> None:
    proxy.blackhole()


@pytest.mark.parametrize("how", [lose, switch_off, cut])
async def test_host_that_is_lost_half_way_is_named_and_the_others_lines_are_there(
    fleet: Fleet, tmp_path: Path, how: Callable[[TcpProxy, FleetHost], None]
) -> None:
    async with behind_a_proxy(fleet, tmp_path) as (product, proxy, far):
        assert (await asked(product, limit=1))["complete"]
        proxy.throttle(RATE)
        before = proxy.bytes_down
        search = asyncio.create_task(asked(product, grep=r"order [4]\d99. of", since="2026-11-01T00:00:00Z"))
        half = before + RATE // 2
        await asyncio.to_thread(wait_for, lambda: proxy.bytes_down > half, "half of it", 20.0)
        began = time.monotonic()
        how(proxy, far)
        page = await search
        assert time.monotonic() - began < CONNECT + SLACK
        assert not page["complete"]
        assert [failure["host"] for failure in page["failed"]] == ["far-1"]
        assert page["failed"][0]["detail"]
        assert len([line for line in page["lines"] if line["host"] == "web-1"]) == 100


async def test_dead_host_is_not_waited_for_longer_than_its_connecting_may_take(fleet: Fleet, tmp_path: Path) -> None:
    async with behind_a_proxy(fleet, tmp_path) as (product, proxy, _):
        proxy.blackhole()
        began = time.monotonic()
        page = await asked(product, grep="order 5 of")
        assert time.monotonic() - began < CONNECT + SLACK
        assert (len(page["lines"]), page["complete"]) == (1, False)
        assert [failure["host"] for failure in page["failed"]] == ["far-1"]


def rename(path: Path) -> None:
    path.rename(path.with_name("app.log.1"))
    path.write_text("2026-11-21T00:00:00Z the next one\n")


def rename_and_compress(path: Path) -> None:
    rename(path)
    old = path.with_name("app.log.1")
    written = old.stat().st_mtime
    old.with_name("app.log.1.gz").write_bytes(gzip.compress(old.read_bytes(), 1))
    os.utime(old.with_name("app.log.1.gz"), (written, written))
    old.unlink()


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_text("2026-11-21T00:00:00Z another begin\n")


@pytest.mark.parametrize("how", [rename, rename_and_compress, delete, truncate])
@pytest.mark.parametrize("direction", ["forward", "backward"])
async def test_file_that_changes_during_a_search_is_read_to_its_end_or_said_to_be_short(
    fleet: Fleet, tmp_path: Path, how: Callable[[Path], None], direction: str
) -> None:
    async with behind_a_proxy(fleet, tmp_path) as (product, proxy, far):
        assert (await asked(product, limit=1))["complete"]
        proxy.throttle(RATE)
        query = {"hosts": "far-1", "until": "2026-11-20T23:59:59Z", "direction": direction, "limit": 10_000}
        with await asyncio.to_thread(lambda: found(product, grep=SOME, **query)) as search:
            await asyncio.to_thread(search.wait, lambda: len(search.of("line")) > 100, "lines")
            how(far.root / "app.log")
            proxy.throttle(None)
            await asyncio.to_thread(search.wait, search.ended.is_set, "its end", 60.0)
        end = search.records[-1]
        numbers = [int(text.split()[2]) for text in search.texts()]
        assert end["type"] == "end"
        assert numbers == sorted(set(numbers), reverse=direction == "backward")
        if end["complete"]:
            assert sorted(numbers) == list(range(0, LINES, 10))
        else:
            assert how in (delete, truncate), end
            assert [failure["host"] for failure in end["failed"]] == ["far-1"]


async def test_cancelled_search_leaves_nothing_running_on_the_hosts(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    old = fleet.add("old-1", server="dropbear", shell="busybox ash", path=fleet.busybox())
    for one in (host, old):
        (one.root / "app.log").write_text(BIG * 8)
    path = f"{host.root.parent}/${{host}}/app.log"
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": path}}), tmp_path) as product:
        ask(product, limit=1)
        idle = {one: sorted(one.processes()) for one in (host, old)}
        for way, query in (("lines", {"grep": "no[t]hing", "format": "ndjson"}), ("download", {"grep": SOME})):
            search = Stream(product.port, target(f"/api/v1/{way}", {"since": "2026-11-01T00:00:00Z", **query}))
            wait_for(lambda: any(len(one.processes()) > len(idle[one]) for one in idle), "a search on a host")
            search.close()
            for one in (host, old):
                wait_for(lambda: sorted(one.processes()) == idle[one], f"its end on {one.name}")  # noqa: B023


def bomb(path: Path) -> None:
    """128 MiB of nothing that take 128 KiB, as the newest rotated file of a log."""
    block = gzip.compress(bytes(64 << 20), 9)
    with path.with_name("app.log.1.gz").open("wb") as out:
        out.write(gzip.compress(b"2026-11-19T00:00:00Z begin\n"))
        for _ in range(2):
            out.write(block)


@pytest.mark.parametrize("shell", [None, "busybox ash"])
async def test_gzip_bomb_costs_neither_memory_nor_the_other_lines(
    fleet: Fleet, tmp_path: Path, shell: str | None
) -> None:
    host = fleet.add("web-1", shell=shell, path=fleet.busybox() if shell else None)
    log = host.root / "app.log"
    log.write_text("2026-11-20T00:00:00Z needle\n")
    bomb(log)
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}), tmp_path) as product:
        ask(product, limit=1)
        before = product.rss()
        page = ask(product, grep="needle")
        assert product.rss() - before < 64 << 20
        assert texts_of(page["lines"])[-1:] == ["2026-11-20T00:00:00Z needle"] or page["failed"]


# --- Permalinks --------------------------------------------------------------------------------------------------


@pytest.fixture
def log(fleet: Fleet) -> Path:
    path = fleet.add("web-1").root / "app.log"
    path.write_text("".join(f"2026-11-20T00:00:{number:02}Z line {number}\n" for number in range(20)))
    return path


def around(product: Product, position: str) -> tuple[int, list[str]]:
    answer = product.get("/api/v1/context", position=position, before=1, after=1)
    return answer.status, [line["text"].split("Z ")[1] for line in answer.json().get("lines", [])]


def test_permalink_finds_its_line_after_renaming_and_compression_and_says_when_it_is_gone(
    fleet: Fleet, log: Path, tmp_path: Path
) -> None:
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}), tmp_path) as product:
        lines = ask(product)["lines"]
        link = lines[7]["position"]
        assert around(product, link) == (200, ["line 6", "line 7", "line 8"])
        rename(log)
        assert around(product, link) == (200, ["line 6", "line 7", "line 8"])
        assert around(product, lines[19]["position"]) == (200, ["line 18", "line 19", "the next one"])
        old = log.with_name("app.log.1")
        log.with_name("app.log.2.gz").write_bytes(gzip.compress(old.read_bytes()))
        old.write_text("2026-11-20T12:00:00Z between\n")
        assert around(product, link) == (200, ["line 6", "line 7", "line 8"])
        assert around(product, lines[19]["position"]) == (200, ["line 18", "line 19", "between"])
        log.with_name("app.log.2.gz").unlink()
        assert around(product, link) == (410, [])


def test_permalink_never_shows_another_line(fleet: Fleet, log: Path, tmp_path: Path) -> None:
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}), tmp_path) as product:
        link = ask(product)["lines"][7]["position"]
        text = log.read_text()
        log.write_text(text.replace("line 7", "line X"))
        assert around(product, link) == (410, [])
        log.write_text("begin\n" + text)
        assert around(product, link) == (410, [])
        log.write_text(text[:300])
        assert around(product, link)[0] in (200, 410)
        log.write_text(text)
        assert around(product, link) == (200, ["line 6", "line 7", "line 8"])
