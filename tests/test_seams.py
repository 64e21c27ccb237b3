"""Where lines could be lost, doubled or out of place: files that go and come, reloads and ends while files join."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from engine import Engine, running
from fleet import Fleet, FleetHost
from test_link import eventually

from aggregator import limits
from aggregator.errors import TooMany
from aggregator.hub.chunk import Chunk
from aggregator.hub.ring import Ring, share
from aggregator.inventory import load
from aggregator.model import Batch, File, Principal
from aggregator.past import Between
from aggregator.query import Query
from aggregator.stream.reader import NOTHING

_ME = Principal("local", "api")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        yield fleet


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


async def until_files(engine: Engine, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await engine.files("app")) != count:  # noqa: ASYNC110 - the API tells no changes
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("linger", [30.0, 0.05])
async def test_file_of_a_pattern_that_goes_and_comes_is_shown_once(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linger: float
) -> None:
    """As by logrotate without `create`: the name is missing until the program writes again."""
    monkeypatch.setattr(limits, "GLOB_INTERVAL", 0.1)
    monkeypatch.setattr(limits, "TAIL_LINGER", linger)
    root = fleet.add("a").root
    log = root / "one.log"
    append(root / "other.log", "other\n")
    append(log, "".join(f"{number}\n" for number in range(5)))
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{root}/*.log"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        await view.until_all(lambda: len(view.texts) == 6)
        append(log, "live\n")
        await view.until_text("live")
        log.rename(root / "one.log.1")
        await until_files(engine, 1)
        append(root / "one.log.1", "late\n")
        append(log, "again\n")
        await view.until_text("again")
        append(log, "end\n")
        await view.until_text("end")
    assert sorted(view.texts) == sorted([*map(str, range(5)), "other", "live", "late", "again", "end"])


async def test_file_that_goes_before_it_could_be_read_and_comes_again_is_shown_once(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GLOB_INTERVAL", 0.1)
    root = fleet.add("a").root
    append(root / "other.log", "other\n")
    (root / "one.log").symlink_to(root / "gone")
    (root / "one.log").unlink()
    (root / "one.log").mkdir()
    sources = {"app": {"hosts": "a", "path": f"{root}/*.log"}}
    async with running(fleet.inventory(sources), tmp_path) as engine, engine.watch("a") as view:
        await view.until_text("other")
        (root / "one.log").rmdir()
        append(root / "one.log", "x\n")
        await view.until_text("x")
        (root / "one.log").rename(root / "away")
        await until_files(engine, 1)
        (root / "away").rename(root / "one.log")
        await until_files(engine, 2)
        append(root / "one.log", "y\n")
        await view.until_text("y")
    assert sorted(view.texts) == ["other", "x", "y"]


async def test_reload_leaves_no_task_of_a_file_that_was_not_there(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{host.root}/missing.log"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        await view.until_notice("failed")
        before = len(asyncio.all_tasks())
        for number in range(5):
            changed = yaml.safe_load(inventory.read_text())
            changed["ssh"]["connect_timeout"] = f"{number + 3}s"
            inventory.write_text(yaml.safe_dump(changed))
            seen = len(view.records)
            await engine.aggregator.reload(load([inventory]))
            await view.until_notice("failed", start=seen)
        await eventually(lambda: not host_followers(host), "the old followers to end")
        assert len(asyncio.all_tasks()) <= before + 1


def host_followers(host: FleetHost) -> list[str]:
    return [line for line in host.processes() if "follow" in line]


async def test_reload_ends_what_was_followed_another_way_at_once(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("a")
    append(host.root / "x.log", "x\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{host.root}/x.log"}})
    async with running(inventory, tmp_path) as engine, engine.watch("a") as view:
        await view.until_text("x")
        await eventually(lambda: host.connections() > 0, "a connection")
        connections = host.connections()
        changed = yaml.safe_load(inventory.read_text())
        changed["ssh"]["connect_timeout"] = "3s"
        inventory.write_text(yaml.safe_dump(changed))
        await engine.aggregator.reload(load([inventory]))
        append(host.root / "x.log", "y\n")
        await view.until_text("y")
        await eventually(lambda: host.connections() == connections, "the old connection to end", 20)
    assert view.texts == ["x", "y"]


async def test_host_that_goes_between_question_and_answer_is_left_out(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("a", "b"):
        append(fleet.add(name).root / "x.log", f"{name}\n")
    roots = fleet.hosts["a"].root.parent
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{roots}/${{host}}/x.log"}})
    async with running(inventory, tmp_path) as engine:
        plan = engine.aggregator.plan(_ME, Query(follow="0"))
        opening = asyncio.ensure_future(_texts(engine, plan))
        await asyncio.sleep(0)  # it waits for the audit log now
        changed = yaml.safe_load(inventory.read_text())
        del changed["hosts"]["b"]
        inventory.write_text(yaml.safe_dump(changed))
        await engine.aggregator.reload(load([inventory]))
        async with asyncio.timeout(10):
            assert await opening == ["a"]


async def _texts(engine: Engine, plan: object) -> list[str]:
    async with engine.aggregator.watch(_ME, plan, "test") as subscription:  # type: ignore[arg-type]
        records = [json.loads(line) async for block in subscription for line in block.encoded("ndjson").splitlines()]
    return [record["text"] for record in records if record["type"] == "line"]


async def test_views_at_once_are_bounded_also_when_they_come_together(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VIEWERS", 3)
    append(fleet.add("a").root / "x.log", "x\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{fleet.hosts['a'].root}/x.log"}})
    async with running(inventory, tmp_path) as engine:
        plan = engine.aggregator.plan(_ME, Query(follow="0"))
        answers = await asyncio.gather(*(_texts(engine, plan) for _ in range(10)), return_exceptions=True)
        assert len([answer for answer in answers if isinstance(answer, TooMany)]) == 7
        assert await _texts(engine, plan) == ["x"]


async def test_nothing_comes_after_the_end(fleet: Fleet, tmp_path: Path) -> None:
    """Also of a backlog that waits for a viewer to take more."""
    root = fleet.add("a").root
    append(root / "x.log", "".join(f"{number:06}\n" for number in range(40_000)))
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{root}/x.log"}})
    async with running(inventory, tmp_path) as engine:
        plan = engine.aggregator.plan(_ME, Query(lines="40000"))
        kinds: list[str] = []
        async with engine.aggregator.watch(_ME, plan, "test") as subscription:
            await eventually(lambda: subscription.pending > limits.QUEUE_LINES // 2, "a backlog that waits")
            engine.aggregator.drain()
            async for block in subscription:
                await asyncio.sleep(0)  # as sending does
                kinds += [json.loads(line)["type"] for line in block.encoded("ndjson").splitlines()]
        assert kinds.count("end") == 1
        assert kinds[-1] == "end"


async def test_viewers_share_encoded_lines_also_beside_a_file_that_fails(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fleet.add("a").root
    append(root / "x.log", "x\n")
    sources = {"app": {"hosts": "a", "path": f"{root}/x.log"}, "no": {"hosts": "a", "path": f"{root}/missing.log"}}
    async with running(fleet.inventory(sources), tmp_path) as engine:
        async with engine.watch("a") as one, engine.watch("a") as two:
            for view in (one, two):
                await view.until_notice("live")
                await view.until_notice("failed")
            chunks: list[Chunk] = []
            made = Chunk.__init__

            def make(chunk: Chunk, lines: list[object]) -> None:
                chunks.append(chunk)
                made(chunk, lines)  # type: ignore[arg-type]

            monkeypatch.setattr(Chunk, "__init__", make)
            append(root / "x.log", "y\n")
            await one.until_text("y")
            await two.until_text("y")
        assert len(chunks) == 1


async def test_view_with_a_fault_of_its_own_ends_alone(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fleet.add("a").root
    append(root / "x.log", "x\n")
    inventory = fleet.inventory({"app": {"hosts": "a", "path": f"{root}/x.log"}})
    async with running(inventory, tmp_path) as engine:
        async with engine.watch("a") as view:
            await view.until_text("x")
            with monkeypatch.context() as patch:
                patch.setattr("aggregator.hub.backlog.last_lines", _fails)
                with pytest.raises(BaseExceptionGroup) as caught:
                    await _texts(engine, engine.aggregator.plan(_ME, Query()))
            assert caught.group_contains(ZeroDivisionError)
            append(root / "x.log", "y\n")
            await view.until_text("y")
        assert engine.metrics.viewers._value.get() == 0


async def _fails(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def test_position_that_another_view_was_ahead_with_is_not_repeated(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view of one file holds nothing back; one of several still holds the line that the first has given out."""
    monkeypatch.setattr(limits, "MERGE_HOLD", 2.0)
    root = fleet.add("a").root
    for name in ("one", "two"):
        append(root / f"{name}.log", f"{name}\n")
    sources = {name: {"hosts": "a", "path": f"{root}/{name}.log"} for name in ("one", "two")}
    async with (
        running(fleet.inventory(sources), tmp_path) as engine,
        engine.watch("a", sources=("one",)) as ahead,
        engine.watch("a", lines="0") as held,
    ):
        await ahead.until_notice("live")
        await held.until_all(lambda: len(held.notices("live")) == 2)
        append(root / "one.log", "z\n")
        line = await ahead.until_text("z")
        async with engine.watch("a", after=(line["position"],), lines="0") as view:
            await held.until_text("z")
            append(root / "one.log", "end\n")
            await view.until_text("end")
        assert view.texts == ["end"]


async def test_a_page_reads_only_so_much_and_goes_on_at_its_cursor(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern that passes nothing must not read a whole log, nor long lines fill the memory."""
    monkeypatch.setattr(limits, "PAGE_SCAN", 300_000)
    log = fleet.add("a").root / "x.log"
    append(log, "".join(f"{number:06} {'x' * 93}\n" for number in range(20_000)))
    inventory = fleet.inventory({"app": {"hosts": "a", "path": str(log)}})
    async with running(inventory, tmp_path) as engine:
        async with engine.watch("a", lines="20000") as view:
            await view.until_all(lambda: len(view.texts) == 20_000)
            places = [record["position"] for record in view.records if record["type"] == "line"]
        asked = Between(places[0], places[-1], grep=("000$|^01999",))
        texts: list[str] = []
        pages = 0
        while True:
            page = await engine.aggregator.past(_ME).between(asked)
            assert page.scanned_bytes < 400_000
            texts += [line.text[:6] for line in page.lines]
            pages += 1
            if page.cursor is None:
                break
            asked = replace(asked, cursor=page.cursor)
        assert texts == [f"{number:06}" for number in range(19_990, 19_999)]
        assert pages > 4
        monkeypatch.setattr(limits, "PAGE_BYTES", 100_000)
        page = await engine.aggregator.past(_ME).between(Between(places[0], places[-1], limit="10000"))
        assert 0 < len(page.lines) < 1000
        assert page.cursor


def test_rings_share_their_memory_and_batches_of_a_line_count_as_what_they_take() -> None:
    file = File("a", "app", "/x")
    ring = Ring(lambda: 100 * (limits.BATCH_COST + 10))
    for number in range(1000):
        ring.append(Batch(file, "0" * 16, 10 * number, 10 * number + 10, b"123456789\n"), NOTHING, 0.0, history=False)
    assert len(ring.until(ring.seq)) == 100
    assert share(1) == limits.RING_BYTES
    assert 5_000 * share(5_000) <= limits.RINGS_BYTES
