"""A real browser and a small real server for tests of the page: our templates and static files, scripted records.

`Stage` speaks as much of the public interface as the page uses; a test sets what it answers and sends records.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from web.authority import Authority
from web.guard import Guard
from web.pages import Pages

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
)
expect.set_options(timeout=15_000)  # milliseconds until a test gives up; usual is a tenth of a second
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NOW = START + timedelta(hours=1)

Record = dict[str, Any]


def host(name: str, state: str = "live", error: str | None = None, **more: Any) -> Record:
    """An entry of `/api/v1/hosts`."""
    return {
        "name": name,
        "address": f"10.0.0.{sum(name.encode()) % 250}",
        "labels": {"env": "prod"},
        "groups": [name.partition("-")[0]],
        "state": state,
        "error": error,
        "lag_s": None,
        "clock_skew_s": None,
        **more,
    }


def source(name: str, hosts: Sequence[str], path: str = "/var/log/app.log") -> Record:
    """An entry of `/api/v1/sources`, with one file on each host."""
    files = [{"host": name, "path": path, "state": "live", "error": None} for name in hosts]
    return {"name": name, "kind": "file", "files": files}


def line(n: int, host: str = "web-1", text: str | None = None, **more: Any) -> Record:
    """The n-th line: a millisecond after the one before."""
    time = START + timedelta(milliseconds=n)
    return {
        "type": "line",
        "host": host,
        "source": "app",
        "path": "/var/log/app.log",
        "position": f"{host}-{n:09d}",
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": None,
        "text": f"line {n}" if text is None else text,
        **more,
    }


def notice(host: str, state: str, detail: str = "", path: str | None = None) -> Record:
    """News about a host, or about its file."""
    record = {"type": "notice", "host": host, "state": state, "detail": detail}
    return record if path is None else {**record, "source": "app", "path": path}


def gap(first: int, last: int, **more: Any) -> Record:
    """A slow viewer's gap: the lines `first` up to and not including `last` of web-1."""
    return {
        "type": "gap",
        "host": "web-1",
        "source": "app",
        "path": "/a.log",
        "from": line(first)["position"],
        "to": line(last)["position"],
        "lines": last - first,
        "bytes": 100,
        "reason": "slow-viewer",
        **more,
    }


def moment(text: str, default: datetime) -> datetime:
    """A time of a query: RFC 3339, or so many minutes or hours before the stage's now."""
    if text.startswith("-"):
        return NOW - int(text[1:-1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1)}[text[-1]]
    return datetime.fromisoformat(text) if text else default


@dataclass
class Past:
    """The past as the server gives it out: pages by time over `written`, in the order of their times.

    `failed` are the hosts that it could not read, `notes` what was unusual, `progress` what it says first; it answers
    when it is `free`, and counts the pages that `left` before. Lines of the host that is `slow` come late: none with
    the first page, those that belong there first with the second. `histograms` are the answers to `exact=0` and then
    to `exact=1`. Downloads are `without` some hosts.
    """

    written: dict[str, Record] = field(default_factory=dict)
    asked: list[QueryParams] = field(default_factory=list)
    failed: list[Record] = field(default_factory=list)
    notes: list[Record] = field(default_factory=list)
    slow: str = ""
    without: str = ""
    progress: list[Record] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    left: int = 0
    histograms: list[Record] = field(default_factory=list)
    histograms_asked: list[QueryParams] = field(default_factory=list)
    growth: asyncio.Queue[Record] | None = None
    downloads: tuple[int, str] = (403, "download is not allowed here")
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def write(self, *records: Record) -> None:
        self.written.update({record["position"]: record for record in records if record["type"] == "line"})

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for what the page does."""
        async with asyncio.timeout(10):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def lines(self, request: Request) -> Response:
        query = request.query_params
        self.asked.append(query)
        self.changed.set()
        return StreamingResponse(self._answer(query), media_type="application/x-ndjson")

    async def _answer(self, query: QueryParams) -> AsyncIterator[str]:
        for each in self.progress:
            yield json.dumps({"type": "progress", **each}) + "\n"
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.left += 1
            self.changed.set()
            raise
        since, until = moment(query.get("since", ""), START - timedelta(days=365)), moment(query.get("until", ""), NOW)
        found = [each for each in self.written.values() if since <= datetime.fromisoformat(each["time"]) < until]
        found.sort(key=lambda each: datetime.fromisoformat(each["time"]))
        if query["direction"] == "backward":
            found.reverse()
        begin = int(query.get("cursor", "0"))
        end = begin + int(query["limit"])
        found = self._given_out(found, int(query["limit"]))
        yield "".join(json.dumps(each) + "\n" for each in found[begin:end])
        cursor = str(end) if end < len(found) else None
        answered = {"type": "end", "reason": "complete", "cursor": cursor, "scanned_bytes": 1_400_000_000}
        late = any(each.get("late") for each in found[end : end + 1])
        more = {"late": late, "notes": self.notes}
        yield json.dumps({**answered, **more, "complete": not self.failed, "failed": self.failed}) + "\n"

    def _given_out(self, found: list[Record], first: int) -> list[Record]:
        """The order in which lines come: a slow host's after the `first` of the others."""
        if not self.slow:
            return found
        others = [each for each in found if each["host"] != self.slow]
        reached = found.index(others[:first][-1]) if others else 0
        late = [{**each, "late": True} for each in found[:reached] if each["host"] == self.slow]
        return [*others[:first], *late, *found[reached + 1 :]]

    async def histogram(self, request: Request) -> Response:
        self.histograms_asked.append(request.query_params)
        self.changed.set()
        if self.growth is not None and request.query_params.get("format") == "ndjson":
            return StreamingResponse(self._growing(self.growth), media_type="application/x-ndjson")
        empty = {"buckets": [], "exact": True, "complete": True, "failed": []}
        return JSONResponse(self.histograms.pop(0) if self.histograms else empty)

    async def _growing(self, growth: asyncio.Queue[Record]) -> AsyncIterator[str]:
        try:
            while (record := await growth.get())["type"] != "end":
                yield json.dumps(record) + "\n"
            yield json.dumps(record) + "\n"
        except asyncio.CancelledError:
            self.left += 1
            self.changed.set()
            raise

    async def download(self, request: Request) -> Response:
        status, words = self.downloads
        if status != 200:
            return JSONResponse({"detail": words}, status, media_type="application/problem+json")
        headers = {"content-disposition": "attachment; filename=lines.log"}
        if self.without:
            headers["x-failed-hosts"] = self.without
        return PlainTextResponse("" if request.query_params.get("limit") == "0" else words, headers=headers)


@dataclass
class Stage:
    """What the server answers. `problem` is sent (400) to a view whose query it is called with.

    `pages` are the answers to `/api/v1/lines` between two positions, and `contexts` those to `/api/v1/context`, first
    come first served: status and body. The past is answered from all lines that were ever sent, and from `past`.
    """

    hosts: list[Record] = field(default_factory=lambda: [host("web-1"), host("web-2"), host("db-1")])
    sources: list[Record] = field(default_factory=lambda: [source("app", ["web-1", "web-2", "db-1"])])
    me: Record = field(default_factory=lambda: {"name": "local", "via": "local", "roles": []})
    backlog: list[Record] = field(default_factory=list)
    faults: Mapping[str, list[Record]] = field(default_factory=dict)
    views: list[QueryParams] = field(default_factory=list)
    sockets: set[WebSocket] = field(default_factory=set)
    pages: list[tuple[int, Record]] = field(default_factory=list)
    pages_asked: list[QueryParams] = field(default_factory=list)
    contexts: list[tuple[int, Record]] = field(default_factory=list)
    contexts_asked: list[QueryParams] = field(default_factory=list)
    past: Past = field(default_factory=lambda: Past())
    away: bool = False
    url: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *records: Record) -> None:
        """To every open view, as one message."""
        self.past.write(*records)
        for each in list(self.sockets):
            await each.send_text(json.dumps(records))

    async def viewed(self, times: int) -> QueryParams:
        """Wait until a view was opened for that many times; the last one's parameters."""
        async with asyncio.timeout(10):
            while len(self.views) < times or not self.sockets:
                self._changed.clear()
                await self._changed.wait()
        return self.views[-1]

    async def hang_up(self, code: int = 1012) -> None:
        """Close all views."""
        for each in list(self.sockets):
            await each.close(code)

    def problem(self, query: QueryParams) -> Response | None:
        """Why this view is refused, if it is: a value of `faults` whose key is part of the query."""
        for part, errors in self.faults.items():
            if part in str(query):
                body = {"title": "bad request", "status": 400, "errors": errors}
                return JSONResponse(body, 400, media_type="application/problem+json")
        return None

    async def view(self, socket: WebSocket) -> None:
        """`/ws`: the backlog, unless it goes on after something, then what the test sends."""
        if self.away or self.problem(socket.query_params):
            await socket.close(1013)
            return
        await socket.accept()
        self.views.append(socket.query_params)
        self.past.write(*self.backlog)
        if self.backlog and "after" not in socket.query_params:
            await socket.send_text(json.dumps(self.backlog))
        self.sockets.add(socket)
        self._changed.set()
        with contextlib.suppress(WebSocketDisconnect):
            await socket.receive_text()
        self.sockets.discard(socket)

    async def page(self, request: Request) -> Response:
        if "from" not in request.query_params:
            return self.problem(request.query_params) or await self.past.lines(request)
        self.pages_asked.append(request.query_params)
        status, body = self.pages.pop(0)
        return JSONResponse(body, status)

    async def context(self, request: Request) -> Response:
        self.contexts_asked.append(request.query_params)
        status, body = self.contexts.pop(0)
        return JSONResponse(body, status)

    async def stream(self, request: Request) -> Response:
        return self.problem(request.query_params) or PlainTextResponse("")

    def app(self, port: int, relative_root: str = "/") -> Guard:
        """The real guard, for its headers, around our pages and the scripted answers."""
        pages = Pages(relative_root=relative_root, version="test")

        async def hosts(request: Request) -> Response:
            return Response(status_code=503) if self.away else JSONResponse(self.hosts)

        async def sources(request: Request) -> Response:
            return JSONResponse(self.sources)

        async def whoami(request: Request) -> Response:
            return JSONResponse(self.me)

        routes = [
            *pages.routes,
            Route("/api/v1/hosts", hosts),
            Route("/api/v1/sources", sources),
            Route("/api/v1/whoami", whoami),
            Route("/api/v1/stream", self.stream),
            Route("/api/v1/lines", self.page),
            Route("/api/v1/context", self.context),
            Route("/api/v1/histogram", self.past.histogram),
            Route("/api/v1/download", self.past.download),
            WebSocketRoute("/ws", self.view),
        ]
        root = relative_root.rstrip("/")
        app = Starlette(routes=[Mount(root, routes=routes)] if root else routes)
        return Guard(app, Authority.of([f"127.0.0.1:{port}"]), relative_root=relative_root)


class QuietServer(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(stage: Stage, relative_root: str = "/", port: int = 0) -> AsyncIterator[Stage]:
    """Serve the stage on loopback; `stage.url` is where."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        bound = listener.getsockname()[1]
        app = stage.app(bound, relative_root)
        server = QuietServer(uvicorn.Config(app, log_level="error", ws="websockets-sansio", lifespan="off"))
        stage.url = f"http://127.0.0.1:{bound}{relative_root}"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            try:
                yield stage
            finally:
                stage.past.free.set()
                await stage.hang_up(1001)
                server.should_exit = True


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def tab(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page of its own; errors of the page's scripts, and what its policy blocked, fail the test at the end."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    yield page
    await context.close()
    assert not wrong, wrong
