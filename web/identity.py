"""Who asks. Without an `access:` section there is one principal, `local`, and only loopback is served."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from aggregator.model import Principal


def principal_of(connection: HTTPConnection) -> Principal:
    """The principal of a request or socket."""
    via = "web" if connection.scope["type"] == "websocket" else "api"
    address = connection.client.host if connection.client else None
    return Principal("local", "web" if via == "web" else "api", address)
