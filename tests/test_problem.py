"""Errors as problems: one shape for requests and for sockets that are not accepted yet."""

import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute

from aggregator.errors import (
    AuditUnavailable,
    ConfigError,
    Denied,
    Fault,
    Gone,
    HostError,
    TailonError,
    TooMany,
    UsageError,
)
from web.problem import handlers

FAULTS = UsageError([Fault("grep", "missing closing ]: [a", 4), Fault("hosts", "unknown host web-9")])


def application(error: Exception) -> Starlette:
    async def page(request):
        raise error

    async def ws(websocket):
        raise error

    return Starlette(routes=[Route("/", page), WebSocketRoute("/ws", ws)], exception_handlers=handlers())


async def answer(error: Exception, path: str = "/", method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(application(error), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("error", "status", "members"),
    [
        (
            FAULTS,
            400,
            {
                "title": "bad request",
                "detail": "grep: missing closing ]: [a (column 4); hosts: unknown host web-9",
                "errors": [
                    {"parameter": "grep", "detail": "missing closing ]: [a", "column": 4},
                    {"parameter": "hosts", "detail": "unknown host web-9"},
                ],
            },
        ),
        (Denied("dev may not search", "roles.dev"), 403, {"title": "denied", "rule": "roles.dev"}),
        (Gone("that line is no longer there"), 410, {"detail": "that line is no longer there"}),
        (TooMany("500 viewers are the most"), 429, {"title": "too many"}),
        (HostError("refused", "web-1: connection refused", "start sshd"), 502, {"title": "host unavailable"}),
        (AuditUnavailable("the audit log can't be written"), 503, {"title": "audit log unavailable"}),
        (HTTPException(401, "no identity", {"WWW-Authenticate": "Bearer"}), 401, {"title": "Unauthorized"}),
    ],
)
async def test_error_becomes_a_problem(error, status, members):
    response = await answer(error)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem = response.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert {name: problem[name] for name in members} == members
    assert set(problem) - {"errors", "rule"} == {"type", "title", "status", "detail"}


async def test_headers_of_an_error_are_kept():
    assert (await answer(HTTPException(401, "no", {"WWW-Authenticate": "Bearer"}))).headers["www-authenticate"]
    assert (await answer(AuditUnavailable("full"))).headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "error", [ConfigError("/etc/secret.yaml:1:2: wrong"), TailonError("/srv/x broke"), KeyError("x")]
)
async def test_what_is_not_the_clients_business_is_logged_not_told(error, caplog):
    response = await answer(error)
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert str(error) not in response.text
    reference = response.json()["detail"].split()[-1]
    assert reference in caplog.text
    assert str(error) in caplog.text


async def test_unknown_path_and_wrong_method_are_problems_too():
    unknown = await answer(FAULTS, "/nowhere/<script>")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "there is nothing at this path")
    wrong = await answer(FAULTS, method="DELETE")
    assert (wrong.status_code, wrong.json()["detail"]) == (405, "DELETE is not allowed here; use GET, HEAD")


async def test_detail_with_bytes_that_are_no_utf_8_is_still_json():
    response = await answer(Denied("no entry to /logs/\udc80", "r"))
    assert json.loads(response.content)["detail"] == "no entry to /logs/\udc80"


async def test_no_body_where_http_allows_none():
    assert (await answer(HTTPException(304))).content == b""


async def handshake(error: Exception, extensions: dict[str, object]) -> list[dict]:
    """The messages that a server gets for a socket whose route fails before it accepts."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "extensions": extensions}
    await application(error)(scope, receive, send)
    return sent


async def test_socket_is_denied_with_the_problem():
    start, body = await handshake(FAULTS, {"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 400)
    assert json.loads(body["body"])["errors"][0]["parameter"] == "grep"


@pytest.mark.parametrize(("error", "code"), [(FAULTS, 1008), (AuditUnavailable("full"), 1013)])
async def test_socket_is_closed_where_the_server_knows_no_denial(error, code):
    (closed,) = await handshake(error, {})
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
