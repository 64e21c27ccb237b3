"""Logging in and out: one form without scripts, and a cookie."""

from __future__ import annotations

from urllib.parse import parse_qs

from jinja2 import Template
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from aggregator import limits
from aggregator.access.logins import Logins
from aggregator.errors import TailonError, TooMany, Unauthorized
from aggregator.service import Aggregator

from .identity import COOKIE, session_of

_FIELDS = 10  # of a form that has three


class Login:
    """`/login` and `/logout`; they are there when users are configured. `root` is the page's path, with its slash."""

    def __init__(self, aggregator: Aggregator, template: Template, root: str) -> None:
        self._aggregator = aggregator
        self._template = template
        self._root = root

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/login", self.form, methods=["GET"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        self._logins()
        return self._page(self._next(request.query_params.get("next", "")))

    async def login(self, request: Request) -> Response:
        """Check the password; a new session each time, whatever was there before."""
        logins = self._logins()
        fields = await _fields(request)
        user, after = fields.get("username", ""), self._next(fields.get("next", ""))
        address = request.client.host if request.client else None
        try:
            identity = await logins.login(user, fields.get("password", ""), address)
        except (Unauthorized, TooMany) as error:
            words = "That name and password don't go together." if isinstance(error, Unauthorized) else _sentence(error)
            return self._page(after, user, words, error.status)
        if before := session_of(request):
            await logins.logout(before, address)
        response = RedirectResponse(after, 303)
        response.set_cookie(COOKIE, identity, path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def logout(self, request: Request) -> Response:
        logins = self._logins()
        if identity := session_of(request):
            await logins.logout(identity, request.client.host if request.client else None)
        response = RedirectResponse(f"{self._root}login", 303)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    def _logins(self) -> Logins:
        logins = self._aggregator.logins
        if logins is None:
            raise HTTPException(404)
        return logins

    def _next(self, asked: str) -> str:
        """Where to go after it: a path of ours, whatever was asked for; `//host` and `/\\host` are no paths."""
        plain = asked.isascii() and asked.isprintable() and "\\" not in asked and not asked.startswith("//")
        return asked if plain and asked.startswith(self._root) else self._root

    def _page(self, after: str, user: str = "", error: str = "", status: int = 200) -> Response:
        html = self._template.render(next=after, user=user[: limits.NAME_CHARACTERS], error=error)
        return HTMLResponse(html, status, {"Retry-After": f"{limits.LOGIN_WINDOW:.0f}"} if status == 429 else None)


async def _fields(request: Request) -> dict[str, str]:
    """A form's fields (application/x-www-form-urlencoded), the first of each. Raises HTTPException."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is sent as application/x-www-form-urlencoded")
    try:
        found = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise HTTPException(400, "this is not a form that could be read") from None
    return {name: values[0] for name, values in found.items()}


def _sentence(error: TailonError) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
