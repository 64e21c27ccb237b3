"""The past in the page: a range of time, its counts, scrolling back without end, links to a line, what goes wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from browser import START, Record, Stage, chromium, line, serving, source, tab
from playwright.async_api import Browser, Page, expect
from test_page_access import violations

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR = "since=2026-11-23T10:00:00Z&until=2026-11-23T11:00:00Z"
NUMBERS = """() => [...document.querySelector("log-list").store].flatMap((row) =>
    row.kind === "line" ? [Number(row.record.text.split(" ")[1])] : [])"""
POSITIONS = """() => [...document.querySelector("log-list").store].flatMap((row) =>
    row.kind === "line" ? [row.record.position] : [])"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with serving(Stage(sources=[source("app", ["web-1"])])) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with tab(browser, timezone_id="Europe/Berlin") as page:
        yield page


def stamp(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def counts(exact: bool = True, buckets: int = 60) -> Record:
    """The histogram of the hour: in the n-th minute, n lines, one of them an error."""
    levels = {"error": 1, "info": 3} if exact else {}
    found = [{"start": stamp(n), "count": max(1, n), "by_host": {}, "by_level": levels} for n in range(buckets)]
    return {"buckets": found, "exact": exact, "complete": True, "failed": [], "until": stamp(buckets)}


def asked(page: Page) -> dict[str, list[str]]:
    """The state in the page's URL."""
    return parse_qs(urlsplit(page.url).query)


async def numbers(page: Page) -> list[int]:
    """Those of all lines that the page holds, in its order."""
    return await page.evaluate(NUMBERS)  # type: ignore[no-any-return]


async def show(page: Page, stage: Stage, query: str) -> None:
    await page.goto(f"{stage.url}?{query}")
    await expect(page.locator(".row.line").first).to_be_visible()


async def reads(page: Page) -> None:
    """Wait until nothing is read."""
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def back(page: Page, lines: int) -> None:
    """Scroll up until so many lines are there."""
    await page.mouse.move(700, 500)
    async with asyncio.timeout(20):
        while len(await numbers(page)) < lines:
            await page.mouse.wheel(0, -8000)
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")


async def test_a_range_shows_its_newest_lines_and_older_ones_as_the_reader_scrolls_up(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(2_500)), line(3_600_000, text="after the hour"))
    await show(page, stage, f"{HOUR}&grep=line&level=info")
    await expect(page.locator(".row .text").last).to_have_text("line 2499")
    first = stage.past.asked[0]
    assert (first["since"], first["until"]) == ("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z")
    assert (first["direction"], first["grep"], first["level"]) == ("backward", "line", "info")
    assert not stage.views
    await back(page, 2_500)
    assert await numbers(page) == list(range(2_500))
    assert [each.get("cursor") for each in stage.past.asked] == [None, "1000", "2000"]
    await page.keyboard.press("Home")
    await expect(page.locator(".row.mark .text")).to_have_text("The range begins here.")
    await expect(page.locator("status-line")).to_contain_text("Past")


async def test_the_place_stays_while_rows_are_put_before(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(3_000)))
    await show(page, stage, HOUR)
    stage.past.free.clear()
    await page.keyboard.press("Home")
    await expect(page.locator(".row.line .text").first).to_have_text("line 2000")
    row = page.locator(".row .text", has_text=re.compile("^line 2010$"))
    before = await row.bounding_box()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    stage.past.free.set()
    await expect(page.locator("status-line")).to_contain_text("2,000 lines")
    assert await row.bounding_box() == before


async def test_what_is_chosen_or_typed_becomes_the_url_and_the_view(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n * 1_000) for n in range(3_000)))
    await page.goto(stage.url)
    await stage.viewed(1)
    await page.keyboard.press("r")
    await page.get_by_role("button", name="Last hour").click()
    await expect(page.locator(".row.line .text").last).to_have_text("line 2999000")
    assert asked(page) == {"since": ["-1h"]}
    assert not stage.sockets
    await page.get_by_role("button", name="Time: Last hour").click()
    await page.get_by_label("From").fill("23.11. 11:10")
    await expect(page.locator("#since-means")).to_have_text("2026-11-23 11:10:00")
    await page.get_by_label("To", exact=True).fill("2026-11-23T10:20Z")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row.line .text").last).to_have_text("line 1199000")
    assert asked(page) == {"since": ["2026-11-23T10:10:00.000Z"], "until": ["2026-11-23T10:20:00.000Z"]}
    await expect(page.locator("range-picker .wide")).to_contain_text("11:10 – 11:20")
    await page.keyboard.press("t")
    await expect(page.locator("range-picker .wide")).to_contain_text("10:10 – 10:20")
    await page.go_back()
    await expect(page.get_by_role("button", name="Time: Last hour")).to_be_visible()
    await page.keyboard.press("r")
    await page.get_by_role("dialog").get_by_role("button", name="Live").click()
    await stage.viewed(2)
    assert asked(page) == {}


async def test_what_is_no_time_is_said_at_its_field(page: Page, stage: Stage) -> None:
    await page.goto(stage.url)
    await stage.viewed(1)
    await page.keyboard.press("r")
    start, end = page.get_by_label("From"), page.get_by_label("To", exact=True)
    await start.fill("half past ten")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#since-means")).to_contain_text("Not a time. Try 10:30")
    await expect(start).to_be_focused()
    await start.fill("-1h")
    await end.fill("-2h")
    await page.keyboard.press("Enter")
    await expect(page.locator("#until-means")).to_have_text("This is not after the beginning.")
    await page.keyboard.press("Escape")
    await expect(end).to_be_hidden()
    assert asked(page) == {}


TYPED = {  # at 2026-11-23 10:00 UTC, in Berlin
    "-15m": "-15m",
    "90 min ago": "-90m",
    "2 days": "-48h",
    "now": "",
    "10:30": "2026-11-23T09:30:00.000Z",
    "23:30": "2026-11-22T22:30:00.000Z",
    "9:30 pm": "2026-11-22T20:30:00.000Z",
    "yesterday 03:12": "2026-11-22T02:12:00.000Z",
    "today": "2026-11-22T23:00:00.000Z",
    "2026-11-23 10:30:05,250": "2026-11-23T09:30:05.250Z",
    "2026-11-23T10:30:00+0530": "2026-11-23T05:00:00.000Z",
    "23/Nov/2026:10:30:00 +0000": "2026-11-23T10:30:00.000Z",
    "Dec 31": "2025-12-30T23:00:00.000Z",
    "25.10.2026 01:30": "2026-10-24T23:30:00.000Z",
    "sunday 9am": "2026-11-22T08:00:00.000Z",
    "1764000000": "2025-11-24T16:00:00.000Z",
    "1764000000123": "2025-11-24T16:00:00.123Z",
    "25:00": None,
    "2026-13-01": None,
    "soon": None,
}


async def test_times_are_read_as_people_type_them(page: Page, stage: Stage) -> None:
    await page.goto(stage.url)
    script = """async (typed) => {
      const folder = document.querySelector("script[type=module]").src.replace("app.js", "");
      const { when } = await import(`${folder}when.js`);
      return typed.map((text) => when(text, Date.UTC(2026, 10, 23, 10), false)?.text ?? null);
    }"""
    assert dict(zip(TYPED, await page.evaluate(script, list(TYPED)), strict=True)) == TYPED


async def test_counts_are_estimated_then_exact_and_a_drag_or_the_keys_narrow_the_range(
    page: Page, stage: Stage
) -> None:
    stage.past.write(*(line(n * 60_000) for n in range(60)))
    stage.past.histograms = [counts(exact=False), counts(), counts(), counts()]
    await show(page, stage, f"{HOUR}&grep=line")
    await expect(page.locator(".said")).to_have_text("1,771 lines, 60 errors")
    assert [each.get("exact") for each in stage.past.histograms_asked] == ["0", None]
    assert stage.past.histograms_asked[0]["grep"] == "line"
    plot = page.locator("time-histogram .u-over")
    box = await plot.bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] * 0.25 + 3, box["y"] + 30)
    await expect(page.locator(".said")).to_have_text("11-23 11:15:00 – 11:16:00: 15 lines, 1 error")
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30, steps=4)
    await page.mouse.up()
    await page.wait_for_url("**since=2026-11-23T10:15**")
    narrowed = asked(page)
    assert re.match("2026-11-23T10:(29:5|30:0)", narrowed["until"][0])
    await page.go_back()
    await expect(page.locator(".said")).to_have_text("1,771 lines, 60 errors")
    slider = page.get_by_role("slider")
    await slider.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    await expect(slider).to_have_attribute("aria-valuetext", "11-23 11:58:00 – 11:59:00: 58 lines, 1 error")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**until=2026-11-23T10:59:00.000Z")
    assert asked(page)["since"] == ["2026-11-23T10:58:00.000Z"]


def growth(part: int, of: int = 4) -> Record:
    """The counts of the hour when so much of it was counted."""
    found = counts()
    for bucket in found["buckets"]:
        bucket["count"] = bucket["count"] * part // of
        del bucket["by_host"]
        bucket["by_level"] = {"info": bucket["count"]}
    return {"type": "counts", "buckets": found["buckets"], "until": found["until"], "exact": True}


async def test_counts_grow_over_the_estimate_while_they_are_counted(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(50)))
    stage.past.histograms = [counts(exact=False)]
    stage.past.growth = asyncio.Queue()
    await show(page, stage, f"{HOUR}&grep=line")
    said = page.locator(".said")
    await expect(said).to_have_text("about 1,800 lines, whatever they match, counting…")
    stage.past.growth.put_nowait({"type": "total", "scanned": 0, "to_scan": 0})
    stage.past.growth.put_nowait(growth(1))
    await expect(said).to_have_text("420 lines so far, counting…")
    plot = page.locator("time-histogram .plot")
    canvas = await page.locator("time-histogram canvas").element_handle()
    await plot.press("Home")
    await plot.press("ArrowRight")
    await expect(said).to_have_text("11-23 11:01:00 – 11:02:00: 0 lines so far")
    stage.past.growth.put_nowait({**growth(4), "unknown": 1})
    stage.past.growth.put_nowait({"type": "total", "scanned": 750, "to_scan": 1000})
    await expect(said).to_have_text("11-23 11:01:00 – 11:02:00: 1 line so far")
    await page.mouse.move(700, 600)
    await plot.press("End")
    stage.past.growth.put_nowait({"type": "end", "reason": "complete", **counts()})
    await expect(said).to_have_text("11-23 11:59:00 – 12:00:00: 59 lines, 1 error")
    assert canvas
    assert await canvas.is_visible()  # the same chart all the time: what the reader draws on it would have stayed


async def test_counts_do_not_wait_long_for_the_lines_of_a_dead_host(page: Page, stage: Stage) -> None:
    stage.past.histograms = [counts(exact=False), counts()]
    stage.past.free.clear()
    await page.goto(f"{stage.url}?{HOUR}&grep=line")
    await expect(page.locator(".said")).to_have_text("1,771 lines, 60 errors")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()


async def test_counts_that_are_not_wanted_any_more_are_stopped_and_an_end_without_them_is_said(
    page: Page, stage: Stage
) -> None:
    stage.past.write(*(line(n) for n in range(50)))
    stage.past.histograms = [counts(exact=False), counts(exact=False)]
    stage.past.growth = asyncio.Queue()
    await show(page, stage, f"{HOUR}&grep=line")
    stage.past.growth.put_nowait(growth(2))
    await expect(page.locator(".said")).to_have_text("870 lines so far, counting…")
    await page.get_by_role("button", name="Live", exact=True).click()
    await stage.past.until(lambda: stage.past.left == 1)
    await show(page, stage, f"{HOUR}&grep=line")
    stage.past.growth.put_nowait({"type": "end", "reason": "revoked", "detail": "not any more", **counts()})
    await expect(page.locator(".said")).to_have_text("about 1,800 lines, whatever they match (not any more)")


async def test_a_click_on_a_bar_narrows_to_it(page: Page, stage: Stage) -> None:
    stage.past.write(line(1))
    stage.past.histograms = [counts()]
    await show(page, stage, HOUR)
    plot = page.locator("time-histogram .u-over")
    box = await plot.bounding_box()
    assert box
    await page.mouse.click(box["x"] + box["width"] * 0.5 + 3, box["y"] + 40)
    await page.wait_for_url("**since=2026-11-23T10:30:00.000Z&until=2026-11-23T10:31:00.000Z")


async def test_scrolling_up_in_the_live_view_goes_on_into_the_past_and_back_down(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(3_000)))
    stage.backlog = [line(n) for n in range(2_900, 3_000)]
    await show(page, stage, "")
    await back(page, 3_000)
    await stage.send(line(3_000))
    await expect(page.locator(".pill")).to_have_text("1 new line")
    assert await numbers(page) == list(range(3_001))
    assert stage.past.asked[0]["until"] == "2026-11-23T10:00:02.901Z"
    await page.keyboard.press("Home")
    await expect(page.locator(".row.mark .text")).to_have_text("The logs begin here: nothing older is on the hosts.")
    await page.locator(".pill").click()
    await expect(page.locator(".row .text").last).to_have_text("line 3000")
    await stage.send(line(3_001))
    await expect(page.locator(".row .text").last).to_have_text("line 3001")


async def test_what_a_short_backlog_left_out_between_an_other_files_lines_is_there_once_the_reader_looks(
    page: Page, stage: Stage
) -> None:
    stage.sources = [source("app", ["web-1", "db-1"])]
    busy = [line(n) for n in range(2_000)]
    quiet = [line(n, "db-1") for n in range(0, 2_000, 100)]
    stage.past.write(*busy, *quiet)
    stage.backlog = sorted([*busy[1_900:], *quiet], key=lambda each: each["time"])
    await show(page, stage, "")
    assert len(await numbers(page)) == 120
    await back(page, 2_020)
    assert await page.evaluate(POSITIONS) == [
        each["position"] for each in sorted([*busy, *quiet], key=lambda each: (each["time"], each["host"] == "db-1"))
    ]


async def test_a_line_that_is_selected_stays_selected_when_the_past_comes(page: Page, stage: Stage) -> None:
    stage.sources = [source("app", ["web-1", "web-2"])]  # of web-2 nothing came: all may be incomplete
    stage.past.write(*(line(n) for n in range(200)))
    stage.backlog = [line(n) for n in range(150, 200)]
    await show(page, stage, "")
    for _ in range(5):
        await page.keyboard.press("ArrowUp")
    await expect(page.locator("status-line")).to_contain_text("201 lines")
    await expect(page.locator(".row.selected .text")).to_have_text("line 195")


async def test_more_than_the_page_holds_is_dropped_at_the_other_end_and_read_again(page: Page, stage: Stage) -> None:
    text = "x" * 30_000  # the page holds 64 million characters: some 2,000 lines
    stage.past.write(*(line(n, text=f"line {n} {text}") for n in range(2_700)))
    await show(page, stage, HOUR)
    await page.mouse.move(700, 500)
    async with asyncio.timeout(40):
        while 0 not in await numbers(page):
            await page.mouse.wheel(0, -20_000)
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    held = await numbers(page)
    assert held == list(range(held[-1] + 1))
    assert held[-1] < 2_600
    async with asyncio.timeout(40):
        while 2_699 not in await numbers(page):
            await page.mouse.wheel(0, 20_000)
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    held = await numbers(page)
    assert held == list(range(held[0], 2_700))
    assert stage.past.asked[-1]["direction"] == "forward"


async def test_progress_names_the_hosts_and_a_stop_reaches_them(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(10)))
    stage.past.free.clear()
    half = {"stage": "searching", "scanned": 2**20, "to_scan": 2**30, "matches": 2}
    stage.past.progress = [{"host": "web-1", **half}, {"host": "web-2", **half}]
    await page.goto(f"{stage.url}?{HOUR}&grep=line")
    status = page.locator("past-status")
    await expect(status.get_by_role("status")).to_have_text("Reading 2.0 MiB of 2.0 GiB on 2 hosts")
    await status.locator("summary").click()
    await expect(status.locator("li").first).to_contain_text("searching1.0 MiB of 1.0 GiB2 matches")
    await page.get_by_role("button", name="Stop").click()
    await stage.past.until(lambda: stage.past.left == 1)
    await expect(status.get_by_role("alert")).to_contain_text("Stopped.")
    stage.past.free.set()
    await page.get_by_role("button", name="Go on").click()
    await expect(page.locator(".row.line")).to_have_count(10)
    await expect(page.locator("status-line")).to_contain_text("read 1.3 GiB on 2 hosts")


async def test_hosts_that_were_not_read_are_named_and_what_is_much_is_asked_about(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(10)))
    stage.past.failed = [
        {"host": "db-1", "detail": "connection refused; is sshd running?"},
        {"host": "web-2", "detail": "more than may be read unasked", "to_scan": 6 * 2**30},
    ]
    await show(page, stage, HOUR)
    alert = page.locator("past-status").get_by_role("alert")
    await expect(alert).to_contain_text("db-1 was not read: connection refused; is sshd running?")
    await expect(alert).to_contain_text("Nothing of web-2 was read: it would be 6.0 GiB.")
    stage.past.failed = stage.past.failed[:1]
    await page.get_by_role("button", name="Read it all").click()
    await expect(alert).not_to_contain_text("web-2")
    assert stage.past.asked[-1]["max_scan"] == str(6 * 2**30)
    stage.past.failed = []
    await page.get_by_role("button", name="Try again").click()
    await expect(alert).to_have_count(0)
    await expect(page.locator(".row.line")).to_have_count(10)


@pytest.mark.parametrize("written", [1_400, 3_000])
async def test_lines_of_a_slow_host_are_put_among_those_that_are_there(page: Page, stage: Stage, written: int) -> None:
    stage.sources = [source("app", ["web-1", "web-2"])]
    stage.past.write(*(line(n, f"web-{1 + n % 2}") for n in range(written)))
    stage.past.slow = "web-2"
    await show(page, stage, HOUR)
    await expect(page.locator(".row.line .text").last).to_have_text(f"line {written - 1}")
    await reads(page)
    newest = (await numbers(page))[-900:]
    assert newest == list(range(written - 900, written))
    await back(page, written)
    assert await numbers(page) == list(range(written))


async def test_late_lines_of_a_link_and_of_the_live_views_past_are_put_in_place(page: Page, stage: Stage) -> None:
    stage.sources = [source("app", ["web-1", "web-2"])]
    stage.past.write(*(line(n, f"web-{1 + n % 2}") for n in range(2_600)))
    stage.past.slow = "web-2"
    stage.contexts = [(200, {"lines": [line(600)], "cursor": None, "complete": True, "failed": []})]
    await page.goto(f"{stage.url}?at={line(600)['position']}")
    await expect(page.locator(".row.selected .text")).to_have_text("line 600")
    await reads(page)
    held = await numbers(page)
    assert held[: held.index(900)] == list(range(900))
    stage.backlog = [line(n, f"web-{1 + n % 2}") for n in range(2_500, 2_600)]
    await show(page, stage, "")
    await back(page, 700)
    await reads(page)
    held = await numbers(page)
    assert held[-700:] == list(range(1_900, 2_600))


async def test_notes_on_how_hosts_were_read_are_shown_and_put_away(page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(10)))
    stage.past.notes = [{"host": "web-1", "detail": "grep on web-1 failed on /a.log; searched in blocks"}]
    await show(page, stage, HOUR)
    status = page.locator("past-status")
    await status.get_by_text("1 note on how it was read").click()
    await expect(status).to_contain_text("web-1: grep on web-1 failed on /a.log; searched in blocks")
    await page.get_by_role("button", name="Put the notes away").click()
    await expect(status.locator("details")).to_have_count(0)


async def test_a_wrong_pattern_is_explained_and_the_lines_from_before_stay(page: Page, stage: Stage) -> None:
    stage.past.write(line(1))
    stage.faults = {"grep=a%28": [{"parameter": "grep", "detail": "missing closing )", "column": 2}]}
    await show(page, stage, HOUR)
    await page.get_by_label("Pattern: show lines that match").fill("a(")
    await expect(page.locator("#grep-fault")).to_have_text("Column 2: missing closing )")
    await expect(page.locator(".row.line .text")).to_have_text("line 1")


async def test_nothing_found_is_said_with_a_way_on(page: Page, stage: Stage) -> None:
    await page.goto(f"{stage.url}?{HOUR}&grep=nothing")
    await expect(page.get_by_role("heading", name="No line matches")).to_be_visible()
    await page.get_by_role("button", name="Live view").click()
    await stage.viewed(1)
    await page.get_by_role("button", name="Search the last hour").click()
    await expect(page.get_by_role("button", name="Time: Last hour")).to_be_visible()
    assert asked(page) == {"grep": ["nothing"], "since": ["-1h"]}


async def test_a_link_to_a_line_shows_it_among_those_around_it(browser: Browser, page: Page, stage: Stage) -> None:
    stage.past.write(*(line(n) for n in range(3_000)))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await show(page, stage, f"{HOUR}&grep=line&hosts=web-1")
    await page.locator(".row .text", has_text="line 2990").dblclick()
    await page.get_by_role("button", name="Copy link").click()
    link = await page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query) == {"hosts": ["web-1"], "at": [line(2_990)["position"]]}
    link = link.replace(line(2_990)["position"], line(1_500)["position"])
    stage.contexts = [(200, {"lines": [line(1_500)], "cursor": None, "complete": True, "failed": []})]
    await page.goto(link)
    selected = page.locator(".row.selected .text")
    await expect(selected).to_have_text("line 1500")
    await expect(selected).to_be_in_viewport()
    await reads(page)
    assert await numbers(page) == list(range(501, 2_500))
    await back(page, 2_400)
    assert (await numbers(page))[:2] == [0, 1]


async def test_a_line_that_is_gone_is_said_to_be_gone(page: Page, stage: Stage) -> None:
    stage.contexts = [(410, {"title": "Gone", "detail": "this line is no longer in /var/log/app.log on web-1"})]
    await page.goto(f"{stage.url}?at=web-1-7")
    await expect(page.get_by_role("heading", name="This line is gone")).to_be_visible()
    await expect(page.locator(".empty")).to_contain_text("this line is no longer in /var/log/app.log on web-1.")
    await page.get_by_role("button", name="Live view").click()
    await stage.viewed(1)
    assert asked(page) == {}


async def test_a_range_is_downloaded_where_that_is_allowed(page: Page, stage: Stage) -> None:
    stage.past.write(line(1))
    await show(page, stage, f"{HOUR}&grep=line")
    button = page.get_by_role("button", name="Download these lines")
    await button.click()
    await expect(page.locator(".banner")).to_have_text("Not downloaded: download is not allowed here.")
    stage.past.downloads, stage.past.without = (200, "line 1\n"), "db-1"
    async with page.expect_download() as downloading:
        await button.click()
    download = await downloading.value
    file = Path(await download.path())
    assert await asyncio.to_thread(file.read_text) == "line 1\n"
    assert "grep=line&since=" in download.url
    await expect(page.locator(".banner")).to_have_text("Downloaded without db-1, which can't be read now.")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
async def test_axe_finds_nothing_and_it_fits(
    browser: Browser, stage: Stage, tmp_path: Path, scheme: str, width: int
) -> None:
    """A picture of each stays in the test's folder for whoever wants to look."""
    stage.past.write(*(line(n, level="error" if n % 7 == 0 else "info") for n in range(200)))
    stage.past.histograms = [counts()]
    stage.past.failed = [
        {"host": "db-1", "detail": "refused"},
        {"host": "web-2", "detail": "more than may be read", "to_scan": 2**33},
    ]
    async with tab(browser, color_scheme=scheme, viewport={"width": width, "height": 844}) as page:
        await show(page, stage, HOUR)
        await expect(page.locator("time-histogram canvas")).to_be_visible()
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
        await page.get_by_role("button", name="Put away").click()
        await page.keyboard.press("r")
        await expect(page.get_by_label("From")).to_be_visible()
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / f"{scheme}-{width}-time.png")
        wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide == [width, width]
