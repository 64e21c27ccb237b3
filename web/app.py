"""The application: the route table, and the guard around all of it."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Scope

from aggregator import __version__
from aggregator.errors import AuditUnavailable
from aggregator.service import Aggregator

from . import api, health, metrics, problem
from .authority import Authority
from .guard import Guard
from .identity import Identify, known_principal
from .live import Live
from .login import Login
from .pages import Pages

_RULE = "only its own hosts and origins"


def create_app(
    aggregator: Aggregator, authority: Authority, relative_root: str = "/", *, allow_download: bool = True
) -> ASGIApp:
    """Everything that is served, under `relative_root`, to the hosts and origins of `authority`."""

    def seen(connection: HTTPConnection) -> bool | Collection[str]:
        principal = known_principal(connection)
        return aggregator.sight(principal).hosts(aggregator.inventory) if principal else False

    live = WebSocketRoute("/ws", Live(aggregator).view)
    pages = Pages(relative_root=relative_root, version=__version__)
    routes = [
        *pages.routes,
        live,
        *api.routes(aggregator, allow_download=allow_download),
        *Login(aggregator, pages.login, pages.root).routes,
        *health.routes(aggregator),
        metrics.route(aggregator.metrics, seen),
    ]
    root = "/" + relative_root.strip("/")
    app = Starlette(
        routes=routes if root == "/" else [Mount(root, routes=routes)], exception_handlers=problem.handlers()
    )

    async def refused(scope: Scope, detail: str) -> None:
        address = scope["client"][0] if scope.get("client") else None
        try:
            await aggregator.door.refuse(None, detail, _RULE, command=scope["path"], via="web", address=address)
        except AuditUnavailable:
            return  # nothing was read; the refusal stands without its record

    identified = Identify(app, lambda: aggregator.identities, root, refused)
    counted = metrics.RequestCounter(identified, aggregator.metrics)
    return Guard(counted, authority, relative_root=root, on_refuse=refused, post=("/login", "/logout"))
