"""Everything × everyone: each route and socket, asked by each kind of caller, for each host and path.

A route that is not in `ROUTES` fails: whoever adds one says here what it may give to whom.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from local import LocalTransport
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from aggregator.access.audit import AuditLog
from aggregator.access.chain import verify
from aggregator.access.tokens import hash_token
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.service import Aggregator
from web.app import create_app
from web.authority import Authority

BASE = "127.0.0.1:8080"
STRANGERS_OWN = {  # answered to anybody, with nothing of hosts and paths in it
    "GET /livez", "GET /readyz", "GET /healthz", "GET /health", "GET /metrics",
    "GET /login", "POST /login", "POST /logout", "MOUNT /static/",
}  # fmt: skip
ROUTES = {  # what is needed for the text that a route gives; None: lists of what may be seen
    "GET /": None,
    "GET /api/v1/hosts": None,
    "GET /api/v1/sources": None,
    "GET /api/v1/whoami": None,
    "GET /api/v1/stream": "view",
    "WS /ws": "view",
    "GET /api/v1/lines": "view",
    "GET /api/v1/context": "view",
    "GET /api/v1/histogram": "search",
    "GET /api/v1/download": "download",
}
TARGETS = {"prod": "prod-1", "secret": "prod-1", "stage": "stage-1"}  # sources and their hosts
SEES: dict[str, dict[str, set[str]]] = {  # caller → source → actions
    "stranger": {},
    "expired": {},
    "revoked": {},
    "no role": {},
    "viewer": {"prod": {"view"}},
    "finder": {"prod": {"search"}},
    "searcher": {"prod": {"view", "search"}},
    "downloader": {"prod": {"view", "search", "download"}},
    "revealer": {"prod": {"view", "search", "download", "reveal"}},
    "of stage": {"stage": {"view", "search", "download"}},
}
NOBODY = ("stranger", "expired", "revoked")
TOKENS = {name: f"tagg_{name.replace(' ', '_')}-{'x' * 32}" for name in (*SEES, "all")}


RAW = {
    "/api/v1/stream": "view",
    "/api/v1/lines": "view",
    "/api/v1/context": "view",
    "/api/v1/download": "download",
}
SECRET = "hunter2hunter2"  # in a URL of each log


def text_of(source: str) -> str:
    return f"2026-11-23T10:00:00Z canary of {source}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: str


class Site:
    """The application over two hosts, in this process."""

    def __init__(self, app: Any, aggregator: Aggregator, root: Path, audit: Path) -> None:
        self.app = app
        self.aggregator = aggregator
        self.root = root
        self._audit = audit
        self.positions: dict[str, str] = {}

    async def ask(self, caller: str, path: str, *, method: str = "GET", **asked: Any) -> Answer:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{BASE}", timeout=60) as client:
            answer = await client.request(method, path, params=asked, headers=bearer(caller))
        return Answer(answer.status_code, answer.text, str(answer.headers))

    async def socket(self, caller: str, **asked: Any) -> Answer:
        """A socket's denial as it is answered, or 101 and all that it says."""
        said: list[dict[str, Any]] = []
        gone = asyncio.Event()
        opened = False

        async def receive() -> dict[str, Any]:
            nonlocal opened
            if not opened:
                opened = True
                return {"type": "websocket.connect"}
            await gone.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        headers = [(b"host", BASE.encode()), *((k.lower().encode(), v.encode()) for k, v in bearer(caller).items())]
        query = str(httpx.QueryParams(asked)).encode()
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": "/ws",
            "raw_path": b"/ws", "root_path": "", "query_string": query, "headers": headers, "subprotocols": [],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080), "state": {},
            "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        async with asyncio.timeout(60):
            await self.app(scope, receive, send)
        denied = [message["status"] for message in said if message["type"] == "websocket.http.response.start"]
        text = "".join(str(message.get("text") or message.get("body", b"")) for message in said)
        return Answer(denied[0] if denied else 101, text, "")

    def refusals(self) -> int:
        return sum(json.loads(line)["event"] == "refuse" for line in self._audit.read_bytes().splitlines())

    def routes(self) -> set[str]:
        inner = self.app
        while not isinstance(inner, Starlette):
            inner = inner._app
        return {one for route in inner.routes for one in named(route)}


def bearer(caller: str) -> dict[str, str]:
    return {} if caller == "stranger" else {"Authorization": f"Bearer {TOKENS[caller]}"}


def named(route: BaseRoute) -> list[str]:
    match route:
        case Mount():
            return [one for inner in route.routes or () for one in named(inner)] or [
                f"MOUNT /{route.path.split('/')[1]}/"
            ]
        case WebSocketRoute():
            return [f"WS {route.path}"]
        case Route():
            return [f"{method} {route.path}" for method in sorted(route.methods or {"ANY"}) if method != "HEAD"]
    return [f"{type(route).__name__} {getattr(route, 'path', '?')}"]


def inventory_of(folder: Path, *, without: str = "") -> Path:
    everything = ["view", "search", "download"]

    def role(source: str, *actions: str) -> dict[str, Any]:
        return {
            "allow": [{"hosts": TARGETS[source], "paths": [f"{folder}/*/{source}/app.log"], "actions": list(actions)}]
        }

    roles = {
        "viewer": role("prod", "view"),
        "finder": role("prod", "search"),
        "searcher": role("prod", "view", "search"),
        "downloader": role("prod", *everything),
        "revealer": role("prod", *everything, "reveal"),
        "of-stage": role("stage", *everything),
        "all": {"allow": [{"hosts": "@*", "paths": ["/**"], "actions": everything}]},
    }
    tokens: dict[str, Any] = {}
    for name, token in TOKENS.items():
        held = {"no role": [], "expired": ["all"], "revoked": ["all"]}.get(name, [name.replace(" ", "-")])
        if name not in ("stranger", without):
            tokens[name.replace(" ", "-")] = {"hash": hash_token(token), "roles": held}
    tokens["expired"]["expires"] = "2020-01-01"
    data = {
        "version": 1,
        "ssh": {"config": [], "known_hosts": [], "identity_files": []},
        "hosts": {"prod-1": {"labels": {"env": "prod"}}, "stage-1": {"labels": {"env": "stage", "only": "stage"}}},
        "groups": {"of-prod": "prod-1", "of-stage": "stage-1"},
        "sources": {
            source: {"hosts": host, "path": f"{folder}/${{host}}/{source}/app.log"} for source, host in TARGETS.items()
        },
        "access": {"roles": roles, "tokens": tokens},
    }
    path = folder / "hosts.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Site]:
    for source, host in TARGETS.items():
        log = folder / host / source / "app.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"{text_of(source)} http://me:{SECRET}@db/\n")
    metrics = Metrics()
    async with (
        LocalTransport() as transport,
        await AuditLog.open(folder / "audit.jsonl", metrics) as audit,
        Aggregator(load([inventory_of(folder)]), transport, audit, metrics) as aggregator,
    ):
        site = Site(create_app(aggregator, Authority.of([BASE])), aggregator, folder, folder / "audit.jsonl")
        answer = await site.ask("all", "/api/v1/stream", follow=0)
        for record in map(json.loads, answer.body.splitlines()):
            if record["type"] == "line":
                site.positions[record["source"]] = record["position"]
        assert set(site.positions) == set(TARGETS)
        await aggregator.reload(load([inventory_of(folder, without="revoked")]))
        yield site


async def asked(site: Site, route: str, caller: str, source: str, host: str, method: str = "GET") -> Answer:
    """Ask a route for the text of a source on a host."""
    selected: dict[str, Any] = {"source": source, "hosts": host}
    match route:
        case "WS /ws":
            return await site.socket(caller, **selected, follow=0)
        case "GET /api/v1/stream":
            selected["follow"] = 0
        case "GET /api/v1/context":
            selected = {"position": site.positions.get(source, "nothing")}
        case "GET /api/v1/histogram":
            selected["since"] = "2026-11-23T09:00:00Z"
    return await site.ask(caller, route.partition(" ")[2], method=method, **selected)


def expected(route: str, caller: str, source: str, needed: str | None = None) -> int:
    if caller in NOBODY:
        return 401
    allowed = SEES[caller].get(source, set())
    if not allowed:
        return 400  # unknown, as what is not there
    if (needed or ROUTES[route]) not in allowed:
        return 403
    return 101 if route.startswith("WS") else 200


async def test_everything_by_everyone(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        assert site.routes() == STRANGERS_OWN | ROUTES.keys()
        for caller in SEES:
            await check_texts(site, caller)
            await check_heads(site, caller)
            await check_searches(site, caller)
            await check_raw(site, caller)
            await check_selectors(site, caller)
            await check_lists(site, caller)
            await check_strangers_own(site, caller)


async def check_texts(site: Site, caller: str) -> None:
    for route, needed in ROUTES.items():
        for source, host in TARGETS.items() if needed else ():
            answer = await asked(site, route, caller, source, host)
            where = f"{caller} asks {route} for {source}: {answer}"
            assert answer.status == expected(route, caller, source), where
            check_hidden(answer, caller, where, asked=(source, host))
            if answer.status == 403:
                assert "no rule allows it" in answer.body, where
            if answer.status in (200, 101) and needed != "search":
                assert text_of(source) in answer.body, where
            if answer.status == 400 and route != "GET /api/v1/context":
                unknown = await asked(site, route, caller, "nothing", "nowhere")
                told = answer.body.replace(f": {source}", ": nothing").replace(host, "nowhere")
                seen = any(TARGETS[other] == host for other in SEES[caller])
                assert (unknown.status, seen or told == unknown.body) == (400, True), where


async def check_heads(site: Site, caller: str) -> None:
    """HEAD is decided and answered as GET is, on record, without text."""
    for route in (route for route in ROUTES if route.startswith("GET ")):
        for source, host in TARGETS.items():
            told = []
            for method in ("GET", "HEAD"):
                before = site.refusals()
                answer = await asked(site, route, caller, source, host, method)
                told.append((answer.status, site.refusals() - before))
                check_hidden(answer, caller, f"{caller}: {method} {route}", asked=(source, host))
            assert told[0] == told[1], (caller, route, source)
            assert answer.body == ""


async def check_searches(site: Site, caller: str) -> None:
    """A pattern or a range makes `lines` a search; both ends of a range are positions."""
    for source, host in TARGETS.items():
        answer = await site.ask(caller, "/api/v1/lines", source=source, hosts=host, grep="canary")
        assert answer.status == expected("GET /api/v1/lines", caller, source, "search"), (caller, source, answer)
        check_hidden(answer, caller, f"{caller} searches {source}", asked=(source, host))
        place = site.positions[source]
        answer = await site.ask(caller, "/api/v1/lines", **{"from": place, "to": place})
        assert answer.status == expected("GET /api/v1/lines", caller, source), (caller, source, answer)
        check_hidden(answer, caller, f"{caller} reads {source} by position", asked=(source, host))
        answer = await site.ask(caller, "/api/v1/stream", after=place, follow=0)
        assert answer.status == expected("GET /api/v1/stream", caller, source), (caller, source, answer)
        check_hidden(answer, caller, f"{caller} resumes {source}", asked=(source, host))


async def check_raw(site: Site, caller: str) -> None:
    """Text with its secrets in it: for who may reveal, and says why."""
    asked = {"source": "prod", "hosts": "prod-1", "raw": 1}
    for path, needed in RAW.items():
        target = {"position": site.positions["prod"], "raw": 1} if "context" in path else asked
        answer = await site.ask(caller, path, **target, reason="ticket 7", follow=0)
        allowed = SEES[caller].get("prod", set())
        known = 401 if caller in NOBODY else 400 if not allowed else 200 if {needed, "reveal"} <= allowed else 403
        assert answer.status == known, (caller, path, answer)
        check_hidden(answer, caller, f"{caller} asks {path} for raw text", asked=("prod", "prod-1"))
        if answer.status == 200:
            assert SECRET in answer.body, (caller, path)
            assert (await site.ask(caller, path, **target, follow=0)).status == 400, "without a reason"


async def check_selectors(site: Site, caller: str) -> None:
    """Groups, labels and wildcards of which a caller may see no host are unknown, as those that are not there."""
    hidden = {"viewer": "stage", "of stage": "prod"}.get(caller)
    if hidden is None:
        return
    for selector in ("{}-1", "@of-{}", "@env:{}", "@only:{}", "@only:*", "{}-*", "{}-[1-2]", "@*!{}-1"):
        asked, unknown = selector.format(hidden), selector.format("other")
        if asked == unknown and hidden == "prod":
            continue  # it is theirs
        answer = await site.ask(caller, "/api/v1/stream", hosts=asked, follow=0)
        other = await site.ask(caller, "/api/v1/stream", hosts=unknown, follow=0)
        said, told = (re.sub(r" \(did you mean [^)]*\)", "", one.body) for one in (answer, other))
        assert (answer.status, said.replace(hidden, "other")) == (400, told), (caller, asked)
    for misspelt, name in ((f"{hidden}-11", f"{hidden}-1"), (f"@of-{hidden}s", f"of-{hidden}"), ("@onyl:x", "only")):
        answer = await site.ask(caller, "/api/v1/stream", hosts=misspelt, follow=0)
        assert answer.status == 400
        assert f"'{name}'" not in answer.body or (name == "only" and hidden == "prod"), (caller, answer.body)
    answer = await site.ask(caller, "/api/v1/stream", source=f"{hidden}s", follow=0)
    assert f"'{hidden}'" not in answer.body


async def check_lists(site: Site, caller: str) -> None:
    for path, of_one in (("/api/v1/hosts", TARGETS.__getitem__), ("/api/v1/sources", str)):
        answer = await site.ask(caller, path)
        if caller in NOBODY:
            assert answer.status == 401
        else:
            assert [one["name"] for one in json.loads(answer.body)] == [of_one(source) for source in SEES[caller]]
        check_hidden(answer, caller, f"{caller} lists {path}")
    who = await site.ask(caller, "/api/v1/whoami")
    assert who.status == (401 if caller in NOBODY else 200)
    check_hidden(who, caller, f"{caller} asks who they are")
    page = await site.ask(caller, "/")
    assert page.status == (401 if caller in NOBODY else 200)
    check_hidden(page, caller, f"{caller} opens the page")
    everything = await site.ask(caller, "/api/v1/stream", follow=0)
    blind = any("view" not in actions for actions in SEES[caller].values())
    assert everything.status == (401 if caller in NOBODY else 403 if blind else 200)
    check_hidden(everything, caller, f"{caller} watches all")
    for source in () if blind else SEES[caller]:
        assert text_of(source) in everything.body


async def check_strangers_own(site: Site, caller: str) -> None:
    for route in STRANGERS_OWN:
        method, _, path = route.partition(" ")
        if method == "GET" and caller not in ("expired", "revoked"):
            answer = await site.ask(caller, path)
            seen = {TARGETS[source] for source in SEES[caller]} if path == "/metrics" else set()
            assert not [name for name in TARGETS.values() if name not in seen and name in answer.body + answer.headers]
            assert path != "/metrics" or all(f'host="{name}"' in answer.body for name in seen)
            assert "canary" not in answer.body


def check_hidden(answer: Answer, caller: str, where: str, asked: tuple[str, ...] = ()) -> None:
    """Nothing of what the caller may not see is in an answer, but for the names that they gave themselves."""
    if "reveal" not in SEES[caller].get("prod", ()):
        assert SECRET not in answer.body, where
    for source, host in TARGETS.items():
        if source in SEES[caller]:
            continue
        assert text_of(source) not in answer.body, where
        assert f"/{source}/app.log" not in answer.body + answer.headers, where
        if host not in asked and host not in {TARGETS[other] for other in SEES[caller]}:
            assert host not in answer.body + answer.headers, where


@pytest.mark.parametrize("fault", ["I/O error", "hang"])
async def test_no_route_gives_text_that_can_not_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async with running(tmp_path) as site:
        well, hanging = os.fdatasync, threading.Event()

        def broken(file: int) -> None:
            if fault == "hang":
                hanging.wait()
                well(file)
            else:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(os, "fdatasync", broken)
        for route in (route for route, needed in ROUTES.items() if needed):
            answer = await asked(site, route, "all", "prod", "prod-1")
            assert (answer.status, text_of("prod") in answer.body) == (503, False), (route, answer)
        assert (await site.ask("stranger", "/readyz")).status == 503
        monkeypatch.setattr(os, "fdatasync", well)
        hanging.set()
        async with asyncio.timeout(60):
            while (await site.ask("stranger", "/readyz")).status != 200:  # noqa: ASYNC110 - another program would, too
                await asyncio.sleep(0.05)
        for route in (route for route, needed in ROUTES.items() if needed):
            answer = await asked(site, route, "all", "prod", "prod-1")
            assert answer.status in (101, 200), (route, answer)
    assert verify((tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True)).bad is None


async def test_a_refusal_of_text_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        for caller, wanted in (("expired", 1), ("revoked", 1), ("viewer", 1), ("stranger", 0)):
            before = site.refusals()
            await site.ask(caller, "/api/v1/download", source="prod", hosts="prod-1")
            assert site.refusals() == before + wanted, caller


@pytest.mark.parametrize(
    "extra", [Route("/api/v1/raw", lambda _: None), WebSocketRoute("/api/v1/tail", lambda _: None)]
)
async def test_a_route_that_nobody_decided_on_fails(tmp_path: Path, extra: BaseRoute) -> None:
    async with running(tmp_path) as site:
        inner = site.app
        while not isinstance(inner, Starlette):
            inner = inner._app
        inner.router.routes.append(extra)
        assert site.routes() != STRANGERS_OWN | ROUTES.keys()
