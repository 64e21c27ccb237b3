"""What stands before every route: Host and Origin, methods, body size, and the headers on every answer.

Pure ASGI, so that sockets go through it too. It wraps the whole application, Starlette's own error answers included.

A page of ours without a login is open to any website through DNS rebinding unless the Host header is checked, and
no server checks a socket's Origin by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator import limits
from aggregator.errors import TailonError

from .authority import Authority
from .headers import with_headers
from .problem import deny, problem
from .scope import asks_for_text, is_health, route_of

log = logging.getLogger(__name__)

OnRefuse = Callable[[Scope, str], Awaitable[None]]
"""Told of a foreign Host or Origin that asked for log text: the scope, and a sentence."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that is no. `foreign` are those that the audit log hears of."""

    status: int
    detail: str
    rule: str | None = None
    foreign: bool = False
    allow: str | None = None
    closes: bool = False


class Guard:
    """ASGI middleware around `app`.

    `post` are the paths, without the relative root, that take POST; everything else is GET and HEAD only.
    """

    def __init__(
        self,
        app: ASGIApp,
        authority: Authority,
        *,
        relative_root: str = "/",
        on_refuse: OnRefuse | None = None,
        post: Collection[str] = (),
    ) -> None:
        self._app = app
        self._authority = authority
        self._root = "/" + relative_root.strip("/")
        self._on_refuse = on_refuse
        self._post = frozenset(post)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = with_headers(send)
        route = route_of(scope["path"], self._root)
        refusal = self._refusal(scope, route)
        if refusal is None:
            await self._app(scope, _capped(receive) if scope["type"] == "http" else receive, send)
            return
        if refusal.foreign and asks_for_text(route):
            await self._tell(scope, refusal.detail)
        await deny(_answer(refusal), scope, receive, send, refusal.detail)

    def _refusal(self, scope: Scope, route: str) -> _Refusal | None:
        headers = Headers(scope=scope)
        foreign = None if is_health(route) else self._foreign(scope, headers, route)
        if foreign or scope["type"] == "websocket":
            return foreign
        return self._method(scope["method"], route) or _body(headers)

    def _foreign(self, scope: Scope, headers: Headers, route: str) -> _Refusal | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        server = scope.get("server")
        if len(hosts) != 1:  # RFC 9112, 3.2
            return _Refusal(400, f"a request has one Host header, not {len(hosts)}", "host", foreign=True)
        if not self._authority.allows_host(hosts[0], server):
            return _foreign("host", "Host", hosts[0])
        if origins:
            allowed = len(origins) == 1 and self._authority.allows_origin(origins[0], server)
            return None if allowed or _is_own_form(scope, origins, headers) else _foreign("origin", "Origin", *origins)
        if _is_foreign_fetch(headers, route):
            return _Refusal(403, "another website asked for this; open it directly", "origin", foreign=True)
        return None

    def _method(self, method: str, route: str) -> _Refusal | None:
        allowed = ("GET", "HEAD", "POST") if route in self._post else ("GET", "HEAD")
        if method in allowed:
            return None
        allow = ", ".join(allowed)
        return _Refusal(405, f"{method} is not allowed here; use {allow}", allow=allow)

    async def _tell(self, scope: Scope, detail: str) -> None:
        if self._on_refuse is None:
            return
        try:
            await self._on_refuse(scope, detail)
        except TailonError as error:  # the refusal stands, recorded or not
            log.warning("a refusal could not be recorded (%s): %s", detail, error)


def _foreign(rule: str, name: str, *values: str) -> _Refusal:
    shown = ", ".join(values)[: limits.SHOWN_HEADER]
    detail = f"foreign {name} {shown}: not one of this server's; if it should be, name it with --public-url"
    return _Refusal(403, detail, rule, foreign=True)


def _is_own_form(scope: Scope, origins: list[str], headers: Headers) -> bool:
    """Our own form: under `Referrer-Policy: no-referrer` browsers send it as `Origin: null` (Fetch, 3.2).

    No page can make up Sec-Fetch-Site, and from a sandboxed frame it is `cross-site`.
    """
    own = origins == ["null"] and headers.getlist("sec-fetch-site") == ["same-origin"]
    return own and scope["type"] == "http" and scope["method"] == "POST"


def _is_foreign_fetch(headers: Headers, route: str) -> bool:
    """Whether another site embeds or fetches (Fetch Metadata); links to our page are welcome. Not those to log text: a
    site that opens one would have it written down as if its visitor had asked for it."""
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return not opened or asks_for_text(route)


def _body(headers: Headers) -> _Refusal | None:
    if "content-length" in headers and "transfer-encoding" in headers:  # request smuggling (RFC 9112, 6.1)
        return _Refusal(400, "a request has Content-Length or Transfer-Encoding, not both", closes=True)
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) <= limits.REQUEST_BODY_BYTES:
        return None
    return _Refusal(413, f"a request's body has at most {limits.REQUEST_BODY_BYTES} bytes")


def _capped(receive: Receive) -> Receive:
    """`receive` for bodies without a length: raises 413 for the application to answer."""
    received = 0

    async def capped() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limits.REQUEST_BODY_BYTES:
            raise HTTPException(413, f"a request's body has at most {limits.REQUEST_BODY_BYTES} bytes")
        return message

    return capped


def _answer(refusal: _Refusal) -> Response:
    members = {"rule": refusal.rule} if refusal.rule else {}
    headers = {"Allow": refusal.allow} if refusal.allow else {}
    if refusal.closes:
        headers["Connection"] = "close"
    return problem(refusal.status, refusal.detail, headers=headers, **members)
