"""The page in a real browser over the real product and real SSH servers: what an SRE sees is what the files hold."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from browser import chromium, tab
from fleet import Fleet, free_port
from playwright.async_api import Browser, Page, WebSocketRoute, expect
from product import LOOPBACK, Product, Record

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTS = ("db-1", "web-1", "web-2")
SOURCES = ("merged", "switched", "pattern", "nasty", "cut", "restarted", "gap", "context", "past", "pictured")
EVERY_S = 0.02  # between two rounds of the writers
BACK_MS = 20_000  # longest wait for the page to find a host or the server again: its own back-off
HELD = """() => [...document.querySelector("log-list").store]
    .filter(({kind}) => kind === "line").map(({record}) => `${record.host} ${record.text}`)"""
MARKS = """() => [...document.querySelector("log-list").store]
    .filter(({kind}) => kind === "mark").map(({text}) => text)"""


class Scene:
    """Hosts, the product over them, and the logs that a test writes."""

    def __init__(self, fleet: Fleet, product: Product) -> None:
        self.fleet = fleet
        self.product = product

    def path(self, source: str, host: str) -> Path:
        return self.fleet.hosts[host].root / f"{source}.log"

    def write(self, source: str, host: str, *texts: str) -> None:
        """Append lines with the time as their stamp."""
        with self.path(source, host).open("a") as out:
            out.writelines(f"{now()} {text}\n" for text in texts)

    def written(self, source: str, *hosts: str) -> Counter[str]:
        """All lines of the hosts' files, as the page is to hold them."""
        names = hosts or HOSTS
        return Counter(f"{name} {line}" for name in names for line in self.path(source, name).read_text().splitlines())

    @contextlib.asynccontextmanager
    async def writing(self, source: str) -> AsyncIterator[None]:
        """Meanwhile, a line on each host every 20 ms."""
        task = asyncio.create_task(self._write(source))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _write(self, source: str) -> None:
        number = 0
        while True:
            for host in HOSTS:
                self.write(source, host, f"INFO {source} {number}")
            number += 1
            await asyncio.sleep(EVERY_S)  # the rate, not a wait


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    with Fleet(folder) as fleet:
        roots = {fleet.add(name).root.parent for name in HOSTS}
        sources = {
            source: {"hosts": "@*", "path": f"{root}/${{host}}/{source}.log"} for root in roots for source in SOURCES
        }
        for host in fleet.hosts.values():
            for source in SOURCES:
                (host.root / f"{source}.log").touch()
        inventory = fleet.inventory(sources, groups={"web": "web-*"})
        with Product(inventory, folder, bind=(f"{LOOPBACK}:{free_port()}",)) as product:
            yield Scene(fleet, product)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with tab(browser) as page:
        yield page


async def show(page: Page, scene: Scene, query: str) -> None:
    """Open the page and wait until all hosts are live."""
    await page.goto(f"{scene.product.url}/?{query}")
    await expect(page.locator(".tally")).to_contain_text(f"{len(HOSTS)} of {len(HOSTS)} live", timeout=BACK_MS)
    await expect(page.locator(".link")).to_have_text("Live")


async def held(page: Page) -> list[str]:
    """`HOST TEXT` of all lines that the page holds, in its order."""
    return await page.evaluate(HELD)  # type: ignore[no-any-return]


async def holds(page: Page, wanted: Counter[str]) -> None:
    """Wait until the page holds exactly these lines, each as often as it was written."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BACK_MS / 1000):
            while Counter(await held(page)) != wanted:
                await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    there = Counter(await held(page))
    missing, extra = wanted - there, there - wanted
    assert not missing, f"{missing.total()} lines are missing: {list(missing)[:5]}; {await page.evaluate(MARKS)}"
    assert not extra, f"{extra.total()} lines too many: {list(extra)[:5]}; {await page.evaluate(MARKS)}"


async def grown(page: Page, by: int, host: str = "") -> None:
    """Wait until so many lines more (of one host) have come."""
    count = (
        "(host) => [...document.querySelector('log-list').store].filter((r) => r.record?.host.includes(host)).length"
    )
    before = await page.evaluate(count, host)
    await page.wait_for_function(f"([host, n]) => ({count})(host) >= n", arg=[host, before + by], timeout=BACK_MS)


async def test_lines_of_all_hosts_are_merged_by_their_time(page: Page, scene: Scene) -> None:
    for number in range(30):
        scene.write("merged", HOSTS[number % 3], f"before {number}")
    await show(page, scene, "source=merged")
    async with scene.writing("merged"):
        await grown(page, 60)
    await holds(page, scene.written("merged"))
    stamps = [line.split()[1] for line in await held(page)]
    assert stamps == sorted(stamps)
    assert set(await page.locator(".row .host").all_text_contents()) == set(HOSTS)


async def test_a_host_is_switched_off_and_on_again(page: Page, scene: Scene) -> None:
    await show(page, scene, "source=switched")
    async with scene.writing("switched"):
        await grown(page, 30)
        await page.get_by_role("switch", name="web-1, live").click()
        await grown(page, 30)
        assert parse_qs(urlsplit(page.url).query)["hosts"] == ["@*!web-1"]
        assert not [line for line in await held(page) if line.startswith("web-1 ")]
        await page.get_by_role("switch", name="web-1").click()
        await grown(page, 10, "web-1")
    await holds(page, scene.written("switched"))


async def test_a_wrong_pattern_is_answered_in_the_words_of_re2_and_the_view_goes_on(page: Page, scene: Scene) -> None:
    await show(page, scene, "source=pattern")
    field = page.get_by_label("Pattern: show lines that match")
    await field.fill("order (7")
    await expect(page.locator("#grep-fault")).to_contain_text(re.compile(r"missing \)"))
    scene.write("pattern", "db-1", "order 6", "order 7 paid")
    await holds(page, scene.written("pattern"))
    await field.fill("order [78]")
    await expect(page.locator(".row mark")).to_have_text(["order 7"])
    await expect(page.locator("#grep-fault")).to_have_count(0)


async def test_text_that_would_be_markup_colour_or_direction_stays_text(page: Page, scene: Scene) -> None:
    await show(page, scene, "source=nasty")
    scene.write("nasty", "web-2", "<img src=x onerror=document.title='owned'> \x1b[31mred\x1b[0m \u202egnp.exe \x07 ok")
    text = page.locator(".row .text").first
    await expect(text).to_contain_text("<img src=x onerror=document.title='owned'> ␛[31mred␛[0m \\u202egnp.exe ␇ ok")
    assert await page.locator(".row img").count() == 0
    assert "owned" not in await page.title()


async def test_a_host_that_goes_is_said_and_when_it_is_back_nothing_is_missing(page: Page, scene: Scene) -> None:
    await show(page, scene, "source=cut")
    host = scene.fleet.hosts["web-2"]
    async with scene.writing("cut"):
        await grown(page, 30)
        await asyncio.to_thread(host.stop)
        trouble = page.get_by_role("region", name="Need attention")
        await expect(trouble.locator(".name")).to_have_text(["web-2"], timeout=BACK_MS)
        await expect(trouble.locator(".word")).to_have_text("waiting")
        await expect(trouble.locator(".trouble")).to_contain_text(re.compile(r"refused|lost|closed"))
        await grown(page, 60, "web-1")
        host.start()
        await expect(trouble).to_have_count(0, timeout=BACK_MS)
        await grown(page, 10, "web-2")
    await holds(page, scene.written("cut"))
    marks = await page.evaluate(MARKS)
    assert any("waiting" in mark for mark in marks)
    assert marks[-1].startswith("live again")


async def test_a_product_that_dies_and_comes_again_is_found_and_no_line_is_lost(page: Page, scene: Scene) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await show(page, scene, "source=restarted")
    async with scene.writing("restarted"):
        await grown(page, 60)
        assert scene.product.stop(signal.SIGKILL) == -signal.SIGKILL
        await expect(page.locator(".link")).to_have_text("Reconnecting")
        await asyncio.to_thread(scene.product.start)
        await expect(page.locator(".link")).to_have_text("Live", timeout=BACK_MS)
        await grown(page, 30)
    await holds(page, scene.written("restarted"))
    after = parse_qs(urlsplit(sockets[-1]).query)["after"]
    assert len(after) == len(HOSTS)


class Withholding:
    """A connection that is too slow for db-1's lines from `first` up to `last`: a gap stands for them.

    The page itself is too quick for the product to leave anything out.
    """

    def __init__(self, first: str, last: str) -> None:
        self._first, self._last = first, last
        self._from: Record | None = None
        self.withheld = 0

    def __call__(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: socket.send(json.dumps(self._pass(json.loads(message)))))

    def _pass(self, records: list[Record]) -> list[Record]:
        return [each for record in records for each in self._one(record)]

    def _one(self, record: Record) -> list[Record]:
        if record["type"] != "line" or record["host"] != "db-1":
            return [record]
        if record["text"].endswith(self._first):
            self._from = record
        if self._from is None:
            return [record]
        if not record["text"].endswith(self._last):
            self.withheld += 1
            return []
        gap = {key: self._from[key] for key in ("host", "source", "path")}
        gap |= {"type": "gap", "from": self._from["position"], "to": record["position"], "reason": "slow-viewer"}
        self._from = None
        return [{**gap, "lines": self.withheld, "bytes": None}, record]


async def test_lines_that_a_slow_viewer_missed_are_loaded_by_clicks(page: Page, scene: Scene) -> None:
    slow = Withholding(" number 100", " number 1700")
    await page.route_web_socket(re.compile("/ws"), slow)
    await show(page, scene, "source=gap")
    scene.write("gap", "db-1", "the log is open")
    await holds(page, scene.written("gap"))
    scene.write("gap", "db-1", *(f"INFO number {n}" for n in range(1800)))
    await expect(page.locator("status-line")).to_contain_text("202 lines")
    assert slow.withheld == 1600
    await page.evaluate("document.querySelector('log-list').home()")
    for _ in range(3):
        await page.keyboard.press("PageDown")
    await page.get_by_role("button", name="Load them").click()
    await expect(page.locator("status-line")).to_contain_text("1,203 lines")  # one says where the logs begin
    await page.evaluate("document.querySelector('log-list').end()")
    for _ in range(3):
        await page.keyboard.press("PageUp")
    await page.get_by_role("button", name="Load them").click()
    await holds(page, scene.written("gap"))
    assert [line.rpartition(" ")[2] for line in await held(page)][1:] == [str(n) for n in range(1800)]


async def test_the_context_of_a_line_holds_what_the_filters_hide_until_the_line_is_gone(
    page: Page, scene: Scene
) -> None:
    scene.write("context", "web-1", *(f"INFO step {n}" for n in range(100)), "ERROR broken", "INFO after it")
    scene.write("context", "web-2", "INFO of another host")
    await show(page, scene, "source=context&grep=broken")
    await page.locator("log-list .row .text").dblclick()
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Line")
    texts = dialog.locator(".around .text")
    wanted = scene.path("context", "web-1").read_text().splitlines()
    await expect(texts).to_have_text(wanted[-12:])
    await expect(dialog.locator(".around [aria-current] .text")).to_have_text(wanted[-2])
    await dialog.get_by_role("button", name="More before").click()
    await expect(texts).to_have_text(wanted[-62:])
    await dialog.get_by_role("button", name="More before").click()
    await expect(texts).to_have_text(wanted)
    await expect(dialog).to_contain_text("100 lines before it: the log begins here.")
    scene.path("context", "web-1").unlink()
    await dialog.get_by_role("button", name="Look again").click()
    await expect(dialog.get_by_role("alert")).to_contain_text(
        re.compile(r"Not shown: .*context\.log on web-1 .* is gone")
    )
    await expect(texts).to_have_text(wanted)


def aged(scene: Scene, source: str) -> list[str]:
    """An hour of lines on all hosts, `HOST TEXT` from old to new; db-1's older half lies in a rotated file."""
    start = datetime.now(UTC) - timedelta(hours=1)
    lines = []
    for n in range(3_600):
        time = (start + timedelta(seconds=n)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append((HOSTS[n % 3], f"{time} {'ERROR' if n % 90 == 0 else 'INFO'} second {n}"))
    for host in HOSTS:
        texts = [f"{text}\n" for name, text in lines if name == host]
        path = scene.path(source, host)
        if host == "db-1":
            path.with_name(f"{source}.log.1").write_text("".join(texts[:600]))
            texts = texts[600:]
        path.write_text("".join(texts))
    return [f"{host} {text}" for host, text in lines]


async def test_the_past_is_scrolled_searched_counted_and_linked_to(page: Page, scene: Scene) -> None:
    lines = aged(scene, "past")
    await show(page, scene, "source=past")
    async with asyncio.timeout(60):
        while len(await held(page)) < len(lines):
            await page.evaluate("document.querySelector('log-list').home()")
            await page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    assert await held(page) == lines
    await page.keyboard.press("Home")
    await expect(page.locator(".row.mark .text").first).to_contain_text("The logs begin here")

    since, until = (lines[n].split()[1] for n in (900, 2_700))
    await page.goto(f"{scene.product.url}/?source=past&since={since}&until={until}&level=error")
    wanted = [line for line in lines[900:2_700] if "ERROR" in line]
    await expect(page.locator(".said")).to_have_text(f"{len(wanted)} lines, {len(wanted)} errors", timeout=BACK_MS)
    assert await held(page) == wanted
    await expect(page.locator("status-line")).to_contain_text(re.compile("read .* on 3 hosts"))

    await page.locator("log-list .row.line .text", has_text=wanted[-1].split(" ", 1)[1]).dblclick()
    await page.get_by_role("button", name="Copy link").click()
    link = await page.get_by_label("Link to this line").input_value()
    scene.path("past", "db-1").with_name("past.log.1").rename(scene.path("past", "db-1").with_name("past.log.2"))
    for host in HOSTS:
        path = scene.path("past", host)
        path.rename(path.with_name("past.log.1"))
        path.write_text(f"{now()} INFO the next file\n")
    await page.goto(link)
    selected = page.locator(".row.selected .text")
    await expect(selected).to_have_text(wanted[-1].split(" ", 1)[1], timeout=BACK_MS)
    await expect(selected).to_be_in_viewport()
    for host in HOSTS:
        scene.path("past", host).with_name("past.log.1").unlink()
    await page.goto(link.replace("at=", "wrap=1&at="))
    await expect(page.get_by_role("heading", name="This line is gone")).to_be_visible(timeout=BACK_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_can_be_looked_at(browser: Browser, scene: Scene, tmp_path: Path, scheme: str) -> None:
    """A picture of each theme stays in the test's folder for whoever wants to look."""
    async with tab(browser, color_scheme=scheme) as page:
        for level in ("INFO", "WARN", "ERROR"):
            scene.write("pictured", "db-1", f"{level} a line")
        await show(page, scene, "source=pictured")
        await expect(page.locator(".row.error")).not_to_have_count(0)
        target = tmp_path / f"{scheme}.png"
        await page.screenshot(path=target)
        assert target.stat().st_size > 10_000
