"""The web's guard, in front of a real application on real sockets."""

import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from aggregator import limits
from aggregator.errors import AuditUnavailable
from web import health
from web.authority import Authority
from web.guard import Guard
from web.headers import CONTENT_SECURITY_POLICY, HEADERS
from web.problem import handlers

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Fine:
    def ready(self):
        return [("audit", True, "")]

    def host_states(self):
        return {"live": 1}


async def page(request):
    return PlainTextResponse("log text", headers={"X-Frame-Options": "ALLOWALL", "Referrer-Policy": "unsafe-url"})


async def static(request):
    return PlainTextResponse("body {}", headers={"Cache-Control": "public, max-age=31536000"})


async def length(request):
    return PlainTextResponse(str(len(await request.body())))


async def stream(request):
    async def lines():
        yield b"one\n"
        yield b"two\n"

    return StreamingResponse(lines())


async def bug(request):
    raise RuntimeError("secret of the house")


async def ws(websocket):
    await websocket.accept()
    await websocket.send_text("log text")
    await websocket.close()


ROUTES = [
    Route("/", page),
    Route("/bug", bug),
    Route("/login", length, methods=["GET", "POST"]),
    Route("/metrics", page),
    Route("/static/view.css", static),
    Route("/api/v1/stream", stream),
    WebSocketRoute("/ws", ws),
    *health.routes(Fine()),
]


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self):  # pytest keeps its own
        yield


@dataclass
class Site:
    """A running server: its address, and what its guard reported."""

    port: int
    client: httpx.AsyncClient
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, headers=names)


@asynccontextmanager
async def serving(bind: str = "127.0.0.1", root: str = "/", public_urls: tuple[str, ...] = (), broken: bool = False):
    # With the protocol named: asyncio sets TCP_NODELAY only then, and each answer takes 40 ms without.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind((bind, 0))
    port = sock.getsockname()[1]
    site = Site(port, httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}"))

    async def on_refuse(scope: Any, detail: str) -> None:
        site.refused.append((scope["path"], detail))
        if broken:
            raise AuditUnavailable("the audit log is full")

    routes = ROUTES if root == "/" else [Mount(root, routes=ROUTES)]
    app = Guard(
        Starlette(routes=routes, exception_handlers=handlers()),
        Authority.of([f"{bind}:{site.port}"], public_urls),
        relative_root=root,
        on_refuse=on_refuse,
        post={"/login"},
    )
    server = Server(uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[sock]))
        try:
            async with site.client:
                yield site
        finally:
            server.should_exit = True


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def one_site():
    async with serving(public_urls=("https://logs.example.org/tail",)) as running:
        yield running


@pytest.fixture
def site(one_site):
    one_site.refused.clear()
    return one_site


async def test_own_names_are_let_in(site):
    for host in (site.host, f"localhost:{site.port}", f"LOCALHOST:{site.port}", f"[::1]:{site.port}"):
        assert (await site.get("/", Host=host)).text == "log text"
    for host in ("logs.example.org", "logs.example.org:443"):
        assert (await site.get("/", Host=host)).status_code == 200


FOREIGN = ["evil.example", "127.0.0.1", "localhost", "localhost.evil.example:{port}", "127.0.0.1:1", "[::1]", "",
           "127.0.0.2:{port}", "logs.example.org:{port}", "logs.example.org.", "0.0.0.0:{port}"]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
async def test_foreign_host_gets_nothing_but_health(site, host):
    host = host.format(port=site.port)
    for path in ("/", "/static/view.css", "/api/v1/stream", "/metrics", "/nowhere"):
        response = await site.get(path, Host=host)
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"
        assert (response.json()["rule"], response.json()["status"]) == ("host", 403)
        assert "log text" not in response.text
    for path in ("/livez", "/readyz", "/healthz", "/health"):
        assert (await site.get(path, Host=host)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:1", "file://",
     "http://logs.example.org", "https://logs.example.org.evil.example", "https://logs.example.org/"],
)  # fmt: skip
async def test_foreign_origin_gets_nothing_but_health(site, origin):
    origin = origin.format(port=site.port)
    for path in ("/", "/api/v1/stream", "/metrics"):
        response = await site.get(path, Origin=origin)
        assert (response.status_code, response.json()["rule"]) == (403, "origin")
        assert "access-control-allow-origin" not in response.headers
    assert (await site.get("/health", Origin=origin)).status_code == 200


async def test_own_origins_are_let_in(site):
    for origin in (f"http://{site.host}", f"http://localhost:{site.port}", "https://logs.example.org"):
        assert (await site.get("/api/v1/stream", Origin=origin)).text == "one\ntwo\n"


@pytest.mark.parametrize(
    ("fetch_site", "mode", "dest", "status"),
    [
        ("same-origin", "cors", "empty", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "document", 200),  # a permalink in a wiki
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "no-cors", "script", 403),
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "no-cors", "empty", 403),  # another port of this machine
    ],
)
async def test_other_sites_may_link_but_not_embed_or_fetch(site, fetch_site, mode, dest, status):
    response = await site.get("/", Sec_Fetch_Site=fetch_site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=dest)
    assert response.status_code == status


@pytest.mark.parametrize(("fetch_site", "status"), [("same-origin", 200), ("none", 200), ("cross-site", 403)])
async def test_other_sites_may_not_make_a_visitor_ask_for_text(site, fetch_site, status):
    fetched = {"Sec_Fetch_Site": fetch_site, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert (await site.get("/api/v1/stream", **fetched)).status_code == status
    assert len(site.refused) == (status == 403)


async def test_only_refusals_of_log_text_are_reported(site):
    for path in ("/", "/metrics", "/ws", "/api/v1/stream", "/api/v1/nowhere", "/api/v10", "/health"):
        await site.get(path, Host="evil.example")
    assert [path for path, _ in site.refused] == ["/ws", "/api/v1/stream", "/api/v1/nowhere"]
    assert site.refused[0][1].startswith("foreign Host evil.example: ")
    await site.get("/api/v1/stream", Origin="http://evil.example")
    assert site.refused[-1][1].startswith("foreign Origin http://evil.example: ")
    await site.get("/api/v1/stream", Host="x" * 5000)
    assert len(site.refused[-1][1]) < limits.SHOWN_HEADER + 100


async def test_refusal_stands_when_it_can_not_be_recorded():
    async with serving(broken=True) as site:
        assert (await site.get("/api/v1/stream", Host="evil.example")).status_code == 403
        assert len(site.refused) == 1


async def handshake(site: Site, **headers: str) -> str:
    host = headers.pop("Host", site.host)
    async with websockets.connect(
        f"ws://{host}/ws", additional_headers=headers, host="127.0.0.1", port=site.port, proxy=None
    ) as socket_:
        return str(await socket_.recv())


async def test_socket_of_our_own_page_opens(site):
    assert await handshake(site) == "log text"
    assert await handshake(site, Origin=f"http://{site.host}") == "log text"
    assert await handshake(site, Host="logs.example.org", Origin="https://logs.example.org") == "log text"


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ({"Origin": "http://evil.example"}, "origin"),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, "origin"),
        ({"Host": "evil.example"}, "host"),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, "host"),  # DNS rebinding
    ],
)
async def test_foreign_socket_is_refused_before_it_is_accepted(site, headers, rule):
    with pytest.raises(websockets.InvalidStatus) as error:
        await handshake(site, **headers)
    response = error.value.response
    assert response.status_code == 403
    assert json.loads(response.body)["rule"] == rule
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert [path for path, _ in site.refused] == ["/ws"]


async def test_server_without_denial_responses_closes_the_socket():
    app = Guard(Starlette(routes=ROUTES), Authority.of(["127.0.0.1:8080"]))
    scope = {"type": "websocket", "path": "/ws", "headers": [(b"host", b"evil.example")], "extensions": {}}
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1:8080", "127.0.0.1:8080"], ["127.0.0.1:8080", "evil.example"]])
async def test_request_without_exactly_one_host_is_refused(hosts):
    app = Guard(Starlette(routes=ROUTES), Authority.of(["127.0.0.1:8080"]))
    headers = [(b"host", host.encode()) for host in hosts]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_http_1_0_without_host_is_refused_on_the_wire(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    await writer.wait_closed()


async def test_every_answer_carries_the_headers(site):
    for path, method in (("/", "GET"), ("/nowhere", "GET"), ("/", "PUT"), ("/health", "GET"), ("/bug", "GET")):
        response = await site.get(path, method)
        for name, value in HEADERS.items():
            assert response.headers.get_list(name) == [value], (path, name)
        assert response.headers["cache-control"] == "no-store"
    assert (await site.get("/", Host="evil.example")).headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert not re.search(r"unsafe|https?:|\*", CONTENT_SECURITY_POLICY)


async def test_route_may_say_how_long_it_is_cached(site):
    assert (await site.get("/static/view.css")).headers.get_list("cache-control") == ["public, max-age=31536000"]


async def test_bug_tells_the_client_nothing_but_a_reference(site, caplog):
    response = await site.get("/bug")
    assert response.status_code == 500
    assert "secret" not in response.text
    (reference,) = re.findall(r"reference ([0-9a-f]{8})$", response.json()["detail"])
    assert reference in caplog.text
    assert "secret of the house" in caplog.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
async def test_other_methods_are_refused(site, method):
    response = await site.get("/", method)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert response.json()["detail"] == f"{method} is not allowed here; use GET, HEAD"
    assert (await site.get("/nowhere", "HEAD")).status_code == 404


async def test_body_over_the_cap_is_refused_with_and_without_a_length(site):
    async def pieces():
        for _ in range(limits.REQUEST_BODY_BYTES // 1000 + 1):
            yield b"x" * 1000

    fits = await site.client.post("/login", content=b"x" * limits.REQUEST_BODY_BYTES)
    declared = await site.client.post("/login", content=b"x" * (limits.REQUEST_BODY_BYTES + 1))
    chunked = await site.client.post("/login", content=pieces())
    assert fits.text == str(limits.REQUEST_BODY_BYTES)
    for response in (declared, chunked):
        assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")


async def test_own_form_without_a_referrer_is_let_in_only_as_such(site):
    own = {"Origin": "null", "Sec_Fetch_Site": "same-origin"}
    assert (await site.get("/login", "POST", **own)).status_code == 200
    assert (await site.get("/login", "POST", Origin="null")).status_code == 403
    assert (await site.get("/login", "POST", Origin="null", Sec_Fetch_Site="cross-site")).status_code == 403
    assert (await site.get("/login", "GET", **own)).status_code == 403


async def test_relative_root_is_cut_on_whole_segments():
    async with serving(root="/logs") as site:
        assert (await site.get("/logs/health", Host="evil.example")).status_code == 200
        assert (await site.get("/logs/login", "POST")).status_code == 200
        for path in ("/logs/ws", "/logs/api/v1/stream", "/logsx/api/v1/stream", "/logsx/health"):
            assert (await site.get(path, Host="evil.example")).status_code == 403
        assert [path for path, _ in site.refused] == ["/logs/ws", "/logs/api/v1/stream"]


async def test_bind_to_all_addresses_takes_the_one_that_was_connected_to():
    async with serving(bind="0.0.0.0") as site:
        assert (await site.get("/", Host=site.host)).status_code == 200
        assert (await site.get("/", Origin=f"http://{site.host}")).status_code == 200
        assert (await site.get("/", Host=f"10.9.8.7:{site.port}")).status_code == 403
