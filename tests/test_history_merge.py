"""Lines of history while some hosts are slow: what others have found comes out, nothing is lost, nothing comes twice.
Real sshd behind a proxy that stalls, throttles and delays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from faults import TcpProxy
from fleet import Fleet
from hypothesis import given
from hypothesis import strategies as st
from product import Product, Record, Stream, target

from aggregator import limits
from aggregator.history.reading.entry import Entry, Raw
from aggregator.history.reading.log import Hits
from aggregator.history.reading.mark import START, Mark
from aggregator.history.reading.select import Hit
from aggregator.history.search.lane import Lane
from aggregator.history.search.merge import Merge
from aggregator.model import File

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECT = 2  # seconds, connect_timeout of these inventories
SLACK = 5.0 + 2.0  # seconds that a lost host may take beside it, and what a loaded machine takes
BEGIN = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
SLOW = 0.6 * limits.MERGE_PATIENCE  # seconds that bytes take to and from a slow host: too long for one question
LINES = 600  # of each host's log
HOSTS = ("web-1", "far-1", "web-2")


def text(host: str, number: int) -> str:
    """Line `number` of a host; those of three hosts take turns."""
    at = BEGIN + timedelta(seconds=3 * number + HOSTS.index(host))
    return f"{at:%Y-%m-%dT%H:%M:%SZ} order {number} on {host} {'x' * 100}"


Scene = tuple[Product, TcpProxy]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A product over three hosts, `far-1` of them through a proxy."""
    folder = tmp_path_factory.mktemp("merge")
    with Fleet(folder) as fleet:
        for name in HOSTS:
            (fleet.add(name).root / "app.log").write_text("".join(f"{text(name, n)}\n" for n in range(LINES)))
        far = fleet.hosts["far-1"]
        async with TcpProxy(far.port) as proxy:
            far.reached_at = proxy.port
            source = {"hosts": "@*", "path": f"{far.root.parent}/${{host}}/app.log", "timezone": "UTC"}
            with Product(fleet.inventory({"app": source}, ssh={"connect_timeout": f"{CONNECT}s"}), folder) as product:
                yield product, proxy


async def reached(product: Product) -> None:
    """Wait until all hosts are connected to."""
    async with asyncio.timeout(20):
        while not (await ask(product, limit=1))["complete"]:
            pass


def found(product: Product, **query: Any) -> Stream:
    """Lines as they are found."""
    return Stream(product.port, target("/api/v1/lines", {"format": "ndjson", **query}))


async def read(product: Product, **query: Any) -> tuple[list[Record], Record]:
    """All lines of an answer, and its end."""

    def whole() -> tuple[list[Record], Record]:
        with found(product, **query) as search:
            search.wait(search.ended.is_set, "its end", 60.0)
        return search.of("line"), search.records[-1]

    return await asyncio.to_thread(whole)


async def ask(product: Product, **query: Any) -> Any:
    return await asyncio.to_thread(lambda: product.get("/api/v1/lines", **query).json())


def placed(lines: list[Record], direction: str) -> list[str]:
    """The texts, each late one put where it belongs, oldest first."""
    assert direction in ("forward", "backward")
    return [line["text"] for line in sorted(lines, key=lambda line: str(line["time"]))]


def all_texts(*hosts: str) -> list[str]:
    return sorted(text(host, n) for host in hosts or HOSTS for n in range(LINES))


def keeps_files_in_order(lines: list[Record], direction: str) -> bool:
    for host in HOSTS:
        times = [line["time"] for line in lines if line["host"] == host]
        if times != sorted(times, reverse=direction == "backward"):
            return False
    return True


def late_exactly_where_overtaken(lines: list[Record], direction: str) -> bool:
    far = None
    for line in lines:
        late = far is not None and (line["time"] > far if direction == "backward" else line["time"] < far)
        if bool(line.get("late")) != late:
            return False
        far = far if late else line["time"]
    return True


@pytest.mark.parametrize("direction", ["backward", "forward"])
async def test_lines_come_before_a_stalled_host_has_answered_and_its_own_when_it_does(
    scene: Scene, direction: str
) -> None:
    product, proxy = scene
    await reached(product)
    proxy.stall()
    query = {"direction": direction, "limit": 10_000, "grep": "order"}
    with await asyncio.to_thread(lambda: found(product, **query)) as search:
        await asyncio.to_thread(search.wait, lambda: len(search.of("line")) == 2 * LINES, "the others' lines")
        assert {line["host"] for line in search.of("line")} == {"web-1", "web-2"}
        proxy.resume()
        await asyncio.to_thread(search.wait, search.ended.is_set, "its end")
    lines, end = search.of("line"), search.records[-1]
    assert (end["complete"], end["cursor"], end.get("late")) == (True, None, None)
    assert placed(lines, direction) == all_texts()
    assert keeps_files_in_order(lines, direction)
    assert late_exactly_where_overtaken(lines, direction)
    assert any(line.get("late") for line in lines)
    total = search.of("total")[-1]
    assert (total["stage"], total["hosts"], total["done"], total["failed"]) == ("done", 3, 3, 0)
    assert total["matches"] == 3 * LINES
    assert total["scanned"] == end["scanned_bytes"]


async def test_host_that_stays_silent_is_named_in_time_and_what_others_have_is_not_waited_for(scene: Scene) -> None:
    product, proxy = scene
    await reached(product)
    proxy.stall()
    began = asyncio.get_running_loop().time()
    lines, end = await read(product, limit=10_000)
    assert asyncio.get_running_loop().time() - began < CONNECT + SLACK
    assert placed(lines, "backward") == all_texts("web-1", "web-2")
    assert not end["complete"]
    assert [failure["host"] for failure in end["failed"]] == ["far-1"]
    proxy.cut()
    proxy.resume()


@pytest.mark.parametrize("direction", ["backward", "forward"])
async def test_pages_that_end_before_a_slow_host_has_answered_give_each_line_once(scene: Scene, direction: str) -> None:
    product, proxy = scene
    await reached(product)
    proxy.delay(SLOW)
    lines, end = await read(product, limit=300, direction=direction)
    assert "far-1" not in {line["host"] for line in lines}
    assert len(lines) == 300
    assert (end["complete"], end["late"]) == (True, True)
    proxy.delay(0.0)
    for page in range(20):
        more, end = await read(product, limit=300, direction=direction, cursor=end["cursor"])
        if page == 0:
            assert {line["host"] for line in more[:150]} == {"far-1"}
            assert all(line["late"] for line in more[:140])
        lines += more
        assert end["complete"]
        if end["cursor"] is None:
            break
    assert placed(lines, direction) == all_texts()
    assert keeps_files_in_order(lines, direction)
    assert late_exactly_where_overtaken(lines, direction)


async def test_a_whole_page_is_in_order_whatever_came_late(scene: Scene) -> None:
    product, proxy = scene
    await reached(product)
    proxy.delay(SLOW)
    page = await ask(product, limit=900)
    proxy.delay(0.0)
    assert [line["text"] for line in page["lines"]] == all_texts()[-900:]
    assert not any(line.get("late") for line in page["lines"])


async def test_throttled_host_does_not_hold_back_what_others_have(scene: Scene) -> None:
    product, proxy = scene
    await reached(product)
    proxy.throttle(40_000)
    with await asyncio.to_thread(lambda: found(product, direction="forward", limit=10_000)) as search:
        own = [len(search.texts(name)) for name in ("web-1", "web-2")]
        await asyncio.to_thread(
            search.wait,
            lambda: [len(search.texts(name)) for name in ("web-1", "web-2")] == [LINES, LINES],
            f"all of the others' lines, not {own}",
        )
        assert len(search.texts("far-1")) < LINES
        proxy.throttle(None)
        await asyncio.to_thread(search.wait, search.ended.is_set, "its end")
    assert placed(search.of("line"), "forward") == all_texts()
    assert late_exactly_where_overtaken(search.of("line"), "forward")


# --- The merge by itself -------------------------------------------------------------------------------------------


def hit(key: int, offset: int) -> Hit:
    raw = Raw("0" * 16, offset, 1, b"", "", key, 0, 0)
    return Hit(key, Entry(key, [raw], raw), 1, lambda _: [])


Files = list[list[tuple[int, bool]]]  # of each file: the step of a hit's key, and whether it is slow to come


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8), min_size=1, max_size=4))
async def test_each_hit_comes_once_in_its_files_order_and_late_only_where_it_was_overtaken(files: Files) -> None:
    merge = Merge(backward=False)
    keys: dict[str, list[int]] = {}
    lanes: list[Lane] = []
    for number, steps in enumerate(files):
        file = File(f"h{number}", "app", "/app.log")
        lane = Lane(file, START, lambda: 1 << 20, lambda _: merge.changed(), lambda: None, backward=False)
        keys[file.host] = [sum(step for step, _ in steps[: n + 1]) for n in range(len(steps))]
        lanes.append(lane)
        merge.expect(file.host)

    async def bring(lane: Lane, steps: list[tuple[int, bool]]) -> None:
        merge.add(lane)
        merge.settled(lane.file.host)
        for offset, (key, (_, slow)) in enumerate(zip(keys[lane.file.host], steps, strict=True)):
            await asyncio.sleep(0.004 if slow else 0)
            lane.hits.append(hit(key, offset))
            merge.changed()
        lane.end()

    out: list[tuple[str, int, int, bool]] = []
    async with asyncio.TaskGroup() as tasks:
        for lane, steps in zip(lanes, files, strict=True):
            tasks.create_task(bring(lane, steps))
        async for one in merge.hits(patience=0.001):
            if one is not None:
                lane, taken, late = one
                out.append((lane.file.host, taken.key, taken.entry.lines[0].offset, late))
    far: tuple[int, str] = (-1, "")
    for host, key, _, late in out:
        assert late == ((key, host) < far)
        far = max(far, (key, host))
    for lane in lanes:
        own = [(key, offset) for host, key, offset, _ in out if host == lane.file.host]
        assert own == [(key, offset) for offset, key in enumerate(keys[lane.file.host])]


async def test_the_last_hits_of_a_file_are_read_once_though_there_is_no_room_and_others_want_the_place() -> None:
    file = File("h", "app", "/app.log")
    lane = Lane(file, START, lambda: 1 << 20, lambda _: None, lambda: 1, backward=False)
    read: list[Mark] = []

    async def reading(mark: Mark) -> Hits:
        read.append(mark)
        assert len(read) < 3
        last = hit(1, 0)
        yield [last], Mark(last.head, done=True)

    await lane.fill(reading, lambda: True)
    assert (read, len(lane.hits), lane.done) == ([START], 1, True)
