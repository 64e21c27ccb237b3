"""The lines around one, in the page's details of it: what is asked, what is shown, and what is said in trouble."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browser import Record, Stage, chromium, line, serving, tab
from playwright.async_api import Browser, Locator, Page, expect
from test_page_access import violations

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN = 500  # number of the line whose context is asked for


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
    async with tab(browser, timezone_id="UTC") as page:
        yield page


def answer(*lines: Record, failed: str = "") -> tuple[int, Record]:
    faults = [{"host": "web-1", "detail": failed}] if failed else []
    return 200, {"lines": lines, "cursor": None, "complete": not failed, "scanned_bytes": 1, "failed": faults}


def span(first: int, last: int) -> tuple[int, Record]:
    """The answer that holds the lines `first` to `last`, both included."""
    return answer(*(line(n) for n in range(first, last + 1)))


def numbers(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last + 1)]


async def details(page: Page, stage: Stage, **more: object) -> Locator:
    """Open the page at one line, and that line's details."""
    await page.goto(stage.url)
    await stage.viewed(len(stage.views) or 1)
    await stage.send(line(SHOWN, **more))
    await page.locator("log-list .row .text").dblclick()
    dialog = page.get_by_role("dialog", name="Line")
    await expect(dialog).to_be_visible()
    return dialog


def around(dialog: Locator) -> Locator:
    return dialog.locator(".around .text")


def asked(stage: Stage) -> list[dict[str, str]]:
    return [dict(each) for each in stage.contexts_asked]


def question(position: int, before: int, after: int) -> dict[str, str]:
    return {"position": line(position)["position"], "before": str(before), "after": str(after)}


async def test_a_button_shows_the_ten_lines_on_each_side_and_marks_the_line(page: Page, stage: Stage) -> None:
    stage.contexts = [span(SHOWN - 10, SHOWN + 10)]
    dialog = await details(page, stage)
    assert not stage.contexts_asked
    await dialog.get_by_role("button", name="Show context").click()
    await expect(around(dialog)).to_have_text(numbers(SHOWN - 10, SHOWN + 10))
    assert asked(stage) == [question(SHOWN, 10, 10)]
    marked = dialog.locator(".around [aria-current]")
    await expect(marked.locator(".text")).to_have_text([f"line {SHOWN}"])
    await expect(marked).to_be_in_viewport()


async def test_the_key_c_shows_and_hides_them_also_after_a_click_on_the_text(page: Page, stage: Stage) -> None:
    stage.contexts = [span(SHOWN, SHOWN), span(SHOWN, SHOWN)]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    await expect(around(dialog)).to_have_count(1)
    await dialog.locator("dt").first.click()
    await page.keyboard.press("c")
    await expect(dialog.locator("line-context")).to_have_count(0)
    await page.keyboard.press("Escape")
    await page.keyboard.press("c")
    await expect(dialog).to_be_hidden()
    await page.evaluate("localStorage.setItem('tailon-agg.keys', 'off')")
    await page.locator("log-list .row .text").dblclick()
    await page.keyboard.press("c")
    await expect(dialog.get_by_role("button", name="Show context")).to_be_visible()
    assert len(stage.contexts_asked) == 1


async def test_closing_forgets_them_and_stops_what_is_asked(page: Page, stage: Stage) -> None:
    held = asyncio.Event()
    stopped: list[str] = []
    page.on("requestfailed", lambda request: stopped.append(request.url))
    await page.route("**/api/v1/context?*", lambda route: held.set())  # never answered
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    async with asyncio.timeout(10):
        await held.wait()
    await expect(dialog.get_by_role("button", name="Loading…")).to_be_visible()
    async with page.expect_event("requestfailed"):
        await page.keyboard.press("Escape")
    assert len(stopped) == 1
    await page.locator("log-list .row .text").dblclick()
    await expect(dialog.locator("line-context")).to_have_count(0)


async def test_text_is_neutralised_and_times_and_levels_stand_beside_it(page: Page, stage: Stage) -> None:
    nasty = "<img src=x onerror=document.title='owned'> \x1b[31mred\x1b[0m \u202egnp.exe"
    stage.contexts = [answer(line(SHOWN - 1, text=nasty, level="error"), line(SHOWN), line(SHOWN + 86_400_000))]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    rows = dialog.locator(".around .row")
    await expect(rows.first.locator(".text")).to_have_text(
        "<img src=x onerror=document.title='owned'> ␛[31mred␛[0m \\u202egnp.exe"
    )
    await expect(rows.locator(".time")).to_have_text(["10:00:00.499", "10:00:00.500", "11-24 10:00:00.500"])
    await expect(rows.first.locator(".level")).to_have_text("ERR")
    assert await dialog.locator("img").count() == 0
    assert "owned" not in await page.title()


async def test_times_are_on_the_clock_that_the_page_shows(browser: Browser, stage: Stage) -> None:
    stage.contexts = [span(SHOWN, SHOWN), span(SHOWN, SHOWN)]
    async with tab(browser, timezone_id="Europe/Berlin") as page:
        dialog = await details(page, stage)
        await page.keyboard.press("c")
        await expect(dialog.locator(".around .time")).to_have_text("11:00:00.500")
        await page.keyboard.press("Escape")
        await page.keyboard.press("t")
        await page.locator("log-list .row .text").dblclick()
        await page.keyboard.press("c")
        await expect(dialog.locator(".around .time")).to_have_text("10:00:00.500")


async def test_each_side_grows_by_fifty_and_what_is_read_stays_in_its_place(page: Page, stage: Stage) -> None:
    stage.contexts = [
        span(SHOWN - 10, SHOWN + 10),
        span(SHOWN - 60, SHOWN - 10),
        span(SHOWN + 10, SHOWN + 60),
    ]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    first = around(dialog).get_by_text(f"line {SHOWN - 10}", exact=True)
    more = dialog.get_by_role("button", name="More before")
    await more.scroll_into_view_if_needed()
    place = await first.bounding_box()
    await more.click()
    await expect(around(dialog)).to_have_count(71)
    assert await first.bounding_box() == place
    await expect(more).to_be_focused()
    await dialog.get_by_role("button", name="More after").click()
    await expect(around(dialog)).to_have_text(numbers(SHOWN - 60, SHOWN + 60))
    assert asked(stage)[1:] == [question(SHOWN - 10, 50, 0), question(SHOWN + 10, 0, 50)]


async def test_a_thousand_lines_on_a_side_are_the_most(page: Page, stage: Stage) -> None:
    steps = [*range(10, 1000, 50), 1000]
    stage.contexts = [span(SHOWN - 10 + 1000, SHOWN + 1000)] + [
        span(SHOWN + 1000 - far, SHOWN + 1000 - near) for near, far in itertools.pairwise(steps)
    ]
    await page.goto(stage.url)
    await stage.viewed(len(stage.views) or 1)
    await stage.send(line(SHOWN + 1000))
    await page.locator("log-list .row .text").dblclick()
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Line")
    for shown in steps[1:]:
        await dialog.get_by_role("button", name="More before").click()
        await expect(around(dialog)).to_have_count(shown + 1)
    await expect(dialog).to_contain_text("1,000 lines before it are shown; that is the most.")
    await expect(dialog.get_by_role("button", name="More before")).to_have_count(0)
    assert asked(stage)[-1] == question(SHOWN + 1000 - 960, 40, 0)


async def test_the_ends_of_the_log_are_said_and_its_newest_line_is_asked_for_again(page: Page, stage: Stage) -> None:
    stage.contexts = [span(SHOWN - 2, SHOWN + 1), span(SHOWN + 1, SHOWN + 3)]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    await expect(dialog).to_contain_text("2 lines before it: the log begins here.")
    await expect(dialog).to_contain_text("The newest line, so far.")
    await dialog.get_by_role("button", name="Look again").click()
    await expect(around(dialog)).to_have_text(numbers(SHOWN - 2, SHOWN + 3))


async def test_a_line_that_is_gone_is_said_and_not_asked_for_again(page: Page, stage: Stage) -> None:
    stage.contexts = [(410, {"title": "gone", "status": 410, "detail": "the log was rotated away\x1b"})]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    await expect(dialog.get_by_role("alert")).to_have_text("Not shown: the log was rotated away␛")
    await expect(dialog.get_by_role("button", name="Try again")).to_have_count(0)
    await expect(dialog.locator(".whole")).to_have_text(f"line {SHOWN}")


async def test_a_host_that_is_down_is_said_in_place_and_tried_again_by_a_click(page: Page, stage: Stage) -> None:
    stage.contexts = [
        answer(failed="connection refused; is sshd running?"),
        (503, {"title": "no audit", "detail": "the audit log can't be written"}),
        span(SHOWN - 10, SHOWN + 10),
        answer(failed="timed out"),
        span(SHOWN - 11, SHOWN - 10),
    ]
    dialog = await details(page, stage)
    await page.keyboard.press("c")
    alert, again = dialog.get_by_role("alert"), dialog.get_by_role("button", name="Try again")
    await expect(alert).to_have_text("Not shown: web-1: connection refused; is sshd running?")
    await again.click()
    await expect(alert).to_have_text("Not shown: the audit log can't be written")
    await again.click()
    await expect(around(dialog)).to_have_count(21)
    await dialog.get_by_role("button", name="More before").click()
    await expect(alert).to_have_text("Not shown: web-1: timed out")
    await expect(around(dialog)).to_have_count(21)
    await again.click()
    await expect(around(dialog)).to_have_count(22)
    await expect(dialog.get_by_role("region", name="Context")).to_be_focused()


async def test_a_server_that_is_away_is_said(page: Page, stage: Stage) -> None:
    dialog = await details(page, stage)
    await page.route("**/api/v1/context?*", lambda route: route.abort())
    await page.keyboard.press("c")
    await expect(dialog.get_by_role("alert")).to_have_text("Not shown: the server does not answer")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_and_it_fits(
    browser: Browser, stage: Stage, tmp_path: Path, scheme: str, width: int
) -> None:
    """A picture of each stays in the test's folder for whoever wants to look."""
    levels = ["debug", "info", "warning", "error", "critical", None]
    lines = [line(n, level=levels[n % 6], stamped=n % 5 > 0) for n in range(SHOWN - 10, SHOWN)]
    lines += [line(SHOWN, level="warning"), line(SHOWN + 1, text="at com.example.Shop \x1b[31m" + "orders/" * 40)]
    stage.contexts = [answer(*lines), answer(failed="connection refused")]
    async with tab(browser, color_scheme=scheme, viewport={"width": width, "height": 844}) as page:
        dialog = await details(page, stage, level="warning")
        await page.keyboard.press("c")
        await expect(around(dialog)).to_have_count(12)
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
        await dialog.get_by_role("button", name="More before").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / f"{scheme}-{width}-trouble.png")
        wide = await dialog.evaluate("(element) => [element.scrollWidth - element.clientWidth, innerWidth]")
        assert wide == [0, width]
