"""What is hidden in the page, and how those who may see it ask for it: with a reason, marked, and never in a link."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from browser import Record, Stage, chromium, line, serving, tab
from playwright.async_api import Browser, Locator, Page, expect
from test_page_access import violations

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = line(1, text="pay with [redacted:card] now", level="error", redacted=True, spans=[[0, 3]])
SHOWN = line(1, text="pay with 4111 1111 1111 1111 now", level="error")
REASON = "INC-7: whose card was it"
ALICE = {"name": "alice", "via": "session", "roles": ["auditor"], "reveals": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with serving(Stage(me=ALICE, backlog=[HIDDEN, line(2, text="[redacted:card] says the log itself")])) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with tab(browser, timezone_id="UTC") as page:
        yield page


def answer(*lines: Record) -> tuple[int, Record]:
    return 200, {"lines": lines, "cursor": None, "complete": True, "scanned_bytes": 1, "failed": []}


async def details(page: Page, stage: Stage) -> Locator:
    """Open the page, and the details of the line with something hidden."""
    await page.goto(f"{stage.url}?grep=pay")
    await stage.viewed(1)
    await page.locator(".row").get_by_text("pay with").dblclick()
    return page.get_by_role("dialog", name="Line", exact=True)


async def asking(page: Page, stage: Stage) -> Locator:
    """The dialog that asks for the reason."""
    shown = await details(page, stage)
    await shown.get_by_role("button", name="Show…").click()
    return page.get_by_role("dialog", name="Show hidden text")


async def test_what_is_hidden_stands_out_where_the_server_hid_it_and_nowhere_else(page: Page, stage: Stage) -> None:
    shown = await details(page, stage)
    await expect(page.locator(".row .redacted")).to_have_text("[redacted:card]")
    await expect(shown.locator(".whole .redacted")).to_have_text("[redacted:card]")
    await expect(shown.get_by_role("definition").filter(has_text="card")).to_be_visible()


async def test_one_line_is_shown_for_a_reason_until_its_details_close(page: Page, stage: Stage) -> None:
    dialog = await asking(page, stage)
    await dialog.get_by_label("Reason").fill("   ")
    await dialog.get_by_role("button", name="Show this line").click()
    await expect(dialog).to_be_visible()
    assert stage.contexts_asked == []
    stage.contexts = [answer(SHOWN)]
    await dialog.get_by_label("Reason").fill(f" {REASON} ")
    await page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Line", exact=True)
    await expect(shown.locator(".whole")).to_have_text(SHOWN["text"])
    await expect(shown.get_by_role("status")).to_contain_text(REASON)
    (asked,) = stage.contexts_asked
    assert (asked["raw"], asked["reason"], asked["position"]) == ("1", REASON, HIDDEN["position"])
    assert (asked["before"], asked["after"]) == ("0", "0")
    await page.keyboard.press("Escape")
    await page.locator(".row").get_by_text("pay with").dblclick()
    await expect(shown.locator(".whole")).to_have_text(HIDDEN["text"])
    await expect(page.get_by_text("4111 1111")).to_have_count(0)
    assert len(stage.views) == 1, "the view went on as it was"


async def test_why_a_line_is_not_shown_is_said(page: Page, stage: Stage) -> None:
    dialog = await asking(page, stage)
    stage.contexts = [(403, {"detail": "no rule lets alice reveal /a.log on web-1"})]
    await dialog.get_by_label("Reason").fill(REASON)
    await dialog.get_by_role("button", name="Show this line").click()
    shown = page.get_by_role("dialog", name="Line", exact=True)
    await expect(shown.get_by_role("alert")).to_have_text("Not shown: no rule lets alice reveal /a.log on web-1")
    await expect(shown.locator(".whole")).to_have_text(HIDDEN["text"])
    await expect(shown.get_by_role("button", name="Show…")).to_be_visible()


async def shown_whole(page: Page, stage: Stage) -> None:
    dialog = await asking(page, stage)
    stage.backlog = [SHOWN]
    await dialog.get_by_label("Reason").fill(REASON)
    await dialog.get_by_role("button", name="Show the whole view").click()
    asked = await stage.viewed(2)
    assert (asked["raw"], asked["reason"], asked["grep"]) == ("1", REASON, "pay")
    await expect(page.get_by_text("4111 1111")).to_be_visible()


async def test_a_view_is_shown_until_it_is_hidden_again_and_no_link_tells(page: Page, stage: Stage) -> None:
    await shown_whole(page, stage)
    banner = page.locator(".banner")
    await expect(banner).to_contain_text(REASON)
    await page.locator(".row").get_by_text("4111 1111").dblclick()
    await page.get_by_role("button", name="Copy link").click()
    link = await page.get_by_label("Link to this line").input_value()
    await page.keyboard.press("Escape")
    assert "raw" not in link + page.url
    assert "INC" not in link + page.url
    stage.backlog = [HIDDEN]
    await banner.get_by_role("button", name="Hide it again").click()
    asked = await stage.viewed(3)
    assert "raw" not in asked
    await expect(page.get_by_text("[redacted:card] now")).to_be_visible()
    await expect(page.get_by_text("4111 1111")).to_have_count(0)
    await expect(banner).to_have_count(0)


async def test_what_is_hidden_again_goes_at_once_also_when_the_server_does_not_answer(page: Page, stage: Stage) -> None:
    await shown_whole(page, stage)
    stage.away = True
    await page.get_by_role("button", name="Hide it again").click()
    await expect(page.get_by_text("4111 1111")).to_have_count(0)
    await expect(page.locator(".row.line")).to_have_count(0)


async def test_the_lines_around_are_asked_for_as_the_view_is(page: Page, stage: Stage) -> None:
    await shown_whole(page, stage)
    stage.contexts = [answer(SHOWN)]
    await page.locator(".row").get_by_text("4111 1111").dblclick()
    async with page.expect_response("**/context*"):
        await page.get_by_role("button", name="Show context").click()
    assert stage.contexts_asked[0]["reason"] == REASON


async def test_whoever_may_not_see_it_is_not_asked(page: Page, stage: Stage) -> None:
    stage.me = {**ALICE, "name": "bob", "reveals": False}
    async with page.expect_response("**/whoami"):
        await page.goto(stage.url)
    await stage.viewed(1)
    async with page.expect_response("**/whoami"):
        await page.locator(".row").get_by_text("pay with").dblclick()
    await expect(page.get_by_role("definition").filter(has_text="card")).to_be_visible()
    await expect(page.get_by_role("button", name="Show…")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_everybody_can_use_it(browser: Browser, stage: Stage, theme: str) -> None:
    async with tab(browser, color_scheme=theme, timezone_id="UTC") as page:
        dialog = await asking(page, stage)
        assert await violations(page) == []
        stage.contexts = [(403, {"detail": "no rule lets alice reveal it"})]
        await dialog.get_by_label("Reason").fill(REASON)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("button", name="Show…").click()
        stage.backlog = [SHOWN]
        await dialog.get_by_label("Reason").fill(REASON)
        await dialog.get_by_role("button", name="Show the whole view").click()
        await expect(page.locator(".banner")).to_be_visible()
        await expect(page.get_by_text("4111 1111")).to_be_visible()
        assert await violations(page) == []
