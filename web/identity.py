"""Who asks: found once for each request and socket, before any route, and kept in its scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.access.identity import Identities
from aggregator.errors import Unauthorized
from aggregator.model import Principal

from .problem import deny, of_error
from .scope import asks_for_text, is_health, route_of

COOKIE = "__Host-tailon-agg"  # Secure, of this host alone, for all of its paths (RFC 6265bis, 4.1.3)
OnRefuse = Callable[[Scope, str], Awaitable[None]]
"""Told of a token that is wrong or over: the scope, and a sentence."""

_KEY = "principal"
_PUBLIC = ("/login", "/logout", "/metrics")  # answered to strangers too, each with what they may know


class Identify:
    """ASGI middleware around `app`; `identities` gives those of the inventory as it is now, None without rules."""

    def __init__(
        self, app: ASGIApp, identities: Callable[[], Identities | None], relative_root: str, on_refuse: OnRefuse
    ) -> None:
        self._app = app
        self._identities = identities
        self._root = relative_root
        self._on_refuse = on_refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        route = route_of(scope["path"], self._root)
        if is_health(route):
            await self._app(scope, receive, send)
            return
        identities = self._identities()
        try:
            principal = _principal(scope, identities, "web" if route in ("/", "/ws") else "api")
        except Unauthorized as error:
            if asks_for_text(route):
                await self._on_refuse(scope, str(error))
            await deny(_unauthorized(error), scope, receive, send)
            return
        scope.setdefault("state", {})[_KEY] = principal
        if principal is None and route not in _PUBLIC and not route.startswith("/static/"):
            await deny(self._who(scope, route, users=bool(identities and identities.users)), scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _who(self, scope: Scope, route: str, *, users: bool) -> Response:
        """Strangers are sent to log in where they asked for the page, and told so elsewhere."""
        if users and route == "/" and scope["type"] == "http":
            asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            login = f"{self._root.rstrip('/')}/login?next={quote(asked, safe='')}"
            return RedirectResponse(login, 303)
        return _unauthorized(Unauthorized("log in, or send a token: Authorization: Bearer TOKEN"))


def principal_of(connection: HTTPConnection) -> Principal:
    """The principal of a request or socket. Raises Unauthorized for a stranger."""
    principal = known_principal(connection)
    if principal is None:
        raise Unauthorized("log in, or send a token: Authorization: Bearer TOKEN")
    return principal


def known_principal(connection: HTTPConnection) -> Principal | None:
    """The principal of a request or socket, None for a stranger."""
    found = connection.scope.get("state", {}).get(_KEY)
    return found if isinstance(found, Principal) else None


def session_of(connection: HTTPConnection) -> str | None:
    """The id of a session that a browser shows."""
    return _cookie(connection.headers)


def _principal(scope: Scope, identities: Identities | None, via: Literal["web", "api"]) -> Principal | None:
    """A token counts first, then a trusted proxy's word, then a session. Raises Unauthorized."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    address = client[0] if client else None
    if identities is None:
        return Principal("local", via, address)
    if (token := _token(headers)) is not None:
        return identities.by_token(token, via, address)
    proxy = identities.proxy
    if proxy is not None and identities.is_proxy(address, _single(headers, identities.secret_header)):
        user = _single(headers, proxy.user_header)
        if user is None:
            raise Unauthorized(f"the proxy sent no {proxy.user_header}, or several")
        groups = _single(headers, proxy.groups_header) or ""
        return identities.by_proxy(user, [group.strip() for group in groups.split(",") if group.strip()], via, address)
    session = _cookie(headers)
    return identities.by_session(session, via, address) if session else None


def _token(headers: Headers) -> str | None:
    """The text of a bearer token (RFC 6750, 2.1). Raises Unauthorized for several."""
    given = [value for value in headers.getlist("authorization") if value[:7].lower() == "bearer "]
    if len(given) > 1:
        raise Unauthorized("one token is enough")
    return given[0][7:].strip() if given else None


def _single(headers: Headers, name: str | None) -> str | None:
    """A header that must not stand there twice: whoever came first could have put one there."""
    values = headers.getlist(name) if name else []
    return values[0] if len(values) == 1 else None


def _cookie(headers: Headers) -> str | None:
    found = [value for line in headers.getlist("cookie") for key, value in cookie_parser(line).items() if key == COOKIE]
    return found[0] if len(found) == 1 else None


def _unauthorized(error: Unauthorized) -> Response:
    response = of_error(error)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
