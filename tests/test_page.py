"""The page in a real browser, over a scripted server: what it asks for, what it shows, what it does in trouble."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from browser import Stage, chromium, host, line, notice, serving, source, tab
from playwright.async_api import Browser, Page, expect
from starlette.websockets import WebSocketDisconnect

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
    async with tab(browser, timezone_id="Europe/Berlin") as page:
        yield page


async def show(page: Page, stage: Stage, query: str = "", *records: dict[str, object]) -> None:
    """Open the page and send it records."""
    views = len(stage.views)
    await page.goto(f"{stage.url}{query}")
    await stage.viewed(views + 1)
    if records:
        await stage.send(*records)
        await expect(page.locator(".row").first).to_be_visible()


def texts(page: Page) -> object:
    return page.locator(".row .text").all_text_contents()


def asked(page: Page) -> dict[str, list[str]]:
    """The state in the page's URL."""
    return parse_qs(urlsplit(page.url).query)


async def test_lines_of_all_hosts_are_shown_with_host_time_and_level(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, "web-1", "first", level="error"), line(2, "db-1", "second"))
    row = page.locator(".row").first
    await expect(row).to_have_class(re.compile(r"\berror\b"))
    await expect(row.locator(".host")).to_have_text("web-1")
    await expect(row.locator(".level")).to_have_text("ERR")
    await expect(row.locator(".time")).to_have_text(re.compile(r"11:00:00\.001$"))
    assert "10:00:00.001 UTC" in (await row.locator(".time").get_attribute("title") or "")
    assert await texts(page) == ["first", "second"]
    assert "hosts" not in stage.views[0]


async def test_log_text_is_never_markup_and_control_characters_are_visible(page: Page, stage: Stage) -> None:
    nasty = "<img src=x onerror=alert(1)> \x1b[31mred\x1b[0m \u202eevil \x00\x9b &amp;"
    await show(page, stage, "", line(1, text=nasty))
    shown = "<img src=x onerror=alert(1)> ␛[31mred␛[0m \\u202eevil ␀\\x9b &amp;"
    assert await texts(page) == [shown]
    assert await page.locator(".row img").count() == 0
    assert await page.locator(".row .ctl").all_text_contents() == ["␛[31m", "␛[0m", "\\u202e", "␀", "\\x9b"]


async def test_places_of_secrets_are_chips_where_the_server_says_so_and_as_wide_as_their_text(
    page: Page, stage: Stage
) -> None:
    text = "card [redacted:card], key [redacted:my.own-key]\u202e"
    hidden = line(1, "web-1", text, redacted=True, spans=[[5, 20]])
    await show(page, stage, "", hidden, line(2, "web-1", text))
    chips = page.locator(".row .redacted")
    assert await chips.all_text_contents() == ["[redacted:card]", "[redacted:my.own-key]"]
    await expect(chips.first).to_have_attribute("title", "A secret was taken out here: card")
    await expect(page.locator(".row mark .redacted")).to_have_count(1)
    rows = page.locator(".row .text")
    assert await rows.nth(0).text_content() == await rows.nth(1).text_content()
    select = "const range = new Range(); range.selectNodeContents(element)"
    width = f"element => {{ {select}; return range.getBoundingClientRect().width }}"
    assert abs(await rows.nth(0).evaluate(width) - await rows.nth(1).evaluate(width)) < 1
    await rows.first.dblclick()
    await expect(page.locator(".whole .redacted")).to_have_count(2)


async def test_matches_are_marked_where_the_server_says_also_after_astral_characters(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, text="🚀🚀 rocket and rocket", spans=[[3, 9], [14, 20]]))
    assert await page.locator(".row mark").all_text_contents() == ["rocket", "rocket"]


async def test_gaps_notices_and_the_end_are_sentences_between_the_lines(page: Page, stage: Stage) -> None:
    gap = {
        "type": "gap",
        "host": "web-1",
        "source": "app",
        "path": "/a.log",
        "from": "a",
        "to": "b",
        "lines": 1204,
        "bytes": 180211,
        "reason": "rotated-away",
    }
    await show(
        page,
        stage,
        "",
        line(1),
        gap,
        notice("web-2", "connecting"),
        notice("web-2", "waiting", "connection lost; next attempt in 2 s"),
        notice("web-2", "waiting", "connection refused; next attempt in 4 s"),
        notice("web-2", "live"),
        notice("db-1", "live", path="/var/log/app.log"),
        {"type": "end", "reason": "shutdown"},
        {"type": "from-a-later-version"},
    )
    await expect(page.locator(".row.mark")).to_have_count(4)
    assert (await texts(page))[1:] == [
        "1,204 lines (176 KiB) of /a.log are gone: the log was rotated away before they could be read",
        "waiting: connection refused; next attempt in 4 s",
        "live again",
        "The server is stopping.",
    ]


async def test_a_late_line_goes_to_its_place_but_never_before_its_own_file(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(10, "web-1", "a"), line(20, "db-1", "b"), line(30, "web-1", "c"))
    await stage.send(line(15, "web-2", "x", late=True), line(5, "db-1", "y", late=True))
    await expect(page.locator(".row")).to_have_count(5)
    assert await texts(page) == ["a", "x", "b", "y", "c"]
    assert "came 0.0 s after its place" in (await page.locator(".row .time").nth(1).get_attribute("title") or "")


async def test_only_a_line_that_came_much_too_late_is_called_late(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(5_000, "web-1", "newest"))
    await stage.send(line(3_100, "db-1", "whole seconds", late=True), line(2_900, "web-2", "held up", late=True))
    await expect(page.locator(".row")).to_have_count(3)
    assert await texts(page) == ["held uplate", "whole seconds", "newest"]


async def test_a_clipped_line_says_how_long_it_was(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, text="x" * 65536, clipped=True, length=104857600))
    notes = await page.locator(".row .note").all_text_contents()
    assert notes == ["61,536 more characters", "clipped, 100 MiB whole"]


async def test_switching_a_host_off_takes_its_lines_away_and_goes_on_with_the_others(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, "web-1"), line(2, "web-2"), line(3, "db-1"))
    await page.get_by_role("switch", name="web-2, live").click()
    query = await stage.viewed(2)
    assert query.getlist("hosts") == ["@*!web-2"]
    assert sorted(query.getlist("after")) == ["db-1-000000003", "web-1-000000001"]
    await expect(page.locator(".row .host")).to_have_text(["web-1", "db-1"])
    assert asked(page) == {"hosts": ["@*!web-2"]}
    await stage.send(line(4, "db-1"))
    await expect(page.locator(".row")).to_have_count(3)


async def test_lines_that_a_host_still_sends_after_it_was_switched_off_are_not_taken(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, "web-1"), line(2, "web-2", "old"), line(3, "db-1"))
    (old,) = stage.sockets
    await page.get_by_role("switch", name="web-2, live").click()
    with contextlib.suppress(WebSocketDisconnect):  # the page may have left this view already
        await old.send_text(json.dumps([line(4, "web-2", "on its way")]))
    await stage.viewed(2)
    await stage.send(line(5, "db-1"), line(6, "db-1"))
    await expect(page.locator(".row .host")).to_have_text(["web-1", "db-1", "db-1", "db-1"])
    await page.get_by_role("switch", name="web-2, live").click()
    assert "web-2" not in str((await stage.viewed(3)).getlist("after"))


async def test_a_host_that_is_switched_on_again_is_put_into_the_order(page: Page, stage: Stage) -> None:
    await show(page, stage, "?hosts=web-1", line(10, "web-1", "a"), line(30, "web-1", "c"))
    await page.get_by_role("switch", name="db-1, live").click()
    query = await stage.viewed(2)
    assert query.getlist("hosts") == ["@*!web-2"]
    await stage.send(line(20, "db-1", "b"), line(40, "db-1", "d"))
    await expect(page.locator(".row")).to_have_count(4)
    assert await texts(page) == ["a", "b", "c", "d"]


async def test_only_this_host_and_back_to_all(page: Page, stage: Stage) -> None:
    await show(page, stage)
    await page.locator(".host .name", has_text="db-1").dblclick()
    assert (await stage.viewed(2))["hosts"] == "@db"
    await page.locator(".host .name", has_text="db-1").dblclick()
    assert "hosts" not in await stage.viewed(3)


async def test_a_group_is_switched_as_one(page: Page, stage: Stage) -> None:
    await show(page, stage)
    await page.get_by_role("switch", name=re.compile("^@web, 2 of 2")).click()
    assert (await stage.viewed(2))["hosts"] == "@db"
    await expect(page.get_by_role("switch", name=re.compile("^All hosts, 1 of 3"))).not_to_be_checked()


@pytest.mark.parametrize(
    ("selector", "on"),
    [
        ("@web", {"web-1", "web-2"}),
        ("web-*!web-2", {"web-1"}),
        ("@env:prod&@db", {"db-1"}),
        ("web-[1-2],db-1", {"web-1", "web-2", "db-1"}),
        ("@*^web-1", {"web-2", "db-1"}),
    ],
)
async def test_the_switches_follow_any_selector_in_the_url(
    page: Page, stage: Stage, selector: str, on: set[str]
) -> None:
    await show(page, stage, f"?hosts={selector.replace('&', '%26')}")
    for name in ("web-1", "web-2", "db-1"):
        switch = page.get_by_role("switch", name=f"{name}, live", exact=True)
        await expect(switch).to_be_checked(checked=name in on)
    assert stage.views[0]["hosts"] == selector


async def test_all_hosts_off_opens_nothing_and_says_so(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1))
    await page.get_by_role("switch", name=re.compile("^All hosts")).click()
    await expect(page.get_by_role("heading", name="All hosts are off")).to_be_visible()
    await page.get_by_role("button", name="Turn all on").click()
    await stage.viewed(2)
    assert asked(page) == {}


async def test_patterns_level_and_source_are_asked_of_the_server_and_kept_in_the_url(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, text="before"))
    await page.keyboard.press("/")
    await page.keyboard.type("order 7|8")
    await page.keyboard.press("Enter")
    assert (await stage.viewed(2))["grep"] == "order 7|8"
    await expect(page.get_by_role("heading", name="No line matches")).to_be_visible()
    await page.get_by_label("Exclude: hide lines that match").fill("health")
    assert (await stage.viewed(3))["exclude"] == "health"
    await page.get_by_label("Level").select_option("warning")
    await stage.viewed(4)
    await page.get_by_label("Source").select_option("app")
    query = await stage.viewed(5)
    assert (query["level"], query["source"]) == ("warning", "app")
    assert "after" not in query
    wanted = {"grep": ["order 7|8"], "exclude": ["health"], "level": ["warning"], "source": ["app"]}
    assert asked(page) == wanted
    await page.go_back()
    assert "source" not in await stage.viewed(6)
    await page.reload()
    query = await stage.viewed(7)
    assert (query["grep"], query["level"]) == ("order 7|8", "warning")


async def test_several_patterns_must_all_match(page: Page, stage: Stage) -> None:
    await show(page, stage, "?grep=one&grep=two")
    assert stage.views[0].getlist("grep") == ["one", "two"]
    await page.get_by_role("button", name="Add a pattern").click()
    await page.keyboard.type("three")
    await page.keyboard.press("Enter")
    assert (await stage.viewed(2)).getlist("grep") == ["one", "two", "three"]


async def test_a_wrong_pattern_is_explained_at_its_field_and_the_old_view_goes_on(page: Page, stage: Stage) -> None:
    stage.faults = {"grep=a%28": [{"parameter": "grep", "detail": "missing closing )", "column": 2}]}
    await show(page, stage, "", line(1, text="before"))
    field = page.get_by_label("Pattern: show lines that match")
    await field.fill("a(")
    await expect(page.locator("#grep-fault")).to_have_text("Column 2: missing closing )")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await stage.send(line(2, text="still live"))
    await expect(page.locator(".row .text")).to_have_text(["before", "still live"])
    await field.fill("a")
    await stage.viewed(2)
    await expect(page.locator("#grep-fault")).to_have_count(0)
    await expect(page.locator(".link")).to_have_text("Live")


async def test_what_is_being_typed_is_not_lost_when_news_of_the_hosts_come(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1))
    field = page.get_by_label("Pattern: show lines that match")
    await field.evaluate("(field) => (field.value = 'half a wo') && field.dispatchEvent(new Event('input'))")
    await page.evaluate("document.querySelector('filter-bar').sources = []")
    await page.evaluate("document.querySelector('filter-bar').updateComplete")
    await expect(field).to_have_value("half a wo", timeout=300)
    assert (await stage.viewed(2))["grep"] == "half a wo"


async def test_an_unknown_host_in_the_url_is_explained(page: Page, stage: Stage) -> None:
    stage.faults = {"web-99": [{"parameter": "hosts", "detail": "unknown host web-99"}]}
    await page.goto(f"{stage.url}?hosts=web-99")
    await expect(page.locator(".empty")).to_contain_text("hosts: unknown host web-99")
    await page.get_by_role("button", name="Show everything").click()
    await stage.viewed(1)


async def test_a_lost_connection_is_opened_again_where_it_was(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, "web-1", "a"), line(2, "db-1", "b"))
    await stage.hang_up()
    query = await stage.viewed(2)
    assert query.getlist("after") == ["db-1-000000002", "web-1-000000001"]
    await stage.send(line(3, "web-1", "c"))
    lost, again = (
        "The connection to the server was lost; connecting again.",
        "Connected again; the view goes on where it was.",
    )
    await expect(page.locator(".row .text")).to_have_text(["a", "b", lost, again, "c"])


async def test_a_view_that_was_too_slow_goes_on_by_itself(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, text="a"))
    await stage.send({"type": "end", "reason": "slow-viewer"})
    await stage.hang_up(1008)
    assert (await stage.viewed(2)).getlist("after") == ["web-1-000000001"]
    slow, again = "This view was too slow for the server.", "Connected again; the view goes on where it was."
    await expect(page.locator(".row .text")).to_have_text(["a", slow, again])


async def test_few_files_have_a_long_backlog_and_many_a_short_one(page: Page, stage: Stage) -> None:
    stage.sources = [source("app", ["web-1"]), source("nginx", [f"web-{n % 2}" for n in range(40)])]
    await show(page, stage)
    await page.get_by_label("Source").select_option("app")
    await stage.viewed(2)
    assert [view["lines"] for view in stage.views] == ["476", "1000"]


async def test_several_sources_and_selectors_of_a_link_are_kept(page: Page, stage: Stage) -> None:
    stage.sources = [source(name, ["web-1", "web-2", "db-1"]) for name in ("app", "nginx", "sshd")]
    await show(page, stage, "?source=app&source=sshd&hosts=db-1&hosts=@web!web-2")
    assert stage.views[0].getlist("source") == ["app", "sshd"]
    assert stage.views[0].getlist("hosts") == ["@web!web-2,db-1"]
    await expect(page.get_by_label("Source")).to_have_value("app, sshd")
    await expect(page.get_by_role("switch", name="web-2, live")).not_to_be_checked()


async def test_with_more_files_than_a_url_holds_none_is_doubled_and_none_is_lost(page: Page, stage: Stage) -> None:
    names = [f"host-{n}-{'x' * 80}" for n in range(150)]
    stage.hosts = [host(name) for name in names]
    stage.sources = [source("app", names)]
    await show(page, stage, "", *(line(n, name, f"old {n}") for n, name in enumerate(names)))
    await expect(page.locator("status-line")).to_contain_text("150 lines")
    await stage.hang_up()
    query = await stage.viewed(2)
    assert 0 < len(query.getlist("after")) < 150
    assert len(str(query)) < 8000
    known = set(query.getlist("after"))
    for n, name in enumerate(names):
        if line(n, name)["position"] not in known:
            live = notice(name, "live", path="/var/log/app.log")
            await stage.send(line(n, name, f"old {n}"), line(1000 + n, name, "new"), live)
    fresh = 150 - len(known)
    await expect(page.locator("status-line")).to_contain_text(f"{150 + 2 + fresh} lines")


async def test_the_end_of_access_is_said_and_not_tried_again(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1))
    await stage.send({"type": "end", "reason": "revoked"})
    await stage.hang_up(1008)
    await expect(page.locator(".link")).to_have_text("Ended")
    await expect(page.locator(".banner")).to_contain_text("Access was withdrawn")
    assert len(stage.views) == 1


async def test_a_server_that_is_away_is_said_and_found_again(page: Page, stage: Stage) -> None:
    stage.away = True
    await page.goto(stage.url)
    await expect(page.get_by_role("heading", name="Waiting for the server")).to_be_visible()
    stage.away = False
    await stage.viewed(1)
    await expect(page.get_by_role("heading", name="No lines yet")).to_be_visible()


async def test_bad_hosts_stand_out_with_cause_and_next_step(page: Page, stage: Stage) -> None:
    step = "permission denied; add the key to authorized_keys"
    stage.hosts = [host("web-1"), host("web-2", "failed", step), host("db-1", "waiting", "timed out")]
    await show(page, stage)
    await expect(page.locator(".tally")).to_have_text(re.compile(r"1 of 3 live\s+1 failed\s+1 waiting"))
    bad = page.get_by_role("region", name="Need attention")
    await expect(bad.locator(".name")).to_have_text(["db-1", "web-2"])
    await expect(bad).to_contain_text(step)


async def test_the_host_with_the_errors_stands_out_and_a_stack_trace_is_one_error(page: Page, stage: Stage) -> None:
    trace = [line(n, "web-2", level="critical", record="web-2-000000050") for n in range(50, 60)]
    errors = [line(n, "db-1", level="error") for n in range(100, 112)]
    live = [notice(name, "live", path="/var/log/app.log") for name in ("web-1", "web-2", "db-1")]
    long_ago = [line(n, "web-1", level="error") for n in range(20)]
    await show(page, stage, "", *long_ago, *live, *trace, *errors)
    await expect(page.locator(".errors")).to_have_text(["12", "1"])
    await expect(page.locator(".errors.hot")).to_have_attribute("title", "12 errors in this view in the last minute")
    await page.get_by_role("button", name="db-1: 12 errors a minute").click()
    assert (await stage.viewed(2))["hosts"] == "@db"


async def test_many_hosts_can_be_searched(page: Page, stage: Stage) -> None:
    stage.hosts = [host(f"web-{n}") for n in range(1, 41)] + [host("db-1")]
    await show(page, stage)
    await page.get_by_label("Find hosts").fill("web-4")
    await expect(page.locator(".host .name")).to_have_text(["web-4", "web-40"])


async def test_every_host_keeps_its_colour(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1, "web-1"), line(2, "web-2"))
    before = [await row.get_attribute("class") for row in await page.locator(".row").all()]
    assert len({re.search(r"\bc\d+", each or "")[0] for each in before}) == 2
    await page.reload()
    await stage.viewed(2)
    await stage.send(line(1, "web-1"), line(2, "web-2"))
    await expect(page.locator(".row")).to_have_count(2)
    assert [await row.get_attribute("class") for row in await page.locator(".row").all()] == before


async def test_the_keyboard_pauses_wraps_switches_the_clock_and_helps(page: Page, stage: Stage) -> None:
    await show(page, stage, "", line(1))
    await page.keyboard.press("Space")
    await stage.send(line(2), line(3))
    await expect(page.locator(".link")).to_have_text("Paused")
    await expect(page.locator("status-line")).to_contain_text("2 records wait")
    await expect(page.locator(".row")).to_have_count(1)
    await page.keyboard.press("Space")
    await expect(page.locator(".row")).to_have_count(3)
    await page.keyboard.press("w")
    await page.keyboard.press("t")
    assert asked(page) == {"wrap": ["1"], "time": ["utc"]}
    await expect(page.locator(".row .time").first).to_have_text(re.compile(r"10:00:00\.001$"))
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Help")).to_be_hidden()


async def test_a_double_click_shows_the_whole_line(page: Page, stage: Stage) -> None:
    text = json.dumps({"msg": "x" * 5000, "level": "info"})
    await show(page, stage, "", line(1, text=text))
    await page.locator(".row .text").dblclick()
    dialog = page.get_by_role("dialog", name="Line")
    await expect(dialog.locator(".whole")).to_have_text(json.dumps(json.loads(text), indent=2))
    await expect(dialog).to_contain_text("2026-11-23 11:00:00.001 Europe/Berlin")


async def test_lines_are_selected_and_opened_with_the_keyboard(page: Page, stage: Stage) -> None:
    await show(page, stage, "", *(line(n) for n in range(200)))
    selected = page.locator(".row.selected .text")
    await expect(page.locator(".row .text").last).to_have_text("line 199")
    await page.keyboard.press("ArrowUp")
    await expect(selected).to_have_text("line 199")
    for _ in range(60):
        await page.keyboard.press("ArrowUp")
    await expect(selected).to_have_text("line 139")
    await expect(selected).to_be_in_viewport(ratio=1)
    await stage.send(line(200))
    await expect(page.locator(".pill")).to_have_text("1 new line")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Line")
    await expect(dialog.locator(".whole")).to_have_text("line 139")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("ArrowDown")
    await expect(selected).to_have_text("line 140")
    await page.keyboard.press("Escape")
    await expect(selected).to_have_count(0)


async def test_an_arrow_down_beyond_the_last_line_follows_again(page: Page, stage: Stage) -> None:
    await show(page, stage, "", *(line(n) for n in range(200)))
    await page.keyboard.press("ArrowUp")
    await stage.send(line(200))
    await expect(page.locator(".pill")).to_have_text("1 new line")
    for _ in range(2):
        await page.keyboard.press("ArrowDown")
    await expect(page.locator(".pill")).to_have_count(0)
    await stage.send(line(201))
    await expect(page.locator(".row .text").last).to_have_text("line 201")


async def test_copied_lines_are_plain_and_name_their_hosts_when_there_are_several(page: Page, stage: Stage) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await show(page, stage, "", line(1, "web-1", "a\x1b[0m"), line(2, "web-1", "b"), line(3, "db-1", "c"))
    await page.evaluate(
        "getSelection().setBaseAndExtent(document.querySelectorAll('.text')[0], 0, "
        "document.querySelectorAll('.text')[1], 1)"
    )
    await page.locator(".scroller").focus()
    await page.keyboard.press("Control+c")
    assert await page.evaluate("navigator.clipboard.readText()") == "a␛[0m\nb\n"
    await page.evaluate(
        "getSelection().setBaseAndExtent(document.querySelectorAll('.text')[0], 0, "
        "document.querySelectorAll('.text')[2], 1)"
    )
    await page.keyboard.press("Control+c")
    assert await page.evaluate("navigator.clipboard.readText()") == "web-1: a␛[0m\nweb-1: b\ndb-1: c\n"


async def test_the_theme_is_the_systems_until_chosen_and_is_remembered(page: Page, stage: Stage) -> None:
    await page.emulate_media(color_scheme="dark")
    await show(page, stage)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(ground)
    await page.get_by_role("button", name="Light or dark").click()
    light = await page.evaluate(ground)
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    await page.reload()
    assert await page.evaluate(ground) == light


async def test_on_a_narrow_screen_the_hosts_are_a_drawer(browser: Browser, stage: Stage) -> None:
    async with tab(browser, viewport={"width": 360, "height": 700}) as page:
        await show(page, stage, "", line(1))
        await expect(page.locator(".panel")).to_be_hidden()
        await page.get_by_role("button", name="Hosts", exact=True).click()
        await expect(page.get_by_role("switch", name="web-1, live")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(".panel")).to_be_hidden()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide == 360


async def test_nothing_is_asked_of_anybody_else(page: Page, stage: Stage) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await show(page, stage, "", line(1))
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(stage.url).netloc}
    assert any("/static/" in url and "css" in url for url in asked)


async def test_the_page_works_under_a_relative_root(page: Page) -> None:
    async with serving(Stage(), "/logs/") as stage:
        await show(page, stage, "?level=info", line(1, text="under a root"))
        assert await texts(page) == ["under a root"]
        await page.get_by_label("Level").select_option("error")
        await stage.viewed(2)
        assert urlsplit(page.url).path == "/logs/"


async def test_a_reader_who_looks_at_a_line_goes_on_following(page: Page, stage: Stage) -> None:
    await show(page, stage, "", *(line(n) for n in range(200)))
    await page.locator(".row .text").last.dblclick()
    await page.keyboard.press("Escape")
    await stage.send(line(200))
    await expect(page.locator(".row .text").last).to_have_text("line 200")
    await expect(page.locator(".pill")).to_have_count(0)
