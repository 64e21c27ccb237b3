"""The web's guard against a real browser: our own page works, another website's does not."""

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from web.authority import Authority
from web.guard import Guard

FORM = '<form id="f" method="post" action="{}/login"><button>in</button></form><a href="{}/">a permalink</a>'
OPEN_SOCKET = """(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onmessage = (event) => done(event.data);
  socket.onerror = () => done("refused");
})"""
FETCH = """(url) => fetch(url, {mode: "no-cors"}).then((answer) => answer.type, () => "refused")"""


async def page(request):
    return HTMLResponse(f"<!doctype html><title>ours</title><h1>log text</h1>{FORM.format('', '')}")


async def text(request):
    return PlainTextResponse("log text")


async def ws(websocket):
    await websocket.accept()
    await websocket.send_text("log text")
    await websocket.close()


OURS = [
    Route("/", page),
    Route("/login", text, methods=["POST"]),
    Route("/api/v1/stream", text),
    WebSocketRoute("/ws", ws),
]


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self):  # pytest keeps its own
        yield


@asynccontextmanager
async def serving(make_app):
    """A server of `make_app(port)` on loopback; gives the port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    server = Server(uvicorn.Config(make_app(port), ws="websockets-sansio", lifespan="off", log_config=None))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[sock]))
        try:
            yield port
        finally:
            server.should_exit = True


@pytest.fixture
async def site():
    """Our port, and what the guard reported."""
    refused = []

    async def on_refuse(scope, detail):
        refused.append((scope["path"], detail.split(":")[0]))

    def make_app(port):
        authority = Authority.of([f"127.0.0.1:{port}"])
        return Guard(Starlette(routes=OURS), authority, on_refuse=on_refuse, post={"/login"})

    async with serving(make_app) as port:
        yield port, refused


@pytest.fixture
async def browser():
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[rules, "--no-sandbox"])
        yield await chromium.new_page()
        await chromium.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_our_own_page_reads_and_logs_in(site, browser, host):
    port, refused = site
    await browser.goto(f"http://{host}:{port}/")
    assert await browser.evaluate(OPEN_SOCKET, f"ws://{host}:{port}/ws") == "log text"
    assert await browser.evaluate("() => fetch('/api/v1/stream').then((answer) => answer.text())") == "log text"
    await browser.click("button")
    await browser.wait_for_url("**/login")
    assert await browser.inner_text("body") == "log text"
    assert refused == []


async def test_another_website_reads_nothing_but_may_link_to_us(site, browser):
    port, refused = site
    ours = f"http://127.0.0.1:{port}"

    async def evil(request):
        return HTMLResponse(f"<!doctype html>{FORM.format(ours, ours)}<iframe src='{ours}/api/v1/stream'></iframe>")

    async with serving(lambda _: Starlette(routes=[Route("/", evil)])) as other:
        await browser.goto(f"http://evil.example:{other}/")
        assert refused == [("/api/v1/stream", "another website asked for this; open it directly")], "the frame"
        assert await browser.evaluate(OPEN_SOCKET, f"ws://127.0.0.1:{port}/ws") == "refused"
        assert refused[1] == ("/ws", "foreign Origin http")
        assert await browser.evaluate(FETCH, f"{ours}/api/v1/stream") == "refused"
        assert refused[2][0] == "/api/v1/stream"
        await browser.click("button")
        await browser.wait_for_url("**/login")
        assert "foreign Origin" in await browser.inner_text("body")
        await browser.goto(f"http://evil.example:{other}/")
        await browser.evaluate("(url) => { location = url; }", f"{ours}/api/v1/stream")
        await browser.wait_for_url(f"{ours}/api/v1/stream")
        assert refused[-1] == ("/api/v1/stream", "another website asked for this; open it directly")
        await browser.goto(f"http://evil.example:{other}/")
        await browser.click("a")
        await browser.wait_for_url(f"{ours}/")
        assert await browser.inner_text("h1") == "log text"


async def test_rebound_name_reaches_nothing(site, browser):
    port, refused = site
    answer = await browser.goto(f"http://evil.example:{port}/")
    assert answer.status == 403
    assert await browser.evaluate(OPEN_SOCKET, f"ws://evil.example:{port}/ws") == "refused"
    assert refused == [("/ws", "foreign Host evil.example")]
