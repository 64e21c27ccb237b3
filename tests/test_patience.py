"""A host that does not answer costs the first page its time, and the next ones a moment; it is named all the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from faults import blackhole
from fleet import Fleet
from local import LocalTransport
from oldlog import link_here
from product import Product

from aggregator import limits
from aggregator.errors import HostError
from aggregator.history.search.patience import Patience
from aggregator.remote.trouble import trouble

CONNECT = 5  # seconds


async def never() -> None:
    await asyncio.Event().wait()


async def soon() -> str:
    return "here"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HISTORY_AGAIN", 0.05)
    monkeypatch.setattr(limits, "HISTORY_PATIENCE", -9.7)  # a link here has a connect_timeout of 10 s


@pytest.mark.usefixtures("quick")
async def test_a_silent_host_is_told_with_its_first_error_until_it_answers() -> None:
    async with link_here(LocalTransport()) as link:
        patience = Patience(goes_on=True)
        began = time.monotonic()
        with pytest.raises(HostError) as first:
            await patience.wait(link, never())
        full = time.monotonic() - began
        assert full >= 0.29
        assert first.value.cause == "timeout"
        with pytest.raises(HostError) as second:
            await patience.wait(link, never())
        assert second.value is first.value
        assert await patience.wait(link, soon()) == "here"
        with pytest.raises(HostError) as third:
            await patience.wait(link, never())
        assert third.value is not first.value


@pytest.mark.usefixtures("quick")
async def test_what_is_told_at_once_and_what_was_lost_is_tried_in_full_again() -> None:
    async def fails(error: HostError, after: float) -> None:
        await asyncio.sleep(after)
        raise error

    async with link_here(LocalTransport()) as link:
        for cause, after, again in (("timeout", 0.0, False), ("lost", 0.1, False), ("timeout", 0.1, True)):
            patience = Patience()
            with pytest.raises(HostError):
                await patience.wait(link, fails(trouble(cause, endpoint="a", seconds=1), after))
            assert (patience._trouble(link) is not None) == again


@pytest.mark.usefixtures("quick")
async def test_what_a_live_view_knows_to_be_silent_is_not_waited_for() -> None:
    async with link_here(LocalTransport()) as link:
        silent, lost = trouble("timeout", endpoint="a", seconds=1), trouble("lost", endpoint="a")
        with pytest.raises(HostError) as told:
            await Patience(goes_on=True).wait(link, never(), silent)
        assert told.value is silent
        with pytest.raises(HostError) as told:
            await Patience(goes_on=True).wait(link, never(), lost)
        assert told.value.cause == "timeout"


async def test_a_dead_host_is_waited_for_once_and_named_on_every_page(fleet: Fleet, tmp_path: Path) -> None:
    async with blackhole() as port:
        near, dead = fleet.add("web-1"), fleet.add("web-2")
        dead.reached_at = port
        (near.root / "app.log").write_text("".join(f"2026-03-01T12:00:0{n}Z line {n}\n" for n in range(9)))
        source = {"hosts": "@*", "path": f"{near.root.parent}/${{host}}/app.log"}
        inventory = fleet.inventory({"app": source}, ssh={"connect_timeout": f"{CONNECT}s"})
        with Product(inventory, tmp_path) as product:
            cursor: dict[str, str] = {}
            texts, took = [], []
            for _ in range(3):
                began = time.monotonic()
                page = (
                    await asyncio.to_thread(lambda: product.get("/api/v1/lines", limit=3, **cursor))  # noqa: B023
                ).json()
                took.append(time.monotonic() - began)
                assert (page["complete"], [failure["host"] for failure in page["failed"]]) == (False, ["web-2"])
                assert "no answer" in page["failed"][0]["detail"]
                texts = [line["text"] for line in page["lines"]] + texts
                cursor = {"cursor": page["cursor"]}
    assert [text[-6:] for text in texts] == [f"line {n}" for n in range(9)]
    assert took[0] >= CONNECT
    assert min(took[1:]) < took[0]  # a busy machine may hold up one of them
