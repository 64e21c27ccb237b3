"""A gap in the page: its lines are loaded by a click, and put where they belong."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from browser import Record, Stage, chromium, gap, line, serving, tab
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


def answer(*lines: Record, cursor: str | None = None, failed: str = "") -> tuple[int, Record]:
    faults = [{"host": "web-1", "detail": failed}] if failed else []
    return 200, {"lines": lines, "cursor": cursor, "complete": not failed, "scanned_bytes": 1, "failed": faults}


async def show(page: Page, stage: Stage, *records: Record, query: str = "") -> None:
    await page.goto(f"{stage.url}{query}")
    await stage.viewed(1)
    await stage.send(*records)
    await expect(page.locator(".row")).to_have_count(len(records))


async def test_a_click_puts_the_missing_lines_in_their_place(page: Page, stage: Stage) -> None:
    stage.pages = [answer(line(2), line(3))]
    query = "?grep=line&exclude=x&level=info"
    await show(page, stage, line(1), gap(2, 4), line(4), line(5, "db-1"), query=query)
    await page.get_by_role("button", name="Load them").click()
    await expect(page.locator(".row .text")).to_have_text([f"line {n}" for n in range(1, 6)])
    (asked,) = stage.pages_asked
    assert dict(asked) == {
        "from": "web-1-000000002",
        "to": "web-1-000000004",
        "grep": "line",
        "exclude": "x",
        "level": "info",
        "limit": "1000",
    }
    await expect(page.locator("status-line")).to_contain_text("5 lines")


async def test_more_lines_than_a_click_loads_leave_a_shorter_gap(page: Page, stage: Stage) -> None:
    stage.pages = [answer(line(2), line(3), cursor="c"), answer(line(4))]
    await show(page, stage, line(1), gap(2, 5), line(5))
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row")).to_have_count(5)
    rest = page.locator(".row").nth(3)
    await expect(rest).to_contain_text("1 line of /a.log is missing here")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row .text")).to_have_text([f"line {n}" for n in range(1, 6)])
    assert [asked.get("cursor") for asked in stage.pages_asked] == [None, "c"]


async def test_a_refusal_is_said_in_the_row_and_lines_that_are_gone_are_not_asked_for_again(
    page: Page, stage: Stage
) -> None:
    stage.pages = [
        answer(failed="connection refused"),
        (503, {"title": "no audit", "detail": "the audit log can't be written"}),
        (410, {"title": "gone", "detail": "the log was rotated away"}),
    ]
    await show(page, stage, line(1), gap(2, 5), line(5))
    for words in ("web-1: connection refused", "the audit log can't be written", "the log was rotated away"):
        await page.get_by_role("button", name="Load them").click()
        missing = "3 lines (100 bytes) of /a.log are missing here"
        await expect(page.locator(".row.mark")).to_contain_text(f"Not loaded: {words}. {missing}")
    await expect(page.get_by_role("button", name="Load them")).to_have_count(0)


async def test_what_is_known_to_be_gone_is_not_offered(page: Page, stage: Stage) -> None:
    lost = [gap(2, 5, reason="rotated-away"), gap(2, 5, reason="truncated"), gap(2, 5, to=None)]
    await show(page, stage, line(1), *lost, line(5))
    await expect(page.get_by_role("button", name="Load them")).to_have_count(0)


async def test_thousands_of_loaded_lines_leave_a_reader_at_the_place_and_the_order_right(
    page: Page, stage: Stage
) -> None:
    stage.pages = [answer(*(line(n) for n in range(100, 1100)), cursor="c")]
    records = [*(line(n) for n in range(100)), gap(100, 2000), *(line(n, "db-1") for n in range(2000, 2600))]
    await page.goto(stage.url)
    await stage.viewed(1)
    await stage.send(*records)
    await expect(page.locator(".row .text").last).to_have_text("line 2599")
    await page.evaluate("(n) => { const list = document.querySelector('log-list'); list.home(); }")
    await page.keyboard.press("PageDown")
    await page.keyboard.press("PageDown")
    await page.keyboard.press("PageDown")
    button = page.get_by_role("button", name="Load them")
    before = await button.bounding_box()
    first = page.locator(".row .text", has_text="line 99")
    place = await first.bounding_box()
    await button.click()
    await expect(page.locator("status-line")).to_contain_text("1,702 lines")
    assert await first.bounding_box() == place
    assert before
    order = await page.evaluate("() => [...document.querySelector('log-list').store].map((row) => row.record?.text)")
    wanted = [None] + [f"line {n}" for n in range(1100)] + [None] + [f"line {n}" for n in range(2000, 2600)]
    assert order == wanted
    await stage.send(line(2599, "web-2", "late", late=True), line(2000, text="of web-1"))
    await expect(page.locator("status-line")).to_contain_text("1,704 lines")
