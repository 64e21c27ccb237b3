"""`/api/v1/histogram` while it is counted, with hosts that are slow or silent. Real SSH servers, one behind a proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from faults import TcpProxy
from fleet import Fleet
from product import Product, Stream, target, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECT = 40  # seconds; nothing here may wait for it
HOUR = {"since": "2026-03-01T12:00:00Z", "until": "2026-03-01T13:00:00Z", "buckets": "4"}
LEVELS = ("INFO", "ERROR")


def log(name: str) -> str:
    """A line each second of an hour; every other one an error."""
    return "".join(
        f"2026-03-01T12:{n // 60:02d}:{n % 60:02d}Z {LEVELS[n % 2]} request {n} of {name}\n" for n in range(3600)
    )


@dataclass
class Place:
    """`web-1`, and `far-1` behind a proxy that is stalled until somebody looks."""

    product: Product
    proxy: TcpProxy

    async def ask(self, **query: Any) -> dict[str, Any]:
        answer = await asyncio.to_thread(lambda: self.product.get("/api/v1/histogram", **HOUR, **query))
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def counting(self, **query: Any) -> Stream:
        path = target("/api/v1/histogram", {"format": "ndjson", **HOUR, **query})
        return await asyncio.to_thread(Stream, self.product.port, path)


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with Fleet(tmp_path) as fleet:
        near, far = fleet.add("web-1"), fleet.add("far-1")
        for host in (near, far):
            (host.root / "app.log").write_text(log(host.name))
        async with TcpProxy(far.port) as proxy:
            proxy.stall()
            far.reached_at = proxy.port
            source = {"hosts": "@*", "path": f"{near.root.parent}/${{host}}/app.log"}
            inventory = fleet.inventory({"app": source}, ssh={"connect_timeout": f"{CONNECT}s"})
            with Product(inventory, tmp_path) as product:
                yield Place(product, proxy)


async def until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


def counted(stream: Stream) -> int:
    """How many lines its last counts have."""
    found = stream.of("counts")
    return sum(bucket["count"] for bucket in found[-1]["buckets"]) if found else 0


def stages(stream: Stream) -> dict[str, tuple[str, int]]:
    """How far each host has come, and how many of its lines were counted."""
    return {record["host"]: (record["stage"], record["matches"]) for record in stream.of("progress")}


async def test_counts_grow_while_a_host_is_slow_and_the_end_is_the_whole(place: Place) -> None:
    view = await place.counting(grep="request")
    with view:
        await until(lambda: counted(view) == 3600, "the near host's lines")
        bucket = view.of("counts")[-1]["buckets"][0]
        assert bucket == {"start": "2026-03-01T12:00:00.000Z", "count": 900, "by_level": {"error": 450, "info": 450}}
        await until(lambda: stages(view) == {"far-1": ("connecting", 0), "web-1": ("done", 3600)}, "its end")
        assert not view.of("end")
        place.proxy.resume()
        await until(view.ended.is_set, "the end")
    end = view.records[-1]
    assert (end["type"], end["reason"], end.get("notes", [])) == ("end", "complete", [])
    whole = await place.ask(grep="request")
    assert {key: end[key] for key in whole} == whole
    assert [bucket["by_host"] for bucket in end["buckets"]] == [{"far-1": 900, "web-1": 900}] * 4
    assert view.of("total")[-1]["matches"] == 7200


async def test_an_estimate_is_given_without_a_host_that_does_not_answer_which_is_named(place: Place) -> None:
    began = time.monotonic()
    found = await place.ask(exact=0)
    assert time.monotonic() - began < CONNECT
    assert (found["exact"], found["complete"]) == (False, False)
    assert [failure["host"] for failure in found["failed"]] == ["far-1"]
    assert "not waited for" in found["failed"][0]["detail"]
    assert sum(bucket["count"] for bucket in found["buckets"]) == pytest.approx(3600, rel=0.1)
    view = await place.counting(exact=0)
    with view:
        await until(lambda: counted(view) > 3000, "the near host's estimate")
        place.proxy.resume()
        await until(view.ended.is_set, "the end")
    end = view.records[-1]
    assert (end["exact"], end["complete"], end["failed"]) == (False, True, [])
    assert sum(bucket["count"] for bucket in end["buckets"]) == pytest.approx(7200, rel=0.1)


async def test_who_leaves_is_not_counted_for_any_more(place: Place) -> None:
    view = await place.counting()
    await until(lambda: counted(view) == 3600, "the near host's lines")
    await asyncio.to_thread(view.close)

    def closed() -> bool:
        return [record["event"] for record in place.product.audited()][-2:] == ["histogram", "close"]

    await until(closed, "the record of the close")


async def test_no_other_forms_are_there(place: Place) -> None:
    answer = await asyncio.to_thread(lambda: place.product.get("/api/v1/histogram", format="text"))
    assert (answer.status, answer.json()["errors"][0]["parameter"]) == (400, "format")
