"""Errors as `application/problem+json` (RFC 9457): one shape, which tells a stranger nothing."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ExceptionHandler, Receive, Scope, Send
from starlette.websockets import WebSocket

from aggregator.errors import AuditUnavailable, Denied, Fault, TailonError, UsageError

log = logging.getLogger(__name__)

_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
_TRY_AGAIN_LATER = 1013


def problem(
    status: int, detail: str, *, title: str | None = None, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """A problem response; `members` are RFC 9457's extension members. Without `title`: the status' own phrase."""
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return Response(json.dumps(body), status, headers, "application/problem+json")


def of_error(error: TailonError) -> Response:
    """The problem of one of our own errors. Those that are not the client's business are logged, not told."""
    if error.status == 500:
        return unexpected(error)
    members: dict[str, object] = {}
    if isinstance(error, UsageError):
        members["errors"] = [_fault(fault) for fault in error.faults]
    if isinstance(error, Denied):
        members["rule"] = error.rule
    headers = {"Retry-After": "1"} if isinstance(error, AuditUnavailable) else None
    return problem(error.status, str(error), title=error.title, headers=headers, **members)


def unexpected(error: Exception) -> Response:
    """The problem of a bug: the client gets a reference, the log gets the rest under it."""
    reference = secrets.token_hex(4)
    log.error("unexpected error, reference %s", reference, exc_info=error)
    return problem(500, f"something unexpected happened; the server's own log has it under reference {reference}")


def handlers() -> dict[type[Exception] | int, ExceptionHandler]:
    """Starlette's `exception_handlers`, for requests and, before they are accepted, sockets."""
    ours = {TailonError: _on_tailon_error, HTTPException: _on_http_exception, Exception: _on_exception}
    return cast(dict[type[Exception] | int, ExceptionHandler], ours)  # its type wants one kind of connection only


async def _on_tailon_error(connection: HTTPConnection, error: Exception) -> Response | None:
    assert isinstance(error, TailonError)  # noqa: S101 - Starlette looks handlers up by type
    return await _answer(connection, of_error(error))


async def _on_http_exception(connection: HTTPConnection, error: Exception) -> Response | None:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette looks handlers up by type
    return await _answer(connection, _of_http(connection, error))


async def _on_exception(connection: HTTPConnection, error: Exception) -> Response | None:
    return await _answer(connection, unexpected(error))


def _of_http(connection: HTTPConnection, error: HTTPException) -> Response:
    if error.status_code in (204, 304):  # no body is allowed there
        return Response(status_code=error.status_code, headers=error.headers)
    detail = error.detail
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "there is nothing at this path"
    elif error.status_code == 405:
        allowed = sorted((error.headers or {}).get("Allow", "another method").split(", "))
        detail = f"{connection.scope['method']} is not allowed here; use {', '.join(allowed)}"
    return problem(error.status_code, detail, headers=error.headers)


async def deny(response: Response, scope: Scope, receive: Receive, send: Send, reason: str = "denied") -> None:
    """Answer a request, or a socket that is not accepted yet, with a response; for middleware."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason[:100]})
            return
    await response(scope, receive, send)


async def _answer(connection: HTTPConnection, response: Response) -> Response | None:
    """The response of a request; a socket that is not accepted yet is denied with it."""
    if not isinstance(connection, WebSocket):
        return response
    if "websocket.http.response" in connection.scope.get("extensions", {}):
        await connection.send_denial_response(response)
    else:
        await connection.close(_TRY_AGAIN_LATER if response.status_code == 503 else _POLICY_VIOLATION)
    return None


def _fault(fault: Fault) -> dict[str, object]:
    member: dict[str, object] = {"parameter": fault.parameter, "detail": fault.detail}
    if fault.column is not None:
        member["column"] = fault.column
    return member
