"""Whether everybody can use the page: axe's rules in both themes and widths, and the colours of hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browser import Stage, chromium, gap, host, line, notice, serving, tab
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = Path(__file__).resolve().parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["trace", "debug", "info", "notice", "warning", "error", "critical", None]
FAILED = host("db-1", "failed", "permission denied; add the key to authorized_keys")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    hosts = [*(host(f"web-{n}") for n in range(24)), FAILED, host("api-1", "waiting", "timed out")]
    me = {"name": "alice", "via": "session", "roles": ["auditor"]}
    async with serving(Stage(hosts=hosts, me=me)) as stage:
        yield stage


async def violations(page: Page) -> list[str]:
    """What axe finds, as `rule: element`."""
    await page.evaluate(AXE.read_text())
    results = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][-160:]}"
        for found in results["violations"]
        for node in found["nodes"]
    ]


async def open_full(page: Page, stage: Stage, query: str = "") -> None:
    """A page that shows some of everything."""
    await page.goto(f"{stage.url}{query}")
    await stage.viewed(len(stage.views) or 1)
    lines = [
        line(n, f"web-{n}", f"\x1b[0m text {n} and a match", level=LEVELS[n % 8], spans=[[0, 2]], late=n == 3)
        for n in range(24)
    ]
    lines += [line(-9000, "web-2", "far behind", late=True), gap(24, 30)]
    lines.append(line(24, "web-8", "a card: [redacted:card]", redacted=True))
    await stage.send(*lines, notice("db-1", "failed", "permission denied"), notice("api-1", "waiting", "timed out"))
    for name, errors in (("web-5", 30), ("web-6", 12), ("web-7", 1)):
        live = notice(name, "live", path="/var/log/app.log")
        await stage.send(live, *(line(30 + n, name, level="error") for n in range(errors)))
    await expect(page.locator(".errors")).to_have_count(3)
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".row.selected")).to_have_count(1)
    await page.evaluate("document.querySelector('log-list').home()")
    await expect(page.locator(".row.mark")).to_have_count(4)  # one of them says where the logs begin
    await expect(page.locator(".row .note")).not_to_have_count(0)


@pytest.mark.parametrize("via", ["session", "proxy"])
async def test_who_reads_is_named_with_the_way_out(browser: Browser, stage: Stage, via: str) -> None:
    stage.me = {"name": "alice \u202eeve", "via": via, "roles": ["auditor"]}
    async with tab(browser) as page:
        await page.goto(stage.url)
        who = page.locator("who-am-i")
        await expect(who.locator(".name")).to_have_text("alice \u202eeve")
        await expect(who.locator(".name")).to_have_attribute("title", "Roles: auditor")
        await expect(who.get_by_role("button", name="Log out")).to_have_count(1 if via == "session" else 0)
        await expect(who.locator("form")).to_have_attribute("action", "/logout")


async def test_where_everybody_is_local_nobody_is_named(browser: Browser, stage: Stage) -> None:
    stage.me = {"name": "local", "via": "local", "roles": []}
    async with tab(browser) as page:
        async with page.expect_response("**/whoami"):
            await page.goto(stage.url)
        await expect(page.locator("host-panel .name").first).to_be_visible()
        await expect(page.locator("who-am-i form")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
async def test_axe_finds_nothing_on_the_page(browser: Browser, stage: Stage, scheme: str, width: int) -> None:
    async with tab(browser, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        await open_full(page, stage)
        assert await violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_dialogs_faults_and_empty_views(browser: Browser, stage: Stage, scheme: str) -> None:
    stage.faults = {"%28": [{"parameter": "grep", "detail": "missing closing )", "column": 1}]}
    async with tab(browser, color_scheme=scheme) as page:
        await open_full(page, stage)
        await page.keyboard.press("?")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await page.locator(".row .text").first.dblclick()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_label("Pattern: show lines that match").fill("(")
        await expect(page.locator("#grep-fault")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("switch", name="All hosts").click()
        await expect(page.locator(".empty")).to_be_visible()
        assert await violations(page) == []


async def test_everything_is_reached_with_the_keyboard(browser: Browser, stage: Stage) -> None:
    async with tab(browser) as page:
        await open_full(page, stage)
        seen = set()
        for _ in range(95):
            await page.keyboard.press("Tab")
            focus = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
            seen.add(await page.evaluate(focus))
        assert {"Pause", "Help", "Level", "Source", "web-3, live", "Only web-3", "db-1, failed", "Log lines"} <= seen
