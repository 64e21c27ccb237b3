"""The list of lines under load, in a real browser: bounds, scrolling, following, pausing, wrapping."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from browser import Record, Stage, chromium, line, serving, tab
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD = 100_000  # lines: the bound that static/limits.js sets
RATE = 2_000  # lines a second
LONGEST_TASK_MS = 100
TRACED_S = 6
TRACES = 3
TEXT = '10.1.2.3 - - "GET /cart/items?page=2 HTTP/1.1" 200 5123 "-" "Mozilla/5.0 (X11; Linux x86_64)"'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with serving(Stage()) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with tab(browser) as page:
        yield page


def lines(first: int, number: int, text: str = TEXT) -> list[Record]:
    hosts = ("web-1", "web-2", "db-1")
    return [line(n, hosts[n % 3], f"{n} {text}", level="info") for n in range(first, first + number)]


async def filled(page: Page, stage: Stage, number: int, query: str = "") -> None:
    """The page holds that many lines."""
    await page.goto(f"{stage.url}{query}")
    await stage.viewed(1)
    for first in range(0, number, 5_000):
        await stage.send(*lines(first, min(5_000, number - first)))
    await expect(page.locator("status-line")).to_contain_text(f"{number:,} lines", timeout=30_000)


async def shown(page: Page) -> list[int]:
    """The numbers of the lines that are in sight."""
    script = """() => {
      const sight = document.querySelector(".scroller").getBoundingClientRect();
      return [...document.querySelectorAll(".row.line")].filter((row) => {
        const box = row.getBoundingClientRect();
        return box.top >= sight.top - 1 && box.bottom <= sight.bottom + 1;
      }).map((row) => Number(row.querySelector(".text").textContent.split(" ")[0]));
    }"""
    return await page.evaluate(script)  # type: ignore[no-any-return]


async def settled(page: Page) -> None:
    """Two frames: what was asked for is drawn."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


async def wheel(page: Page, pixels: int) -> None:
    await page.mouse.move(700, 400)
    await page.mouse.wheel(0, pixels)
    await settled(page)


def long_tasks(trace: bytes) -> list[float]:
    """Milliseconds of the tasks of the page's main thread, the longest first, out of a Chromium trace.

    A task that had the processor for less than half of its time was held up by other programs of the machine:
    it counts as twice the time that it had.
    """
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    names = [event for event in events if event["name"] == "thread_name"]
    main = {(e["pid"], e["tid"]) for e in names if e["args"]["name"] == "CrRendererMain"}
    tasks = [e for e in events if e["name"].endswith("RunTask") and (e["pid"], e["tid"]) in main and "dur" in e]
    assert len(tasks) > 100
    return sorted((min(e["dur"], 2 * e.get("tdur", e["dur"])) / 1000 for e in tasks), reverse=True)


@pytest.mark.parametrize("query", ["", "?wrap=1"])
async def test_no_task_is_long_while_scrolling_many_lines_at_a_high_rate(
    browser: Browser, page: Page, stage: Stage, query: str
) -> None:
    await filled(page, stage, HELD, query)
    numbers = count(HELD, RATE // 20)
    longest = [await longest_tasks(browser, page, stage, numbers)]
    while longest[-1][0] >= LONGEST_TASK_MS and len(longest) < TRACES:  # other programs of the machine only add
        longest.append(await longest_tasks(browser, page, stage, numbers))
    assert longest[-1][0] < LONGEST_TASK_MS, longest
    assert len(await shown(page)) > 10


async def longest_tasks(browser: Browser, page: Page, stage: Stage, numbers: Iterator[int]) -> list[float]:
    """The longest tasks of some seconds of scrolling, milliseconds."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")  # what filling it in seconds left behind is not measured
    categories = ["disabled-by-default-devtools.timeline", "toplevel", "__metadata"]
    await browser.start_tracing(page=page, categories=categories)
    loop = asyncio.get_running_loop()
    end = loop.time() + TRACED_S
    distances = (-3000, -30000, 700, -200, 20000, -120, 5000, -60)
    for turn in range(TRACED_S * 20):
        await stage.send(*lines(next(numbers), RATE // 20))
        await page.mouse.move(700, 400)
        await page.mouse.wheel(0, distances[turn % len(distances)])
        await asyncio.sleep(max(0, end - TRACED_S + (turn + 1) / 20 - loop.time()))  # the rate, not a wait
    return long_tasks(await browser.stop_tracing())[:5]


async def test_the_oldest_lines_are_dropped_and_a_row_says_so(page: Page, stage: Stage) -> None:
    stage.past.free.clear()
    await filled(page, stage, HELD)
    await stage.send(*lines(HELD, 5_000))
    await expect(page.locator("status-line")).to_contain_text("oldest dropped")
    await page.keyboard.press("Home")
    await settled(page)
    await expect(page.locator(".row.mark .text").first).to_contain_text("older lines dropped")
    held = await page.locator("status-line").evaluate("(element) => element.held")
    assert HELD - 1_000 < held <= HELD + 2_000
    assert (await shown(page))[0] > 0


async def test_the_view_follows_the_end_until_the_reader_scrolls_up(page: Page, stage: Stage) -> None:
    await filled(page, stage, 500)
    assert (await shown(page))[-1] == 499
    await wheel(page, -4000)
    await expect(page.locator(".pill")).to_have_text("Follow")
    before = await shown(page)
    await stage.send(*lines(500, 300))
    await expect(page.locator(".pill")).to_have_text("300 new lines")
    assert await shown(page) == before
    await page.locator(".pill").click()
    await settled(page)
    assert (await shown(page))[-1] == 799
    await stage.send(*lines(800, 1))
    await expect(page.locator(".row .text").last).to_contain_text("800 ")


async def test_a_reader_keeps_the_place_while_lines_come_before_it_and_are_dropped(page: Page, stage: Stage) -> None:
    await filled(page, stage, HELD)
    await wheel(page, -40_000)
    before = await shown(page)
    assert before[-1] < HELD - 1_000
    await stage.send(*(line(n, "new-host", "late", late=True) for n in range(50)))
    await stage.send(*lines(HELD, 6_000))
    await expect(page.locator("status-line")).to_contain_text("oldest dropped")
    await settled(page)
    assert await shown(page) == before


async def test_a_reader_keeps_the_place_when_a_host_goes(page: Page, stage: Stage) -> None:
    await filled(page, stage, 3_000)
    await wheel(page, -20_000)
    before = await shown(page)
    await page.get_by_role("switch", name="web-1, live").click()
    await stage.viewed(2)
    await settled(page)
    after = await shown(page)
    assert set(before) - {n for n in before if n % 3 == 0} <= set(after)


async def test_the_keys_scroll_from_anywhere(page: Page, stage: Stage) -> None:
    await filled(page, stage, 1_000)
    await page.keyboard.press("Home")
    await settled(page)
    assert (await shown(page))[0] == 0
    await page.keyboard.press("PageDown")
    await settled(page)
    assert (await shown(page))[0] > 20
    await page.keyboard.press("Shift+G")
    await settled(page)
    assert (await shown(page))[-1] == 999
    await expect(page.locator(".pill")).to_have_count(0)


async def test_a_pause_freezes_the_view_and_says_what_was_too_much(page: Page, stage: Stage) -> None:
    await filled(page, stage, 200)
    await page.keyboard.press("Space")
    before = await shown(page)
    for first in range(200, 60_200, 5_000):
        await stage.send(*lines(first, 5_000))
    await expect(page.locator("status-line")).to_contain_text("50,000 records wait")
    assert await shown(page) == before
    await page.keyboard.press("Space")
    await expect(page.locator("status-line")).to_contain_text("50,201 lines")
    await page.keyboard.press("Home")
    await settled(page)
    for _ in range(6):
        await page.keyboard.press("PageDown")
    await expect(page.locator(".row.mark .text")).to_contain_text("10,000 records not shown")


async def test_wrapped_lines_are_whole_and_keep_the_reader_at_their_place(page: Page, stage: Stage) -> None:
    await filled(page, stage, 3_000)
    await wheel(page, -20_000)
    top = (await shown(page))[0]
    await page.set_viewport_size({"width": 700, "height": 720})
    await page.keyboard.press("w")
    await settled(page)
    numbers = await shown(page)
    assert top in numbers[:3]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    tall = await page.locator(".row").first.evaluate("(row) => row.offsetHeight")
    assert tall >= 40
    assert tall % 20 == 0
    wide = await page.locator(".scroller").evaluate("(element) => element.scrollWidth - element.clientWidth")
    assert wide == 0


async def test_more_than_an_element_can_be_tall_is_still_reached_line_by_line(page: Page, stage: Stage) -> None:
    await page.set_viewport_size({"width": 400, "height": 720})
    await page.goto(f"{stage.url}?wrap=1")
    await stage.viewed(1)
    for first in range(0, 24_000, 1_000):
        await stage.send(*lines(first, 1_000, "x" * 2_400))
    await expect(page.locator("status-line")).to_contain_text("24,000 lines", timeout=30_000)
    height = await page.locator(".spacer").evaluate("(element) => element.offsetHeight")
    assert height == 15_000_000
    await page.keyboard.press("Home")
    await settled(page)
    numbers = [int(text.split(" ")[0]) for text in await page.locator(".row.line .text").all_text_contents()]
    assert numbers[0] == 0
    await page.keyboard.press("End")
    await settled(page)
    last = page.locator(".row .text").last
    await expect(last).to_contain_text("23999 ")
    await expect(last).to_be_in_viewport()
